#pragma once

#include "model/snapshot.h"

/* The service that a container is an instance of: "PROJECT/SERVICE" of Compose
 * (com.docker.compose.project and .service), else the systemd unit that Podman notes
 * (PODMAN_SYSTEMD_UNIT), else NULL. Lies in the arena or in the labels. */
const char *service_of(struct arena *arena, const struct labels *labels);
