#include "unit.h"

#include "report_world.h"

static void assert_reason(const struct world *world, const struct verdict *verdict,
			  const char *want)
{
	_cleanup_free_ char *reason = report_reason(verdict, &world->plan);

	assert_string_equal(reason, want);
}

static void every_reason_has_a_sentence(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct verdict *bare[] = { world_container(world, "web-1"), world_image(world),
				   world_tag(world, world_new_image(world), "app:1") };

	for (size_t i = 0; i < ARRAY_SIZE(bare); i++)
		for (int reason = 0; reason < REASON_MAX_; reason++) {
			_cleanup_free_ char *sentence = NULL;

			bare[i]->reason = (enum reason)reason;
			sentence = report_reason(bare[i], &world->plan);
			assert_true(strlen(sentence) >= strlen("pinned"));
			assert_null(strpbrk(sentence, "{}"));
		}
}

/* With everything set no sentence may have a placeholder that nobody knows. */
static void full_sentences_say_all_their_parts(void **state _unused_)
{
	static const struct {
		enum reason reason;
		const char *text;
	} rows[] = {
		{ REASON_NO_RULE, "no rule matches" },
		{ REASON_RULE_KEEPS, "the rule says keep" },
		{ REASON_EXPIRED, "exited 3d 4h ago, longer than 2d, 7th newest of 9 in app, "
				  "keep-last = 5" },
		{ REASON_MAX_AGE, "exited 3d 4h ago, longer than max-age 2d" },
		{ REASON_RUNNING, "detail" },
		{ REASON_NOT_OURS, "the engine's own: detail" },
		{ REASON_RESTART_POLICY,
		  "stopped, but to be restarted: restart policy detail" },
		{ REASON_SWARM_TASK, "a task of swarm service detail" },
		{ REASON_IN_USE, "in use by holder" },
		{ REASON_PINNED, "pinned by keep-label = detail" },
		{ REASON_KEEP_LAST, "7th newest of 9 in app, keep-last = 5" },
		{ REASON_OTHER_REFERENCE, "stays with its other name holder" },
		{ REASON_CHILD, "image holder is built on it" },
		{ REASON_LAST_CHILD, "goes with holder, the last image built on it" },
		{ REASON_NOT_APPROVED, "the approved plan does not have it" },
		{ REASON_FACT_UNAVAILABLE, "the engine did not tell detail" },
		{ REASON_LIST_FAILED, "a list that it depends on could not be read: detail" },
	};
	_cleanup_(world_freep) struct world *world = world_new();
	struct verdict *verdict = world_container(world, "web-1");
	struct container retried;

	verdict->rule = &world->rule;
	verdict->age = (struct age){ NOW - 3 * DAY - 4 * HOUR, SOURCE_ENGINE, AGE_FINISHED };
	verdict->limit = 2 * DAY;
	verdict->rank = 7;
	verdict->group_size = 9;
	verdict->group = "app";
	verdict->holder = "holder";
	verdict->key = "keep-label";
	verdict->detail = "detail";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		verdict->reason = rows[i].reason;
		assert_reason(world, verdict, rows[i].text);
	}
	verdict->reason = REASON_RESTART_POLICY;
	verdict->detail = "on-failure";
	assert_reason(
		world, verdict,
		"stopped, but to be restarted: restart policy on-failure, without a limit "
		"of retries");
	retried = *verdict->container;
	retried.retries = 1;
	retried.max_retries = 3;
	verdict->container = &retried;
	assert_reason(world, verdict,
		      "stopped, but to be restarted: restart policy on-failure, 2 of 3 retries "
		      "left");
	verdict->reason = REASON_KEEP_LAST_RUN;
	verdict->limit = 2;
	assert_reason(world, verdict, "among the last 2 that holder ran");
}

