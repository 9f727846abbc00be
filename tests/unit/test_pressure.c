#include "random.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plan/layers.h"

/* Pressure rules: single worlds by hand, then thousands of random ones, in which plain loops
 * that share nothing with the plan count what a set of removals frees. */

#define MB 1000000

static void set_disk(struct world *world, int64_t used, int64_t available)
{
	world->snapshot->disk = (struct disk){
		.state = FACT_KNOWN,
		.path = "/data",
		.total = used + available,
		.used = used,
		.available = available,
		.inodes = 1000,
		.inodes_used = 500,
		.inodes_available = 500,
	};
}

static struct rule *pressure_rule(struct world *world, enum kind kind, int64_t when,
				  int64_t until)
{
	struct rule *rule = world_rule(world, kind, DANGLING_ANY);

	rule_set_key(rule, RULE_WHEN_USED_ABOVE);
	rule->when_used_above.percent = when;
	rule->until_used_below.percent = until;
	return rule;
}

static void put_layer(struct world *world, struct image *image, const char *diff, int64_t size)
{
	image->top = layer_get(world->snapshot, image->top, diff);
	layer_tell_size(image->top, size, false);
	image->size += size;
}

/* The layers, each "ID:MEGABYTES", bottom first; equal IDs upon the same are one layer. */
static struct image *add_image(struct world *world, const char *id, const char *tags,
			       const char *layers, int64_t days)
{
	struct image *image = world_image(world, id, tags);
	char *rest = arena_strdup(world->arena, layers), *word;

	image->size = 0;
	while ((word = strsep(&rest, " "))) {
		char *size = strchr(word, ':');

		*size = '\0';
		put_layer(world, image, word, atoll(size + 1) * MB);
	}
	image->created = NOW - days * DAY;
	image->last_tagged = NOW - days * DAY;
	image->memory.first_seen = NOW - days * DAY;
	image->memory.untagged_since = NOW - days * DAY;
	return image;
}

static bool goes(const struct plan *plan, const char *id)
{
	return verdict_on(plan, id)->action == VERDICT_REMOVE;
}

static void assert_goes(const struct plan *plan, const char *ids)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		const char *id = verdict_id(verdict);
		bool wanted = strstr(ids, id) != NULL;

		if (wanted != (verdict->action == VERDICT_REMOVE))
			fail_msg("%s %s", id, wanted ? "stays" : "goes");
	}
}

/* 920 of 1000 MB used, so that above 85 % down to 70 % means 220 MB. */
static struct world *full_world(void)
{
	struct world *world = world_new();

	set_disk(world, 920 * MB, 80 * MB);
	return world;
}

static void below_its_mark_a_rule_is_not_there(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;

	set_disk(world, 850 * MB, 150 * MB);
	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "a", "a:1", "l:300", 50)->layered = FACT_NOT_ASKED;
	world->images[0].inspected = FACT_NOT_ASKED;
	plan = world_plan(world);
	assert_goes(plan, "");
	assert_int_equal(verdict_on(plan, "a")->reason, REASON_NO_RULE);
	/* Nothing was asked for. */
	assert_int_equal(world->images[0].layered, FACT_NOT_ASKED);
	assert_int_equal(world->images[0].inspected, FACT_NOT_ASKED);
	world_free(world);
}

static void what_was_used_longest_ago_goes_first(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;

	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "a", "a:1", "a:200", 10);
	add_image(world, "b", "b:1", "b:200", 30);
	add_image(world, "c", "c:1", "c:200", 20);
	world->images[1].memory.last_used = NOW - DAY;
	plan = world_plan(world);
	assert_goes(plan, "a c");
	assert_int_equal(verdict_on(plan, "c")->reason, REASON_PRESSURE);
	assert_ptr_equal(verdict_on(plan, "c")->rule, world->rules);
	assert_int_equal(verdict_on(plan, "b")->reason, REASON_ENOUGH_FREE);
	assert_int_equal(plan->predicted.bytes, 400 * MB);
	assert_int_equal(plan->pressure.needed, 220 * MB);
	assert_false(plan->pressure.missed);
	world_free(world);
}

static void volumes_that_go_anyway_count(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;

	world_rule(world, KIND_VOLUME, DANGLING_NO)->keep_within = DAY;
	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "a", "a:1", "a:200", 10);
	add_image(world, "b", "b:1", "b:200", 30);
	world_volume(world, "v", true)->size = 50 * MB;
	plan = world_plan(world);
	assert_goes(plan, "v b");
	assert_int_equal(plan->predicted.bytes, 250 * MB);
	world->volumes[0].size = 250 * MB;
	plan = world_plan(world);
	assert_goes(plan, "v");
	assert_int_equal(plan->pressure.n_rules, 0);
	world_free(world);
}

/* An image without a name goes with the last that is built on it, but not if it is the way
 * back. */
static void what_a_service_ran_last_does_not_follow(void **state _unused_)
{
	struct service_run run = { "web", "p", NOW - DAY };

	for (int pressing = 0; pressing < 2; pressing++) {
		struct world *world = full_world();
		struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_ANY);

		rule->keep_within = 1000 * DAY;
		pressure_rule(world, KIND_IMAGE, 85, 70);
		add_image(world, "p", NULL, "p:100", 30);
		add_image(world, "c", "c:1", "p:100 c:200", 10)->parent = "p";
		assert_goes(world_plan(world), "c p");
		world->snapshot->runs = &run;
		world->snapshot->n_runs = 1;
		world->rules[pressing].keep_last_run = 1;
		assert_goes(world_plan(world), "c");
		world_free(world);
	}
}

