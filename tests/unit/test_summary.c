#include "unit.h"

#include <locale.h>

#include "report_world.h"

static struct disk disk_of(int64_t available)
{
	return (struct disk){ .state = FACT_KNOWN, .available = available };
}

static void assert_summary(const struct world *world, const char *want)
{
	_cleanup_free_ char *summary = report_summary(&world->report);

	assert_string_equal(summary, want);
}

static void keep(struct world *world, size_t n, enum reason reason)
{
	for (size_t i = 0; i < n; i++)
		world_container(world, "kept")->reason = reason;
}

static void add_going(struct world *world)
{
	for (size_t i = 0; i < 42; i++)
		world_goes(world, world_container(world, "gone"), 1000000);
	for (size_t i = 0; i < 17; i++)
		world_goes(world, world_image(world), 187000000);
}

static void a_run_says_what_it_did(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct disk before = disk_of(11400000000), after = disk_of(14600000000);

	add_going(world);
	keep(world, 12, REASON_RUNNING);
	keep(world, 20, REASON_IN_USE);
	keep(world, 20, REASON_KEEP_WITHIN);
	keep(world, 6, REASON_TOO_YOUNG);
	world_apply(world);
	world->report.before = &before;
	world->report.after = &after;
	assert_summary(world, "removed 42 containers, 17 images; reclaimed 3.22GB "
			      "(free: 11.4GB → 14.6GB); "
			      "kept 58 (running 12, in use 20, too young 26)");
	after.state = FACT_UNAVAILABLE;
	assert_summary(world, "removed 42 containers, 17 images; reclaimed 3.22GB "
			      "(free: 11.4GB → unknown); "
			      "kept 58 (running 12, in use 20, too young 26)");
	before.state = FACT_UNAVAILABLE;
	assert_summary(world, "removed 42 containers, 17 images; reclaimed 3.22GB "
			      "(free: unknown); "
			      "kept 58 (running 12, in use 20, too young 26)");
}

static void a_plan_says_what_would_go(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct disk before = disk_of(11400000000);

	world_goes(world, world_container(world, "gone"), 1000000);
	world_goes(world, world_image(world), 2000000);
	keep(world, 1, REASON_PINNED);
	world->plan.claimed_is_upper_bound = true;
	world->report.before = &before;
	assert_summary(world, "would remove 1 container, 1 image; would reclaim up to 3MB "
			      "(free: 11.4GB); kept 1 (pinned 1)");
	world->report.observe = true;
	assert_summary(world, "would remove 1 container, 1 image; mode = observe removes "
			      "nothing; would reclaim up to 3MB (free: 11.4GB); "
			      "kept 1 (pinned 1)");
}

static void nothing_to_remove_is_said(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct disk before = disk_of(11400000000);

	world->report.before = &before;
	assert_summary(world, "nothing to remove; kept 0");
	keep(world, 3, REASON_NO_RULE);
	keep(world, 1, REASON_RESTART_POLICY);
	assert_summary(world, "nothing to remove; kept 4 (to be restarted 1, no rule 3)");
	world_apply(world);
	assert_summary(world, "nothing to remove; kept 4 (to be restarted 1, no rule 3)");
}

static void unknown_sizes_are_never_zero(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();

	world_goes(world, world_container(world, "gone"), -1);
	world_apply(world);
	assert_summary(world,
		       "removed 1 container; reclaimed 1 object of unknown size; kept 0");
	world_goes(world, world_container(world, "gone"), 5000000);
	world_goes(world, world_container(world, "gone"), -1);
	world_apply(world);
	assert_summary(world, "removed 3 containers; reclaimed 5MB and 2 objects of unknown "
			      "size; kept 0");
}

static void what_did_not_go_is_kept(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();

	for (size_t i = 0; i < 6; i++)
		world_goes(world, world_container(world, "gone"), 1000000);
	world_apply(world);
	for (size_t i = 0; i < 5; i++)
		world->result.outcomes[i] = OUTCOME_GONE + (enum outcome)i;
	world->result.removed = (struct totals){ .n = { 1 }, .bytes = 1000000 };
	assert_summary(world, "removed 1 container, 1 had gone already; reclaimed 1MB; kept 4 "
			      "(in use 1, changed meanwhile 1, skipped 1, failed 1)");
	world->result.removed = (struct totals){ 0 };
	world->result.outcomes[0] = world->result.outcomes[5] = OUTCOME_NONE;
	world->result.interrupted = true;
	assert_summary(world, "removed nothing; interrupted; kept 6 "
			      "(in use 1, changed meanwhile 1, skipped 3, failed 1)");
}