static void an_age_says_where_it_came_from(void **state _unused_)
{
	static const struct {
		struct age age;
		const char *text;
	} rows[] = {
		{ { NOW - HOUR, SOURCE_ENGINE, AGE_CREATED }, "created 1h ago" },
		{ { NOW - HOUR, SOURCE_ENGINE, AGE_TAGGED }, "tagged 1h ago" },
		{ { NOW - HOUR, SOURCE_FIRST_SEEN, AGE_TAGGED }, "first seen 1h ago" },
		{ { NOW - HOUR, SOURCE_FIRST_SEEN, AGE_UNTAGGED },
		  "first seen untagged 1h ago" },
		{ { NOW - HOUR, SOURCE_LAST_USED, AGE_USED }, "last used 1h ago" },
		{ { NOW, SOURCE_NOW, AGE_UNTAGGED }, "never seen before: counts from now" },
		{ { NOW, SOURCE_NOW, AGE_USED }, "last use unknown: counts from now" },
		/* A time ahead of the clock is no negative age. */
		{ { NOW + DAY, SOURCE_ENGINE, AGE_TAGGED }, "tagged 0s ago" },
	};
	_cleanup_(world_freep) struct world *world = world_new();
	struct verdict *verdict = world_image(world);
	struct image *image = world_new_image(world);

	verdict->image = image;
	verdict->reason = REASON_MAX_AGE;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		verdict->age = rows[i].age;
		assert_reason(world, verdict, rows[i].text);
	}
	verdict->age = (struct age){ NOW, SOURCE_NOW, AGE_UNTAGGED };
	image->memory.first_seen = NOW - DAY;
	assert_reason(world, verdict, "never seen untagged before: counts from now");
	world->snapshot->remembers = false;
	assert_reason(world, verdict, "age unknown, nothing is remembered: counts from now");
}

static void use_that_nobody_saw_says_between_when(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct verdict *verdict = world_image(world);
	char from[UNITS_SIZE], until[UNITS_SIZE];
	_cleanup_free_ char *since = NULL, *between = NULL;

	verdict->image = world_new_image(world);
	verdict->reason = REASON_KEEP_WITHIN;
	verdict->limit = 30 * DAY;
	verdict->age = (struct age){ NOW - HOUR, SOURCE_UNWATCHED, AGE_USED };
	world->snapshot->watched_from = NOW - HOUR;
	units_format_time(until, NOW - HOUR, NOW);
	since = mem_printf("use unknown until %s, since when reclaimd-watch runs, kept for 30d",
			   until);
	assert_reason(world, verdict, since);
	world->snapshot->unwatched_from = NOW - 2 * HOUR;
	units_format_time(from, NOW - 2 * HOUR, NOW);
	between = mem_printf("use unknown between %s and %s, kept for 30d", from, until);
	assert_reason(world, verdict, between);
	verdict->age.source = SOURCE_PULLED;
	assert_reason(world, verdict, "pulled 1h ago, kept for 30d");
}

static void what_stays_for_a_time_says_until_when(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct verdict *verdict = world_container(world, "web-1");
	char at[UNITS_SIZE];
	_cleanup_free_ char *young = NULL, *within = NULL;

	verdict->age = (struct age){ NOW - 10 * MINUTE, SOURCE_ENGINE, AGE_FINISHED };
	verdict->limit = HOUR;
	verdict->goes_at = NOW + 50 * MINUTE;
	verdict->reason = REASON_TOO_YOUNG;
	units_format_time(at, verdict->goes_at, NOW);
	young = mem_printf("exited 10min ago, younger than min-age 1h, goes from %s on", at);
	assert_reason(world, verdict, young);
	verdict->reason = REASON_KEEP_WITHIN;
	within = mem_printf("exited 10min ago, kept for 1h, goes from %s on", at);
	assert_reason(world, verdict, within);
	verdict->goes_at = NOW - 1;
	assert_reason(world, verdict, "exited 10min ago, kept for 1h");
}

static void places_in_a_group_read_as_people_say_them(void **state _unused_)
{
	static const struct {
		unsigned rank;
		const char *group, *text;
	} rows[] = {
		{ 0, "app", "one of 30 in app, keep-last = 5" },
		{ 1, "app", "newest of 30 in app, keep-last = 5" },
		{ 2, "app", "2nd newest of 30 in app, keep-last = 5" },
		{ 3, "(all)", "3rd newest of 30, keep-last = 5" },
		{ 11, "app", "11th newest of 30 in app, keep-last = 5" },
		{ 12, "app", "12th newest of 30 in app, keep-last = 5" },
		{ 21, "app", "21st newest of 30 in app, keep-last = 5" },
		{ 113, "a\nb", "113th newest of 30 in a\\nb, keep-last = 5" },
	};
	_cleanup_(world_freep) struct world *world = world_new();
	struct verdict *verdict = world_container(world, "web-1");

	verdict->rule = &world->rule;
	verdict->reason = REASON_KEEP_LAST;
	verdict->group_size = 30;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		verdict->rank = rows[i].rank;
		verdict->group = rows[i].group;
		assert_reason(world, verdict, rows[i].text);
	}
}

