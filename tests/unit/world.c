#include "world.h"

#include <stdlib.h>

struct world *world_new(void)
{
	struct world *world = mem_zalloc(1, sizeof(*world));

	world->arena = arena_new();
	world->snapshot = snapshot_new();
	world->snapshot->containers = world->containers;
	world->snapshot->images = world->images;
	world->snapshot->volumes = world->volumes;
	world->snapshot->networks = world->networks;
	world->snapshot->cache = world->cache;
	world->snapshot->watched_from = LONG_AGO;
	world->snapshot->tells_volume_use = true;
	world->snapshot->remembers = true;
	world->snapshot->listing[KIND_CONTAINER] = LISTING_READ;
	world->snapshot->listing[KIND_IMAGE] = LISTING_READ;
	world->snapshot->listing[KIND_VOLUME] = LISTING_READ;
	world->snapshot->listing[KIND_NETWORK] = LISTING_READ;
	world->snapshot->listing[KIND_BUILD_CACHE] = LISTING_READ;
	return world;
}

void world_free(struct world *world)
{
	snapshot_free(world->snapshot);
	arena_free(world->arena);
	free(world);
}

static struct memory old_memory(void)
{
	return (struct memory){ .first_seen = LONG_AGO,
				.untagged_since = LONG_AGO,
				.last_used = TIME_UNKNOWN,
				.preserved_at = TIME_UNKNOWN,
				.pulled = TIME_UNKNOWN };
}

const struct reference *world_name(struct world *world, const char *name)
{
	struct reference *reference = arena_alloc(world->arena, sizeof(*reference));

	assert_true(reference_parse_default(world->arena, name, reference));
	return reference;
}

struct container *world_container(struct world *world, const char *id, const char *image_id,
				  const char *image_name)
{
	struct container *container = &world->containers[world->snapshot->n_containers++];

	*container = (struct container){
		.id = arena_strdup(world->arena, id),
		.image = arena_strdup(world->arena, image_name ? image_name : image_id),
		.image_id = arena_strdup(world->arena, image_id),
		.state = STATE_EXITED,
		.state_name = "exited",
		.created = LONG_AGO,
		.inspected = FACT_KNOWN,
		.started = LONG_AGO + 1,
		.finished = LONG_AGO + 2,
		.restart_policy = "no",
		.sized = FACT_KNOWN,
		.memory = old_memory(),
	};
	container->names.v = arena_array(world->arena, 1, sizeof(char *));
	container->names.v[0] = container->id;
	container->names.n = 1;
	if (image_name)
		container->image_name = world_name(world, image_name);
	return container;
}

struct image *world_image(struct world *world, const char *id, const char *tags)
{
	struct image *image = &world->images[world->snapshot->n_images++];
	char *copy = arena_strdup(world->arena, tags ? tags : ""), *rest = copy;

	*image = (struct image){
		.id = arena_strdup(world->arena, id),
		.created = LONG_AGO,
		.size = 1000,
		.containers = -1,
		.inspected = FACT_KNOWN,
		.last_tagged = LONG_AGO,
		.layered = FACT_KNOWN,
		.memory = old_memory(),
	};
	image->tags = arena_array(world->arena, 64, sizeof(*image->tags));
	for (char *tag = strtok_r(copy, ",", &rest); tag; tag = strtok_r(NULL, ",", &rest))
		assert_true(reference_parse(world->arena, tag, &image->tags[image->n_tags++]));
	return image;
}

struct volume *world_volume(struct world *world, const char *name, bool anonymous)
{
	struct volume *volume = &world->volumes[world->snapshot->n_volumes++];

	*volume = (struct volume){
		.name = arena_strdup(world->arena, name),
		.driver = "local",
		.mountpoint = arena_printf(world->arena, "/volumes/%s/_data", name),
		.created = LONG_AGO,
		.anonymous = anonymous,
		.sized = FACT_KNOWN,
		.size = 1000,
		.announced = TIME_UNKNOWN,
		.memory = old_memory(),
	};
	return volume;
}

struct network *world_network(struct world *world, const char *id, const char *name)
{
	struct network *network = &world->networks[world->snapshot->n_networks++];

	*network = (struct network){
		.id = arena_strdup(world->arena, id),
		.name = arena_strdup(world->arena, name),
		.created = LONG_AGO,
		.memory = old_memory(),
	};
	return network;
}

struct cache_record *world_cache(struct world *world, const char *id, const char *parent)
{
	struct cache_record *record = &world->cache[world->snapshot->n_cache++];

