#include "world.h"

/* What must survive, and what may go: one small world a case. */

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

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

static void assert_goes(const struct verdict *verdict, enum reason reason)
{
	assert_string_equal(reason_to_string(verdict->reason), reason_to_string(reason));
	assert_int_equal(verdict->action, VERDICT_REMOVE);
}

static void assert_stays(const struct verdict *verdict, enum reason reason)
{
	assert_string_equal(reason_to_string(verdict->reason), reason_to_string(reason));
	assert_int_equal(verdict->action, VERDICT_KEEP);
}

static void without_a_rule_nothing_goes(void **state)
{
	struct world *world = *state;
	struct plan *plan;

	world_container(world, "c", "i", NULL);
	world_image(world, "i", NULL);
	world_image(world, "j", "app:1");
	plan = world_plan(world);
	assert_int_equal(plan->n_removals, 0);
	assert_stays(verdict_on(plan, "c"), REASON_NO_RULE);
	assert_stays(verdict_on(plan, "i"), REASON_IN_USE);
	assert_stays(verdict_on(plan, "j"), REASON_NO_RULE);
}

static void only_stopped_containers_go(void **state)
{
	static const struct {
		enum container_state state;
		bool goes;
	} cases[] = {
		{ STATE_CREATED, true },     { STATE_RUNNING, false },	{ STATE_PAUSED, false },
		{ STATE_RESTARTING, false }, { STATE_REMOVING, false }, { STATE_EXITED, true },
		{ STATE_DEAD, true },	     { STATE_OTHER, false },
	};
	struct world *world = *state;

	world_rule(world, KIND_CONTAINER, DANGLING_NO)->states = ~0u;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		world_container(world, container_state_to_string(cases[i].state), "i", NULL)
			->state = cases[i].state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct verdict *verdict = verdict_on(
			world_plan(world), container_state_to_string(cases[i].state));

		if (cases[i].goes)
			assert_goes(verdict, REASON_EXPIRED);
		else
			assert_stays(verdict, REASON_RUNNING);
	}
}

static void a_created_container_waits_unless_the_rule_names_the_state(void **state)
{
	struct world *world = *state;

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_container(world, "c", "i", NULL)->state = STATE_CREATED;
	assert_stays(verdict_on(world_plan(world), "c"), REASON_NO_RULE);
	world->rules[0].states |= 1u << STATE_CREATED;
	assert_goes(verdict_on(world_plan(world), "c"), REASON_EXPIRED);
}

static void a_never_started_container_is_as_old_as_its_creation(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_CONTAINER, DANGLING_NO);
	struct container *container = world_container(world, "c", "i", NULL);

	rule->states = ~0u;
	rule->keep_within = DAY;
	container->state = STATE_CREATED;
	container->started = container->finished = TIME_UNKNOWN;
	container->created = NOW - HOUR;
	assert_stays(verdict_on(world_plan(world), "c"), REASON_KEEP_WITHIN);
	container->created = NOW - 2 * DAY;
	assert_goes(verdict_on(world_plan(world), "c"), REASON_EXPIRED);
}

static void a_container_that_was_cut_off_has_no_age(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_CONTAINER, DANGLING_NO);
	struct container *container = world_container(world, "c", "i", NULL);

	rule->states = ~0u;
	rule->keep_within = DAY;
	container->state = STATE_CREATED;
	container->finished = TIME_UNKNOWN;
	assert_stays(verdict_on(world_plan(world), "c"), REASON_KEEP_WITHIN);
	container->finished = container->started - 10;
	assert_stays(verdict_on(world_plan(world), "c"), REASON_KEEP_WITHIN);
	container->finished = container->started + 10;
	assert_goes(verdict_on(world_plan(world), "c"), REASON_EXPIRED);
}

