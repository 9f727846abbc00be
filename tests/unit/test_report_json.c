#include "unit.h"

#include <json-c/json.h>

#include "report_world.h"

static struct json_object *parse(const struct world *world)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *root;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	report_json(&world->report, out);
	fclose(out);
	/* Not strict, which for json-c 0.18 means ASCII alone. */
	json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tokener, text, (int)length);
	assert_int_equal(json_tokener_get_error(tokener), json_tokener_success);
	assert_non_null(root);
	assert_int_equal(json_tokener_get_parse_end(tokener), strlen(text));
	for (size_t i = 0; i < length; i++)
		assert_true(text[i] == '\n' || (unsigned char)text[i] >= ' ');
	json_tokener_free(tokener);
	free(text);
	return root;
}

static struct json_object *get(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	assert_true(json_object_object_get_ex(object, key, &value));
	return value;
}

static bool has(struct json_object *object, const char *key)
{
	return json_object_object_get_ex(object, key, NULL);
}

static const char *get_text(struct json_object *object, const char *key)
{
	struct json_object *value = get(object, key);

	assert_true(json_object_is_type(value, json_type_string));
	return json_object_get_string(value);
}

static int64_t get_number(struct json_object *object, const char *key)
{
	struct json_object *value = get(object, key);

	assert_true(json_object_is_type(value, json_type_int));
	return json_object_get_int64(value);
}

static struct json_object *object_at(struct json_object *root, size_t index)
{
	return json_object_array_get_idx(get(root, "objects"), index);
}

static void a_plan_is_one_versioned_object(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct json_object *root, *first, *remove;

	world_goes(world, world_container(world, "web-1"), 1234);
	world_container(world, "db")->reason = REASON_RUNNING;
	root = parse(world);
	assert_int_equal(get_number(root, "version"), 1);
	assert_string_equal(get_text(get(root, "engine"), "name"), "Docker");
	assert_string_equal(get_text(get(root, "engine"), "socket"), "/run/docker.sock");
	assert_null(get(get(root, "engine"), "data_root"));
	assert_int_equal(json_object_array_length(get(root, "objects")), 2);
	first = object_at(root, 0);
	assert_string_equal(get_text(first, "kind"), "container");
	assert_int_equal(strlen(get_text(first, "id")), 64);
	assert_string_equal(get_text(first, "name"), "web-1");
	assert_string_equal(get_text(first, "verdict"), "remove");
	assert_null(get(first, "guard"));
	assert_string_equal(get_text(first, "rule"), "exited");
	assert_string_equal(get_text(first, "source"), "/etc/reclaimd/policies.d/exited.ini:4");
	assert_string_equal(get_text(first, "reason"), "exited 3d 4h ago, longer than 1d");
	assert_string_equal(get_text(first, "reason_code"), "expired");
	assert_int_equal(get_number(first, "bytes"), 1234);
	assert_int_equal(get_number(first, "age_s"), 3 * DAY + 4 * HOUR);
	assert_false(has(first, "outcome"));
	assert_false(has(root, "measured"));
	remove = get(get(root, "totals"), "remove");
	assert_int_equal(get_number(remove, "containers"), 1);
	assert_int_equal(get_number(remove, "build-cache"), 0);
	assert_int_equal(get_number(remove, "bytes"), 1234);
	json_object_put(root);
}

static void what_is_not_known_is_null(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct verdict *image = world_image(world);
	struct json_object *root, *object;

	world->plan.remove.unknown = 1;
	image->reason = REASON_MAYBE_WANTED;
	image->age = (struct age){ NOW, SOURCE_NOW, AGE_UNTAGGED };
	root = parse(world);
	object = object_at(root, 0);
	assert_string_equal(get_text(object, "id"), IMAGE_ID);
	assert_null(get(object, "name"));
	assert_null(get(object, "rule"));
	assert_null(get(object, "source"));
	assert_null(get(object, "bytes"));
	assert_null(get(object, "age_s"));
	assert_string_equal(get_text(object, "guard"), "maybe-wanted");
	assert_null(get(get(get(root, "totals"), "remove"), "bytes"));
	json_object_put(root);
}

static void a_run_adds_outcomes_and_what_was_measured(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct disk before = { .state = FACT_KNOWN, .available = 100, .total = 1000 };
	struct disk after = { .state = FACT_UNAVAILABLE, .why = "hidden" };
	struct json_object *root, *measured;

	world_goes(world, world_container(world, "web-1"), 1234);
	world_goes(world, world_container(world, "web-2"), 1234);
	world_container(world, "db")->reason = REASON_RUNNING;
	world_apply(world);
	world->result.outcomes[1] = OUTCOME_IN_USE;
	world->result.details[1] = "used by db";
	world->report.before = &before;
	world->report.after = &after;
	root = parse(world);
	assert_string_equal(get_text(object_at(root, 0), "outcome"), "removed");
	assert_false(has(object_at(root, 0), "detail"));
	assert_string_equal(get_text(object_at(root, 1), "outcome"), "in-use");
	assert_string_equal(get_text(object_at(root, 1), "detail"), "used by db");
	assert_null(get(object_at(root, 2), "outcome"));
	measured = get(root, "measured");
	assert_int_equal(get_number(measured, "before"), 100);
	assert_null(get(measured, "after"));
	assert_int_equal(get_number(measured, "filesystem_bytes"), 1000);
	json_object_put(root);
}

static void a_name_to_be_given_is_a_verdict_of_its_own(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct json_object *root, *object;

	world_named(world, "docker.io/library/app:old-1");
	world_container(world, "db");
	root = parse(world);
	object = object_at(root, 0);
	assert_string_equal(get_text(object, "kind"), "image");
	assert_string_equal(get_text(object, "verdict"), "tag");
	assert_string_equal(get_text(object, "preserve_as"), "docker.io/library/app:old-1");
	assert_string_equal(get_text(object, "reason"),
			    "the rule says keep, to be named app:old-1");
	assert_null(get(object_at(root, 1), "preserve_as"));
	assert_int_equal(get_number(get(get(root, "totals"), "tag"), "images"), 1);
	json_object_put(root);
	world_apply(world);
	root = parse(world);
	assert_string_equal(get_text(object_at(root, 0), "outcome"), "tagged");
	json_object_put(root);
}

static void hostile_names_are_valid_json(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct json_object *root;

	world_container(world, "a\"b\\c\n\x1b/\xff\xc3");
	root = parse(world);
	assert_string_equal(get_text(object_at(root, 0), "name"),
			    "a\"b\\c\n\x1b/\xef\xbf\xbd\xef\xbf\xbd");
	json_object_put(root);
}

static void a_reference_is_named_as_people_write_it(void **state _unused_)
{
	_cleanup_(world_freep) struct world *world = world_new();
	struct json_object *root;

	world_tag(world, world_new_image(world), "docker.io/library/redis:7");
	root = parse(world);
	assert_string_equal(get_text(object_at(root, 0), "kind"), "tag");
	assert_string_equal(get_text(object_at(root, 0), "name"), "redis:7");
	assert_string_equal(get_text(object_at(root, 0), "id"), IMAGE_ID);
	json_object_put(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_is_one_versioned_object),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(a_run_adds_outcomes_and_what_was_measured),
		cmocka_unit_test(a_name_to_be_given_is_a_verdict_of_its_own),
		cmocka_unit_test(hostile_names_are_valid_json),
		cmocka_unit_test(a_reference_is_named_as_people_write_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