static void of_equals_that_goes_which_frees_most(void **state _unused_)
{
	struct world *world = full_world();

	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "a", "a:1", "a:100", 10);
	add_image(world, "b", "b:1", "b:230", 10);
	assert_goes(world_plan(world), "b");
	world_free(world);
}

static void the_other_orders(void **state _unused_)
{
	struct world *world = full_world();
	struct rule *rule = pressure_rule(world, KIND_IMAGE, 85, 70);

	add_image(world, "a", "a:1", "a:230", 30)->memory.last_used = NOW - DAY;
	add_image(world, "b", "b:1", "b:240", 20);
	add_image(world, "c", "c:1", "c:250", 10);
	rule->order = PRESSURE_LARGEST;
	assert_goes(world_plan(world), "c");
	rule->order = PRESSURE_OLDEST;
	assert_goes(world_plan(world), "a");
	rule->order = PRESSURE_LRU;
	assert_goes(world_plan(world), "b");
	world_free(world);
}

static void what_turned_out_not_to_be_needed_stays(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;

	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "a", "a:1", "a:10", 40);
	add_image(world, "b", "b:1", "b:15", 30);
	add_image(world, "c", "c:1", "c:205", 20);
	plan = world_plan(world);
	/* a and b come first; beside c only one of them is needed. */
	assert_goes(plan, "b c");
	assert_int_equal(plan->predicted.bytes, 220 * MB);
	world_free(world);
}

static void ordinary_removals_count_before(void **state _unused_)
{
	struct world *world = full_world();
	struct rule *ordinary = world_rule(world, KIND_IMAGE, DANGLING_NO);
	struct plan *plan;

	rule_set_key(ordinary, RULE_KEEP_WITHIN);
	ordinary->keep_within = 30 * DAY;
	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "old", "x:1", "o:60", 40);
	add_image(world, "a", "a:1", "a:100", 20);
	add_image(world, "b", "b:1", "b:100", 10);
	plan = world_plan(world);
	assert_goes(plan, "old a b");
	assert_int_equal(verdict_on(plan, "old")->reason, REASON_EXPIRED);
	assert_ptr_equal(verdict_on(plan, "a")->owner, ordinary);
	/* What the first rule frees is enough. */
	add_image(world, "old2", "x:2", "p:60", 40);
	plan = world_plan(world);
	assert_goes(plan, "old old2");
	assert_int_equal(plan->pressure.n_rules, 0);
	world_free(world);
}

static void what_must_stay_stays(void **state _unused_)
{
	struct world *world = full_world();
	struct rule *keep = world_rule(world, KIND_IMAGE, DANGLING_ANY);
	struct rule *ordinary = world_rule(world, KIND_IMAGE, DANGLING_ANY);
	struct rule *rule = pressure_rule(world, KIND_IMAGE, 85, 70);
	struct swarm_use service = { "docker.io/library/s:1", "service web" };
	struct plan *plan;

	rule_set_key(keep, RULE_LABEL);
	keep->labels = world_patterns(world, "stay", true);
	keep->action = ACTION_KEEP;
	ordinary->keep_last = 5;
	ordinary->min_age = DAY;
	rule_set_key(ordinary, RULE_KEEP_TAG);
	ordinary->keep_tags = world_patterns(world, "stable", false);
	rule_set_key(rule, RULE_KEEP_LABEL);
	rule->keep_labels = world_patterns(world, "mine", true);
	rule->keep_within = 3 * DAY;
	rule->min_age = HOUR;
	add_image(world, "kept", "k:1", "k:500", 90)->labels = world_label(world, "stay", "");
	add_image(world, "pinned", "p:stable", "p:500", 90);
	add_image(world, "mine", "m:1", "m:500", 90)->labels = world_label(world, "mine", "");
	add_image(world, "young", "y:1", "y:500", 0);
	add_image(world, "recent", "r:1", "r:500", 2);
	add_image(world, "used", "u:1", "u:500", 90);
	add_image(world, "named", "n:1", "n:500", 90);
	add_image(world, "twonames", "t:1,t:stable", "t:500", 90);
	add_image(world, "swarm", "s:1", "s:500", 90);
	add_image(world, "outside", "o:1", "o:500", 90);
	world->snapshot->swarm.state = LISTING_READ;
	world->snapshot->swarm.images = (struct swarm_uses){ &service, 1 };
	assert_true(pins_add_image(world->arena, &world->snapshot->pinned.images, "o:1", false,
				   "web.list:1"));
	add_image(world, "free", "f:1", "f:10", 90);
	world_container(world, "c1", "used", "u:1")->state = STATE_RUNNING;
	world_container(world, "c2", "gone", "n:1");
	plan = world_plan(world);
	assert_goes(plan, "free");
	assert_true(plan->pressure.missed);
	assert_int_equal(verdict_on(plan, "used")->reason, REASON_IN_USE);
	assert_int_equal(verdict_on(plan, "pinned")->reason, REASON_PINNED);
	world_free(world);
}

static void count_change(void *data, size_t holder _unused_)
{
	++*(size_t *)data;
}

