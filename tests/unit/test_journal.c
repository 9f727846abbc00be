#include "unit.h"

#include <ctype.h>
#include <syslog.h>

#include "report/journal.h"
#include "report_world.h"

/* What a run would have sent to journald. */
struct collected {
	char **texts; /* the fields, each entry closed by a NULL */
	size_t n, entries;
	int fails_with;
};

static int collect(void *data, const struct iovec *fields, size_t n)
{
	struct collected *collected = data;

	for (size_t i = 0; i <= n; i++) {
		collected->texts =
			mem_grow(collected->texts, collected->n, sizeof(*collected->texts));
		collected->texts[collected->n++] =
			i < n ? mem_printf("%.*s", (int)fields[i].iov_len,
					   (const char *)fields[i].iov_base)
			      : NULL;
	}
	collected->entries++;
	return collected->fails_with;
}

static void collected_clear(struct collected *collected)
{
	for (size_t i = 0; i < collected->n; i++)
		free(collected->texts[i]);
	free(collected->texts);
	*collected = (struct collected){ 0 };
}

static int write_to(struct collected *collected, const struct world *world, int64_t entries)
{
	struct journal_sink sink = { .send = collect, .data = collected };

	return journal_write(&world->report, entries, &sink);
}

/* The value of a field of an entry, NULL if it has none. */
static const char *field(const struct collected *collected, size_t entry, const char *name)
{
	size_t i = 0, length = strlen(name);

	for (; entry > 0; i++)
		entry -= collected->texts[i] == NULL;
	for (; collected->texts[i]; i++)
		if (strncmp(collected->texts[i], name, length) == 0 &&
		    collected->texts[i][length] == '=')
			return collected->texts[i] + length + 1;
	return NULL;
}

static void assert_field(const struct collected *collected, size_t entry, const char *name,
			 const char *want)
{
	const char *value = field(collected, entry, name);

	if (!want) {
		assert_null(value);
		return;
	}
	if (!value)
		fail_msg("no field %s", name);
	assert_string_equal(value, want);
}

static void assert_event(const struct collected *collected, size_t entry, enum event event)
{
	assert_field(collected, entry, "MESSAGE_ID", event_row(event)->message_id);
}

static void an_object_that_went_has_an_entry(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();

	world_goes(world, world_container(world, "web\n1"), 12300000);
	world_apply(world);
	assert_int_equal(write_to(&collected, world, 1000), 0);
	assert_int_equal(collected.entries, 2);
	assert_event(&collected, 0, EVENT_OBJECT_REMOVED);
	assert_field(&collected, 0, "MESSAGE",
		     "removed container web\\n1 (12.3MB): exited 3d 4h ago, longer than 1d");
	assert_field(&collected, 0, "PRIORITY", "5");
	assert_field(&collected, 0, "RECLAIMD_RUN_ID", "0123456789abcdef0123456789abcdef");
	assert_field(&collected, 0, "RECLAIMD_KIND", "container");
	assert_int_equal(strlen(field(&collected, 0, "RECLAIMD_ID")), 64);
	assert_field(&collected, 0, "RECLAIMD_NAME", "web\\n1");
	assert_field(&collected, 0, "RECLAIMD_RULE", "exited");
	assert_field(&collected, 0, "RECLAIMD_SOURCE", "/etc/reclaimd/policies.d/exited.ini:4");
	assert_field(&collected, 0, "RECLAIMD_REASON", "exited 3d 4h ago, longer than 1d");
	assert_field(&collected, 0, "RECLAIMD_REASON_CODE", "expired");
	assert_field(&collected, 0, "RECLAIMD_OUTCOME", "removed");
	assert_field(&collected, 0, "RECLAIMD_BYTES", "12300000");
	assert_field(&collected, 0, "RECLAIMD_BYTES_PRETTY", "12.3MB");
	assert_field(&collected, 0, "RECLAIMD_ENGINE", "Docker");
	assert_field(&collected, 0, "RECLAIMD_ENGINE_SOCKET", "/run/docker.sock");
}

