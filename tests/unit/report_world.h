#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

/* A plan with its verdicts, built by hand: what the tests of report/ render. */

#define NOW ((int64_t)1790000000)
#define MINUTE ((int64_t)60)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define DIGITS "2f3a4b5c6d7e8f902f3a4b5c6d7e8f902f3a4b5c6d7e8f902f3a4b5c6d7e8f90"
#define IMAGE_ID "sha256:" DIGITS

struct world {
	struct arena *arena;
	struct snapshot *snapshot;
	struct plan plan;
	struct result result;
	struct report report;
	struct rule rule, image_rule;
};

static inline struct world *world_new(void)
{
	struct world *world = mem_zalloc(1, sizeof(*world));
	struct arena *arena = arena_new();

	world->arena = arena;
	world->snapshot = snapshot_new();
	world->snapshot->remembers = true;
	world->snapshot->engine = (struct engine_info){
		.name = "Docker",
		.version = "20.10.24",
		.api = "1.41",
		.socket = "/run/docker.sock",
	};
	world->rule = (struct rule){ .kind = KIND_CONTAINER,
				     .name = "exited",
				     .section = { "/etc/reclaimd/policies.d/exited.ini", 4 },
				     .keep_last = 5 };
	world->image_rule = (struct rule){ .kind = KIND_IMAGE,
					   .name = "dangling",
					   .section = { "/etc/dangling.ini", 9 } };
	world->plan = (struct plan){ .snapshot = world->snapshot, .now = NOW };
	world->plan.verdicts = arena_array(arena, 8192, sizeof(struct verdict));
	world->plan.removals = arena_array(arena, 8192, sizeof(size_t));
	world->plan.tags = arena_array(arena, 8192, sizeof(size_t));
	world->report.plan = &world->plan;
	return world;
}

static inline void world_free(struct world *world)
{
	if (!world)
		return;
	snapshot_free(world->snapshot);
	arena_free(world->arena);
	free(world);
}
DEFINE_CLEANUP(struct world *, world_free, world_free)

static inline struct verdict *world_add(struct world *world, enum kind kind)
{
	struct plan *plan = &world->plan;
	struct verdict *verdict = &plan->verdicts[plan->n++];

	verdict->kind = kind;
	verdict->goes_at = verdict->age.at = TIME_UNKNOWN;
	verdict->bytes = -1;
	verdict->reason = REASON_NO_RULE;
	return verdict;
}

static inline struct verdict *world_container(struct world *world, const char *name)
{
	struct container *container = arena_alloc(world->arena, sizeof(*container));
	struct verdict *verdict = world_add(world, KIND_CONTAINER);

	container->id = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
	if (name) {
		container->names.v = arena_array(world->arena, 1, sizeof(char *));
		container->names.v[container->names.n++] = name;
	}
	container->state_name = "running";
	container->memory.first_seen = TIME_UNKNOWN;
	verdict->container = container;
	return verdict;
}

static inline struct image *world_new_image(struct world *world)
{
	struct image *image = arena_alloc(world->arena, sizeof(*image));

	image->id = IMAGE_ID;
	image->memory.first_seen = TIME_UNKNOWN;
	image->tags = arena_array(world->arena, 4, sizeof(*image->tags));
	return image;
}

static inline struct verdict *world_image(struct world *world)
{
	struct verdict *verdict = world_add(world, KIND_IMAGE);

	verdict->image = world_new_image(world);
	return verdict;
}

static inline struct verdict *world_tag(struct world *world, struct image *image,
					const char *name)
{
	struct verdict *verdict = world_add(world, KIND_TAG);
	struct reference *tag = &image->tags[image->n_tags++];

	if (!reference_parse(world->arena, name, tag))
		abort();
	verdict->image = image;
	verdict->reference = tag;
	return verdict;
}

static inline void world_goes(struct world *world, struct verdict *verdict, int64_t bytes)
{
	struct plan *plan = &world->plan;

	verdict->action = VERDICT_REMOVE;
	verdict->reason = REASON_EXPIRED;
	verdict->rule = verdict->kind == KIND_CONTAINER ? &world->rule : &world->image_rule;
	verdict->bytes = bytes;
	verdict->age = (struct age){ NOW - 3 * DAY - 4 * HOUR, SOURCE_ENGINE, AGE_FINISHED };
	verdict->limit = DAY;
	plan->removals[plan->n_removals++] = (size_t)(verdict - plan->verdicts);
	plan->remove.n[verdict->kind]++;
	if (bytes >= 0)
		plan->remove.bytes += bytes;
	else
		plan->remove.unknown++;
}

/* An untagged image that stays and gets that name. */
static inline struct verdict *world_named(struct world *world, const char *name)
{
	struct plan *plan = &world->plan;
	struct verdict *verdict = world_image(world);
	struct reference *reference = arena_alloc(world->arena, sizeof(*reference));

	if (!reference_parse(world->arena, name, reference))
		abort();
	verdict->action = VERDICT_TAG;
	verdict->reason = REASON_RULE_KEEPS;
	verdict->rule = &world->image_rule;
	verdict->preserve_as = reference;
	plan->tags[plan->n_tags++] = (size_t)(verdict - plan->verdicts);
	plan->tag.n[KIND_IMAGE]++;
	return verdict;
}

/* As if everything had been named and removed; single outcomes may be changed afterwards. */
static inline void world_apply(struct world *world)
{
	struct plan *plan = &world->plan;

	world->result.outcomes = arena_array(world->arena, plan->n, sizeof(enum outcome));
	world->result.details = arena_array(world->arena, plan->n, sizeof(char *));
	for (size_t i = 0; i < plan->n_removals; i++)
		world->result.outcomes[plan->removals[i]] = OUTCOME_REMOVED;
	for (size_t i = 0; i < plan->n_tags; i++)
		world->result.outcomes[plan->tags[i]] = OUTCOME_TAGGED;
	world->result.n_tagged = plan->n_tags;
	world->result.removed = plan->remove;
	world->report.result = &world->result;
	world->report.run_id = "0123456789abcdef0123456789abcdef";
}