static void the_last_holder_of_a_layer_is_known(void **state _unused_)
{
	struct world *world = full_world();
	struct layer_graph *graph;
	size_t changes = 0;

	add_image(world, "a", NULL, "base:100 mid:30 a:1", 1);
	add_image(world, "b", NULL, "base:100 mid:30 b:2", 1);
	add_image(world, "c", NULL, "base:100 c:4", 1);
	graph = layers_new(world->arena, world->snapshot, NULL);
	layers_watch(graph, count_change, &changes);
	assert_int_equal(layers_marginal(graph, 1).bytes, 2 * MB);
	assert_int_equal(layers_release(graph, 0).bytes, 1 * MB);
	assert_int_equal(layers_marginal(graph, 1).bytes, 32 * MB);
	assert_int_equal(changes, 1);
	assert_int_equal(layers_release(graph, 2).bytes, 4 * MB);
	assert_int_equal(layers_marginal(graph, 1).bytes, 132 * MB);
	assert_int_equal(layers_hold(graph, 0).bytes, 1 * MB);
	assert_int_equal(layers_marginal(graph, 1).bytes, 2 * MB);
	assert_int_equal(layers_release(graph, 1).bytes, 2 * MB);
	assert_int_equal(layers_release(graph, 0).bytes, 131 * MB);
	world_free(world);
}

static void layers_shared_by_twenty_go_with_the_last(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;

	pressure_rule(world, KIND_IMAGE, 85, 70);
	for (int i = 0; i < 20; i++)
		add_image(world, arena_printf(world->arena, "i%02d", i),
			  arena_printf(world->arena, "app:%d", i),
			  arena_printf(world->arena, "base:100 own%d:10", i), 50);
	/* Thirteen give 130 MB, all give 300; there is no way in between. */
	plan = world_plan(world);
	assert_int_equal(plan->remove.n[KIND_IMAGE], 20);
	assert_int_equal(plan->predicted.bytes, 300 * MB);
	world->images[3].memory.last_used = NOW;
	world->rules[0].min_age = HOUR;
	plan = world_plan(world);
	assert_int_equal(plan->remove.n[KIND_IMAGE], 19);
	assert_int_equal(plan->predicted.bytes, 190 * MB);
	assert_true(plan->pressure.missed);
	world_free(world);
}

static void a_parent_goes_after_its_children_or_not(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;

	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "base", "base:1", "b:230", 90);
	add_image(world, "child", "child:1", "b:230 c:5", 10)->parent = "base";
	plan = world_plan(world);
	assert_goes(plan, "base child");
	assert_string_equal(plan->verdicts[plan->removals[0]].image->id, "child");
	world_container(world, "c", "child", "child:1")->state = STATE_RUNNING;
	plan = world_plan(world);
	assert_goes(plan, "");
	world_free(world);
}

static void untagged_steps_of_a_build_go_along(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;

	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "step1", NULL, "s:200", 90);
	add_image(world, "step2", NULL, "s:200 t:15", 90)->parent = "step1";
	add_image(world, "built", "built:1", "s:200 t:15 u:5", 90)->parent = "step2";
	add_image(world, "other", "other:1", "o:219", 90);
	plan = world_plan(world);
	/* All three are one, and so the largest of equals. */
	assert_goes(plan, "built step1 step2");
	assert_int_equal(verdict_on(plan, "step1")->reason, REASON_LAST_CHILD);
	assert_string_equal(verdict_on(plan, "step1")->holder, "built:1");
	assert_int_equal(plan->predicted.bytes, 220 * MB);
	add_image(world, "built2", "built:2", "s:200 t:15 v:5", 90)->parent = "step2";
	assert_string_equal(world->images[1].id, "other");
	world->images[1].memory.last_used = NOW;
	plan = world_plan(world);
	assert_goes(plan, "built built2 step1 step2");
	assert_int_equal(plan->predicted.bytes, 225 * MB);
	world_free(world);
}

static void a_container_goes_if_its_image_has_to(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;

	pressure_rule(world, KIND_CONTAINER, 85, 70);
	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "i1", "i:1", "i:230", 90);
	add_image(world, "i2", "i:2", "j:230", 10);
	world_container(world, "c1", "i1", "i:1");
	world_container(world, "c2", "i2", "i:2");
	plan = world_plan(world);
	assert_goes(plan, "c1 i1");
	assert_int_equal(plan->verdicts[plan->removals[0]].kind, KIND_CONTAINER);
	assert_int_equal(verdict_on(plan, "i2")->reason, REASON_IN_USE);
	world_free(world);
}

static void build_cache_goes_child_before_parent(void **state _unused_)
{
	struct world *world = full_world();
	struct rule *ordinary = world_rule(world, KIND_BUILD_CACHE, DANGLING_NO);
	struct plan *plan;
	static const char *const ids[] = { "root", "mid", "tip", "busy", "same", "stored" };

	ordinary->keep_storage = 1 * MB;
	ordinary->keep_last = 100;
	pressure_rule(world, KIND_BUILD_CACHE, 85, 70);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct cache_record *record = world_cache(world, ids[i],
							  i == 1   ? "root"
							  : i == 2 ? "mid"
								   : NULL);

		record->size = i < 2 ? 110 * MB : 500 * MB;
		record->last_used = NOW - 50 * DAY;
		record->in_use = i == 3;
		record->shared = i == 4;
	}
	world->cache[2].size = 2 * MB;
	world->cache[5].size = 1 * MB;
	world->cache[5].last_used = NOW - 40 * DAY;
	plan = world_plan(world);
	assert_goes(plan, "root mid tip");
	assert_string_equal(verdict_id(&plan->verdicts[plan->removals[0]]), "tip");
	assert_string_equal(verdict_id(&plan->verdicts[plan->removals[2]]), "root");
	assert_int_equal(plan->predicted.bytes, 222 * MB);
	assert_int_equal(verdict_on(plan, "stored")->reason, REASON_KEEP_LAST);
	world->rules[1].min_age = 51 * DAY;
	assert_goes(world_plan(world), "");
	world_free(world);
}