static struct verdict *world_quarantined(struct world *world, const struct rule *rule,
					 const char *name)
{
	struct verdict *verdict = world_add(world, KIND_VOLUME);
	struct volume *volume = arena_alloc(world->arena, sizeof(*volume));

	volume->name = arena_strdup(world->arena, name);
	verdict->volume = volume;
	verdict->rule = rule;
	verdict->reason = REASON_QUARANTINE;
	verdict->goes_at = NOW + 7 * DAY;
	verdict->announce = true;
	return verdict;
}

static const struct rule volume_rule = { .kind = KIND_VOLUME,
					 .name = "caches",
					 .section = { "/etc/v.ini", 2 } };

static void a_quarantine_that_begins_has_an_entry(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();
	char at[UNITS_SIZE];

	world_quarantined(world, &volume_rule, "cache\n1");
	world_quarantined(world, &volume_rule, "cache-2")->announce = false;
	world_apply(world);
	world->report.announced = true;
	assert_int_equal(write_to(&collected, world, 1000), 0);
	assert_int_equal(collected.entries, 2);
	assert_event(&collected, 0, EVENT_VOLUME_ANNOUNCED);
	units_format_time(at, NOW + 7 * DAY, NOW);
	assert_non_null(
		strstr(field(&collected, 0, "MESSAGE"), "volume cache\\n1 will be removed"));
	assert_non_null(strstr(field(&collected, 0, "MESSAGE"), at));
	assert_field(&collected, 0, "PRIORITY", "5");
	assert_field(&collected, 0, "RECLAIMD_KIND", "volume");
	assert_field(&collected, 0, "RECLAIMD_NAME", "cache\\n1");
	assert_field(&collected, 0, "RECLAIMD_RULE", "caches");
	assert_field(&collected, 0, "RECLAIMD_GOES_FROM", at);
	collected_clear(&collected);
	world->report.announced = false;
	assert_int_equal(write_to(&collected, world, 1000), 0);
	assert_int_equal(collected.entries, 1);
}

/* The further round finds the volume announced already. */
static void what_the_first_of_two_rounds_announced_has_an_entry(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();
	struct report first;
	struct plan later;

	world_quarantined(world, &volume_rule, "cache-1");
	world_apply(world);
	world->report.announced = true;
	first = world->report;
	later = *first.plan;
	later.n = 0;
	world->report.plan = &later;
	world->report.earlier = &first;
	assert_int_equal(write_to(&collected, world, 1000), 0);
	assert_int_equal(collected.entries, 2);
	assert_event(&collected, 0, EVENT_VOLUME_ANNOUNCED);
	assert_non_null(
		strstr(field(&collected, 1, "MESSAGE"), "announced the removal of 1 volume"));
}

static void many_quarantines_of_a_rule_have_one_entry(void **state _unused_)
{
	static const struct rule other = { .kind = KIND_VOLUME,
					   .name = "other",
					   .section = { "/etc/v.ini", 9 } };
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();

	for (int i = 0; i < 40; i++) {
		char name[16];

		snprintf(name, sizeof(name), "v%d", i);
		world_quarantined(world, i % 20 == 7 ? &other : &volume_rule, name);
	}
	world_apply(world);
	world->report.announced = true;
	assert_int_equal(write_to(&collected, world, 1000), 0);
	assert_int_equal(collected.entries, 4);
	assert_event(&collected, 0, EVENT_RULE_ANNOUNCED);
	assert_field(&collected, 0, "RECLAIMD_ANNOUNCED", "38");
	assert_field(&collected, 0, "RECLAIMD_RULE", "caches");
	assert_event(&collected, 1, EVENT_VOLUME_ANNOUNCED);
	assert_field(&collected, 1, "RECLAIMD_NAME", "v7");
	assert_field(&collected, 2, "RECLAIMD_NAME", "v27");
}