static void a_restart_policy_holds_unless_the_rule_names_it(void **state)
{
	static const struct {
		const char *policy, *selector;
		bool goes;
	} cases[] = {
		{ "always", NULL, false },
		{ "unless-stopped", NULL, false },
		{ "heard-of-later", NULL, false },
		{ "no", NULL, true },
		{ "always", "always", true },
		{ "always", "*", false },
		{ "unless-stopped", "un*", true },
		{ "unless-stopped", "always, *", false },
		{ "always", "!unless-stopped", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *world = world_new();
		struct rule *rule = world_rule(world, KIND_CONTAINER, DANGLING_NO);
		const struct verdict *verdict;

		if (cases[i].selector) {
			rule_set_key(rule, RULE_RESTART_POLICY);
			rule->restart_policies =
				world_patterns(world, cases[i].selector, false);
		}
		world_container(world, "c", "i", NULL)->restart_policy = cases[i].policy;
		verdict = verdict_on(world_plan(world), "c");
		if (cases[i].goes)
			assert_goes(verdict, REASON_EXPIRED);
		else
			assert_stays(verdict, REASON_RESTART_POLICY);
		world_free(world);
	}
}

static void what_failed_stays_while_the_engine_would_retry(void **state)
{
	static const struct {
		bool engine_retries;
		enum container_state state;
		int exit_code, retries, max_retries;
		const char *selector;
		bool goes;
	} cases[] = {
		{ true, STATE_EXITED, 137, 0, 3, NULL, false },
		{ true, STATE_EXITED, 1, 2, 3, NULL, false },
		{ true, STATE_EXITED, 1, 7, 0, NULL, false },
		{ true, STATE_DEAD, 1, 0, 3, NULL, false },
		{ true, STATE_EXITED, 137, 0, 3, "no, always", false },
		{ true, STATE_EXITED, 137, 0, 3, "on-failure", true },
		{ true, STATE_EXITED, 1, 3, 3, NULL, true },
		{ true, STATE_EXITED, 137, 4, 3, NULL, true },
		{ true, STATE_EXITED, 0, 0, 3, NULL, true },
		{ true, STATE_EXITED, 0, 0, 0, NULL, true },
		{ true, STATE_CREATED, 127, 0, 3, NULL, true },
		{ false, STATE_EXITED, 137, 0, 3, NULL, true },
		{ false, STATE_EXITED, 1, 7, 0, NULL, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *world = world_new();
		struct rule *rule = world_rule(world, KIND_CONTAINER, DANGLING_NO);
		struct container *container = world_container(world, "c", "i", NULL);
		const struct verdict *verdict;

		world->snapshot->retries_failed = cases[i].engine_retries;
		rule->states = ~0u;
		if (cases[i].selector) {
			rule_set_key(rule, RULE_RESTART_POLICY);
			rule->restart_policies =
				world_patterns(world, cases[i].selector, false);
		}
		container->restart_policy = "on-failure";
		container->state = cases[i].state;
		container->exit_code = cases[i].exit_code;
		container->retries = cases[i].retries;
		container->max_retries = cases[i].max_retries;
		verdict = verdict_on(world_plan(world), "c");
		if (cases[i].goes)
			assert_goes(verdict, REASON_EXPIRED);
		else if (cases[i].selector)
			assert_stays(verdict, REASON_NO_RULE);
		else
			assert_stays(verdict, REASON_RESTART_POLICY);
		world_free(world);
	}
}

static void a_container_whose_network_another_one_has_stays(void **state)
{
	struct world *world = *state;
	const struct verdict *verdict;

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_container(world, "vpn", "i", NULL);
	world_container(world, "app", "i", NULL)->joined = world_strings(world, "vpn");
	world_container(world, "other", "i", NULL);
	verdict = verdict_on(world_plan(world), "vpn");
	assert_stays(verdict, REASON_IN_USE);
	assert_string_equal(verdict->holder, "app");
	assert_goes(verdict_on(world_plan(world), "app"), REASON_EXPIRED);
	assert_goes(verdict_on(world_plan(world), "other"), REASON_EXPIRED);
}

static void a_container_that_another_one_has_its_volumes_from_stays(void **state)
{
	static const char *const sources[] = { "data", "data:ro", "/data", "0123456789ab:z",
					       "0123456789abcdef" };
	struct world *world = *state;

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_container(world, "0123456789abcdef", "i", NULL)->names.v[0] = "data";
	world_container(world, "other", "i", NULL);
	world_container(world, "user", "i", NULL);
	assert_goes(verdict_on(world_plan(world), "0123456789abcdef"), REASON_EXPIRED);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const char *source = sources[i];
		const struct verdict *verdict;

		snapshot_container(world->snapshot, "user")->volumes_from =
			(struct strings){ &source, 1 };
		verdict = verdict_on(world_plan(world), "0123456789abcdef");
		assert_stays(verdict, REASON_IN_USE);
		assert_string_equal(verdict->holder, "user");
		assert_goes(verdict_on(world_plan(world), "other"), REASON_EXPIRED);
		assert_goes(verdict_on(world_plan(world), "user"), REASON_EXPIRED);
	}
}

static struct container *in_pod(struct world *world, const char *id, const char *pod)
{
	struct container *container = world_container(world, id, "i", NULL);

	container->pod = pod;
	return container;
}

static void a_pod_that_runs_or_comes_back_keeps_its_containers(void **state)
{
	struct world *world = *state;
	struct container *infra, *stopped;

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	in_pod(world, "init", "up");
	in_pod(world, "main", "up")->state = STATE_RUNNING;
	in_pod(world, "ended-1", "down");
	in_pod(world, "ended-2", "down");
	infra = in_pod(world, "infra", "down");
	infra->not_ours = "pod infra container";
	infra->state = STATE_RUNNING;
	in_pod(world, "stopped-init", "stopped");
	stopped = in_pod(world, "stopped", "stopped");
	stopped->restart_policy = "always";
	world_container(world, "alone", "i", NULL);
	assert_stays(verdict_on(world_plan(world), "init"), REASON_IN_USE);
	assert_string_equal(verdict_on(world_plan(world), "init")->holder, "the pod of main");
	assert_stays(verdict_on(world_plan(world), "stopped-init"), REASON_IN_USE);
	assert_stays(verdict_on(world_plan(world), "stopped"), REASON_RESTART_POLICY);
	assert_goes(verdict_on(world_plan(world), "ended-1"), REASON_EXPIRED);
	assert_goes(verdict_on(world_plan(world), "ended-2"), REASON_EXPIRED);
	assert_goes(verdict_on(world_plan(world), "alone"), REASON_EXPIRED);
	/* They have been sorted. */
	stopped = snapshot_container(world->snapshot, "stopped");
	stopped->inspected = FACT_UNAVAILABLE;
	assert_stays(verdict_on(world_plan(world), "stopped-init"), REASON_FACT_UNAVAILABLE);
	stopped->gone = true;
	assert_goes(verdict_on(world_plan(world), "stopped-init"), REASON_EXPIRED);
	snapshot_container(world->snapshot, "main")->state = STATE_EXITED;
	assert_goes(verdict_on(world_plan(world), "init"), REASON_EXPIRED);
}

static void a_container_that_another_one_joins_or_links_to_stays(void **state)
{
	static const char *joined[] = { "x", "pid" },
			  *names[] = { "database", "web/db", "long gone/db" };
	struct world *world = *state;

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_container(world, "pid", "i", NULL);
	world_container(world, "debug", "i", NULL)->joined = (struct strings){ joined, 2 };
	world_container(world, "db", "i", NULL)->names = (struct strings){ names, 3 };
	world_container(world, "w", "i", NULL)->names = world_strings(world, "web");
	assert_stays(verdict_on(world_plan(world), "pid"), REASON_IN_USE);
	assert_string_equal(verdict_on(world_plan(world), "pid")->holder, "debug");
	assert_stays(verdict_on(world_plan(world), "db"), REASON_IN_USE);
	assert_string_equal(verdict_on(world_plan(world), "db")->holder, "web");
	assert_goes(verdict_on(world_plan(world), "debug"), REASON_EXPIRED);
	assert_goes(verdict_on(world_plan(world), "w"), REASON_EXPIRED);
}

static void what_another_one_may_join_stays(void **state)
{
	struct world *world = *state;
	struct container *unknown;

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_container(world, "c", "i", NULL);
	unknown = world_container(world, "unknown", "i", NULL);
	unknown->state = STATE_RUNNING;
	unknown->inspected = FACT_UNAVAILABLE;
	assert_stays(verdict_on(world_plan(world), "c"), REASON_FACT_UNAVAILABLE);
	unknown->gone = true;
	assert_goes(verdict_on(world_plan(world), "c"), REASON_EXPIRED);
	unknown->gone = false;
	unknown->not_ours = "container of another program";
	assert_goes(verdict_on(world_plan(world), "c"), REASON_EXPIRED);
	unknown->not_ours = NULL;
	unknown->inspected = FACT_KNOWN;
	assert_goes(verdict_on(world_plan(world), "c"), REASON_EXPIRED);
}

static void the_first_rule_that_matches_owns(void **state)
{
	struct world *world = *state;
	struct rule *first = world_rule(world, KIND_CONTAINER, DANGLING_NO);
	struct rule *second = world_rule(world, KIND_CONTAINER, DANGLING_NO);
	struct range failed = { 1, 255 };

	rule_set_key(first, RULE_EXIT_CODE);
	first->exit_codes = (struct ranges){ &failed, 1 };
	first->action = ACTION_KEEP;
	world_container(world, "bad", "i", NULL)->exit_code = 137;
	world_container(world, "good", "i", NULL);
	assert_stays(verdict_on(world_plan(world), "bad"), REASON_RULE_KEEPS);
	assert_ptr_equal(verdict_on(world_plan(world), "bad")->rule, first);
	assert_goes(verdict_on(world_plan(world), "good"), REASON_EXPIRED);
	assert_ptr_equal(verdict_on(world_plan(world), "good")->rule, second);
}

static void what_cannot_be_inspected_stays(void **state)
{
	struct world *world = *state;

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_container(world, "c", "i", NULL)->inspected = FACT_NOT_ASKED;
	assert_stays(verdict_on(world_plan(world), "c"), REASON_FACT_UNAVAILABLE);
}

static void a_list_that_failed_keeps_all_that_depends_on_it(void **state)
{
	struct world *world = *state;

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_rule(world, KIND_IMAGE, DANGLING_YES);
	world_container(world, "c", "j", NULL);
	world_image(world, "i", NULL);
	assert_int_equal(world_plan(world)->n_removals, 2);
	world->snapshot->listing[KIND_IMAGE] = LISTING_FAILED;
	assert_goes(verdict_on(world_plan(world), "c"), REASON_EXPIRED);
	assert_stays(verdict_on(world_plan(world), "i"), REASON_LIST_FAILED);
	world->snapshot->listing[KIND_IMAGE] = LISTING_READ;
	world->snapshot->listing[KIND_CONTAINER] = LISTING_FAILED;
	assert_int_equal(world_plan(world)->n_removals, 0);
	assert_stays(verdict_on(world_plan(world), "i"), REASON_LIST_FAILED);
}

static void an_image_goes_because_its_container_goes(void **state)
{
	struct world *world = *state;
	struct plan *plan;

	world_rule(world, KIND_IMAGE, DANGLING_YES);
	world_container(world, "c", "i", NULL);
	world_image(world, "i", NULL);
	assert_stays(verdict_on(world_plan(world), "i"), REASON_IN_USE);
	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	plan = world_plan(world);
	assert_goes(verdict_on(plan, "i"), REASON_EXPIRED);
	assert_int_equal(plan->n_removals, 2);
	assert_int_equal(plan->verdicts[plan->removals[0]].kind, KIND_CONTAINER);
}

static void a_name_in_use_stays_though_it_moved_to_another_image(void **state)
{
	struct world *world = *state;
	struct container *container;

	world_rule(world, KIND_IMAGE, DANGLING_NO);
	container = world_container(world, "c", "old", NULL);
	container->state = STATE_RUNNING;
	container->image_name = world_name(world, "example/app:3.0");
	world_image(world, "old", NULL);
	world_image(world, "new", "docker.io/example/app:3.0,example/app:4.0");
	assert_stays(verdict_on_tag(world_plan(world), "docker.io/example/app:3.0"),
		     REASON_IN_USE);
	assert_stays(verdict_on_tag(world_plan(world), "docker.io/example/app:4.0"),
		     REASON_OTHER_REFERENCE);
}

static void a_name_that_only_inspect_tells_is_asked_for(void **state)
{
	struct world *world = *state;
	struct container *container = world_container(world, "c", "old", NULL);
	struct rules rules = { world->rules, 1 };
	struct plan_input input = { .rules = &rules,
				    .settings = &world->settings,
				    .snapshot = world->snapshot,
				    .now = NOW };
	struct plan *plan;

	world_rule(world, KIND_IMAGE, DANGLING_NO);
	container->state = STATE_RUNNING;
	container->inspected = FACT_NOT_ASKED;
	world_image(world, "new", "app:3");
	snapshot_seal(world->snapshot);
	plan = plan_build(world->arena, &input);
	assert_int_equal(plan->n_needs, 1);
	assert_int_equal(plan->needs[0].kind, KIND_CONTAINER);
	container->inspected = FACT_KNOWN;
	container->image_name = world_name(world, "app:3");
	assert_stays(verdict_on(world_plan(world), "new"), REASON_IN_USE);
}

static void a_user_that_no_list_shows_counts(void **state)
{
	struct world *world = *state;
	struct image *image = world_image(world, "i", NULL);

	world_rule(world, KIND_IMAGE, DANGLING_YES);
	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_container(world, "c", "i", NULL);
	image->containers = 1;
	assert_goes(verdict_on(world_plan(world), "i"), REASON_EXPIRED);
	image->containers = 2;
	assert_stays(verdict_on(world_plan(world), "i"), REASON_IN_USE_COUNTED);
}

static void an_image_goes_whole_or_not_at_all(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_NO);

	world_image(world, "i", "app:1,app:stable,other:1");
	assert_int_equal(world_plan(world)->n_removals, 3);
	rule_set_key(rule, RULE_KEEP_TAG);
	rule->keep_tags = world_patterns(world, "stable", false);
	assert_int_equal(world_plan(world)->n_removals, 0);
	assert_stays(verdict_on_tag(world_plan(world), "docker.io/library/app:stable"),
		     REASON_PINNED);
	assert_stays(verdict_on_tag(world_plan(world), "docker.io/library/other:1"),
		     REASON_OTHER_REFERENCE);
	assert_string_equal(
		verdict_on_tag(world_plan(world), "docker.io/library/other:1")->holder,
		"app:stable");
}