static void a_container_under_pressure_takes_its_volumes(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;

	pressure_rule(world, KIND_CONTAINER, 85, 70)->remove_volumes = true;
	world_container(world, "c", "gone", NULL)->size = 300 * MB;
	world->containers[0].volumes = world_strings(world, "vol");
	world_volume(world, "vol", true);
	plan = world_plan(world);
	assert_goes(plan, "c vol");
	assert_int_equal(verdict_on(plan, "vol")->reason, REASON_WITH_CONTAINER);
	assert_string_equal(verdict_id(&plan->verdicts[plan->removals[0]]), "c");
	world_free(world);
}

static void sizes_that_cannot_be_are_not_counted(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;

	pressure_rule(world, KIND_CONTAINER, 85, 70);
	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "minus", "a:1", "a:200", 90)->size = -1;
	add_image(world, "zero", "b:1", "b:200", 90)->size = 0;
	add_image(world, "nolayer", "c:1", "c:200", 90)->top->size = -1;
	add_image(world, "absurd", "d:1", "d:200", 90)->size = INT64_MAX;
	add_image(world, "huge", "e:1", "e:200", 90)->top->size = INT64_MAX;
	add_image(world, "one", "f:1", "f:100", 90);
	add_image(world, "two", "f:2", "f:101", 90);
	add_image(world, "good", "g:1", "g:5", 90);
	world_container(world, "csize", "none", NULL)->size = INT64_MAX;
	plan = world_plan(world);
	assert_goes(plan, "good");
	assert_int_equal(plan->predicted.bytes, 5 * MB);
	assert_int_equal(plan->predicted.unknown, 0);
	assert_int_equal(plan->pressure.unsized, 8);
	assert_true(plan->pressure.missed);
	/* An ordinary rule does not ask for sizes. */
	world_rule(world, KIND_IMAGE, DANGLING_NO);
	plan = world_plan(world);
	assert_true(goes(plan, "minus"));
	assert_int_equal(plan->predicted.bytes, 5 * MB);
	assert_int_equal(plan->predicted.unknown, 6);
	world_free(world);
}

static void without_the_state_of_the_disk_no_rule_acts(void **state _unused_)
{
	struct world *world = full_world();
	struct rule *ordinary = world_rule(world, KIND_IMAGE, DANGLING_YES);
	struct plan *plan;

	ordinary->keep_last = 0;
	pressure_rule(world, KIND_IMAGE, 85, 70);
	world->snapshot->disk = (struct disk){ .state = FACT_UNAVAILABLE, .why = "no root" };
	add_image(world, "a", "a:1", "a:300", 90);
	add_image(world, "b", NULL, "b:300", 90);
	plan = world_plan(world);
	assert_goes(plan, "b");
	assert_string_equal(plan->pressure.off, "no root");
	world_free(world);
}

static void space_that_is_needed_is_the_mark(void **state _unused_)
{
	struct world *world = full_world();
	struct plan *plan;
	struct disk after;
	struct rules rules = { world->rules, 1 };
	struct plan_input input = { .rules = &rules, .snapshot = world->snapshot };

	pressure_rule(world, KIND_IMAGE, 99, 98);
	add_image(world, "a", "a:1", "a:100", 90);
	add_image(world, "b", "b:1", "b:100", 50);
	world->need_free = input.need_free = 180 * MB;
	plan = world_plan(world);
	assert_goes(plan, "a");
	assert_int_equal(plan->pressure.needed, 100 * MB);
	after = world->snapshot->disk;
	after.available = 180 * MB;
	assert_false(plan_missed(&input, plan, &after));
	after.available--;
	assert_true(plan_missed(&input, plan, &after));
	world->need_free = 400 * MB;
	plan = world_plan(world);
	assert_goes(plan, "a b");
	assert_true(plan->pressure.missed);
	world->need_free = 80 * MB;
	assert_goes(world_plan(world), "");
	world_free(world);
}

static void marks_by_size_and_by_inodes(void **state _unused_)
{
	struct world *world = full_world();
	struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_NO);
	struct plan *plan;

	rule_set_key(rule, RULE_WHEN_FREE_BELOW);
	rule->when_free_below = 81 * MB;
	rule->until_free_above = 150 * MB;
	add_image(world, "a", "a:1", "a:70", 90);
	add_image(world, "b", "b:1", "b:70", 50);
	assert_goes(world_plan(world), "a");
	rule->when_free_below = 80 * MB;
	assert_goes(world_plan(world), "");
	world->n_rules = 0;
	rule = pressure_rule(world, KIND_IMAGE, 85, 84);
	rule->when_used_above.inodes = rule->until_used_below.inodes = true;
	assert_goes(world_plan(world), "");
	/* 20 of 860 used inodes are to be freed: 920 MB * 20 / 860 are 21 MB. */
	world->snapshot->disk.inodes_used = 860;
	world->snapshot->disk.inodes_available = 140;
	plan = world_plan(world);
	assert_goes(plan, "a");
	assert_true(plan->pressure.by_inodes);
	/* However little they weigh, no more of them go than of the files: 20 of 860. */
	for (int i = 0; i < 50; i++)
		add_image(world, arena_printf(world->arena, "small%d", i),
			  arena_printf(world->arena, "s:%d", i),
			  arena_printf(world->arena, "s%d:1", i), 90 + i);
	plan = world_plan(world);
	assert_int_equal(plan->n_removals, 2);
	assert_false(plan->pressure.missed);
	/* btrfs counts none. */
	world->snapshot->disk.inodes = 0;
	assert_goes(world_plan(world), "");
	world_free(world);
}