static void a_name_that_was_given_has_an_entry(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();

	world_named(world, "app:old-1");
	world_apply(world);
	assert_int_equal(write_to(&collected, world, 1000), 0);
	assert_int_equal(collected.entries, 2);
	assert_event(&collected, 0, EVENT_OBJECT_TAGGED);
	assert_field(&collected, 0, "MESSAGE",
		     "named image <none> 2f3a4b5c6d7e app:old-1: the rule says keep, to be "
		     "named app:old-1");
	assert_field(&collected, 0, "PRIORITY", "5");
	assert_field(&collected, 0, "RECLAIMD_KIND", "image");
	assert_field(&collected, 0, "RECLAIMD_ID", IMAGE_ID);
	assert_field(&collected, 0, "RECLAIMD_NEW_NAME", "app:old-1");
	assert_field(&collected, 0, "RECLAIMD_RULE", "dangling");
	assert_field(&collected, 0, "RECLAIMD_OUTCOME", "tagged");
	assert_event(&collected, 1, EVENT_RUN_NOTHING);
	assert_field(&collected, 1, "RECLAIMD_TAGGED", "1");
	assert_field(&collected, 1, "RECLAIMD_KEPT", "1");
	assert_field(
		&collected, 1, "MESSAGE",
		"nothing to remove; named 1 superseded image; kept 1 (by action = keep 1)");
}

static void a_name_that_was_not_given_is_a_warning(void **state _unused_)
{
	static const enum outcome outcomes[] = { OUTCOME_FAILED, OUTCOME_SKIPPED };

	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		_cleanup_(collected_clear) struct collected collected = { 0 };
		_cleanup_(world_freep) struct world *world = world_new();

		world_named(world, "app:old-1");
		world_apply(world);
		world->result.outcomes[0] = outcomes[i];
		world->result.details[0] = "it is somebody else's";
		world->result.n_tagged = 0;
		assert_int_equal(write_to(&collected, world, 1000), 0);
		assert_event(&collected, 0, EVENT_TAG_FAILED);
		assert_field(&collected, 0, "PRIORITY", "4");
		assert_field(&collected, 0, "MESSAGE",
			     "could not name image <none> 2f3a4b5c6d7e app:old-1: it is "
			     "somebody else's");
		assert_field(&collected, 1, "RECLAIMD_TAGGED", "0");
		assert_field(&collected, 1, "MESSAGE",
			     "nothing to remove; named 0 of 1 superseded image; kept 1 (by "
			     "action = keep 1)");
	}
}

static void a_failed_object_is_a_warning(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();

	world_goes(world, world_container(world, "web-1"), -1);
	world_goes(world, world_container(world, "web-2"), -1);
	world_apply(world);
	world->result.outcomes[0] = OUTCOME_FAILED;
	world->result.outcomes[1] = OUTCOME_CHANGED;
	world->result.details[0] = "driver failed";
	world->result.n_failed = 1;
	world->result.removed = (struct totals){ 0 };
	write_to(&collected, world, 1000);
	assert_int_equal(collected.entries, 2);
	assert_event(&collected, 0, EVENT_OBJECT_FAILED);
	assert_field(&collected, 0, "MESSAGE",
		     "could not remove container web-1: driver failed");
	assert_field(&collected, 0, "PRIORITY", "4");
	assert_field(&collected, 0, "RECLAIMD_BYTES", NULL);
	assert_event(&collected, 1, EVENT_RUN_NOTHING);
	assert_field(&collected, 1, "RECLAIMD_FAILED", "1");
	assert_field(&collected, 1, "RECLAIMD_KEPT_CHANGED", "1");
}