static void a_digest_of_another_repository_is_a_name_of_its_own(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_NO);
	struct image *image = world_image(world, "i", "app:1");

	rule_set_key(rule, RULE_REPOSITORY);
	rule->repositories = world_patterns(world, "app", false);
	world_digest(world, image, "app@" DIGEST);
	assert_int_equal(world_plan(world)->n_removals, 1);
	world_digest(world, image, "mirror.example.com/app@" DIGEST);
	assert_int_equal(world_plan(world)->n_removals, 0);
	assert_stays(verdict_on_tag(world_plan(world), "docker.io/library/app:1"),
		     REASON_OTHER_REFERENCE);
}

static void a_digest_pull_is_not_dangling_until_it_was_seen_tagged(void **state)
{
	struct world *world = *state;
	struct image *image = world_image(world, "i", NULL);

	world_rule(world, KIND_IMAGE, DANGLING_YES);
	world_digest(world, image, "app@" DIGEST);
	assert_stays(verdict_on(world_plan(world), "i"), REASON_MAYBE_WANTED);
	image->memory.seen_tagged = true;
	assert_goes(verdict_on(world_plan(world), "i"), REASON_EXPIRED);
	image->memory.seen_tagged = false;
	world->rules[0].dangling = DANGLING_ANY;
	assert_goes(verdict_on(world_plan(world), "i"), REASON_EXPIRED);
}

