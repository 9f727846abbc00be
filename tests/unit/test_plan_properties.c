#include "random.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

/* Random worlds and random policies; what must hold for all of them, judged by plain loops that
 * share nothing with the plan. RECLAIMD_SEED names one world, to look at a failure. */

#define WORLDS 4000
#define OBJECTS 24

static int64_t some_time(struct random *random)
{
	static const int64_t ages[] = { 60, 2 * HOUR, DAY, 3 * DAY, 10 * DAY, 100 * DAY };

	return NOW - ages[pick(random, ARRAY_SIZE(ages))] - pick(random, 50);
}

static const char *some_name(struct world *world, struct random *random)
{
	static const char *const repositories[] = { "app", "example/db", "localhost:5000/x" };

	return arena_printf(world->arena, "%s:%u", repositories[pick(random, 3)],
			    pick(random, 9));
}

static bool name_is_taken(const struct world *world, const char *name)
{
	struct reference reference;

	assert_true(reference_parse(world->arena, name, &reference));
	for (size_t i = 0; i < world->snapshot->n_images; i++)
		for (size_t k = 0; k < world->images[i].n_tags; k++)
			if (reference_equal(&world->images[i].tags[k], &reference))
				return true;
	return false;
}

static void add_images(struct world *world, struct random *random)
{
	size_t n = pick(random, OBJECTS);

	for (size_t i = 0; i < n; i++) {
		struct image *image =
			world_image(world, arena_printf(world->arena, "image%02zu", i), NULL);

		for (unsigned tags = pick(random, 4); tags > 0; tags--) {
			const char *name = some_name(world, random);

			if (!name_is_taken(world, name))
				assert_true(reference_parse(world->arena, name,
							    &image->tags[image->n_tags++]));
		}
		if (chance(random, 60)) {
			image->memory.names.v = arena_array(world->arena, 1, sizeof(char *));
			image->memory.names.v[0] = some_name(world, random);
			image->memory.names.n = 1;
		}
		image->created = some_time(random);
		image->last_tagged = chance(random, 50) ? some_time(random) : TIME_UNKNOWN;
		image->memory.first_seen =
			chance(random, 80) ? some_time(random) : TIME_UNKNOWN;
		image->memory.untagged_since =
			chance(random, 80) ? some_time(random) : TIME_UNKNOWN;
		if (chance(random, 20))
			image->inspected = FACT_NOT_ASKED;
		if (i > 0 && chance(random, 30))
			image->parent = world->images[pick(random, (unsigned)i)].id;
		if (chance(random, 20))
			image->labels = world_label(world, "keep", "yes");
	}
}

static void add_containers(struct world *world, struct random *random)
{
	size_t n = pick(random, OBJECTS);

	for (size_t i = 0; i < n; i++) {
		size_t images = world->snapshot->n_images;
		const char *image_id =
			images > 0 ? world->images[pick(random, (unsigned)images)].id : "gone";
		struct container *container = world_container(
			world, arena_printf(world->arena, "container%02zu", i), image_id,
			chance(random, 70) ? some_name(world, random) : NULL);

		container->state = (enum container_state)pick(random, STATE_MAX_);
		container->created = some_time(random);
		container->finished = some_time(random);
		container->started = container->finished - 5;
		container->restart_policy = chance(random, 20) ? "always" : "no";
		container->exit_code = (int)pick(random, 3);
		if (chance(random, 10))
			container->inspected = FACT_NOT_ASKED;
		if (chance(random, 20))
			container->labels = world_label(world, "keep", "yes");
	}
}

/* As conf/ has it: such a rule goes by no time of a tag. */
static void preserve(struct rule *rule)
{
	rule->preserve_as = "{repository}:superseded-{created}-{id}";
	rule->age_from = AGE_UNTAGGED;
	if (rule->order_by == ORDER_TAGGED)
		rule->order_by = ORDER_UNTAGGED;
}

static void add_rules(struct world *world, struct random *random)
{
	static const enum group_by groups[] = { GROUP_NONE, GROUP_REPOSITORY, GROUP_NAME };

	for (unsigned n = 1 + pick(random, 4); n > 0; n--) {
		bool containers = chance(random, 40);
		struct rule *rule = world_rule(world, containers ? KIND_CONTAINER : KIND_IMAGE,
					       (enum dangling)pick(random, 3));

		rule->states = containers && chance(random, 30) ? ~0u : rule->states;
		rule->keep_last = pick(random, 4);
		rule->keep_within = chance(random, 50) ? (int64_t)pick(random, 5) * DAY : 0;
		rule->max_age = chance(random, 30) ? 20 * DAY : 0;
		rule->min_age = chance(random, 70) ? HOUR : 0;
		rule->action = chance(random, 10) ? ACTION_KEEP : ACTION_REMOVE;
		rule->max_remove = (struct limit){ true, true, 100 };
		if (!containers) {
			rule->group_by = groups[pick(random, ARRAY_SIZE(groups))];
			if (chance(random, 30))
				rule->order_by = ORDER_VERSION;
			if (chance(random, 20))
				rule->keep_last_run = 1 + pick(random, 2);
			if (chance(random, 20)) {
				rule_set_key(rule, RULE_KEEP_TAG);
				rule->keep_tags = world_patterns(world, "1, 2", false);
			}
			if (rule->dangling != DANGLING_NO && chance(random, 50))
				preserve(rule);
		}
		if (chance(random, 40)) {
			rule_set_key(rule, RULE_KEEP_LABEL);
			rule->keep_labels = world_patterns(world, "keep=yes", true);
		}
	}
}