static void a_later_rule_may_go_deeper(void **state _unused_)
{
	struct world *world = full_world();
	struct rule *first = pressure_rule(world, KIND_IMAGE, 85, 70);
	struct rule *second = pressure_rule(world, KIND_IMAGE, 90, 60);
	struct plan *plan;

	first->keep_within = 7 * DAY;
	rule_set_key(first, RULE_KEEP_LABEL);
	first->keep_labels = world_patterns(world, "pin", true);
	add_image(world, "a", "a:1", "a:100", 90);
	add_image(world, "b", "b:1", "b:100", 3);
	add_image(world, "c", "c:1", "c:130", 2);
	add_image(world, "pinned", "p:1", "p:500", 90)->labels = world_label(world, "pin", "");
	plan = world_plan(world);
	assert_goes(plan, "a b c");
	assert_ptr_equal(verdict_on(plan, "a")->rule, first);
	assert_ptr_equal(verdict_on(plan, "b")->rule, second);
	world_free(world);
}

static void the_brake_counts_pressure_too(void **state _unused_)
{
	struct world *world = full_world();
	struct rule *ordinary = world_rule(world, KIND_IMAGE, DANGLING_NO);
	struct plan *plan;

	ordinary->keep_last = 10;
	ordinary->max_remove = (struct limit){ true, true, 50 };
	pressure_rule(world, KIND_IMAGE, 85, 70);
	add_image(world, "a", "x:1", "a:100", 90);
	add_image(world, "b", "x:2", "b:130", 50);
	add_image(world, "c", "x:3", "c:130", 40);
	/* What the ordinary rule owns is three, of which it takes none itself. */
	plan = world_plan(world);
	assert_goes(plan, "a b");
	assert_false(plan->brake.pulled);
	world->settings.max_remove = (struct limit){ true, false, 1 };
	assert_true(world_plan(world)->brake.pulled);
	world_free(world);
}

/* ---- random worlds ---- */

#define WORLDS 4000
#define OBJECTS 24
#define MAX_LAYERS 8

static int64_t some_time(struct random *random)
{
	static const int64_t ages[] = { 60, 2 * HOUR, DAY, 3 * DAY, 10 * DAY, 100 * DAY };

	return NOW - ages[pick(random, ARRAY_SIZE(ages))] - pick(random, 50);
}

static unsigned depth_of(const struct image *image)
{
	unsigned depth = 0;

	for (const struct layer *layer = image->top; layer; layer = layer->below)
		depth++;
	return depth;
}

/* On top of the layers of another image, or of none, so that all depths are shared. */
static void add_layers(struct world *world, struct random *random, struct image *image,
		       const struct image *below)
{
	unsigned depth = below ? depth_of(below) : 0;

	image->size = 0;
	image->top = below ? below->top : NULL;
	for (unsigned n = pick(random, depth + 1); n > 0; n--, depth--)
		image->top = image->top->below;
	for (const struct layer *layer = image->top; layer; layer = layer->below)
		image->size += layer->size;
	for (unsigned n = pick(random, 4); n > 0 && depth < MAX_LAYERS; n--, depth++)
		put_layer(world, image, arena_printf(world->arena, "%s-%u", image->id, n),
			  (int64_t)pick(random, 100) * MB);
}

static void add_random_image(struct world *world, struct random *random, size_t i)
{
	const struct image *below =
		i > 0 && chance(random, 80) ? &world->images[pick(random, (unsigned)i)] : NULL;
	struct image *image =
		world_image(world, arena_printf(world->arena, "image%02zu", i), NULL);

	for (unsigned tags = pick(random, 3); tags > 0; tags--)
		assert_true(reference_parse(
			world->arena,
			arena_printf(world->arena, "app%u:%zu-%u", pick(random, 3), i, tags),
			&image->tags[image->n_tags++]));
	add_layers(world, random, image, below);
	if (below && chance(random, 40))
		image->parent = below->id;
	image->created = image->last_tagged = some_time(random);
	image->memory.first_seen = image->memory.untagged_since = image->created;
	if (chance(random, 30))
		image->memory.last_used = some_time(random);
	if (chance(random, 15))
		image->labels = world_label(world, "keep", "yes");
}

static void add_random_container(struct world *world, struct random *random, size_t i)
{
	size_t images = world->snapshot->n_images;
	const struct image *of =
		images > 0 ? &world->images[pick(random, (unsigned)images)] : NULL;
	struct container *container = world_container(
		world, arena_printf(world->arena, "container%02zu", i), of ? of->id : "gone",
		of && of->n_tags > 0 ? of->tags[0].raw : NULL);

	container->state = chance(random, 30) ? STATE_RUNNING : STATE_EXITED;
	container->created = some_time(random);
	container->finished = container->created + 20;
	container->started = container->created + 10;
	container->size = chance(random, 50) ? 0 : (int64_t)pick(random, 50) * MB;
	container->memory.first_seen = container->created;
	if (chance(random, 15))
		container->labels = world_label(world, "keep", "yes");
}

static void add_random_record(struct world *world, struct random *random, size_t i)
{
	const char *below =
		i > 0 && chance(random, 60) ? world->cache[pick(random, (unsigned)i)].id : NULL;
	struct cache_record *record =
		world_cache(world, arena_printf(world->arena, "cache%02zu", i), below);

	record->size = (int64_t)pick(random, 50) * MB;
	record->created = some_time(random);
	record->last_used = record->created;
	record->in_use = chance(random, 10);
	record->shared = chance(random, 10);
}

