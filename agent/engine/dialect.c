#include "engine/dialect.h"

#include <string.h>

/* A refusal that is no failure: what the engine answers, and what it means. */
struct refusal {
	long status;
	const char *words; /* somewhere in the message */
	enum outcome outcome;
};

static const struct refusal docker_refusals[] = {
	{ 409, "is already in progress", OUTCOME_CHANGED },
	{ 409, "", OUTCOME_IN_USE },
	{ 403, "has active endpoints", OUTCOME_IN_USE },
};

/* libpod/define/errors.go, containers/storage's errors.go, common/libimage's image.go. Before
 * 5.0 most of them are plain server errors. */
static const struct refusal podman_refusals[] = {
	{ 409, "", OUTCOME_IN_USE },
	{ 500, "container state improper", OUTCOME_IN_USE },
	{ 500, "as it is running", OUTCOME_IN_USE },
	{ 500, "as it is paused", OUTCOME_IN_USE },
	{ 500, "has dependent containers", OUTCOME_IN_USE },
	{ 500, "without removing the pod", OUTCOME_IN_USE },
	{ 500, "is in use", OUTCOME_IN_USE },
	{ 500, "is being used", OUTCOME_IN_USE },
	{ 500, "image used by", OUTCOME_IN_USE },
	{ 500, "has children", OUTCOME_IN_USE },
	{ 500, "please force", OUTCOME_IN_USE },
	{ 500, "must be forced", OUTCOME_IN_USE },
	{ 500, "no such container", OUTCOME_GONE },
	{ 500, "no such volume", OUTCOME_GONE },
	{ 500, "network not found", OUTCOME_GONE },
	{ 500, "image not known", OUTCOME_GONE },
};

const struct dialect dialect_docker = {
	.name = "Docker",
	.build_cache = true,
	.sums_layers = true,
	.volume_use = true,
	.retries = true,
	.swarm = true,
	.refusals = docker_refusals,
	.n_refusals = ARRAY_SIZE(docker_refusals),
};

const struct dialect dialect_podman = {
	.name = "Podman",
	.libpod = true,
	.quadlet = true,
	.refusals = podman_refusals,
	.n_refusals = ARRAY_SIZE(podman_refusals),
};

enum outcome dialect_outcome(const struct dialect *dialect, long status, const char *message)
{
	if (status >= 200 && status < 300)
		return OUTCOME_REMOVED;
	if (status == 404)
		return OUTCOME_GONE;
	for (size_t i = 0; i < dialect->n_refusals; i++)
		if (dialect->refusals[i].status == status &&
		    strstr(message, dialect->refusals[i].words))
			return dialect->refusals[i].outcome;
	return OUTCOME_FAILED;
}