static void an_image_with_several_names_is_one_object(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct image *kept = world_new_image(world), *gone = world_new_image(world);

	world_tag(world, kept, "app:1")->reason = REASON_OTHER_REFERENCE;
	world_tag(world, kept, "app:latest")->reason = REASON_PINNED;
	world_goes(world, world_tag(world, gone, "old:1"), 0);
	world_goes(world, world_tag(world, gone, "old:2"), 7000000);
	world->plan.remove.n[KIND_IMAGE] = 1;
	assert_summary(world, "would remove 1 image (2 tags); would reclaim 7MB; "
			      "kept 1 (pinned 1)");
	/* One name went, the other changed: the image is still there. */
	world_apply(world);
	world->result.outcomes[3] = OUTCOME_CHANGED;
	world->result.removed = (struct totals){ .n = { [KIND_TAG] = 1 } };
	assert_summary(world, "removed 1 tag; reclaimed 0B; "
			      "kept 2 (pinned 1, changed meanwhile 1)");
}

static void a_first_look_says_from_when_on(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	_cleanup_free_ char *want = NULL;
	char at[UNITS_SIZE];

	for (int i = 0; i < 2; i++) {
		struct verdict *verdict = world_image(world);

		verdict->reason = REASON_KEEP_WITHIN;
		verdict->age = (struct age){ NOW, SOURCE_NOW, AGE_UNTAGGED };
		verdict->goes_at = NOW + (2 - i) * DAY;
	}
	world->plan.unknown_ages = 2;
	assert_summary(world, "nothing to remove; kept 2 (too young 2)");
	world->snapshot->first_look = true;
	units_format_time(at, NOW + DAY, NOW);
	want = mem_printf("nothing to remove; kept 2 (too young 2); first look at this engine: "
			  "2 ages unknown; they go from %s on",
			  at);
	assert_summary(world, want);
}

static void the_brake_says_what_to_do(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	_cleanup_free_ char *none = report_brake(&world->plan), *all = NULL, *one = NULL;

	assert_null(none);
	world->plan.brake =
		(struct brake){ .pulled = true, .kind = KIND_TAG, .removals = 412, .of = 600 };
	all = report_brake(&world->plan);
	assert_string_equal(all, "brake: 412 of 600 tagged images would go; look at 'reclaimd "
				 "plan', then set max-remove");
	world->plan.brake.rule = &world->rule;
	world->plan.brake.kind = KIND_CONTAINER;
	one = report_brake(&world->plan);
	assert_string_equal(one, "brake: 412 of 600 containers of rule exited would go; look "
				 "at 'reclaimd plan', then set its max-remove");
}

/* ---- the table ---- */

static char *table(const struct world *world, bool all, bool colour, unsigned width)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	report_text_width(&world->report, all, colour, width, out);
	fclose(out);
	return text;
}

static struct world *mixed_world(void)
{
	struct world *world = world_new();

	world_goes(world, world_container(world, "web-1"), 12300000);
	world_container(world, "db")->reason = REASON_RUNNING;
	world_goes(world, world_image(world), -1);
	return world;
}

static void a_table_shows_what_goes(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = mixed_world();
	_cleanup_free_ char *text = table(world, false, false, 0);

	assert_string_equal(
		text,
		"Docker 20.10.24 at /run/docker.sock\n"
		"KIND      NAME                   SIZE   AGE RULE     REASON\n"
		"container web-1                12.3MB 3d 4h exited   exited 3d 4h ago, longer "
		"than 1d\n"
		"image     <none> 2f3a4b5c6d7e unknown 3d 4h dangling exited 3d 4h ago, longer "
		"than 1d\n"
		"\n"
		"would remove 1 container, 1 image; would reclaim 12.3MB and 1 object of "
		"unknown size; kept 1 (running 1)\n");
}

static void with_all_a_table_shows_what_stays(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = mixed_world();
	_cleanup_free_ char *text = table(world, true, false, 0);

	assert_non_null(strstr(text, "VERDICT"));
	assert_null(strstr(text, "OUTCOME"));
	assert_non_null(strstr(text, "keep    -        running\n"));
	assert_null(strchr(text, '\x1b'));
}

