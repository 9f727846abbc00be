#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

static void add(struct values *values, const char *value)
{
	for (size_t i = 0; i < values->n; i++)
		if (strcmp(values->v[i], value) == 0)
			return;
	values->v = mem_grow(values->v, values->n, sizeof(*values->v));
	values->v[values->n++] = value;
}

void values_clear(struct values *values)
{
	free(values->v);
	*values = (struct values){ 0 };
}

static void add_reference(struct values *values, const struct reference *reference)
{
	add(values, reference->short_name);
	add(values, reference->full);
	add(values, reference->familiar);
	add(values, reference->repository);
}

static void add_repository(struct values *values, const struct reference *reference)
{
	add(values, reference->familiar);
}

static void add_former(const struct planner *planner, const struct strings *names,
		       struct values *values,
		       void (*add_one)(struct values *, const struct reference *))
{
	struct reference reference;

	for (size_t i = 0; i < names->n; i++)
		if (reference_parse(planner->arena, names->v[i], &reference))
			add_one(values, &reference);
}

static void add_all_former(const struct planner *planner, const struct image *image,
			   struct values *values,
			   void (*add_one)(struct values *, const struct reference *))
{
	add_former(planner, &image->memory.names, values, add_one);
	add_former(planner, &image->history, values, add_one);
	for (size_t i = 0; i < image->n_digests; i++)
		add_one(values, &image->digests[i]);
}

void names_of(const struct planner *planner, const struct verdict *verdict,
	      struct values *values)
{
	switch (verdict->kind) {
	case KIND_CONTAINER:
		for (size_t i = 0; i < verdict->container->names.n; i++)
			add(values, verdict->container->names.v[i]);
		break;
	case KIND_TAG:
		add_reference(values, verdict->reference);
		break;
	case KIND_IMAGE:
		add(values, "<none>");
		add_all_former(planner, verdict->image, values, add_reference);
		break;
	case KIND_VOLUME:
		add(values, verdict->volume->name);
		break;
	case KIND_NETWORK:
		if (verdict->network->name)
			add(values, verdict->network->name);
		break;
	case KIND_BUILD_CACHE:
		if (verdict->cache->type)
			add(values, verdict->cache->type);
		if (verdict->cache->description)
			add(values, verdict->cache->description);
		break;
	case KIND_MAX_:
		break;
	}
}

void repositories_of(const struct planner *planner, const struct verdict *verdict,
		     struct values *values)
{
	if (verdict->kind == KIND_TAG)
		add_repository(values, verdict->reference);
	else
		add_all_former(planner, verdict->image, values, add_repository);
}

const char *name_of(const struct verdict *verdict)
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
	return "<none>";
}