/* What says from outside that an image is needed. */
static void add_uses(struct world *world, struct random *random)
{
	static const char *const services[] = { "shop/web", "shop/db" };
	struct snapshot *snapshot = world->snapshot;
	size_t images = snapshot->n_images;

	snapshot->swarm.images.v = arena_array(world->arena, 4, sizeof(struct swarm_use));
	for (unsigned n = pick(random, 4); n > 0; n--) {
		struct reference name;

		assert_true(reference_parse(world->arena, some_name(world, random), &name));
		snapshot->swarm.images.v[snapshot->swarm.images.n++] =
			(struct swarm_use){ name.full, "service web" };
	}
	snapshot->runs = arena_array(world->arena, 8, sizeof(struct service_run));
	for (unsigned n = images > 0 ? pick(random, 8) : 0; n > 0; n--)
		snapshot->runs[snapshot->n_runs++] = (struct service_run){
			services[pick(random, 2)],
			world->images[pick(random, (unsigned)images)].id,
			some_time(random),
		};
}

static struct world *random_world(uint64_t seed)
{
	struct random random = { seed * 7919 + 1 };
	struct world *world = world_new();

	add_images(world, &random);
	add_containers(world, &random);
	add_uses(world, &random);
	add_rules(world, &random);
	return world;
}

static bool goes(const struct plan *plan, const char *id)
{
	return verdict_on(plan, id)->action == VERDICT_REMOVE;
}

static bool uses(const struct container *container, const struct image *image)
{
	if (strcmp(container->image_id, image->id) == 0)
		return true;
	for (size_t i = 0; i < image->n_tags; i++)
		if (container->image_name &&
		    reference_equal(container->image_name, &image->tags[i]))
			return true;
	return false;
}

static void nothing_in_use_goes(const struct world *world, const struct plan *plan)
{
	const struct snapshot *snapshot = world->snapshot;

	for (size_t i = 0; i < snapshot->n_images; i++) {
		if (!goes(plan, snapshot->images[i].id))
			continue;
		for (size_t k = 0; k < snapshot->n_containers; k++)
			if (uses(&snapshot->containers[k], &snapshot->images[i]))
				assert_true(goes(plan, snapshot->containers[k].id));
		for (size_t k = 0; k < snapshot->n_images; k++)
			if (snapshot->images[k].parent &&
			    strcmp(snapshot->images[k].parent, snapshot->images[i].id) == 0)
				assert_true(goes(plan, snapshot->images[k].id));
	}
}

static bool is_pinned_tag(const struct verdict *verdict)
{
	const char *tag = verdict->reference ? verdict->reference->tag : NULL;

	return rule_has(verdict->rule, RULE_KEEP_TAG) && tag &&
	       (strcmp(tag, "1") == 0 || strcmp(tag, "2") == 0);
}

static bool is_latest_run(const struct snapshot *snapshot, const struct service_run *run)
{
	for (size_t i = 0; i < snapshot->n_runs; i++)
		if (strcmp(snapshot->runs[i].service, run->service) == 0 &&
		    &snapshot->runs[i] != run && snapshot->runs[i].at >= run->at)
			return false;
	return true;
}

static void nothing_named_from_outside_goes(const struct world *world, const struct plan *plan)
{
	const struct snapshot *snapshot = world->snapshot;

	for (size_t i = 0; i < plan->n_removals; i++) {
		const struct verdict *verdict = &plan->verdicts[plan->removals[i]];

		if (verdict->kind == KIND_CONTAINER)
			continue;
		assert_false(is_pinned_tag(verdict));
		for (size_t k = 0; verdict->reference && k < snapshot->swarm.images.n; k++)
			assert_string_not_equal(verdict->reference->full,
						snapshot->swarm.images.v[k].name);
		for (size_t k = 0; k < snapshot->n_runs; k++)
			assert_false(verdict->rule->keep_last_run > 0 &&
				     verdict->reason != REASON_MAX_AGE &&
				     strcmp(snapshot->runs[k].image_id, verdict->image->id) ==
					     0 &&
				     is_latest_run(snapshot, &snapshot->runs[k]));
	}
}