static void a_parent_stays_with_its_child_and_goes_after_it(void **state)
{
	struct world *world = *state;
	struct image *child = world_image(world, "child", NULL);
	struct plan *plan;

	world_rule(world, KIND_IMAGE, DANGLING_YES);
	child->parent = "parent";
	child->memory.untagged_since = NOW - HOUR;
	world_image(world, "parent", NULL)->parent = "grandparent";
	world_image(world, "grandparent", "base:1");
	world->rules[0].keep_within = DAY;
	assert_int_equal(world_plan(world)->n_removals, 0);
	assert_stays(verdict_on(world_plan(world), "parent"), REASON_CHILD);
	world->images[0].memory.untagged_since = LONG_AGO;
	plan = world_plan(world);
	assert_int_equal(plan->n_removals, 2);
	assert_string_equal(plan->verdicts[plan->removals[0]].image->id, "child");
	assert_goes(verdict_on(plan, "parent"), REASON_LAST_CHILD);
	assert_stays(verdict_on(plan, "grandparent"), REASON_NO_RULE);
}

static void images_that_are_each_others_parents_stay(void **state)
{
	struct world *world = *state;

	world_rule(world, KIND_IMAGE, DANGLING_YES);
	world_image(world, "a", NULL)->parent = "b";
	world_image(world, "b", NULL)->parent = "a";
	world_image(world, "c", NULL)->parent = "c";
	assert_int_equal(world_plan(world)->n_removals, 0);
}

static void an_unknown_age_counts_from_now_even_for_an_old_build(void **state)
{
	struct world *world = *state;
	struct image *image = world_image(world, "i", NULL);
	struct plan *plan;

	world_rule(world, KIND_IMAGE, DANGLING_YES)->min_age = HOUR;
	image->memory.first_seen = image->memory.untagged_since = TIME_UNKNOWN;
	plan = world_plan(world);
	assert_stays(verdict_on(plan, "i"), REASON_TOO_YOUNG);
	assert_int_equal(verdict_on(plan, "i")->age.source, SOURCE_NOW);
	assert_int_equal(verdict_on(plan, "i")->goes_at, NOW + HOUR);
	assert_int_equal(plan->unknown_ages, 1);
	world->rules[0].keep_within = DAY;
	assert_int_equal(verdict_on(world_plan(world), "i")->goes_at, NOW + DAY);
	world->rules[0].age_from = AGE_CREATED;
	assert_int_equal(verdict_on(world_plan(world), "i")->goes_at, NOW + HOUR);
}

