#include "model/label.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* compose-spec; podman-systemd.unit(5); swarmkit's constants. */
static const char *const known[] = {
	[LABEL_COMPOSE_PROJECT] = "com.docker.compose.project",
	[LABEL_COMPOSE_SERVICE] = "com.docker.compose.service",
	[LABEL_PODMAN_UNIT] = "PODMAN_SYSTEMD_UNIT",
	[LABEL_SWARM_TASK] = "com.docker.swarm.task.id",
	[LABEL_SWARM_SERVICE] = "com.docker.swarm.service.name",
};
static_assert(ARRAY_SIZE(known) == LABEL_MAX_, "a key per label");

static int compare_keys(const void *a, const void *b)
{
	const struct label *left = a, *right = b;

	return strcmp(left->key, right->key);
}

const char *labels_get(const struct labels *labels, const char *key)
{
	const struct label wanted = { .key = key };
	const struct label *label = labels->n > 0 ? bsearch(&wanted, labels->v, labels->n,
							    sizeof(*labels->v), compare_keys)
						  : NULL;

	return label ? label->value : NULL;
}

const char *labels_get_known(const struct labels *labels, enum known_label label)
{
	return labels_get(labels, known[label]);
}

bool label_is_known(const char *key)
{
	for (size_t i = 0; i < LABEL_MAX_; i++)
		if (strcmp(key, known[i]) == 0)
			return true;
	return false;
}