	*record = (struct cache_record){
		.id = arena_strdup(world->arena, id),
		.type = "regular",
		.description = "mount / from exec",
		.size = 1000,
		.created = LONG_AGO,
		.last_used = LONG_AGO,
	};
	if (parent)
		record->parents = world_strings(world, parent);
	return record;
}

struct strings world_strings(struct world *world, const char *text)
{
	struct strings strings = { arena_array(world->arena, 1, sizeof(char *)), 1 };

	strings.v[0] = arena_strdup(world->arena, text);
	return strings;
}

void world_digest(struct world *world, struct image *image, const char *reference)
{
	if (!image->digests)
		image->digests = arena_array(world->arena, 8, sizeof(*image->digests));
	assert_true(
		reference_parse(world->arena, reference, &image->digests[image->n_digests++]));
}

struct labels world_label(struct world *world, const char *key, const char *value)
{
	struct labels labels = { .v = arena_array(world->arena, 1, sizeof(struct label)),
				 .n = 1 };

	labels.v[0] = (struct label){ key, value };
	return labels;
}

struct patterns world_patterns(struct world *world, const char *text, bool labels)
{
	struct patterns patterns = { 0 };
	struct err err;

	assert_int_equal(patterns_parse(world->arena, text, labels, &patterns, &err), 0);
	return patterns;
}

void rule_set_key(struct rule *rule, enum rule_key key)
{
	rule->origin[key] = (struct origin){ "test.ini", 1 };
}

struct rule *world_rule(struct world *world, enum kind kind, enum dangling dangling)
{
	struct rule *rule = &world->rules[world->n_rules++];

	*rule = (struct rule){
		.kind = kind,
		.name = "test",
		.states = 1u << STATE_EXITED | 1u << STATE_DEAD,
		.dangling = dangling,
		.group_by = kind == KIND_CONTAINER ? GROUP_IMAGE : GROUP_REPOSITORY,
	};
	if (kind == KIND_VOLUME || kind == KIND_NETWORK || kind == KIND_BUILD_CACHE) {
		rule->group_by = GROUP_NONE;
		rule->age_from = kind == KIND_BUILD_CACHE ? AGE_USED : AGE_UNTAGGED;
	}
	if (kind == KIND_IMAGE)
		rule->age_from = dangling == DANGLING_YES ? AGE_UNTAGGED : AGE_TAGGED;
	rule->order_by = (enum order_by)rule->age_from;
	return rule;
}

static void give_up(struct world *world, const struct need *need)
{
	if (need->kind == KIND_CONTAINER) {
		struct container *container = &world->snapshot->containers[need->index];

		if (need->facts & NEED_INSPECT) {
			assert_int_equal(container->inspected, FACT_NOT_ASKED);
			container->inspected = FACT_UNAVAILABLE;
		}
		if (need->facts & NEED_SIZE)
			container->sized = FACT_UNAVAILABLE;
		return;
	}
	if (need->facts & NEED_INSPECT) {
		assert_int_equal(world->snapshot->images[need->index].inspected,
				 FACT_NOT_ASKED);
		world->snapshot->images[need->index].inspected = FACT_UNAVAILABLE;
	}
	if (need->facts & NEED_LAYERS)
		world->snapshot->images[need->index].layered = FACT_UNAVAILABLE;
}

struct plan *world_plan(struct world *world)
{
	struct rules rules = { world->rules, world->n_rules };
	const struct plan_input input = {
		.rules = &rules,
		.settings = &world->settings,
		.snapshot = world->snapshot,
		.now = NOW,
		.approved = world->approved,
		.need_free = world->need_free,
	};
	struct plan *plan;

	snapshot_seal(world->snapshot);
	for (;;) {
		plan = plan_build(world->arena, &input);
		if (plan->n_needs == 0)
			return plan;
		for (size_t i = 0; i < plan->n_needs; i++)
			give_up(world, &plan->needs[i]);
	}
}

const struct verdict *verdict_on(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct verdict *verdict = &plan->verdicts[i];

		if (strcmp(verdict_id(verdict), id) == 0)
			return verdict;
	}
	fail_msg("no verdict on %s", id);
	return NULL;
}

const struct verdict *verdict_on_tag(const struct plan *plan, const char *full)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->verdicts[i].reference &&
		    strcmp(plan->verdicts[i].reference->full, full) == 0)
			return &plan->verdicts[i];
	fail_msg("no verdict on %s", full);
	return NULL;
}
