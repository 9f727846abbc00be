#include "world.h"

#include <stdlib.h>
#include <time.h>

#include "conf/template.h"

/* preserve-as: what a superseded image is called, and by what it is known again. */

#define USUAL "{repository}:superseded-{created}-{id}"
#define ID1 "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID3 "sha256:2123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int setup(void **state)
{
	setenv("TZ", "UTC", 1);
	tzset();
	*state = world_new();
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

/* ---- templates ---- */

static void a_template_has_its_id_and_gives_a_tag(void **state _unused_)
{
	static const struct {
		const char *template;
		bool good;
	} rows[] = {
		{ USUAL, true },
		{ "{repository}:{tag}-{date}-{id}", true },
		{ "archive/{repository}:{id}", true },
		{ "localhost:5000/old-{repository}:{id}", true },
		{ "old:{id}", true },
		{ "old-{id}:{tag}", true },
		{ "{repository}:old", false },
		{ "{repository}:{id", false },
		{ "{repository}:{ID}", false },
		{ "{repository}:{id}{}", false },
		{ "{repository}:{id}}", false },
		{ "{repository}:{id}-{id}", false },
		{ "{repository}", false },
		{ "{repository}{id}", false },
		{ "{id}", false },
		{ ":{id}", false },
		{ "{repository}:.{id}", false },
		{ "{repository}:{id}/x", false },
		{ "{repository}:{id}:x", false },
		{ "UPPER:{id}", false },
		{ "", false },
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((template_check(rows[i].template, &err) == 0) != rows[i].good)
			fail_msg("%s", rows[i].template);
}

static void a_template_is_filled(void **state)
{
	struct world *world = *state;
	const char *values[HOLE_MAX_] = { "reg:5000/app", NULL, "20260131", "0123456789ab",
					  "20260214" };

	assert_string_equal(template_fill(world->arena, USUAL, values),
			    "reg:5000/app:superseded-20260131-0123456789ab");
	assert_string_equal(template_fill(world->arena, "x/{repository}:{date}.{id}_", values),
			    "x/reg:5000/app:20260214.0123456789ab_");
	assert_null(template_fill(world->arena, "{repository}:{tag}-{id}", values));
}

static void a_name_is_known_again(void **state _unused_)
{
	static const struct {
		const char *template, *repository, *text;
		bool matches;
	} rows[] = {
		{ USUAL, "app", "app:superseded-20260131-0123456789ab", true },
		{ USUAL, NULL, "app:superseded-20260131-0123456789ab", true },
		{ USUAL, NULL, "r:5000/a/b:superseded-unknown-0123456789ab", true },
		{ USUAL, "app", "other:superseded-20260131-0123456789ab", false },
		{ USUAL, "app", "app:superseded-20260131-0123456789ac", false },
		{ USUAL, "app", "app:superseded-2026013-0123456789ab", false },
		{ USUAL, "app", "app:superseded-202601311-0123456789ab", false },
		{ USUAL, "app", "app:superseded--0123456789ab", false },
		{ USUAL, "app", "app:superseded-20260131-0123456789abc", false },
		{ USUAL, "app", "app:superseded-20260131-", false },
		{ USUAL, "app", "app", false },
		{ USUAL, "app", "", false },
		{ "{repository}:{tag}-{id}", NULL, "a:1-2-0123456789ab", true },
		{ "{repository}:{tag}-{id}", NULL, "a:-0123456789ab", false },
		{ "x-{repository}:{tag}{date}-{id}", NULL, "x-a:b20260131-0123456789ab", true },
		{ "old:{id}", "app", "old:0123456789ab", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *values[HOLE_MAX_] = {
			[HOLE_ID] = "0123456789ab", [HOLE_REPOSITORY] = rows[i].repository
		};

		if (template_matches(rows[i].template, values, rows[i].text) != rows[i].matches)
			fail_msg("%s: %s", rows[i].template, rows[i].text);
	}
}

/* ---- verdicts ---- */

static struct rule *preserving(struct world *world, int64_t keep_last)
{
	struct rule *rule = world_rule(world, KIND_IMAGE, DANGLING_YES);

	rule->keep_last = keep_last;
	rule->preserve_as = USUAL;
	return rule;
}

static void had_names(struct world *world, struct image *image, const char *name)
{
	image->memory.names.v = arena_array(world->arena, 1, sizeof(char *));
	image->memory.names.v[0] = name;
	image->memory.names.n = 1;
	image->memory.seen_tagged = true;
}

/* A superseded build of app:latest, that many days after LONG_AGO. */
static struct image *superseded(struct world *world, const char *id, int days)
{
	struct image *image = world_image(world, id, NULL);

	image->created += (int64_t)days * DAY;
	image->memory.untagged_since += (int64_t)days * DAY;
	had_names(world, image, "app:latest");
	return image;
}

static const struct verdict *tagged_as(const struct plan *plan, const char *id,
				       const char *name)
{
	const struct verdict *verdict = verdict_on(plan, id);

	assert_int_equal(verdict->action, VERDICT_TAG);
	assert_string_equal(verdict->preserve_as->raw, name);
	return verdict;
}

static void kept_unnamed(const struct plan *plan, const char *id, enum unnamed unnamed)
{
	assert_int_equal(verdict_on(plan, id)->action, VERDICT_KEEP);
	assert_int_equal(verdict_on(plan, id)->unnamed, unnamed);
	assert_null(verdict_on(plan, id)->preserve_as);
}

static void what_the_rule_keeps_gets_a_name(void **state)
{
	struct world *world = *state;
	struct plan *plan;

	preserving(world, 1);
	superseded(world, ID1, 0);
	superseded(world, ID2, 2);
	plan = world_plan(world);
	assert_int_equal(verdict_on(plan, ID1)->action, VERDICT_REMOVE);
	tagged_as(plan, ID2, "app:superseded-20230808-1123456789ab");
	assert_int_equal(verdict_on(plan, ID2)->reason, REASON_KEEP_LAST);
	assert_int_equal(plan->n_tags, 1);
	assert_int_equal(plan->n_removals, 1);
	assert_int_equal(plan->tag.n[KIND_IMAGE], 1);
	assert_int_equal(plan->keep.n[KIND_IMAGE], 0);
	assert_int_equal(plan->remove.n[KIND_IMAGE], 1);
}

static void whatever_keeps_it_by_the_rule_names_it(void **state)
{
	struct world *world = *state;
	struct rule *rule = preserving(world, 0);
	struct image *image = superseded(world, ID1, 0);
	const char *name = "app:superseded-20230806-0123456789ab";

	assert_int_equal(world_plan(world)->n_tags, 0);
	rule->keep_within = 200 * DAY;
	tagged_as(world_plan(world), ID1, name);
	rule->keep_within = 0;
	rule->action = ACTION_KEEP;
	tagged_as(world_plan(world), ID1, name);
	rule->action = ACTION_REMOVE;
	rule_set_key(rule, RULE_KEEP_LABEL);
	rule->keep_labels = world_patterns(world, "keep=yes", true);
	image->labels = world_label(world, "keep", "yes");
	tagged_as(world_plan(world), ID1, name);
}

/* min-age is a guard: what nothing but it holds goes soon. */
static void what_is_only_young_or_used_gets_none(void **state)
{
	struct world *world = *state;
	struct rule *rule = preserving(world, 1);

	superseded(world, ID1, 0);
	superseded(world, ID2, 2);
	rule->max_age = 200 * DAY;
	rule->min_age = 200 * DAY;
	assert_int_equal(verdict_on(world_plan(world), ID1)->reason, REASON_TOO_YOUNG);
	kept_unnamed(world_plan(world), ID1, NOT_UNNAMED);
	tagged_as(world_plan(world), ID2, "app:superseded-20230808-1123456789ab");

	rule->min_age = 0;
	world_container(world, "c", ID1, NULL);
	world_container(world, "d", ID2, NULL);
	assert_int_equal(verdict_on(world_plan(world), ID1)->reason, REASON_IN_USE);
	kept_unnamed(world_plan(world), ID1, NOT_UNNAMED);
	assert_int_equal(verdict_on(world_plan(world), ID2)->reason, REASON_IN_USE);
	tagged_as(world_plan(world), ID2, "app:superseded-20230808-1123456789ab");
}

static void images_that_others_are_built_on_get_none(void **state)
{
	struct world *world = *state;

	preserving(world, 9);
	superseded(world, ID1, 0);
	world_image(world, ID2, "other:1")->parent = ID1;
	kept_unnamed(world_plan(world), ID1, NOT_UNNAMED);
}

static void names_come_from_state_then_history_then_digests(void **state)
{
	struct world *world = *state;
	const char *history = "docker.io/example/app:2";
	struct image *image = world_image(world, ID1, NULL);

	preserving(world, 9)->preserve_as = "{repository}:{tag}-{id}";
	kept_unnamed(world_plan(world), ID1, UNNAMED_UNKNOWN);
	world_digest(world, image, "localhost:5000/app@" ID2);
	image->memory.seen_tagged = true;
	kept_unnamed(world_plan(world), ID1, UNNAMED_UNKNOWN);
	world->rules[0].preserve_as = USUAL;
	tagged_as(world_plan(world), ID1,
		  "localhost:5000/app:superseded-20230806-0123456789ab");
	world->rules[0].preserve_as = "{repository}:{tag}-{id}";
	image->history = (struct strings){ &history, 1 };
	tagged_as(world_plan(world), ID1, "docker.io/example/app:2-0123456789ab");
	had_names(world, image, "app:1.0");
	tagged_as(world_plan(world), ID1, "app:1.0-0123456789ab");
}

/* Podman's History has names that the image was given here, too. */
static void a_name_that_was_given_is_not_what_it_was_called(void **state)
{
	struct world *world = *state;
	const char *history[] = { "app:superseded-20230806-0123456789ab", "app:2" };
	struct image *image = world_image(world, ID1, NULL);

	preserving(world, 9)->preserve_as = "{repository}:superseded-{tag}-{id}";
	image->history = (struct strings){ history, 2 };
	tagged_as(world_plan(world), ID1, "app:superseded-2-0123456789ab");
	image->history.n = 1;
	world->rules[0].preserve_as = USUAL;
	tagged_as(world_plan(world), ID1, history[0]);
}

/* The group is the repository that it had, wherever its new name lies. */
static void a_name_in_another_repository_changes_no_group(void **state)
{
	struct world *world = *state;
	const char *history[] = { "old/app:0123456789ab", "app:latest" };
	struct image *image = world_image(world, ID1, history[0]);

	preserving(world, 1)->preserve_as = "old/{repository}:{id}";
	image->history = (struct strings){ history, 2 };
	superseded(world, ID2, 1);
	assert_true(verdict_on(world_plan(world), ID1)->preserved);
	assert_string_equal(verdict_on(world_plan(world), ID1)->group, "app");
	assert_int_equal(verdict_on(world_plan(world), ID1)->action, VERDICT_REMOVE);
	tagged_as(world_plan(world), ID2, "old/app:1123456789ab");
	/* With nothing else known its name is all there is. */
	image->history.n = 1;
	assert_true(verdict_on(world_plan(world), ID1)->preserved);
	assert_string_equal(verdict_on(world_plan(world), ID1)->group, "old/app");
}

static void a_name_that_is_no_reference_is_not_given(void **state)
{
	struct world *world = *state;

	preserving(world, 9)->preserve_as = "old/{repository}:{id}";
	had_names(world, world_image(world, ID1, NULL), "localhost:5000/app:1");
	kept_unnamed(world_plan(world), ID1, UNNAMED_INVALID);
}

static void a_build_date_that_is_not_known_says_so(void **state)
{
	struct world *world = *state;

	preserving(world, 9);
	superseded(world, ID1, 0)->created = TIME_UNKNOWN;
	tagged_as(world_plan(world), ID1, "app:superseded-unknown-0123456789ab");
}

static void an_unapproved_name_is_not_given(void **state)
{
	struct world *world = *state;
	struct strings approved = { 0 };
	const char *key;

	preserving(world, 9);
	superseded(world, ID1, 0);
	world->approved = &approved;
	kept_unnamed(world_plan(world), ID1, UNNAMED_NOT_APPROVED);
	key = plan_key(world->arena, KIND_IMAGE, ID1, NULL);
	approved = (struct strings){ &key, 1 };
	kept_unnamed(world_plan(world), ID1, UNNAMED_NOT_APPROVED);
	key = plan_key(world->arena, KIND_IMAGE, ID1, "app:superseded-20230806-0123456789ab");
	tagged_as(world_plan(world), ID1, "app:superseded-20230806-0123456789ab");
	/* A name is no leave to remove. */
	world->rules[0].keep_last = 0;
	assert_int_equal(verdict_on(world_plan(world), ID1)->reason, REASON_NOT_APPROVED);
}

/* ---- preserved images ---- */

static void give(struct world *world, struct image *image, const char *name)
{
	assert_true(reference_parse(world->arena, name, &image->tags[image->n_tags++]));
	image->memory.preserved_at = NOW - DAY;
}

static void a_preserved_image_is_judged_as_what_it_was(void **state)
{
	struct world *world = *state;
	struct image *image;
	const struct verdict *verdict;

	preserving(world, 2);
	world_rule(world, KIND_IMAGE, DANGLING_NO); /* takes all that is tagged */
	superseded(world, ID1, 0);
	superseded(world, ID2, 1);
	image = superseded(world, ID3, 2);
	give(world, image, "app:superseded-20230808-2123456789ab");
	image->last_tagged = NOW - DAY; /* when it was named */
	verdict = verdict_on(world_plan(world), ID3);
	assert_true(verdict->preserved);
	assert_ptr_equal(verdict->rule, &world->rules[0]);
	assert_int_equal(verdict->reason, REASON_KEEP_LAST);
	assert_int_equal(verdict->group_size, 3);
	assert_int_equal(verdict->rank, 1);
	assert_string_equal(verdict->group, "app");
	tagged_as(world_plan(world), ID2, "app:superseded-20230807-1123456789ab");
	assert_int_equal(verdict_on(world_plan(world), ID1)->action, VERDICT_REMOVE);

	world->rules[0].max_age = 98 * DAY;
	verdict = verdict_on(world_plan(world), ID3);
	assert_int_equal(verdict->action, VERDICT_REMOVE);
	assert_int_equal(verdict->reason, REASON_MAX_AGE);
	assert_int_equal(verdict->age.from, AGE_UNTAGGED);
	assert_int_equal(verdict->kind, KIND_TAG);
}

/* dangling = any with preserve-as counts from the loss of a name; one that has its name lost
 * none. */
static void what_has_its_name_is_as_old_as_that(void **state)
{
	struct world *world = *state;
	struct rule *rule = preserving(world, 0);
	const struct verdict *verdict;
	struct image *image;

	rule->dangling = DANGLING_ANY;
	rule->keep_within = 2 * DAY;
	image = world_image(world, ID1, "app:1");
	image->last_tagged = NOW - DAY;
	image->memory.first_seen = NOW - 5 * DAY;
	image->memory.untagged_since = TIME_UNKNOWN;
	verdict = verdict_on(world_plan(world), ID1);
	assert_int_equal(verdict->reason, REASON_KEEP_WITHIN);
	assert_int_equal(verdict->age.from, AGE_TAGGED);
	assert_int_equal(verdict->goes_at, NOW + DAY);
	image->last_tagged = NOW - 3 * DAY;
	assert_int_equal(verdict_on(world_plan(world), ID1)->action, VERDICT_REMOVE);

	/* As long as the policy does not say otherwise. */
	rule_set_key(rule, RULE_AGE_FROM);
	assert_int_equal(verdict_on(world_plan(world), ID1)->reason, REASON_KEEP_WITHIN);
}

static void only_its_own_name_alone_is_a_preserved_one(void **state)
{
	static const struct {
		const char *tags;
		bool preserved;
	} rows[] = {
		{ "app:superseded-20230806-0123456789ab", true },
		{ "app:superseded-19990101-0123456789ab", true },
		{ "app:superseded-20230806-1123456789ab", false },
		{ "app:superseded-20230806-0123456789ab,app:stable", false },
		{ "other:superseded-20230806-0123456789ab", false },
		{ "app:superseded", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world *world = world_new();
		const struct plan *plan;

		preserving(world, 0);
		had_names(world, world_image(world, ID1, rows[i].tags), "app:latest");
		plan = world_plan(world);
		assert_int_equal(verdict_on(plan, ID1)->preserved, rows[i].preserved);
		if (!rows[i].preserved)
			assert_int_equal(verdict_on(plan, ID1)->reason, REASON_NO_RULE);
		assert_int_equal(plan->n_removals, rows[i].preserved);
		world_free(world);
	}
	(void)state;
}

/* Somebody gave it another name for a while, which no run saw but the engine noted. */
static void a_later_tag_of_somebody_makes_it_young_again(void **state)
{
	struct world *world = *state;
	struct image *image = superseded(world, ID1, 0);

	preserving(world, 0)->keep_within = 2 * DAY;
	give(world, image, "app:superseded-20230806-0123456789ab");
	image->last_tagged = image->memory.preserved_at + 60;
	assert_int_equal(verdict_on(world_plan(world), ID1)->action, VERDICT_REMOVE);
	image->last_tagged = image->memory.preserved_at + HOUR;
	assert_int_equal(verdict_on(world_plan(world), ID1)->reason, REASON_KEEP_WITHIN);
}

static void without_memory_the_age_starts_anew(void **state)
{
	struct world *world = *state;
	struct image *image = world_image(world, ID1, "app:superseded-20230806-0123456789ab");
	const struct verdict *verdict;

	preserving(world, 0)->max_age = DAY;
	image->memory = (struct memory){ .first_seen = TIME_UNKNOWN,
					 .untagged_since = TIME_UNKNOWN,
					 .last_used = TIME_UNKNOWN,
					 .preserved_at = TIME_UNKNOWN,
					 .pulled = TIME_UNKNOWN };
	world->rules[0].min_age = HOUR;
	verdict = verdict_on(world_plan(world), ID1);
	assert_true(verdict->preserved);
	assert_int_equal(verdict->reason, REASON_TOO_YOUNG);
	assert_int_equal(verdict->age.source, SOURCE_NOW);
}

static void pins_and_keeps_of_any_rule_hold(void **state)
{
	struct world *world = *state;
	struct rule *other;
	const struct verdict *verdict;

	preserving(world, 0);
	give(world, superseded(world, ID1, 0), "app:superseded-20230806-0123456789ab");
	other = world_rule(world, KIND_IMAGE, DANGLING_NO);
	assert_int_equal(verdict_on(world_plan(world), ID1)->action, VERDICT_REMOVE);

	rule_set_key(other, RULE_KEEP_TAG);
	other->keep_tags = world_patterns(world, "superseded-*", false);
	verdict = verdict_on(world_plan(world), ID1);
	assert_int_equal(verdict->reason, REASON_PINNED);
	assert_ptr_equal(verdict->rule, other);
	assert_string_equal(verdict->key, "keep-tag");

	other->keep_tags = world_patterns(world, "latest", false);
	assert_int_equal(verdict_on(world_plan(world), ID1)->action, VERDICT_REMOVE);
	other->action = ACTION_KEEP;
	assert_int_equal(verdict_on(world_plan(world), ID1)->reason, REASON_RULE_KEEPS);
	other->dangling = DANGLING_YES;
	assert_int_equal(verdict_on(world_plan(world), ID1)->reason, REASON_RULE_KEEPS);
	rule_set_key(other, RULE_NAME);
	other->names = world_patterns(world, "other:*", false);
	assert_int_equal(verdict_on(world_plan(world), ID1)->action, VERDICT_REMOVE);
}

static void a_rule_that_no_longer_selects_it_lets_it_be(void **state)
{
	struct world *world = *state;
	struct rule *rule = preserving(world, 0);

	give(world, superseded(world, ID1, 0), "app:superseded-20230806-0123456789ab");
	rule_set_key(rule, RULE_LABEL);
	rule->labels = world_patterns(world, "team=a", true);
	assert_int_equal(verdict_on(world_plan(world), ID1)->reason, REASON_NO_RULE);
	assert_false(verdict_on(world_plan(world), ID1)->preserved);
}

static void the_brake_counts_it_as_what_it_was_and_no_new_names(void **state)
{
	struct world *world = *state;

	preserving(world, 1);
	for (int i = 0; i < 30; i++)
		give(world,
		     superseded(world, arena_printf(world->arena, "sha256:%012d0000", i), i),
		     arena_printf(world->arena, "app:superseded-20230806-%012d", i));
	assert_int_equal(world_plan(world)->n_removals, 29);
	assert_false(world_plan(world)->brake.pulled);
	world->settings.max_remove = (struct limit){ true, false, 28 };
	assert_true(world_plan(world)->brake.pulled);
	assert_int_equal(world_plan(world)->brake.kind, KIND_IMAGE);
	world->rules[0].keep_last = 30;
	world->settings.max_remove.value = 0;
	assert_false(world_plan(world)->brake.pulled);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_template_has_its_id_and_gives_a_tag),
		TEST(a_template_is_filled),
		TEST(a_name_is_known_again),
		TEST(what_the_rule_keeps_gets_a_name),
		TEST(whatever_keeps_it_by_the_rule_names_it),
		TEST(what_is_only_young_or_used_gets_none),
		TEST(images_that_others_are_built_on_get_none),
		TEST(names_come_from_state_then_history_then_digests),
		TEST(a_name_that_was_given_is_not_what_it_was_called),
		TEST(a_name_in_another_repository_changes_no_group),
		TEST(a_name_that_is_no_reference_is_not_given),
		TEST(a_build_date_that_is_not_known_says_so),
		TEST(an_unapproved_name_is_not_given),
		TEST(a_preserved_image_is_judged_as_what_it_was),
		TEST(what_has_its_name_is_as_old_as_that),
		TEST(only_its_own_name_alone_is_a_preserved_one),
		TEST(a_later_tag_of_somebody_makes_it_young_again),
		TEST(without_memory_the_age_starts_anew),
		TEST(pins_and_keeps_of_any_rule_hold),
		TEST(a_rule_that_no_longer_selects_it_lets_it_be),
		TEST(the_brake_counts_it_as_what_it_was_and_no_new_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
