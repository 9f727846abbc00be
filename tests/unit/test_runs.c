#include "world.h"

/* Which images a service ran last: by the state, and by the containers that are here. */

static struct labels compose(struct world *world, const char *project, const char *service)
{
	struct labels labels = { .v = arena_array(world->arena, 2, sizeof(struct label)) };

	if (project)
		labels.v[labels.n++] = (struct label){ "com.docker.compose.project", project };
	if (service)
		labels.v[labels.n++] = (struct label){ "com.docker.compose.service", service };
	return labels;
}

/* An unused image that the rule would remove, for each letter. */
static struct rule *images(struct world *world, const char *letters, int64_t last)
{
	struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_NO);

	rule->keep_last_run = last;
	rule_set_key(rule, RULE_KEEP_LAST_RUN);
	for (const char *c = letters; *c; c++)
		world_image(world, arena_printf(world->arena, "%c", *c),
			    arena_printf(world->arena, "app:%c", *c));
	world->snapshot->runs = arena_array(world->arena, 32, sizeof(struct service_run));
	return rule;
}

static void ran(struct world *world, const char *service, const char *image, int64_t ago)
{
	world->snapshot->runs[world->snapshot->n_runs++] =
		(struct service_run){ service, image, NOW - ago };
}

static struct container *container(struct world *world, const char *image,
				   enum container_state state)
{
	struct container *one = world_container(world, "web-1", image, NULL);

	one->state = state;
	one->labels = compose(world, "shop", "web");
	return one;
}

/* Exactly these images stay because a service ran them; others that are in `held` stay for
 * another reason. */
static void assert_kept(struct world *world, const char *kept, const char *held)
{
	const struct plan *plan = world_plan(world);

	for (size_t i = 0; i < world->snapshot->n_images; i++) {
		const char *id = world->snapshot->images[i].id;
		const struct verdict *verdict = verdict_on(plan, id);

		if (strstr(held, id)) {
			assert_int_equal(verdict->action, VERDICT_KEEP);
			assert_int_not_equal(verdict->reason, REASON_KEEP_LAST_RUN);
		} else if (strstr(kept, id)) {
			assert_int_equal(verdict->reason, REASON_KEEP_LAST_RUN);
		} else if (verdict->action != VERDICT_REMOVE) {
			fail_msg("%s stays: %s", id, reason_to_string(verdict->reason));
		}
	}
}

static void the_latest_runs_stay_in_whichever_order_they_come(void **state)
{
	struct world *world = *state;

	images(world, "abcd", 2);
	ran(world, "shop/web", "b", 200);
	ran(world, "shop/web", "d", 400);
	ran(world, "shop/web", "a", 100);
	ran(world, "shop/web", "c", 300);
	assert_kept(world, "ab", "");
}

static void the_reason_names_the_service_and_the_limit(void **state)
{
	struct world *world = *state;
	const struct verdict *verdict;

	images(world, "a", 3);
	ran(world, "shop/web", "a", 100);
	verdict = verdict_on(world_plan(world), "a");
	assert_int_equal(verdict->reason, REASON_KEEP_LAST_RUN);
	assert_string_equal(verdict->holder, "shop/web");
	assert_int_equal(verdict->limit, 3);
}

static void an_image_that_ran_often_takes_one_rank(void **state)
{
	struct world *world = *state;

	images(world, "abc", 2);
	ran(world, "shop/web", "a", 100);
	ran(world, "shop/web", "a", 150);
	ran(world, "shop/web", "b", 200);
	ran(world, "shop/web", "a", 250);
	ran(world, "shop/web", "c", 300);
	assert_kept(world, "ab", "");
}

static void services_are_ranked_apart_and_one_is_enough(void **state)
{
	struct world *world = *state;

	images(world, "abcde", 1);
	ran(world, "shop/web", "a", 100);
	ran(world, "shop/web", "b", 200);
	ran(world, "shop/db", "c", 90000);
	ran(world, "shop/db", "d", 90001);
	ran(world, "shop/webs", "d", 5);
	ran(world, "shop/w", "e", 999999);
	assert_kept(world, "acde", "");
}

static void equal_times_fall_to_the_id(void **state)
{
	struct world *world = *state;

	images(world, "abc", 2);
	ran(world, "shop/web", "c", 100);
	ran(world, "shop/web", "b", 100);
	ran(world, "shop/web", "a", 100);
	assert_kept(world, "ab", "");
}

static void what_runs_now_is_the_latest(void **state)
{
	static const enum container_state states[] = { STATE_RUNNING, STATE_PAUSED,
						       STATE_RESTARTING };
	struct world *world = *state;

	images(world, "abc", 2);
	ran(world, "shop/web", "b", 100);
	ran(world, "shop/web", "c", 200);
	container(world, "a", STATE_RUNNING);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		world->containers[0].state = states[i];
		assert_kept(world, "b", "a");
	}
}