static void add_random_rule(struct world *world, struct random *random, bool pressure)
{
	static const enum kind kinds[] = { KIND_CONTAINER, KIND_IMAGE, KIND_IMAGE,
					   KIND_BUILD_CACHE };
	enum kind kind = kinds[pick(random, ARRAY_SIZE(kinds))];
	int64_t when = 1 + pick(random, 99);
	struct rule *rule =
		pressure ? pressure_rule(world, kind, when, 1 + pick(random, (unsigned)when))
			 : world_rule(world, kind, (enum dangling)pick(random, 3));

	rule->dangling = (enum dangling)pick(random, 3);
	rule->order = (enum pressure_order)pick(random, 3);
	rule->keep_last = chance(random, 50) ? pick(random, 4) : 0;
	rule->keep_within = chance(random, 50) ? (int64_t)pick(random, 5) * DAY : 0;
	rule->min_age = chance(random, 70) ? HOUR : 0;
	rule->action = !pressure && chance(random, 15) ? ACTION_KEEP : ACTION_REMOVE;
	if (kind != KIND_BUILD_CACHE && chance(random, 30)) {
		rule_set_key(rule, RULE_KEEP_LABEL);
		rule->keep_labels = world_patterns(world, "keep=yes", true);
	}
}

static struct world *random_world(uint64_t seed)
{
	struct random random = { seed * 7919 + 1 };
	struct world *world = world_new();
	size_t images = pick(&random, OBJECTS), containers = pick(&random, OBJECTS / 2);

	for (size_t i = 0; i < images; i++)
		add_random_image(world, &random, i);
	for (size_t i = 0; i < containers; i++)
		add_random_container(world, &random, i);
	for (size_t i = 0, n = pick(&random, OBJECTS / 2); i < n; i++)
		add_random_record(world, &random, i);
	for (unsigned n = pick(&random, 4); n > 0; n--)
		add_random_rule(world, &random, false);
	for (unsigned n = 1 + pick(&random, 3); n > 0; n--)
		add_random_rule(world, &random, true);
	world->settings.max_remove = (struct limit){ true, true, 100 };
	set_disk(world, (MAX_LAYERS * 100 + pick(&random, 2000)) * (int64_t)MB,
		 (1 + pick(&random, 300)) * (int64_t)MB);
	if (chance(&random, 20))
		world->need_free = pick(&random, 2000) * (int64_t)MB;
	return world;
}

/* What goes, as a set that a test may change: by index of the snapshot. */
struct set {
	bool containers[MAX_OBJECTS], images[MAX_OBJECTS], cache[MAX_OBJECTS];
};

static struct set set_of(const struct plan *plan)
{
	struct set set = { 0 };

	for (size_t i = 0; i < plan->n; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		bool goes = verdict->action == VERDICT_REMOVE;

		if (verdict->kind == KIND_CONTAINER)
			set.containers[verdict->container - plan->snapshot->containers] = goes;
		else if (verdict->kind == KIND_BUILD_CACHE)
			set.cache[verdict->cache - plan->snapshot->cache] = goes;
		else
			set.images[verdict->image - plan->snapshot->images] = goes;
	}
	return set;
}

static bool holds(const struct image *image, const struct layer *layer)
{
	const struct layer *held = image->top;

	while (held && held != layer)
		held = held->below;
	return held;
}

/* A layer is counted at the first image that goes and holds it, if none that stays does. */
static bool counts(const struct snapshot *snapshot, const struct set *set, size_t image,
		   const struct layer *layer)
{
	for (size_t i = 0; i < snapshot->n_images; i++)
		if (holds(&snapshot->images[i], layer) && (!set->images[i] || i < image))
			return false;
	return true;
}

static int64_t count_freed(const struct snapshot *snapshot, const struct set *set)
{
	int64_t freed = 0;

	for (size_t i = 0; i < snapshot->n_containers; i++)
		freed += set->containers[i] ? snapshot->containers[i].size : 0;
	for (size_t i = 0; i < snapshot->n_cache; i++)
		freed += set->cache[i] ? snapshot->cache[i].size : 0;
	for (size_t i = 0; i < snapshot->n_images; i++)
		for (const struct layer *layer = snapshot->images[i].top;
		     set->images[i] && layer; layer = layer->below)
			if (counts(snapshot, set, i, layer))
				freed += layer->size;
	return freed;
}

static bool stays_below(const struct snapshot *snapshot, const struct set *set)
{
	for (size_t i = 0; i < snapshot->n_cache; i++)
		for (size_t k = 0; set->cache[i] && k < snapshot->n_cache; k++)
			if (!set->cache[k] &&
			    strings_contain(&snapshot->cache[k].parents, snapshot->cache[i].id))
				return true;
	return false;
}

/* No container that stays uses an image that goes, and nothing that stays is built on something
 * that goes. */
static bool is_possible(const struct snapshot *snapshot, const struct set *set)
{
	if (stays_below(snapshot, set))
		return false;
	for (size_t i = 0; i < snapshot->n_images; i++) {
		const char *id = snapshot->images[i].id;

		for (size_t k = 0; set->images[i] && k < snapshot->n_containers; k++)
			if (!set->containers[k] &&
			    strcmp(snapshot->containers[k].image_id, id) == 0)
				return false;
		for (size_t k = 0; set->images[i] && k < snapshot->n_images; k++)
			if (!set->images[k] && snapshot->images[k].parent &&
			    strcmp(snapshot->images[k].parent, id) == 0)
				return false;
	}
	return true;
}

static bool has_keep_label(const struct verdict *verdict)
{
	if (verdict->kind == KIND_BUILD_CACHE)
		return false;
	return labels_get(verdict->kind == KIND_CONTAINER ? &verdict->container->labels
							  : &verdict->image->labels,
			  "keep") != NULL;
}