static void images_go_whole(const struct plan *plan)
{
	for (size_t i = 1; i < plan->n; i++) {
		const struct verdict *a = &plan->verdicts[i - 1], *b = &plan->verdicts[i];

		if (a->kind == KIND_TAG && b->kind == KIND_TAG && a->image == b->image)
			assert_int_equal(a->action, b->action);
	}
}

static void guards_hold(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_removals; i++) {
		const struct verdict *verdict = &plan->verdicts[plan->removals[i]];
		const struct container *container = verdict->container;
		int64_t min_age = verdict->rule->min_age;

		assert_non_null(verdict->rule);
		assert_int_equal(verdict->rule->action, ACTION_REMOVE);
		if (verdict->kind != KIND_CONTAINER) {
			const struct image *image = verdict->image;

			if (rule_has(verdict->rule, RULE_KEEP_LABEL))
				assert_int_equal(image->labels.n, 0);
			if (verdict->reason == REASON_LAST_CHILD || min_age == 0)
				continue;
			assert_true(image->memory.first_seen != TIME_UNKNOWN);
			assert_true(NOW - image->memory.first_seen >= min_age);
			continue;
		}
		assert_true(container->state == STATE_EXITED ||
			    container->state == STATE_DEAD ||
			    container->state == STATE_CREATED);
		assert_string_equal(container->restart_policy, "no");
		assert_true(NOW - container->created >= min_age);
		assert_int_equal(container->inspected, FACT_KNOWN);
		if (rule_has(verdict->rule, RULE_KEEP_LABEL))
			assert_int_equal(container->labels.n, 0);
	}
}

static void removals_are_in_order(const struct plan *plan)
{
	bool images = false;

	for (size_t i = 0; i < plan->n_removals; i++) {
		const struct verdict *verdict = &plan->verdicts[plan->removals[i]];

		assert_false(images && verdict->kind == KIND_CONTAINER);
		images = images || verdict->kind != KIND_CONTAINER;
		for (size_t k = 0; images && k < i; k++) {
			const struct verdict *earlier = &plan->verdicts[plan->removals[k]];

			if (earlier->kind != KIND_CONTAINER && verdict->image->parent)
				assert_string_not_equal(earlier->image->id,
							verdict->image->parent);
		}
	}
}

/* A run writes down until when the containers used their images. */
static void remember_use(struct world *world)
{
	for (size_t i = 0; i < world->snapshot->n_containers; i++) {
		const struct container *container = &world->containers[i];
		struct image *image = snapshot_image(world->snapshot, container->image_id);

		if (image && container->finished > image->memory.last_used)
			image->memory.last_used = container->finished;
	}
}

static void forget_removed(struct world *world, const struct plan *plan)
{
	struct snapshot *snapshot = world->snapshot;
	size_t n = 0;

	for (size_t i = 0; i < snapshot->n_containers; i++)
		if (plan->verdicts[i].action == VERDICT_KEEP)
			world->containers[n++] = world->containers[i];
	snapshot->n_containers = n;
	n = 0;
	for (size_t i = 0; i < snapshot->n_images; i++) {
		bool removed = false;

		for (size_t k = 0; k < plan->n_removals; k++) {
			const struct verdict *verdict = &plan->verdicts[plan->removals[k]];

			removed = removed || (verdict->kind != KIND_CONTAINER &&
					      verdict->image == &world->images[i]);
		}
		if (!removed)
			world->images[n++] = world->images[i];
	}
	snapshot->n_images = n;
}

static const char *key_of(struct world *world, const struct verdict *verdict)
{
	return plan_key(world->arena, verdict->kind,
			verdict->kind == KIND_CONTAINER ? verdict->container->id
							: verdict->image->id,
			verdict->reference ? verdict->reference->full : NULL);
}

/* Every key of what goes, in the order of the verdicts. */
static void keys_of(struct world *world, const struct plan *plan, struct strings *ret)
{
	ret->v = arena_array(world->arena, plan->n, sizeof(char *));
	for (size_t i = 0; i < plan->n; i++)
		if (plan->verdicts[i].action == VERDICT_REMOVE)
			ret->v[ret->n++] = key_of(world, &plan->verdicts[i]);
}

static void shuffle(struct random *random, void *items, size_t n, size_t size)
{
	char *bytes = items, *spare = mem_zalloc(1, size);

	for (size_t i = n; i > 1; i--) {
		size_t k = pick(random, (unsigned)i);

		memcpy(spare, bytes + k * size, size);
		memmove(bytes + k * size, bytes + (i - 1) * size, size);
		memcpy(bytes + (i - 1) * size, spare, size);
	}
	free(spare);
}