static void the_summary_has_totals(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();
	struct disk before = { .state = FACT_KNOWN, .available = 5000000000, .total = 1 };
	struct disk after = { .state = FACT_KNOWN, .available = 4000000000, .total = 1 };

	world_goes(world, world_container(world, "web-1"), 1000000);
	world_goes(world, world_image(world), 2000000);
	world_container(world, "db")->reason = REASON_RUNNING;
	world_apply(world);
	world->plan.claimed_is_upper_bound = true;
	world->report.before = &before;
	world->report.after = &after;
	world->report.scheduled = true;
	write_to(&collected, world, 1000);
	assert_event(&collected, 2, EVENT_RUN_REMOVED);
	assert_field(&collected, 2, "PRIORITY", "5");
	assert_field(&collected, 2, "RECLAIMD_TRIGGER", "timer");
	assert_field(&collected, 2, "RECLAIMD_REMOVED_CONTAINERS", "1");
	assert_field(&collected, 2, "RECLAIMD_REMOVED_CONTAINERS_BYTES", "1000000");
	assert_field(&collected, 2, "RECLAIMD_REMOVED_IMAGES_BYTES_PRETTY", "2MB");
	assert_field(&collected, 2, "RECLAIMD_REMOVED_VOLUMES", "0");
	assert_field(&collected, 2, "RECLAIMD_REMOVED_VOLUMES_BYTES", NULL);
	assert_field(&collected, 2, "RECLAIMD_CLAIMED", "3000000");
	assert_field(&collected, 2, "RECLAIMD_CLAIMED_PRETTY", "3MB");
	assert_field(&collected, 2, "RECLAIMD_CLAIMED_IS_UPPER_BOUND", "1");
	assert_field(&collected, 2, "RECLAIMD_MEASURED", "-1000000000");
	assert_field(&collected, 2, "RECLAIMD_MEASURED_PRETTY", "-1GB");
	assert_field(&collected, 2, "RECLAIMD_FREE_AFTER_PRETTY", "4GB");
	assert_field(&collected, 2, "RECLAIMD_KEPT", "1");
	assert_field(&collected, 2, "RECLAIMD_KEPT_RUNNING", "1");
}

static void nothing_to_do_is_information(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();

	world_goes(world, world_container(world, "web-1"), 1000000);
	world->report.observe = true;
	write_to(&collected, world, 1000);
	assert_int_equal(collected.entries, 1);
	assert_event(&collected, 0, EVENT_RUN_NOTHING);
	assert_field(&collected, 0, "PRIORITY", "6");
	assert_field(&collected, 0, "RECLAIMD_MODE", "observe");
	assert_field(&collected, 0, "RECLAIMD_WOULD_REMOVE_CONTAINERS", "1");
	assert_field(&collected, 0, "RECLAIMD_REMOVED_CONTAINERS", NULL);
	assert_field(&collected, 0, "RECLAIMD_WOULD_CLAIM", "1000000");
	assert_field(&collected, 0, "RECLAIMD_CLAIMED", NULL);
}

static void too_many_objects_are_told_by_rule(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();

	for (size_t i = 0; i < 5000; i++)
		world_goes(world, world_container(world, "web"), 1000);
	for (size_t i = 0; i < 10; i++)
		world_goes(world, world_image(world), -1);
	for (size_t i = 0; i < 3; i++)
		world_named(world, "app:old-1");
	world_apply(world);
	world->result.outcomes[5009] = OUTCOME_FAILED;
	write_to(&collected, world, 1000);
	assert_int_equal(collected.entries, 1003);
	assert_event(&collected, 1000, EVENT_RULE_REMOVED);
	assert_field(&collected, 1000, "RECLAIMD_RULE", "exited");
	assert_field(&collected, 1000, "RECLAIMD_SECTION", "containers");
	assert_field(&collected, 1000, "RECLAIMD_REMOVED", "4003");
	assert_field(&collected, 1000, "RECLAIMD_BYTES_PRETTY", "4MB");
	assert_event(&collected, 1001, EVENT_RULE_FAILED);
	assert_field(&collected, 1001, "RECLAIMD_RULE", "dangling");
	assert_field(&collected, 1001, "RECLAIMD_REMOVED", "9");
	assert_field(&collected, 1001, "RECLAIMD_FAILED", "1");
	assert_field(&collected, 1001, "RECLAIMD_BYTES_UNKNOWN", "9");
	assert_field(&collected, 1001, "RECLAIMD_BYTES", NULL);
	assert_event(&collected, 1002, EVENT_RUN_REMOVED);
	collected_clear(&collected);
	write_to(&collected, world, 0);
	assert_int_equal(collected.entries, 3);
	assert_field(&collected, 0, "RECLAIMD_RULE", "dangling");
	assert_field(&collected, 0, "RECLAIMD_TAGGED", "3");
	assert_field(&collected, 0, "MESSAGE",
		     "rule dangling: removed 9 more objects, named 3 and could not remove 1; "
		     "they are too many for an entry each");
}