/* Rules here select by dangling alone. */
static const struct rule *owner_of(const struct world *world, const struct verdict *verdict)
{
	for (size_t i = 0; i < world->n_rules; i++) {
		const struct rule *rule = &world->rules[i];
		bool untagged = verdict->kind == KIND_IMAGE;
		enum kind kind = verdict->kind == KIND_TAG ? KIND_IMAGE : verdict->kind;

		if (rule_is_pressure(rule) || rule->kind != kind)
			continue;
		if (kind != KIND_IMAGE || rule->dangling == DANGLING_ANY ||
		    (rule->dangling == DANGLING_YES) == untagged)
			return rule;
	}
	return NULL;
}

static int64_t newest_sign(const struct verdict *verdict)
{
	const struct image *image = verdict->image;

	if (verdict->kind == KIND_CONTAINER)
		return verdict->container->finished;
	if (verdict->kind == KIND_BUILD_CACHE)
		return verdict->cache->last_used;
	return image->memory.last_used > image->created ? image->memory.last_used
							: image->created;
}

static bool bars(const struct rule *rule, const struct verdict *verdict)
{
	if (!rule)
		return false;
	return rule->action == ACTION_KEEP ||
	       (rule_has(rule, RULE_KEEP_LABEL) && has_keep_label(verdict)) ||
	       NOW - newest_sign(verdict) < rule->min_age;
}

static bool is_image_kind(const struct verdict *verdict)
{
	return verdict->kind == KIND_IMAGE || verdict->kind == KIND_TAG;
}

static int64_t age_by_rule(const struct verdict *verdict)
{
	return NOW - (is_image_kind(verdict) ? verdict->image->created : newest_sign(verdict));
}

static void check_taken(uint64_t seed, const struct world *world, const struct verdict *verdict,
			const struct verdict *before)
{
	if (before->action == VERDICT_REMOVE) {
		if (verdict->action != VERDICT_REMOVE)
			fail_msg("RECLAIMD_SEED=%llu: what an ordinary rule removes stays",
				 (unsigned long long)seed);
		return;
	}
	if (verdict->action == VERDICT_KEEP)
		return;
	if (verdict->kind == KIND_CONTAINER && verdict->container->state == STATE_RUNNING)
		fail_msg("RECLAIMD_SEED=%llu: a running container goes",
			 (unsigned long long)seed);
	if (verdict->kind == KIND_BUILD_CACHE &&
	    (verdict->cache->in_use || verdict->cache->shared))
		fail_msg("RECLAIMD_SEED=%llu: cache in use goes", (unsigned long long)seed);
	if (verdict->reason == REASON_LAST_CHILD)
		return;
	/* A name that its owner would remove, had it been alone, goes whatever the other rule
	 * says of it. */
	if (verdict->reason != REASON_PRESSURE || bars(owner_of(world, verdict), verdict))
		fail_msg("RECLAIMD_SEED=%llu: its owner keeps it", (unsigned long long)seed);
	if (verdict->kind != KIND_TAG &&
	    (bars(verdict->rule, verdict) || age_by_rule(verdict) < verdict->rule->keep_within))
		fail_msg("RECLAIMD_SEED=%llu: its own keepers keep it",
			 (unsigned long long)seed);
}

/* The image and the steps of its build that go along with it. */
static void come_back(const struct snapshot *snapshot, const struct plan *plan,
		      const struct verdict *verdict, struct set *set)
{
	const struct image *image = verdict->image;
	const char *name = image->n_tags > 0 ? image->tags[0].short_name : image->id;

	set->images[image - snapshot->images] = false;
	while (image->parent) {
		const struct verdict *row = verdict_on(plan, image->parent);

		if (row->reason != REASON_LAST_CHILD || strcmp(row->holder, name) != 0 ||
		    row->action != VERDICT_REMOVE)
			return;
		image = row->image;
		set->images[image - snapshot->images] = false;
	}
}

/* Without any one of those that a pressure rule took, the mark would be missed by more. */
static void check_needed(uint64_t seed, const struct plan *plan, const struct set *all,
			 int64_t freed)
{
	int64_t goal = plan->pressure.needed < freed ? plan->pressure.needed : freed;

	for (size_t i = 0; i < plan->n; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		struct set set = *all;

		if (verdict->reason != REASON_PRESSURE)
			continue;
		if (verdict->kind == KIND_CONTAINER)
			set.containers[verdict->container - plan->snapshot->containers] = false;
		else if (verdict->kind == KIND_BUILD_CACHE)
			set.cache[verdict->cache - plan->snapshot->cache] = false;
		else
			come_back(plan->snapshot, plan, verdict, &set);
		if (is_possible(plan->snapshot, &set) &&
		    count_freed(plan->snapshot, &set) >= goal)
			fail_msg("RECLAIMD_SEED=%llu: row %zu is superfluous",
				 (unsigned long long)seed, i);
	}
}

static struct plan *plan_without_pressure(struct world *world)
{
	struct disk disk = world->snapshot->disk;
	struct plan *plan;

	world->snapshot->disk.state = FACT_UNAVAILABLE;
	plan = world_plan(world);
	world->snapshot->disk = disk;
	return plan;
}

static void check_order(const struct plan *plan)
{
	bool *gone = mem_zalloc(plan->n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < plan->n_removals; i++) {
		assert_false(gone[plan->removals[i]]);
		gone[plan->removals[i]] = true;
	}
	for (size_t i = 0; i < plan->n; i++)
		n += plan->verdicts[i].action == VERDICT_REMOVE;
	assert_int_equal(n, plan->n_removals);
	free(gone);
}

static size_t worlds_pressed;

