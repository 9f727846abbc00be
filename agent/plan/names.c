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

static bool is_former(const struct verdict *verdict, const struct reference *name)
{
	return !verdict->reference || !reference_equal(verdict->reference, name);
}

size_t former_names(const struct planner *planner, const struct verdict *verdict,
		    const struct reference **ret)
{
	const struct image *image = verdict->image;
	const struct strings *const lists[] = { &image->memory.names, &image->history };
	size_t most = image->memory.names.n + image->history.n + image->n_digests + 1, n = 0;
	struct reference *names = arena_array(planner->arena, most, sizeof(*names));

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; i < lists[k]->n; i++)
			n += reference_parse(planner->arena, lists[k]->v[i], &names[n]) &&
			     is_former(verdict, &names[n]);
	for (size_t i = 0; i < image->n_digests; i++)
		names[n++] = image->digests[i];
	*ret = names;
	return n;
}

static void add_former(const struct planner *planner, const struct verdict *verdict,
		       struct values *values,
		       void (*add_one)(struct values *, const struct reference *))
{
	const struct reference *names;
	size_t n = former_names(planner, verdict, &names);

	for (size_t i = 0; i < n; i++)
		add_one(values, &names[i]);
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
		if (!verdict->preserved)
			break;
		add(values, UNTAGGED_NAME);
		add_former(planner, verdict, values, add_reference);
		break;
	case KIND_IMAGE:
		add(values, UNTAGGED_NAME);
		add_former(planner, verdict, values, add_reference);
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
	if (verdict->kind == KIND_IMAGE || verdict->preserved)
		add_former(planner, verdict, values, add_repository);
	if (verdict->kind == KIND_TAG && values->n == 0)
		add_repository(values, verdict->reference);
}

const char *name_of(const struct verdict *verdict)
{
	const char *name = verdict_name(verdict);

	return name ? name : UNTAGGED_NAME;
}