static void min_age_goes_by_the_newest_of_all_times(void **state)
{
	static const struct {
		const char *what;
		int64_t first_seen, untagged, tagged, used;
		bool goes;
	} cases[] = {
		{ "all old", LONG_AGO, LONG_AGO, LONG_AGO, LONG_AGO, true },
		{ "arrived", NOW - 60, LONG_AGO, LONG_AGO, LONG_AGO, false },
		{ "untagged", LONG_AGO, NOW - 60, LONG_AGO, LONG_AGO, false },
		{ "tagged again since", LONG_AGO, LONG_AGO, NOW - 60, LONG_AGO, false },
		{ "used", LONG_AGO, LONG_AGO, LONG_AGO, NOW - 60, false },
		{ "never tagged here", LONG_AGO, LONG_AGO, TIME_UNKNOWN, TIME_UNKNOWN, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *world = world_new();
		struct image *image = world_image(world, "i", NULL);

		world_rule(world, KIND_IMAGE, DANGLING_YES)->min_age = HOUR;
		image->memory.first_seen = cases[i].first_seen;
		image->memory.untagged_since = cases[i].untagged;
		image->memory.last_used = cases[i].used;
		image->last_tagged = cases[i].tagged;
		if (cases[i].goes !=
		    (verdict_on(world_plan(world), "i")->action == VERDICT_REMOVE))
			fail_msg("%s: wrong verdict", cases[i].what);
		world_free(world);
	}
}

/* What is remembered is from the look before: the container may have come and ended since. */
static void a_container_that_goes_leaves_its_image_used_until_it_ended(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_NO);

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_image(world, "i", "job:1");
	world_container(world, "c", "i", "job:1")->finished = NOW - 2 * HOUR;
	rule->min_age = DAY;
	assert_goes(verdict_on(world_plan(world), "c"), REASON_EXPIRED);
	assert_stays(verdict_on(world_plan(world), "i"), REASON_TOO_YOUNG);
	assert_int_equal(verdict_on(world_plan(world), "i")->goes_at, NOW + 22 * HOUR);
	rule->min_age = HOUR;
	rule->keep_within = DAY;
	rule->age_from = AGE_USED;
	assert_stays(verdict_on(world_plan(world), "i"), REASON_KEEP_WITHIN);
	rule->keep_within = HOUR;
	assert_goes(verdict_on(world_plan(world), "i"), REASON_EXPIRED);
}

static void a_pull_makes_an_image_new_again(void **state)
{
	struct world *world = *state;
	struct image *image = world_image(world, "i", "app:1");

	image->last_tagged = LONG_AGO;
	world_rule(world, KIND_IMAGE, DANGLING_NO)->min_age = HOUR;
	assert_goes(verdict_on(world_plan(world), "i"), REASON_EXPIRED);
	image->memory.pulled = NOW - 60;
	assert_stays(verdict_on(world_plan(world), "i"), REASON_TOO_YOUNG);
	assert_int_equal(verdict_on(world_plan(world), "i")->age.source, SOURCE_PULLED);
	world->rules[0].min_age = 0;
	world->rules[0].keep_within = DAY;
	assert_stays(verdict_on(world_plan(world), "i"), REASON_KEEP_WITHIN);
	/* By digest, without a tag. */
	image->n_tags = 0;
	world->rules[0].dangling = DANGLING_YES;
	world->rules[0].age_from = AGE_UNTAGGED;
	assert_stays(verdict_on(world_plan(world), "i"), REASON_KEEP_WITHIN);
	image->memory.pulled = NOW - 2 * DAY;
	assert_goes(verdict_on(world_plan(world), "i"), REASON_EXPIRED);
}

static void a_name_that_came_later_makes_an_image_new_again(void **state)
{
	static const struct {
		int64_t named;
		bool goes;
	} rows[] = {
		{ LONG_AGO, true },
		{ LONG_AGO + 1, true },
		{ NOW - 60, false },
		{ TIME_UNKNOWN, false },
	};
	struct world *world = *state;
	struct image *image = world_image(world, "i", "app:1,app:2");
	int64_t named[2] = { LONG_AGO, LONG_AGO };

	world_rule(world, KIND_IMAGE, DANGLING_NO)->min_age = HOUR;
	image->memory.named = named;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		named[1] = rows[i].named;
		if (rows[i].goes)
			assert_goes(verdict_on(world_plan(world), "i"), REASON_EXPIRED);
		else
			assert_stays(verdict_on(world_plan(world), "i"),
				     REASON_OTHER_REFERENCE);
	}
	/* As the untagged image that it was. */
	image->n_tags = 0;
	world->rules[0].dangling = DANGLING_YES;
	world->rules[0].age_from = AGE_UNTAGGED;
	assert_goes(verdict_on(world_plan(world), "i"), REASON_EXPIRED);
}

static void last_use_counts_from_the_newest_of_use_arrival_and_watching(void **state _unused_)
{
	static const struct {
		const char *what;
		int64_t watched_from, used, first_seen, tagged, pulled;
		int64_t at;
		enum age_source source;
	} cases[] = {
		{ "nobody watches", TIME_UNKNOWN, LONG_AGO, LONG_AGO, LONG_AGO, TIME_UNKNOWN,
		  NOW, SOURCE_NOW },
		{ "watched a while", NOW - DAY, LONG_AGO, LONG_AGO, LONG_AGO, TIME_UNKNOWN,
		  NOW - DAY, SOURCE_UNWATCHED },
		{ "used since", NOW - DAY, NOW - HOUR, LONG_AGO, LONG_AGO, TIME_UNKNOWN,
		  NOW - HOUR, SOURCE_LAST_USED },
		{ "used before", NOW - DAY, NOW - 2 * DAY, LONG_AGO, LONG_AGO, TIME_UNKNOWN,
		  NOW - DAY, SOURCE_UNWATCHED },
		{ "never used, arrived since", NOW - DAY, TIME_UNKNOWN, NOW - HOUR, LONG_AGO,
		  TIME_UNKNOWN, NOW - HOUR, SOURCE_FIRST_SEEN },
		{ "never used, tagged since", NOW - DAY, TIME_UNKNOWN, LONG_AGO, NOW - HOUR,
		  TIME_UNKNOWN, NOW - HOUR, SOURCE_ENGINE },
		{ "pulled again since", NOW - DAY, LONG_AGO, LONG_AGO, LONG_AGO, NOW - HOUR,
		  NOW - HOUR, SOURCE_PULLED },
		{ "never seen", NOW - DAY, TIME_UNKNOWN, TIME_UNKNOWN, LONG_AGO, TIME_UNKNOWN,
		  NOW, SOURCE_NOW },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *world = world_new();
		struct image *image = world_image(world, "i", "app:1");
		struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_NO);
		const struct verdict *verdict;

		rule->age_from = AGE_USED;
		rule->keep_within = 30 * DAY;
		world->snapshot->watched_from = cases[i].watched_from;
		image->memory.last_used = cases[i].used;
		image->memory.first_seen = cases[i].first_seen;
		image->memory.pulled = cases[i].pulled;
		image->last_tagged = cases[i].tagged;
		verdict = verdict_on(world_plan(world), "i");
		if (verdict->reason != REASON_KEEP_WITHIN || verdict->age.at != cases[i].at ||
		    verdict->age.source != cases[i].source)
			fail_msg("%s: at %lld, source %d", cases[i].what,
				 (long long)(NOW - verdict->age.at), (int)verdict->age.source);
		world_free(world);
	}
}

