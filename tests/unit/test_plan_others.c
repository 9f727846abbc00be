#include "world.h"

/* What must survive, and what may go: volumes, networks, build cache. */

static int setup(void **state)
{
	*state = world_new();
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void assert_verdict(struct world *world, const char *id, enum verdict_action action,
			   enum reason reason)
{
	const struct verdict *verdict = verdict_on(world_plan(world), id);

	assert_string_equal(reason_to_string(verdict->reason), reason_to_string(reason));
	assert_int_equal(verdict->action, action);
}

static void assert_goes(struct world *world, const char *id, enum reason reason)
{
	assert_verdict(world, id, VERDICT_REMOVE, reason);
}

static void assert_stays(struct world *world, const char *id, enum reason reason)
{
	assert_verdict(world, id, VERDICT_KEEP, reason);
}

static struct rule *rule_for(struct world *world, enum kind kind)
{
	struct rule *rule = world_rule(world, kind, DANGLING_NO);

	rule->keep_within = DAY;
	return rule;
}

/* ---- volumes ---- */

static void a_volume_of_any_container_stays(void **state)
{
	struct world *world = *state;

	rule_for(world, KIND_VOLUME);
	world_volume(world, "free", true);
	world_volume(world, "mounted", true);
	world_volume(world, "bound", true);
	world_volume(world, "bound-below", true);
	world_volume(world, "linked", true);
	world_container(world, "c1", "i", NULL)->volumes = world_strings(world, "mounted");
	world_container(world, "c2", "i", NULL)->binds =
		world_strings(world, "/volumes/bound/_data/");
	world_container(world, "c3", "i", NULL)->binds =
		world_strings(world, "/volumes/bound-below/_data/a/b");
	world_container(world, "c4", "i", NULL)->binds = world_strings(world, "/volumes");
	world_container(world, "c5", "i", NULL)->binds =
		world_strings(world, "/a-link/volumes/x/volumes/linked/_data/a");
	world_container(world, "c6", "i", NULL)->binds =
		world_strings(world, "/a-link/volumes/free");
	assert_stays(world, "linked", REASON_IN_USE);
	assert_stays(world, "mounted", REASON_IN_USE);
	assert_stays(world, "bound", REASON_IN_USE);
	assert_stays(world, "bound-below", REASON_IN_USE);
	assert_goes(world, "free", REASON_EXPIRED);
}

/* A service may have a volume for each of its tasks, and none of these may be running. */
static void volumes_of_a_services_template_stay(void **state _unused_)
{
	static const struct {
		const char *source, *name;
		bool stays;
	} cases[] = {
		{ "data-{{.Task.Slot}}", "data-3", true },
		{ "data-{{.Task.Slot}}", "data-", true },
		{ "data-{{.Task.Slot}}", "log-3", false },
		{ "{{.Service.Name}}-{{.Node.ID}}-db", "web-1-db", true },
		{ "{{.Service.Name}}-{{.Node.ID}}-db", "web-1-dbx", false },
		{ "aba{{.Task.Slot}}aba", "aba", false },
		{ "{{.Task.Name}}", "anything", true },
		{ "data", "data-3", false },
		{ "{{", "a", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *world = world_new();
		struct swarm_use use = { cases[i].source, "service web" };

		rule_for(world, KIND_VOLUME);
		world_volume(world, cases[i].name, true);
		world->snapshot->swarm.state = LISTING_READ;
		world->snapshot->swarm.volumes = (struct swarm_uses){ &use, 1 };
		if (cases[i].stays)
			assert_stays(world, cases[i].name, REASON_IN_USE);
		else
			assert_goes(world, cases[i].name, REASON_EXPIRED);
		world_free(world);
	}
}

static void a_volume_without_user_is_as_old_as_that(void **state)
{
	struct world *world = *state;
	struct volume *volume = world_volume(world, "v", true);

	rule_for(world, KIND_VOLUME);
	volume->memory.untagged_since = NOW - HOUR;
	assert_stays(world, "v", REASON_KEEP_WITHIN);
	volume->memory.untagged_since = TIME_UNKNOWN;
	assert_stays(world, "v", REASON_KEEP_WITHIN);
	volume->memory.untagged_since = NOW - 2 * DAY;
	assert_goes(world, "v", REASON_EXPIRED);
	volume->memory.last_used = NOW - HOUR;
	assert_stays(world, "v", REASON_KEEP_WITHIN);
}

static void min_age_holds_a_new_volume(void **state)
{
	struct world *world = *state;
	struct volume *volume = world_volume(world, "v", true);
	struct rule *rule = world_rule(world, KIND_VOLUME, DANGLING_NO);

	rule->min_age = HOUR;
	volume->created = NOW - 60;
	assert_stays(world, "v", REASON_TOO_YOUNG);
	volume->created = NOW + DAY;
	volume->memory.untagged_since = NOW - 60;
	assert_stays(world, "v", REASON_TOO_YOUNG);
	volume->memory.untagged_since = NOW - 2 * HOUR;
	assert_goes(world, "v", REASON_EXPIRED);
}

static void the_two_sorts_of_volumes_have_rules_of_their_own(void **state)
{
	struct world *world = *state;

	world_volume(world, "anonymous", true);
	world_volume(world, "named", false);
	rule_for(world, KIND_VOLUME);
	assert_stays(world, "named", REASON_NO_RULE);
	world->rules[0].anonymous = ANONYMOUS_NO;
	assert_stays(world, "anonymous", REASON_NO_RULE);
}

static void a_named_volume_goes_only_while_somebody_watches(void **state)
{
	struct world *world = *state;
	struct rule *rule = rule_for(world, KIND_VOLUME);

	world_volume(world, "v", false);
	rule->anonymous = ANONYMOUS_NO;
	assert_goes(world, "v", REASON_EXPIRED);
	world->snapshot->watched_from = NOW - HOUR;
	assert_stays(world, "v", REASON_KEEP_WITHIN);
	world->snapshot->watched_from = TIME_UNKNOWN;
	assert_stays(world, "v", REASON_UNWATCHED);
	rule->keep_within = 0;
	rule->max_age = HOUR;
	assert_stays(world, "v", REASON_UNWATCHED);
	/* A watcher to whom the engine does not tell of volumes knows no more. */
	world->snapshot->watched_from = LONG_AGO;
	assert_goes(world, "v", REASON_MAX_AGE);
	world->snapshot->tells_volume_use = false;
	assert_stays(world, "v", REASON_UNWATCHED);
}

static void a_volume_in_quarantine_is_announced_and_then_goes(void **state)
{
	struct world *world = *state;
	struct rule *rule = rule_for(world, KIND_VOLUME);
	struct volume *volume = world_volume(world, "v", false);
	const struct verdict *verdict;

	rule->anonymous = ANONYMOUS_NO;
	rule->quarantine = 7 * DAY;
	verdict = verdict_on(world_plan(world), "v");
	assert_int_equal(verdict->reason, REASON_QUARANTINE);
	assert_true(verdict->announce);
	assert_int_equal(verdict->goes_at, NOW + 7 * DAY);
	volume->announced = NOW - 6 * DAY;
	verdict = verdict_on(world_plan(world), "v");
	assert_int_equal(verdict->reason, REASON_QUARANTINE);
	assert_int_equal(verdict->action, VERDICT_KEEP);
	assert_false(verdict->announce);
	assert_int_equal(verdict->goes_at, NOW + DAY);
	volume->announced = NOW - 7 * DAY;
	assert_goes(world, "v", REASON_EXPIRED);
}

/* Used, or not watched, after it was announced: the time starts anew. */
static void use_voids_an_announcement(void **state)
{
	struct world *world = *state;
	struct rule *rule = rule_for(world, KIND_VOLUME);
	struct volume *volume = world_volume(world, "v", false);

	rule->anonymous = ANONYMOUS_NO;
	rule->quarantine = 7 * DAY;
	volume->announced = NOW - 8 * DAY;
	volume->memory.untagged_since = NOW - 2 * DAY;
	assert_stays(world, "v", REASON_QUARANTINE);
	assert_true(verdict_on(world_plan(world), "v")->announce);
	volume->memory.untagged_since = LONG_AGO;
	volume->memory.last_used = NOW - 3 * DAY;
	assert_true(verdict_on(world_plan(world), "v")->announce);
	volume->memory.last_used = TIME_UNKNOWN;
	world->snapshot->watched_from = NOW - 3 * DAY;
	assert_true(verdict_on(world_plan(world), "v")->announce);
	world->snapshot->watched_from = LONG_AGO;
	assert_goes(world, "v", REASON_EXPIRED);
	rule->age_from = AGE_CREATED;
	assert_goes(world, "v", REASON_EXPIRED);
	volume->memory.last_used = NOW - 3 * DAY;
	assert_true(verdict_on(world_plan(world), "v")->announce);
	assert_stays(world, "v", REASON_QUARANTINE);
}

static void pins_and_other_hosts_keep_a_volume(void **state)
{
	struct world *world = *state;
	struct rule *rule = rule_for(world, KIND_VOLUME);
	struct volume *volume = world_volume(world, "v", true);

	volume->labels = world_label(world, "keep", "yes");
	rule->keep_labels = world_patterns(world, "keep", true);
	rule_set_key(rule, RULE_KEEP_LABEL);
	assert_stays(world, "v", REASON_PINNED);
	volume->not_ours = "shared with other hosts";
	assert_stays(world, "v", REASON_NOT_OURS);
}

static void without_the_list_of_containers_nothing_of_the_kinds_goes(void **state)
{
	struct world *world = *state;

	rule_for(world, KIND_VOLUME);
	rule_for(world, KIND_NETWORK);
	world_volume(world, "v", true);
	world_network(world, "n", "net");
	assert_goes(world, "v", REASON_EXPIRED);
	assert_goes(world, "n", REASON_EXPIRED);
	world->snapshot->listing[KIND_CONTAINER] = LISTING_FAILED;
	assert_stays(world, "v", REASON_LIST_FAILED);
	assert_stays(world, "n", REASON_LIST_FAILED);
}

/* ---- remove-volumes ---- */

static void anonymous_volumes_go_after_their_containers(void **state)
{
	struct world *world = *state;
	const struct plan *plan;

	rule_for(world, KIND_CONTAINER)->remove_volumes = true;
	world_container(world, "c", "i", NULL)->volumes = world_strings(world, "anonymous");
	world_container(world, "d", "i", NULL)->volumes = world_strings(world, "named");
	world_volume(world, "anonymous", true);
	world_volume(world, "named", false);
	plan = world_plan(world);
	assert_string_equal(verdict_on(plan, "anonymous")->holder, "c");
	assert_ptr_equal(verdict_on(plan, "anonymous")->rule, &world->rules[0]);
	assert_goes(world, "anonymous", REASON_WITH_CONTAINER);
	assert_stays(world, "named", REASON_IN_USE);
	assert_int_equal(plan->verdicts[plan->removals[plan->n_removals - 1]].kind,
			 KIND_VOLUME);
	world->rules[0].remove_volumes = false;
	assert_stays(world, "anonymous", REASON_IN_USE);
}

static void a_volume_that_another_container_has_stays(void **state)
{
	struct world *world = *state;

	rule_for(world, KIND_CONTAINER)->remove_volumes = true;
	world_container(world, "c", "i", NULL)->volumes = world_strings(world, "v");
	world_container(world, "d", "i", NULL)->volumes = world_strings(world, "v");
	world_volume(world, "v", true);
	assert_goes(world, "v", REASON_WITH_CONTAINER);
	world->containers[1].state = STATE_RUNNING;
	assert_stays(world, "v", REASON_IN_USE);
	world->containers[1].state = STATE_EXITED;
	world_container(world, "e", "i", NULL)->binds =
		world_strings(world, "/volumes/v/_data/below");
	assert_stays(world, "v", REASON_IN_USE);
}

static void rules_for_volumes_may_keep_what_would_go_along(void **state)
{
	struct world *world = *state;
	struct rule *rule;

	rule_for(world, KIND_CONTAINER)->remove_volumes = true;
	world_container(world, "c", "i", NULL)->volumes = world_strings(world, "v");
	world_volume(world, "v", true)->labels = world_label(world, "keep", "yes");
	rule = rule_for(world, KIND_VOLUME);
	rule->keep_labels = world_patterns(world, "keep", true);
	rule_set_key(rule, RULE_KEEP_LABEL);
	assert_stays(world, "v", REASON_PINNED);
	rule->origin[RULE_KEEP_LABEL].file = NULL;
	assert_goes(world, "v", REASON_WITH_CONTAINER);
	rule->action = ACTION_KEEP;
	assert_stays(world, "v", REASON_RULE_KEEPS);
}

/* ---- networks ---- */

static void a_network_of_any_container_stays(void **state)
{
	struct world *world = *state;

	rule_for(world, KIND_NETWORK);
	world_network(world, "n1", "free");
	world_network(world, "n2", "by-name");
	world_network(world, "n3", "by-id");
	world_network(world, "n4", "config");
	world_network(world, "n5", "bridge")->not_ours = "built-in network";
	world_network(world, "n6", "made")->config_from = "config";
	world_container(world, "c1", "i", NULL)->networks = world_strings(world, "by-name");
	world_container(world, "c2", "i", NULL)->networks = world_strings(world, "n3");
	world_network(world, "abcdef012345", "by-short-id");
	world_network(world, "ffff00000000", "ff");
	world_network(world, "ff00ff000000", "no-short-id");
	world_container(world, "c3", "i", NULL)->networks = world_strings(world, "abcd");
	world_container(world, "c4", "i", NULL)->networks = world_strings(world, "ff");
	assert_stays(world, "abcdef012345", REASON_IN_USE);
	assert_stays(world, "ffff00000000", REASON_IN_USE);
	assert_goes(world, "ff00ff000000", REASON_EXPIRED);
	assert_goes(world, "n1", REASON_EXPIRED);
	assert_stays(world, "n2", REASON_IN_USE);
	assert_stays(world, "n3", REASON_IN_USE);
	assert_stays(world, "n4", REASON_IN_USE);
	assert_stays(world, "n5", REASON_NOT_OURS);
}

static void projects_are_groups_of_networks(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_NETWORK, DANGLING_NO);

	rule->projects = world_patterns(world, "pr-*", false);
	rule_set_key(rule, RULE_PROJECT);
	world_network(world, "n1", "a")->labels =
		world_label(world, "com.docker.compose.project", "pr-1");
	world_network(world, "n2", "b")->labels =
		world_label(world, "com.docker.compose.project", "main");
	world_network(world, "n3", "c");
	assert_goes(world, "n1", REASON_EXPIRED);
	assert_stays(world, "n2", REASON_NO_RULE);
	assert_stays(world, "n3", REASON_NO_RULE);
}

/* ---- build cache ---- */

static void cache_goes_by_last_use(void **state)
{
	struct world *world = *state;

	rule_for(world, KIND_BUILD_CACHE);
	world_cache(world, "old", NULL);
	world_cache(world, "used", NULL)->last_used = NOW - HOUR;
	world_cache(world, "made", NULL)->last_used = TIME_UNKNOWN;
	world_cache(world, "building", NULL)->in_use = true;
	world_cache(world, "shared", NULL)->shared = true;
	world_cache(world, "internal", NULL)->not_ours = "the builder's internal record";
	assert_goes(world, "old", REASON_EXPIRED);
	assert_goes(world, "made", REASON_EXPIRED);
	assert_stays(world, "used", REASON_KEEP_WITHIN);
	assert_stays(world, "building", REASON_IN_USE);
	assert_stays(world, "shared", REASON_SHARED);
	assert_stays(world, "internal", REASON_NOT_OURS);
}

static size_t place_of(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->n_removals; i++)
		if (strcmp(verdict_id(&plan->verdicts[plan->removals[i]]), id) == 0)
			return i;
	fail_msg("%s does not go", id);
	return 0;
}