static void order_of_lists_does_not_matter(uint64_t seed, const struct strings *expected)
{
	struct random random = { seed };
	struct world *world = random_world(seed);
	struct strings keys = { 0 };

	shuffle(&random, world->containers, world->snapshot->n_containers,
		sizeof(*world->containers));
	shuffle(&random, world->images, world->snapshot->n_images, sizeof(*world->images));
	keys_of(world, world_plan(world), &keys);
	assert_int_equal(keys.n, expected->n);
	for (size_t i = 0; i < keys.n; i++)
		assert_string_equal(keys.v[i], expected->v[i]);
	world_free(world);
}

static void stricter_keepers_remove_no_more(uint64_t seed, const struct strings *loose)
{
	struct world *world = random_world(seed);
	struct strings keys = { 0 };

	for (size_t i = 0; i < world->n_rules; i++) {
		world->rules[i].keep_last += (int64_t)(seed % 2);
		world->rules[i].keep_within += DAY;
	}
	keys_of(world, world_plan(world), &keys);
	for (size_t i = 0; i < keys.n; i++)
		assert_true(strings_contain(loose, keys.v[i]));
	world_free(world);
}

/* An image that others were built on and that stays when they go (a container uses it, say) is
 * a dangling image from then on, and may push another out of the last N. */
static bool parent_becomes_dangling(const struct world *world, const struct plan *plan)
{
	for (size_t i = 0; i < world->snapshot->n_images; i++) {
		const char *parent = world->images[i].parent;

		if (parent && goes(plan, world->images[i].id) && !goes(plan, parent))
			return true;
	}
	return false;
}

static void a_second_run_finds_nothing(struct world *world, const struct plan *plan,
				       uint64_t seed)
{
	struct plan *again;

	if (parent_becomes_dangling(world, plan))
		return;
	remember_use(world);
	forget_removed(world, plan);
	again = world_plan(world);
	for (size_t i = 0; i < again->n_removals; i++)
		print_message("seed %llu: %s goes only the second time (%s)\n",
			      (unsigned long long)seed,
			      key_of(world, &again->verdicts[again->removals[i]]),
			      reason_to_string(again->verdicts[again->removals[i]].reason));
	assert_int_equal(again->n_removals, 0);
}

static void what_gets_a_name_stays(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_tags; i++) {
		const struct verdict *verdict = &plan->verdicts[plan->tags[i]];

		assert_int_equal(verdict->action, VERDICT_TAG);
		assert_int_equal(verdict->kind, KIND_IMAGE);
		assert_non_null(verdict->rule->preserve_as);
		assert_non_null(verdict->preserve_as->tag);
	}
}

/* As the engine and the state know it afterwards. */
static void give_names(struct world *world, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_tags; i++) {
		const struct verdict *verdict = &plan->verdicts[plan->tags[i]];
		struct image *image = snapshot_image(world->snapshot, verdict->image->id);

		image->tags[image->n_tags++] = *verdict->preserve_as;
		image->memory.preserved_at = NOW;
		if (image->last_tagged == TIME_UNKNOWN)
			continue;
		if (image->memory.untagged_since < image->last_tagged &&
		    image->memory.untagged_since != TIME_UNKNOWN)
			image->memory.untagged_since = image->last_tagged;
		image->last_tagged = NOW;
	}
}

static size_t removals, names; /* of all worlds */

static void names_change_nothing_but_names(struct world *world, const struct strings *removed)
{
	struct plan *plan = world_plan(world);
	struct strings keys = { 0 };

	give_names(world, plan);
	names += plan->n_tags;
	plan = world_plan(world);
	assert_int_equal(plan->n_tags, 0);
	keys_of(world, plan, &keys);
	assert_int_equal(keys.n, removed->n);
	for (size_t i = 0; i < keys.n; i++)
		assert_string_equal(keys.v[i], removed->v[i]);
}

static void check_world(uint64_t seed)
{
	struct world *world = random_world(seed);
	struct plan *plan = world_plan(world);
	struct strings keys = { 0 };

	nothing_in_use_goes(world, plan);
	nothing_named_from_outside_goes(world, plan);
	images_go_whole(plan);
	guards_hold(plan);
	removals_are_in_order(plan);
	what_gets_a_name_stays(plan);
	keys_of(world, plan, &keys);
	order_of_lists_does_not_matter(seed, &keys);
	stricter_keepers_remove_no_more(seed, &keys);
	removals += plan->n_removals;
	names_change_nothing_but_names(world, &keys);
	a_second_run_finds_nothing(world, world_plan(world), seed);
	world_free(world);
}

static void all_worlds_are_safe(void **state _unused_)
{
	if (!try_seeds(WORLDS, check_world))
		return;
	/* A generator in whose worlds nothing goes would prove nothing. */
	assert_true(removals > WORLDS / 2);
	assert_true(names > WORLDS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_worlds_are_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