static void what_nobody_used_while_somebody_watched_goes(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_NO);

	rule->age_from = AGE_USED;
	rule->keep_within = 30 * DAY;
	world_image(world, "idle", "idle:1")->last_tagged = LONG_AGO;
	world->snapshot->watched_from = NOW - 30 * DAY;
	assert_goes(verdict_on(world_plan(world), "idle"), REASON_EXPIRED);
	world->snapshot->watched_from++;
	assert_stays(verdict_on(world_plan(world), "idle"), REASON_KEEP_WITHIN);
	world->snapshot->watched_from = TIME_UNKNOWN;
	assert_stays(verdict_on(world_plan(world), "idle"), REASON_KEEP_WITHIN);
}

static void keep_last_ranks_images_not_references(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_NO);
	struct plan *plan;

	rule->keep_last = 2;
	world_image(world, "a", "app:1,app:1.0")->last_tagged = NOW - 4 * DAY;
	world_image(world, "b", "app:2,app:2.0,app:2.0.0")->last_tagged = NOW - 3 * DAY;
	world_image(world, "c", "app:3,app:latest")->last_tagged = NOW - 2 * DAY;
	world_image(world, "z", "other:1");
	plan = world_plan(world);
	assert_int_equal(plan->n_removals, 2);
	assert_goes(verdict_on(plan, "a"), REASON_EXPIRED);
	assert_int_equal(verdict_on(plan, "a")->rank, 3);
	assert_int_equal(verdict_on(plan, "a")->group_size, 3);
	assert_string_equal(verdict_on(plan, "a")->group, "app");
	assert_stays(verdict_on(plan, "b"), REASON_KEEP_LAST);
	assert_stays(verdict_on(plan, "z"), REASON_KEEP_LAST);
}

static void an_image_of_two_repositories_stays_if_kept_in_one(void **state)
{
	struct world *world = *state;

	world_rule(world, KIND_IMAGE, DANGLING_NO)->keep_last = 1;
	world_image(world, "both", "app:1,other:1");
	world_image(world, "new", "app:2")->last_tagged = NOW - DAY;
	assert_int_equal(world_plan(world)->n_removals, 0);
	assert_stays(verdict_on_tag(world_plan(world), "docker.io/library/app:1"),
		     REASON_OTHER_REFERENCE);
}

static void versions_are_ordered_as_versions(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_NO);

	rule->keep_last = 2;
	rule->order_by = ORDER_VERSION;
	world_image(world, "a", "app:1.9")->last_tagged = NOW - DAY;
	world_image(world, "b", "app:v1.10");
	world_image(world, "c", "app:2.0.0-rc.1");
	world_image(world, "d", "app:nightly")->last_tagged = NOW - HOUR;
	assert_stays(verdict_on(world_plan(world), "b"), REASON_KEEP_LAST);
	assert_stays(verdict_on(world_plan(world), "c"), REASON_KEEP_LAST);
	assert_goes(verdict_on(world_plan(world), "a"), REASON_EXPIRED);
	assert_goes(verdict_on(world_plan(world), "d"), REASON_EXPIRED);
}

static void max_age_goes_beyond_the_keepers_but_not_beyond_pins_and_use(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_CONTAINER, DANGLING_NO);
	struct container *container = world_container(world, "c", "i", NULL);

	rule->keep_last = 5;
	rule->max_age = 14 * DAY;
	assert_goes(verdict_on(world_plan(world), "c"), REASON_MAX_AGE);
	rule_set_key(rule, RULE_KEEP_NAME);
	rule->keep_names = world_patterns(world, "c", false);
	assert_stays(verdict_on(world_plan(world), "c"), REASON_PINNED);
	rule->origin[RULE_KEEP_NAME] = (struct origin){ 0 };
	container->finished = NOW - DAY;
	assert_stays(verdict_on(world_plan(world), "c"), REASON_KEEP_LAST);
	assert_int_equal(verdict_on(world_plan(world), "c")->goes_at, NOW + 13 * DAY);
}

static void pins_hold(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_CONTAINER, DANGLING_NO);
	struct container *container = world_container(world, "c", "i", NULL);

	rule_set_key(rule, RULE_KEEP_LABEL);
	rule->keep_labels = world_patterns(world, "manager=distrobox, devcontainer.*", true);
	assert_goes(verdict_on(world_plan(world), "c"), REASON_EXPIRED);
	container->labels = world_label(world, "devcontainer.local_folder", "/home/me/x");
	assert_stays(verdict_on(world_plan(world), "c"), REASON_PINNED);
	container->labels = world_label(world, "manager", "nobody");
	assert_goes(verdict_on(world_plan(world), "c"), REASON_EXPIRED);
	container->labels = world_label(world, "manager", "distrobox");
	assert_stays(verdict_on(world_plan(world), "c"), REASON_PINNED);
}