static void cache_goes_child_before_parent(void **state)
{
	struct world *world = *state;
	const struct plan *plan;

	rule_for(world, KIND_BUILD_CACHE);
	world_cache(world, "a", NULL);
	world_cache(world, "b", "a");
	world_cache(world, "c", "b");
	world_cache(world, "x", "gone");
	plan = world_plan(world);
	assert_int_equal(plan->n_removals, 4);
	assert_true(place_of(plan, "c") < place_of(plan, "b"));
	assert_true(place_of(plan, "b") < place_of(plan, "a"));
	world->cache[2].last_used = NOW - HOUR;
	assert_stays(world, "a", REASON_CHILD);
	assert_stays(world, "b", REASON_CHILD);
	assert_stays(world, "c", REASON_KEEP_WITHIN);
}

static void cache_records_in_a_circle_stay(void **state)
{
	struct world *world = *state;

	rule_for(world, KIND_BUILD_CACHE);
	world_cache(world, "a", "b");
	world_cache(world, "b", "a");
	assert_stays(world, "a", REASON_CHILD);
	assert_stays(world, "b", REASON_CHILD);
}

static void keep_storage_keeps_what_was_used_last(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_BUILD_CACHE, DANGLING_NO);

	rule->keep_storage = 2500;
	for (int i = 0; i < 5; i++) {
		char id[] = { (char)('a' + i), 0 };

		world_cache(world, id, NULL)->last_used = NOW - (i + 1) * DAY;
	}
	assert_stays(world, "a", REASON_KEEP_STORAGE);
	assert_stays(world, "b", REASON_KEEP_STORAGE);
	assert_goes(world, "c", REASON_EXPIRED);
	assert_goes(world, "e", REASON_EXPIRED);
	rule->max_age = 2 * DAY;
	assert_stays(world, "a", REASON_KEEP_STORAGE);
	assert_goes(world, "b", REASON_MAX_AGE);
}

