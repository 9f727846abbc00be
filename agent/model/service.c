#include "model/service.h"

const char *service_of(struct arena *arena, const struct labels *labels)
{
	const char *project = labels_get(labels, "com.docker.compose.project");
	const char *service = labels_get(labels, "com.docker.compose.service");

	if (project && service)
		return arena_printf(arena, "%s/%s", project, service);
	return labels_get(labels, "PODMAN_SYSTEMD_UNIT");
}