static void colours_only_when_asked(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = mixed_world();
	_cleanup_free_ char *text = table(world, true, true, 200);

	assert_non_null(strchr(text, '\x1b'));
}

static void an_upper_bound_is_marked(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	_cleanup_free_ char *text = NULL;

	world_goes(world, world_container(world, "web-1"), 12300000);
	world_goes(world, world_image(world), 45600000);
	world->plan.claimed_is_upper_bound = true;
	text = table(world, false, false, 0);
	assert_non_null(strstr(text, " 12.3MB"));
	assert_non_null(strstr(text, "≤45.6MB"));
}

static void outcomes_are_shown_when_they_differ(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = mixed_world();
	_cleanup_free_ char *same = NULL, *differ = NULL;

	world_apply(world);
	same = table(world, false, false, 0);
	assert_null(strstr(same, "OUTCOME"));
	world->result.outcomes[0] = OUTCOME_FAILED;
	world->result.details[0] = "driver\nfailed";
	differ = table(world, false, false, 0);
	assert_non_null(strstr(differ, "OUTCOME"));
	assert_non_null(strstr(differ, "; driver\\nfailed\n"));
}

static char long_name[400];

static size_t widest_line(const char *text)
{
	size_t widest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		widest = length > widest ? length : widest;
		text += length + (text[length] == '\n');
	}
	return widest;
}

static void nothing_is_cut_off_a_terminal(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	_cleanup_free_ char *text = NULL, *narrow = NULL;
	char *table_end;

	memset(long_name, 'x', sizeof(long_name) - 1);
	world_goes(world, world_container(world, long_name), 0);
	text = table(world, false, false, 0);
	assert_non_null(strstr(text, long_name));
	narrow = table(world, false, false, 80);
	assert_null(strstr(narrow, long_name));
	table_end = strstr(narrow, "\n\n");
	assert_non_null(table_end);
	*table_end = '\0';
	assert_true(widest_line(narrow) <= 80);
}

static void strangers_cannot_draw_in_a_table(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	_cleanup_free_ char *text = NULL;

	world_goes(world, world_container(world, "a\x1b[2J\nremove everything"), 0);
	text = table(world, true, false, 80);
	assert_null(strchr(text, '\x1b'));
	assert_null(strstr(text, "\nremove"));
}

static void a_long_digest_is_cut_short(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	_cleanup_free_ char *text = NULL;

	world_goes(world, world_tag(world, world_new_image(world), "app@" IMAGE_ID), 0);
	text = table(world, false, false, 0);
	assert_non_null(strstr(text, "app@sha256:2f3a4b5c6d7e "));
}

/* libsmartcols alone would never return from this. */
static void any_locale_has_a_table(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	_cleanup_free_ char *text = NULL, *narrow = NULL;

	world_goes(world, world_container(world, "caf\xc3\xa9-\xff"), 0);
	world_goes(world, world_image(world), 5000000);
	world->plan.claimed_is_upper_bound = true;
	assert_non_null(setlocale(LC_ALL, "C"));
	text = table(world, true, false, 0);
	narrow = table(world, true, false, 40);
	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
	assert_non_null(strstr(text, "caf?-\\xff"));
	assert_non_null(strstr(text, "<=5MB"));
	assert_non_null(strstr(narrow, "caf?-\\xff"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_says_what_it_did),
		cmocka_unit_test(a_plan_says_what_would_go),
		cmocka_unit_test(nothing_to_remove_is_said),
		cmocka_unit_test(unknown_sizes_are_never_zero),
		cmocka_unit_test(what_did_not_go_is_kept),
		cmocka_unit_test(an_image_with_several_names_is_one_object),
		cmocka_unit_test(a_first_look_says_from_when_on),
		cmocka_unit_test(the_brake_says_what_to_do),
		cmocka_unit_test(a_table_shows_what_goes),
		cmocka_unit_test(with_all_a_table_shows_what_stays),
		cmocka_unit_test(colours_only_when_asked),
		cmocka_unit_test(an_upper_bound_is_marked),
		cmocka_unit_test(outcomes_are_shown_when_they_differ),
		cmocka_unit_test(nothing_is_cut_off_a_terminal),
		cmocka_unit_test(strangers_cannot_draw_in_a_table),
		cmocka_unit_test(a_long_digest_is_cut_short),
		cmocka_unit_test(any_locale_has_a_table),
	};

	setlocale(LC_ALL, "C.UTF-8");

	return cmocka_run_group_tests(tests, NULL, NULL);
}