/* Its build used it when it made it. */
static void keep_storage_counts_what_was_never_used_again_from_its_creation(void **state)
{
	struct world *world = *state;

	world_rule(world, KIND_BUILD_CACHE, DANGLING_NO)->keep_storage = 1000;
	world_cache(world, "old", NULL)->last_used = NOW - 2 * DAY;
	world_cache(world, "new", NULL)->last_used = TIME_UNKNOWN;
	world->cache[1].created = NOW - DAY;
	assert_stays(world, "new", REASON_KEEP_STORAGE);
	assert_goes(world, "old", REASON_EXPIRED);
}

static void sizes_that_no_disk_could_have_do_not_overflow_keep_storage(void **state)
{
	struct world *world = *state;

	world_rule(world, KIND_BUILD_CACHE, DANGLING_NO)->keep_storage = 1000;
	world_cache(world, "a", NULL)->size = INT64_MAX;
	world_cache(world, "b", NULL)->size = INT64_MAX;
	world_cache(world, "c", NULL)->size = INT64_MAX;
	assert_goes(world, "a", REASON_EXPIRED);
	assert_goes(world, "c", REASON_EXPIRED);
}

/* ---- numbers ---- */

static void sizes_are_known_or_said_to_be_unknown(void **state)
{
	struct world *world = *state;
	struct plan *plan;

	rule_for(world, KIND_VOLUME);
	rule_for(world, KIND_NETWORK);
	rule_for(world, KIND_BUILD_CACHE);
	world_volume(world, "known", true);
	world_volume(world, "unknown", true)->sized = FACT_UNAVAILABLE;
	world_network(world, "n", "net");
	world_cache(world, "r", NULL);
	plan = world_plan(world);
	assert_int_equal(plan->remove.n[KIND_VOLUME], 2);
	assert_int_equal(plan->remove.n[KIND_NETWORK], 1);
	assert_int_equal(plan->remove.n[KIND_BUILD_CACHE], 1);
	assert_int_equal(plan->remove.bytes, 2000);
	assert_int_equal(plan->remove.unknown, 1);
}