static void what_ended_ran_until_then(void **state)
{
	struct world *world = *state;

	images(world, "abc", 2);
	ran(world, "shop/web", "b", 100);
	ran(world, "shop/web", "c", 300);
	container(world, "a", STATE_EXITED)->finished = NOW - 200;
	assert_kept(world, "b", "a");
	world->containers[0].finished = NOW - 400;
	assert_kept(world, "bc", "a");
}

static void an_end_that_is_not_known_pushes_no_other_out(void **state)
{
	struct world *world = *state;

	images(world, "abc", 2);
	ran(world, "shop/web", "b", 100);
	ran(world, "shop/web", "c", 300);
	container(world, "a", STATE_EXITED)->finished = TIME_UNKNOWN;
	assert_kept(world, "bc", "a");
	world->containers[0].finished = NOW - 200;
	world->containers[0].inspected = FACT_UNAVAILABLE;
	assert_kept(world, "bc", "a");
}

static void what_was_only_created_never_ran(void **state)
{
	struct world *world = *state;

	images(world, "abc", 2);
	ran(world, "shop/web", "b", 100);
	ran(world, "shop/web", "c", 200);
	container(world, "a", STATE_CREATED)->created = NOW;
	assert_kept(world, "bc", "a");
}

static void a_unit_of_systemd_is_a_service_and_half_a_compose_service_is_none(void **state)
{
	struct world *world = *state;

	images(world, "ab", 1);
	ran(world, "web.service", "b", 100);
	container(world, "a", STATE_RUNNING)->labels =
		world_label(world, "PODMAN_SYSTEMD_UNIT", "web.service");
	assert_kept(world, "", "a");
	world->containers[0].labels = compose(world, "shop", NULL);
	assert_kept(world, "b", "a");
	world->containers[0].labels = compose(world, NULL, "web");
	assert_kept(world, "b", "a");
}

static void from_an_empty_state_only_containers_are_known(void **state)
{
	struct world *world = *state;

	images(world, "ab", 2);
	assert_kept(world, "", "");
	container(world, "a", STATE_RUNNING);
	assert_kept(world, "", "a");
}

static void max_age_ends_it(void **state)
{
	struct world *world = *state;
	struct rule *rule = images(world, "a", 1);
	const struct verdict *verdict;

	ran(world, "shop/web", "a", 100);
	rule->max_age = 200 * DAY;
	verdict = verdict_on(world_plan(world), "a");
	assert_int_equal(verdict->reason, REASON_KEEP_LAST_RUN);
	assert_int_equal(verdict->goes_at, LONG_AGO + 200 * DAY);
	rule->max_age = DAY;
	assert_int_equal(verdict_on(world_plan(world), "a")->reason, REASON_MAX_AGE);
}

static void a_count_beyond_all_runs_keeps_them_all_and_no_more(void **state)
{
	struct world *world = *state;

	images(world, "abc", INT32_MAX);
	ran(world, "shop/web", "a", 100);
	ran(world, "shop/web", "gone", 50);
	ran(world, "shop/web", "b", 20000000);
	assert_kept(world, "ab", "");
}

/* A build that adds a line to what ran is built on it, by the cache of layers; the name moves
 * on. */
static void what_ran_stays_when_the_last_image_built_on_it_goes(void **state)
{
	struct world *world = *state;

	images(world, "", 1);
	world->rules[0].dangling = DANGLING_ANY;
	world_image(world, "ran", NULL);
	world_image(world, "never", "app:1")->parent = "ran";
	assert_int_equal(verdict_on(world_plan(world), "ran")->reason, REASON_LAST_CHILD);
	ran(world, "shop/web", "ran", 100);
	assert_kept(world, "ran", "");
}

static int set_up(void **state)
{
	*state = world_new();
	return 0;
}

static int tear_down(void **state)
{
	world_free(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_latest_runs_stay_in_whichever_order_they_come),
		TEST(the_reason_names_the_service_and_the_limit),
		TEST(an_image_that_ran_often_takes_one_rank),
		TEST(services_are_ranked_apart_and_one_is_enough),
		TEST(equal_times_fall_to_the_id),
		TEST(what_runs_now_is_the_latest),
		TEST(what_ended_ran_until_then),
		TEST(an_end_that_is_not_known_pushes_no_other_out),
		TEST(what_was_only_created_never_ran),
		TEST(a_unit_of_systemd_is_a_service_and_half_a_compose_service_is_none),
		TEST(from_an_empty_state_only_containers_are_known),
		TEST(max_age_ends_it),
		TEST(what_ran_stays_when_the_last_image_built_on_it_goes),
		TEST(a_count_beyond_all_runs_keeps_them_all_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
