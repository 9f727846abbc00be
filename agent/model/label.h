#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What users and tools write onto an object. */

struct label { /* the key comes first */
	const char *key, *value;
};

struct labels {
	struct label *v; /* sorted by key */
	size_t n;
};

/* The labels that reclaimd goes by itself, whatever rules ask for. */
enum known_label {
	LABEL_COMPOSE_PROJECT,
	LABEL_COMPOSE_SERVICE,
	LABEL_PODMAN_UNIT, /* the systemd unit that a container is of */
	LABEL_SWARM_TASK,
	LABEL_SWARM_SERVICE,
	LABEL_MAX_,
};

/* The value, or NULL. */
const char *labels_get(const struct labels *labels, const char *key);
const char *labels_get_known(const struct labels *labels, enum known_label label);

/* Whether a key is one of those. */
bool label_is_known(const char *key);

/* Says which labels are worth their memory: a host has hundreds of thousands of them, and
 * nobody asks for most. */
struct label_filter {
	bool (*wants)(const void *data, const char *key);
	const void *data;
};