static void the_brake_holds_volumes(void **state)
{
	struct world *world = *state;

	rule_for(world, KIND_VOLUME);
	for (int i = 0; i < 30; i++) {
		char name[8];

		snprintf(name, sizeof(name), "v%02d", i);
		world_volume(world, name, true)->memory.untagged_since =
			i < 15 ? LONG_AGO : NOW;
	}
	assert_false(world_plan(world)->brake.pulled);
	world->volumes[15].memory.untagged_since = LONG_AGO;
	assert_true(world_plan(world)->brake.pulled);
	assert_int_equal(world_plan(world)->brake.kind, KIND_VOLUME);
}

static void what_something_outside_names_stays(void **state)
{
	struct world *world = *state;
	struct pinned *pinned = &world->snapshot->pinned;
	struct rule *rule = world_rule(world, KIND_CONTAINER, DANGLING_NO);

	rule->remove_volumes = true;
	rule_for(world, KIND_VOLUME);
	rule_for(world, KIND_NETWORK);
	world_volume(world, "data-1", true);
	world_volume(world, "data", true);
	world_volume(world, "used", true);
	world_container(world, "c", "i", NULL)->volumes = world_strings(world, "used");
	world_network(world, "n1", "net-1");
	world_network(world, "n2", "net-2");
	assert_goes(world, "data-1", REASON_EXPIRED);
	assert_goes(world, "used", REASON_WITH_CONTAINER);
	assert_goes(world, "n1", REASON_EXPIRED);
	pins_add(world->arena, &pinned->volumes, "data-*", "a.container:1");
	pins_add(world->arena, &pinned->volumes, "used", "a.container:2");
	pins_add(world->arena, &pinned->networks, "net-1", "a.container:3");
	assert_stays(world, "data-1", REASON_PINNED);
	assert_string_equal(verdict_on(world_plan(world), "data-1")->holder, "a.container:1");
	assert_goes(world, "data", REASON_EXPIRED);
	assert_stays(world, "used", REASON_PINNED);
	assert_stays(world, "n1", REASON_PINNED);
	assert_goes(world, "n2", REASON_EXPIRED);
	world->snapshot->pinned_unknown = "a.container: Permission denied";
	assert_stays(world, "data", REASON_LIST_FAILED);
	assert_stays(world, "n2", REASON_LIST_FAILED);
	assert_goes(world, "c", REASON_EXPIRED);
}

