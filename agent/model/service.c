#include "model/service.h"

const char *service_of(struct arena *arena, const struct labels *labels)
{
	const char *project = labels_get_known(labels, LABEL_COMPOSE_PROJECT);
	const char *service = labels_get_known(labels, LABEL_COMPOSE_SERVICE);

	if (project && service)
		return arena_printf(arena, "%s/%s", project, service);
	return labels_get_known(labels, LABEL_PODMAN_UNIT);
}