static void brake_first_look_and_problems_are_told(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();

	world->plan.brake = (struct brake){ .pulled = true,
					    .kind = KIND_TAG,
					    .removals = 412,
					    .of = 600,
					    .limit = { true, true, 50 } };
	world->snapshot->first_look = true;
	world->plan.unknown_ages = 17;
	for (int i = 0; i < 5; i++)
		problems_add(&world->snapshot->problems, "bad\x1b %d", i);
	write_to(&collected, world, 3);
	assert_int_equal(collected.entries, 7);
	assert_event(&collected, 0, EVENT_PROBLEM);
	assert_field(&collected, 0, "MESSAGE", "bad\\x1b 0");
	assert_field(&collected, 0, "PRIORITY", "4");
	assert_field(&collected, 3, "MESSAGE", "2 more problems, too many for an entry each");
	assert_event(&collected, 4, EVENT_FIRST_LOOK);
	assert_field(&collected, 4, "MESSAGE", "first look at this engine: 17 ages unknown");
	assert_event(&collected, 5, EVENT_BRAKE);
	assert_field(&collected, 5, "PRIORITY", "4");
	assert_field(&collected, 5, "RECLAIMD_WOULD_REMOVE", "412");
	assert_field(&collected, 5, "RECLAIMD_OF", "600");
	assert_field(&collected, 5, "RECLAIMD_LIMIT_PERCENT", "50");
}

static void a_run_that_cannot_start_is_an_error(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	struct journal_sink sink = { .send = collect, .data = &collected };
	struct problems problems = { 0 };

	problems_add(&problems, "a.ini:3: unknown key 'keep-lasst'");
	problems_add(&problems, "a.ini:9: bad\nvalue");
	journal_write_failure("configuration refused: 2 mistakes", 78, NULL, NULL, &problems,
			      &sink);
	assert_event(&collected, 0, EVENT_NO_RUN);
	assert_field(&collected, 0, "MESSAGE", "configuration refused: 2 mistakes");
	assert_field(&collected, 0, "PRIORITY", "3");
	assert_field(&collected, 0, "RECLAIMD_EXIT_STATUS", "78");
	assert_field(&collected, 0, "RECLAIMD_PROBLEM", "a.ini:3: unknown key 'keep-lasst'");
	assert_field(&collected, 0, "RECLAIMD_RUN_ID", NULL);
	problems_clear(&problems);
}

static void a_journal_that_fails_is_reported(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { .fails_with = -28 };
	_cleanup_(world_freep) struct world *world = world_new();

	assert_int_equal(write_to(&collected, world, 1), -28);
}

/* journald drops a field with any other name without a word. */
static void assert_valid_name(const char *text)
{
	size_t length = strcspn(text, "=");

	assert_true(length > 0 && length <= 64);
	assert_int_equal(text[length], '=');
	assert_true(isupper((unsigned char)text[0]));
	for (size_t i = 0; i < length; i++)
		assert_true(isupper((unsigned char)text[i]) ||
			    isdigit((unsigned char)text[i]) || text[i] == '_');
}

static void every_field_name_is_valid(void **state _unused_)
{
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();
	struct disk disk = { .state = FACT_KNOWN };
	struct journal_sink sink = { .send = collect, .data = &collected };

	for (size_t i = 0; i < 4; i++)
		world_goes(world, world_container(world, "web-1"), 1);
	world->plan.brake.pulled = world->snapshot->first_look = true;
	world->plan.unknown_ages = 1;
	world->report.before = world->report.after = &disk;
	for (int kind = 0; kind < KIND_MAX_; kind++)
		world->plan.remove.n[kind] = 1;
	problems_add(&world->snapshot->problems, "one");
	write_to(&collected, world, 2);
	world_apply(world);
	world->result.outcomes[0] = OUTCOME_FAILED;
	world->result.details[0] = "why";
	write_to(&collected, world, 2);
	journal_write_failure("no", 1, "id", "/run/docker.sock", &world->snapshot->problems,
			      &sink);
	assert_true(collected.entries > 8);
	for (size_t i = 0; i < collected.n; i++)
		if (collected.texts[i])
			assert_valid_name(collected.texts[i]);
}