static void a_dangling_image_is_grouped_by_the_name_it_had(void **state)
{
	struct world *world = *state;
	struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_YES);
	const char *names[] = { "example/app:latest" }, *others[] = { "example/db:latest" };

	rule->keep_last = 1;
	world_image(world, "a", NULL)->memory.names = (struct strings){ names, 1 };
	world_image(world, "b", NULL)->memory.names = (struct strings){ others, 1 };
	assert_int_equal(world_plan(world)->n_removals, 0);
	assert_string_equal(verdict_on(world_plan(world), "a")->group, "example/app");
	world_image(world, "c", NULL)->memory.names = (struct strings){ names, 1 };
	assert_int_equal(world_plan(world)->n_removals, 1);
	world_image(world, "d", NULL);
	assert_string_equal(verdict_on(world_plan(world), "d")->group, "(unknown)");
}

static void shared_layers_are_claimed_once_and_only_if_all_holders_go(void **state)
{
	struct world *world = *state;
	struct layer *base = layer_get(world->snapshot, NULL, "base");
	struct layer *one = layer_get(world->snapshot, base, "1");
	struct layer *two = layer_get(world->snapshot, base, "2");
	struct image *image;
	struct plan *plan;

	layer_tell_size(base, 100, false);
	layer_tell_size(one, 10, false);
	layer_tell_size(two, 20, false);
	world_rule(world, KIND_IMAGE, DANGLING_YES);
	world_image(world, "a", NULL)->top = one;
	world_image(world, "b", NULL)->top = two;
	plan = world_plan(world);
	assert_int_equal(plan->remove.bytes, 130);
	assert_false(plan->claimed_is_upper_bound);
	image = world_image(world, "c", "base:1");
	image->top = base;
	assert_int_equal(world_plan(world)->remove.bytes, 30);
	image->top = NULL;
	image->inspected = FACT_UNAVAILABLE;
	assert_true(world_plan(world)->claimed_is_upper_bound);
}

static void the_brake_counts_images_as_images(void **state)
{
	struct world *world = *state;
	struct plan *plan;
	char id[16], tags[64];

	world_rule(world, KIND_IMAGE, DANGLING_NO)->keep_last = 1;
	for (int i = 0; i < 24; i++) {
		snprintf(id, sizeof(id), "i%02d", i);
		snprintf(tags, sizeof(tags), i < 12 ? "r:%d,r:x%d,r:y%d" : "r%d:%d,s%d:1", i, i,
			 i);
		world_image(world, id, tags);
	}
	plan = world_plan(world);
	assert_int_equal(plan->remove.n[KIND_IMAGE], 11);
	assert_int_equal(plan->remove.n[KIND_TAG], 33);
	assert_false(plan->brake.pulled);
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "j%02d", i);
		snprintf(tags, sizeof(tags), "r:j%d", i);
		world_image(world, id, tags);
	}
	plan = world_plan(world);
	assert_true(plan->brake.pulled);
	assert_int_equal(plan->brake.removals, 14);
	assert_int_equal(plan->brake.of, 27);
	world->settings.max_remove = (struct limit){ true, false, 14 };
	assert_false(world_plan(world)->brake.pulled);
	world->settings.max_remove = (struct limit){ true, false, 13 };
	assert_true(world_plan(world)->brake.pulled);
	world->rules[0].max_remove = (struct limit){ true, true, 100 };
	assert_false(world_plan(world)->brake.pulled);
}

static void the_brake_does_not_hold_containers_by_default(void **state)
{
	struct world *world = *state;
	char id[16];

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	for (int i = 0; i < 30; i++) {
		snprintf(id, sizeof(id), "c%02d", i);
		world_container(world, id, "i", NULL);
	}
	assert_int_equal(world_plan(world)->n_removals, 30);
	assert_false(world_plan(world)->brake.pulled);
	world->settings.max_remove = (struct limit){ true, true, 10 };
	assert_true(world_plan(world)->brake.pulled);
}

static void only_approved_removals_go_and_what_hangs_on_them(void **state)
{
	struct world *world = *state;
	struct strings approved = { 0 };
	const char *keys[1];

	world->approved = &approved;
	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_rule(world, KIND_IMAGE, DANGLING_YES);
	world_container(world, "c", "i", NULL);
	world_image(world, "i", NULL);
	assert_int_equal(world_plan(world)->n_removals, 0);
	keys[0] = plan_key(world->arena, KIND_IMAGE, "i", NULL);
	approved = (struct strings){ keys, 1 };
	assert_int_equal(world_plan(world)->n_removals, 0);
	assert_stays(verdict_on(world_plan(world), "i"), REASON_IN_USE);
	keys[0] = plan_key(world->arena, KIND_CONTAINER, "c", NULL);
	assert_int_equal(world_plan(world)->n_removals, 1);
	assert_stays(verdict_on(world_plan(world), "i"), REASON_NOT_APPROVED);
}