static void check_world(uint64_t seed)
{
	struct world *world = random_world(seed);
	struct plan *before = plan_without_pressure(world), *plan = world_plan(world);
	struct set all = set_of(plan);
	int64_t freed = count_freed(world->snapshot, &all);
	bool pressed = plan->n_removals > before->n_removals;

	for (size_t i = 0; i < plan->n; i++)
		check_taken(seed, world, &plan->verdicts[i], &before->verdicts[i]);
	check_order(plan);
	assert_int_equal(plan->predicted.unknown, 0);
	assert_int_equal(plan->predicted.bytes, freed);
	if (!is_possible(world->snapshot, &all))
		fail_msg("RECLAIMD_SEED=%llu: what is used or built upon goes",
			 (unsigned long long)seed);
	check_needed(seed, plan, &all, freed);
	assert_int_equal(plan->pressure.missed, freed < plan->pressure.needed);
	if (plan->pressure.n_rules == 0)
		assert_false(pressed);
	worlds_pressed += pressed;
	world_free(world);
}

/* Facts that the engine keeps to itself end the asking, and free nothing that must stay. */
static void check_world_of_unknowns(uint64_t seed)
{
	struct random random = { seed };
	struct world *world = random_world(seed);
	struct plan *before, *plan;
	struct set all;

	for (size_t i = 0; i < world->snapshot->n_images; i++) {
		if (chance(&random, 20))
			world->images[i].layered = FACT_NOT_ASKED;
		if (chance(&random, 20))
			world->images[i].inspected = FACT_NOT_ASKED;
		if (chance(&random, 10))
			world->images[i].size = chance(&random, 50) ? -1 : INT64_MAX;
	}
	for (size_t i = 0; i < world->snapshot->n_containers; i++) {
		if (chance(&random, 20))
			world->containers[i].sized = FACT_NOT_ASKED;
		if (chance(&random, 20))
			world->containers[i].inspected = FACT_NOT_ASKED;
	}
	before = plan_without_pressure(world);
	plan = world_plan(world);
	all = set_of(plan);
	for (size_t i = 0; i < plan->n; i++)
		check_taken(seed, world, &plan->verdicts[i], &before->verdicts[i]);
	check_order(plan);
	if (!is_possible(world->snapshot, &all))
		fail_msg("RECLAIMD_SEED=%llu: what is used or built upon goes",
			 (unsigned long long)seed);
	world_free(world);
}

static void what_the_engine_does_not_tell_stays(void **state _unused_)
{
	try_seeds(WORLDS, check_world_of_unknowns);
}

static void what_goes_frees_enough_and_none_is_superfluous(void **state _unused_)
{
	if (!try_seeds(WORLDS, check_world))
		return;
	/* A world in which no pressure rule takes anything tests little. */
	assert_true(worlds_pressed > WORLDS / 10);
}

#define MANY 10000

static void ten_thousand_images_are_no_matter(void **state _unused_)
{
	struct world *world = full_world();
	struct timespec start, end;
	struct plan *plan;

	world->snapshot->images = arena_array(world->arena, MANY, sizeof(struct image));
	for (size_t i = 0; i < MANY; i++) {
		struct image *image = add_image(
			world, "x", arena_printf(world->arena, "app:%zu", i), "base:0", 50);

		world->snapshot->n_images--;
		image->id = arena_printf(world->arena, "%05zu", i);
		for (size_t k = 10; k-- > 0;)
			put_layer(world, image,
				  arena_printf(world->arena, "%zu-%zu", k, i >> k), MB / 50);
		world->snapshot->images[i] = *image;
	}
	world->snapshot->n_images = MANY;
	pressure_rule(world, KIND_IMAGE, 85, 70)->order = PRESSURE_LARGEST;
	clock_gettime(CLOCK_MONOTONIC, &start);
	plan = world_plan(world);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_false(plan->pressure.missed);
	assert_true(plan->predicted.bytes < plan->pressure.needed + MB);
	if (end.tv_sec - start.tv_sec > 20)
		fail_msg("%d seconds", (int)(end.tv_sec - start.tv_sec));
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(below_its_mark_a_rule_is_not_there),
		cmocka_unit_test(what_was_used_longest_ago_goes_first),
		cmocka_unit_test(volumes_that_go_anyway_count),
		cmocka_unit_test(what_a_service_ran_last_does_not_follow),
		cmocka_unit_test(of_equals_that_goes_which_frees_most),
		cmocka_unit_test(the_other_orders),
		cmocka_unit_test(what_turned_out_not_to_be_needed_stays),
		cmocka_unit_test(ordinary_removals_count_before),
		cmocka_unit_test(what_must_stay_stays),
		cmocka_unit_test(the_last_holder_of_a_layer_is_known),
		cmocka_unit_test(layers_shared_by_twenty_go_with_the_last),
		cmocka_unit_test(a_parent_goes_after_its_children_or_not),
		cmocka_unit_test(untagged_steps_of_a_build_go_along),
		cmocka_unit_test(a_container_goes_if_its_image_has_to),
		cmocka_unit_test(build_cache_goes_child_before_parent),
		cmocka_unit_test(a_container_under_pressure_takes_its_volumes),
		cmocka_unit_test(sizes_that_cannot_be_are_not_counted),
		cmocka_unit_test(without_the_state_of_the_disk_no_rule_acts),
		cmocka_unit_test(space_that_is_needed_is_the_mark),
		cmocka_unit_test(marks_by_size_and_by_inodes),
		cmocka_unit_test(a_later_rule_may_go_deeper),
		cmocka_unit_test(the_brake_counts_pressure_too),
		cmocka_unit_test(what_goes_frees_enough_and_none_is_superfluous),
		cmocka_unit_test(what_the_engine_does_not_tell_stays),
		cmocka_unit_test(ten_thousand_images_are_no_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