static char *read_catalog(void)
{
	char *text = mem_zalloc(65536, 1);
	FILE *file = fopen("config/reclaimd.catalog", "re");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, 65535, file);
	fclose(file);
	assert_true(length > 0 && length < 65535);
	return text;
}

static void the_catalog_explains_every_event(void **state _unused_)
{
	_cleanup_free_ char *catalog = read_catalog();
	size_t found = 0;

	for (int event = 0; event < EVENT_MAX_; event++) {
		const char *id = event_row((enum event)event)->message_id;
		_cleanup_free_ char *header = mem_printf("\n-- %s\nSubject: ", id);

		assert_int_equal(strlen(id), 32);
		assert_int_equal(strspn(id, "0123456789abcdef"), 32);
		assert_non_null(strstr(catalog, header));
		for (int other = 0; other < event; other++)
			assert_string_not_equal(id, event_row((enum event)other)->message_id);
	}
	for (const char *at = strstr(catalog, "\n-- "); at; at = strstr(at + 1, "\n-- "))
		found++;
	assert_int_equal(found, EVENT_MAX_);
}

/* journalctl shows the bare name of a field that an entry does not have. */
static void the_catalog_names_fields_that_exist(void **state _unused_)
{
	_cleanup_free_ char *catalog = read_catalog();
	_cleanup_(collected_clear) struct collected collected = { 0 };
	_cleanup_(world_freep) struct world *world = world_new();
	struct journal_sink sink = { .send = collect, .data = &collected };

	for (size_t i = 0; i < 3; i++)
		world_goes(world, world_container(world, "web-1"), 1);
	world_named(world, "app:old-1");
	world->plan.brake.pulled = world->snapshot->first_look = true;
	world->plan.unknown_ages = 1;
	problems_add(&world->snapshot->problems, "one");
	world_apply(world);
	write_to(&collected, world, 2);
	world->result.outcomes[0] = world->result.outcomes[2] = OUTCOME_FAILED;
	world->result.outcomes[3] = OUTCOME_FAILED;
	world->result.removed = (struct totals){ 0 };
	write_to(&collected, world, 2);
	journal_write_failure("no", 1, NULL, NULL, NULL, &sink);
	for (size_t entry = 0; entry < collected.entries; entry++) {
		const char *at = strstr(catalog, field(&collected, entry, "MESSAGE_ID"));
		const char *end = strstr(at, "\n-- ");

		while ((at = strchr(at, '@')) && (!end || at < end)) {
			size_t length = strcspn(at + 1, "@");
			_cleanup_free_ char *name = mem_printf("%.*s", (int)length, at + 1);

			if (!field(&collected, entry, name))
				fail_msg("entry %zu has no %s", entry, name);
			at += length + 2;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_that_went_has_an_entry),
		cmocka_unit_test(a_quarantine_that_begins_has_an_entry),
		cmocka_unit_test(what_the_first_of_two_rounds_announced_has_an_entry),
		cmocka_unit_test(many_quarantines_of_a_rule_have_one_entry),
		cmocka_unit_test(a_name_that_was_given_has_an_entry),
		cmocka_unit_test(a_name_that_was_not_given_is_a_warning),
		cmocka_unit_test(a_failed_object_is_a_warning),
		cmocka_unit_test(the_summary_has_totals),
		cmocka_unit_test(nothing_to_do_is_information),
		cmocka_unit_test(too_many_objects_are_told_by_rule),
		cmocka_unit_test(brake_first_look_and_problems_are_told),
		cmocka_unit_test(a_run_that_cannot_start_is_an_error),
		cmocka_unit_test(a_journal_that_fails_is_reported),
		cmocka_unit_test(every_field_name_is_valid),
		cmocka_unit_test(the_catalog_explains_every_event),
		cmocka_unit_test(the_catalog_names_fields_that_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