static void an_image_pinned_from_outside_stays_without_a_container(void **state)
{
	struct world *world = *state;
	struct pins *pins = &world->snapshot->pinned.images;
	const struct verdict *verdict;
	struct plan *plan;

	world_rule(world, KIND_IMAGE, DANGLING_ANY);
	world_image(world, "a", "app:latest,app:1");
	world_image(world, "b", "app:2");
	world_image(world, "c", "example/db:2");
	world_digest(world, world_image(world, "d", NULL), "example/db@" DIGEST);
	assert_int_equal(world_plan(world)->n_removals, 5);
	assert_true(pins_add_image(world->arena, pins, "app", false, "web.list:1"));
	assert_true(pins_add_image(world->arena, pins, "example/db:2@" DIGEST, false, "w:2"));
	plan = world_plan(world);
	assert_int_equal(plan->n_removals, 1);
	assert_goes(verdict_on(plan, "b"), REASON_EXPIRED);
	verdict = verdict_on_tag(plan, "docker.io/library/app:latest");
	assert_stays(verdict, REASON_PINNED);
	assert_string_equal(verdict->holder, "web.list:1");
	assert_stays(verdict_on(plan, "c"), REASON_PINNED);
	assert_stays(verdict_on(plan, "d"), REASON_PINNED);
}

static void an_image_may_be_pinned_by_a_pattern_and_by_id(void **state)
{
	struct world *world = *state;
	struct pins *pins = &world->snapshot->pinned.images;
	struct plan *plan;

	world_rule(world, KIND_IMAGE, DANGLING_ANY);
	world_image(world, "sha256:aa", "quay.io/example/app:1");
	world_image(world, "sha256:bb", "quay.io/example/app-x:1");
	world_image(world, "sha256:cc", NULL);
	pins_add(world->arena, pins, "quay.io/example/app:*", "a:1");
	pins_add(world->arena, pins, "sha256:c*", "a:2");
	plan = world_plan(world);
	assert_stays(verdict_on(plan, "sha256:aa"), REASON_PINNED);
	assert_goes(verdict_on(plan, "sha256:bb"), REASON_EXPIRED);
	assert_stays(verdict_on(plan, "sha256:cc"), REASON_PINNED);
}

static void while_it_is_not_known_what_is_pinned_no_image_goes(void **state)
{
	struct world *world = *state;
	struct plan *plan;

	world_rule(world, KIND_CONTAINER, DANGLING_NO);
	world_rule(world, KIND_IMAGE, DANGLING_YES);
	world_container(world, "c", "i", NULL);
	world_image(world, "i", NULL);
	world->snapshot->pinned_unknown = "/etc/x.container: Permission denied";
	plan = world_plan(world);
	assert_int_equal(plan->n_removals, 1);
	assert_stays(verdict_on(plan, "i"), REASON_LIST_FAILED);
	assert_string_equal(verdict_on(plan, "i")->detail,
			    "/etc/x.container: Permission denied");
}

static void a_parent_goes_along_only_if_it_was_approved(void **state)
{
	struct world *world = *state;
	const char *keys[] = { plan_key(world->arena, KIND_IMAGE, "child", NULL) };
	struct strings approved = { keys, 1 };

	world->approved = &approved;
	world_rule(world, KIND_IMAGE, DANGLING_YES);
	world_image(world, "child", NULL)->parent = "parent";
	world_image(world, "parent", NULL);
	assert_goes(verdict_on(world_plan(world), "child"), REASON_EXPIRED);
	assert_stays(verdict_on(world_plan(world), "parent"), REASON_NOT_APPROVED);
}

#define T(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(without_a_rule_nothing_goes),
		T(only_stopped_containers_go),
		T(a_created_container_waits_unless_the_rule_names_the_state),
		T(a_never_started_container_is_as_old_as_its_creation),
		T(a_container_that_was_cut_off_has_no_age),
		T(a_restart_policy_holds_unless_the_rule_names_it),
		T(what_failed_stays_while_the_engine_would_retry),
		T(a_container_whose_network_another_one_has_stays),
		T(a_container_that_another_one_joins_or_links_to_stays),
		T(a_container_that_another_one_has_its_volumes_from_stays),
		T(a_pod_that_runs_or_comes_back_keeps_its_containers),
		T(what_another_one_may_join_stays),
		T(the_first_rule_that_matches_owns),
		T(what_cannot_be_inspected_stays),
		T(a_list_that_failed_keeps_all_that_depends_on_it),
		T(an_image_goes_because_its_container_goes),
		T(a_name_in_use_stays_though_it_moved_to_another_image),
		T(a_name_that_only_inspect_tells_is_asked_for),
		T(a_user_that_no_list_shows_counts),
		T(an_image_goes_whole_or_not_at_all),
		T(a_digest_of_another_repository_is_a_name_of_its_own),
		T(a_digest_pull_is_not_dangling_until_it_was_seen_tagged),
		T(a_parent_stays_with_its_child_and_goes_after_it),
		T(images_that_are_each_others_parents_stay),
		T(an_unknown_age_counts_from_now_even_for_an_old_build),
		T(min_age_goes_by_the_newest_of_all_times),
		T(a_container_that_goes_leaves_its_image_used_until_it_ended),
		T(a_pull_makes_an_image_new_again),
		T(a_name_that_came_later_makes_an_image_new_again),
		T(last_use_counts_from_the_newest_of_use_arrival_and_watching),
		T(what_nobody_used_while_somebody_watched_goes),
		T(keep_last_ranks_images_not_references),
		T(an_image_of_two_repositories_stays_if_kept_in_one),
		T(versions_are_ordered_as_versions),
		T(max_age_goes_beyond_the_keepers_but_not_beyond_pins_and_use),
		T(pins_hold),
		T(a_dangling_image_is_grouped_by_the_name_it_had),
		T(shared_layers_are_claimed_once_and_only_if_all_holders_go),
		T(the_brake_counts_images_as_images),
		T(the_brake_does_not_hold_containers_by_default),
		T(only_approved_removals_go_and_what_hangs_on_them),
		T(an_image_pinned_from_outside_stays_without_a_container),
		T(an_image_may_be_pinned_by_a_pattern_and_by_id),
		T(while_it_is_not_known_what_is_pinned_no_image_goes),
		T(a_parent_goes_along_only_if_it_was_approved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