#define T(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_volume_of_any_container_stays),
		T(volumes_of_a_services_template_stay),
		T(a_volume_without_user_is_as_old_as_that),
		T(min_age_holds_a_new_volume),
		T(the_two_sorts_of_volumes_have_rules_of_their_own),
		T(a_named_volume_goes_only_while_somebody_watches),
		T(a_volume_in_quarantine_is_announced_and_then_goes),
		T(use_voids_an_announcement),
		T(pins_and_other_hosts_keep_a_volume),
		T(without_the_list_of_containers_nothing_of_the_kinds_goes),
		T(anonymous_volumes_go_after_their_containers),
		T(a_volume_that_another_container_has_stays),
		T(rules_for_volumes_may_keep_what_would_go_along),
		T(a_network_of_any_container_stays),
		T(projects_are_groups_of_networks),
		T(cache_goes_by_last_use),
		T(cache_goes_child_before_parent),
		T(cache_records_in_a_circle_stay),
		T(keep_storage_keeps_what_was_used_last),
		T(keep_storage_counts_what_was_never_used_again_from_its_creation),
		T(sizes_that_no_disk_could_have_do_not_overflow_keep_storage),
		T(sizes_are_known_or_said_to_be_unknown),
		T(the_brake_holds_volumes),
		T(what_something_outside_names_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