static void an_untagged_image_says_what_it_was(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct verdict *verdict = world_image(world);
	struct image *image = world_new_image(world);
	static const char *history[] = { "docker.io/example/app:latest" };
	static const char *names[] = { "example/app:2\x1b[31m" };

	verdict->image = image;
	image->history = (struct strings){ history, 1 };
	assert_reason(world, verdict, "no rule matches (was docker.io/example/app:latest)");
	image->memory.names = (struct strings){ names, 1 };
	assert_reason(world, verdict, "no rule matches (was example/app:2\\x1b[31m)");
}

static void strangers_words_are_escaped(void **state _unused_)
{
	static const enum reason reasons[] = {
		REASON_RUNNING,	    REASON_NOT_OURS,   REASON_RESTART_POLICY,
		REASON_IN_USE,	    REASON_PINNED,     REASON_OTHER_REFERENCE,
		REASON_CHILD,	    REASON_LAST_CHILD, REASON_FACT_UNAVAILABLE,
		REASON_LIST_FAILED, REASON_SWARM_TASK
	};
	_cleanup_(world_freep) struct world *world = world_new();
	struct verdict *verdict = world_container(world, "web\n1");
	_cleanup_free_ char *name = report_name(verdict);

	assert_string_equal(name, "web\\n1");
	verdict->holder = verdict->detail = "evil\x1b\n";
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		_cleanup_free_ char *reason = NULL;

		verdict->reason = reasons[i];
		reason = report_reason(verdict, &world->plan);
		assert_non_null(strstr(reason, "evil\\x1b\\n"));
		assert_null(strpbrk(reason, "\x1b\n"));
	}
}

static void objects_have_names_people_know(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct volume volume = { .name = "data" };
	struct network network = { .id = "abc", .name = "front" };
	struct cache_record cache = { .id = "k8qf" };
	const struct verdict *verdicts[] = {
		world_container(world, "web-1"),
		world_container(world, NULL),
		world_image(world),
		world_tag(world, world_new_image(world), "docker.io/library/redis:7"),
		&(struct verdict){ .kind = KIND_VOLUME, .volume = &volume },
		&(struct verdict){ .kind = KIND_NETWORK, .network = &network },
		&(struct verdict){ .kind = KIND_BUILD_CACHE, .cache = &cache },
	};
	static const char *const names[] = {
		"web-1",
		"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",
		"<none> 2f3a4b5c6d7e",
		"redis:7",
		"data",
		"front",
		"k8qf",
	};

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		_cleanup_free_ char *name = report_name(verdicts[i]);

		assert_string_equal(name, names[i]);
	}
}

static void a_builders_volume_says_how_to_empty_it(void **state _unused_)
{
	static const struct {
		const char *name, *command;
	} cases[] = {
		{ "buildx_buildkit_ci0_state",
		  "in use by x, to empty it: docker buildx prune --builder ci" },
		{ "buildx_buildkit_a1b12_state",
		  "in use by x, to empty it: docker buildx prune --builder a1b" },
		{ "buildx_buildkit_0_state", "in use by x" },
		{ "buildx_buildkit_state", "in use by x" },
		{ "buildx_buildkit_ci0", "in use by x" },
		{ "ci0_state", "in use by x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(world_freep) struct world *world = world_new();
		struct verdict *verdict = world_add(world, KIND_VOLUME);
		struct volume volume = { .name = cases[i].name };

		verdict->volume = &volume;
		verdict->reason = REASON_IN_USE;
		verdict->holder = "x";
		assert_reason(world, verdict, cases[i].command);
	}
}

static void holders_that_are_ids_are_short(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct verdict *verdict = world_image(world);

	verdict->reason = REASON_CHILD;
	verdict->holder = IMAGE_ID;
	assert_reason(world, verdict, "image 2f3a4b5c6d7e is built on it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_sentence),
		cmocka_unit_test(full_sentences_say_all_their_parts),
		cmocka_unit_test(an_age_says_where_it_came_from),
		cmocka_unit_test(use_that_nobody_saw_says_between_when),
		cmocka_unit_test(what_stays_for_a_time_says_until_when),
		cmocka_unit_test(places_in_a_group_read_as_people_say_them),
		cmocka_unit_test(an_untagged_image_says_what_it_was),
		cmocka_unit_test(strangers_words_are_escaped),
		cmocka_unit_test(objects_have_names_people_know),
		cmocka_unit_test(a_builders_volume_says_how_to_empty_it),
		cmocka_unit_test(holders_that_are_ids_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
