#include "plan/planner.h"

const char *verdict_id(const struct verdict *verdict)
{
	switch (verdict->kind) {
	case KIND_CONTAINER:
		return verdict->container->id;
	case KIND_IMAGE:
	case KIND_TAG:
		return verdict->image->id;
	case KIND_VOLUME:
		return verdict->volume->name;
	case KIND_NETWORK:
		return verdict->network->id;
	case KIND_BUILD_CACHE:
		return verdict->cache->id;
	case KIND_MAX_:
		break;
	}
	return "";
}

const char *verdict_name(const struct verdict *verdict)
{
	switch (verdict->kind) {
	case KIND_CONTAINER:
		return container_name(verdict->container);
	case KIND_TAG:
		return verdict->reference->short_name;
	case KIND_VOLUME:
		return verdict->volume->name;
	case KIND_NETWORK:
		return verdict->network->name ? verdict->network->name : verdict->network->id;
	case KIND_BUILD_CACHE:
		return verdict->cache->id;
	case KIND_IMAGE:
	case KIND_MAX_:
		break;
	}
	return NULL;
}

const struct labels *labels_of(const struct verdict *verdict)
{
	switch (verdict->kind) {
	case KIND_CONTAINER:
		return &verdict->container->labels;
	case KIND_IMAGE:
	case KIND_TAG:
		return &verdict->image->labels;
	case KIND_VOLUME:
		return &verdict->volume->labels;
	case KIND_NETWORK:
		return &verdict->network->labels;
	case KIND_BUILD_CACHE:
	case KIND_MAX_:
		break;
	}
	return NULL;
}

const void *object_of(const struct verdict *verdict)
{
	/* A member of one union whatever the kind; the references of one image share it. */
	return verdict->container;
}

int64_t created_of(const struct verdict *verdict)
{
	switch (verdict->kind) {
	case KIND_CONTAINER:
		return verdict->container->created;
	case KIND_IMAGE:
	case KIND_TAG:
		return verdict->image->created;
	case KIND_VOLUME:
		return verdict->volume->created;
	case KIND_NETWORK:
		return verdict->network->created;
	case KIND_BUILD_CACHE:
		return verdict->cache->created;
	case KIND_MAX_:
		break;
	}
	return TIME_UNKNOWN;
}
