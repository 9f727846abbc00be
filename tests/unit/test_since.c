#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/since.h"

/* 2026-03-29 10:00:00 UTC: the day on which Berlin's clocks went forward, there 12:00. */
#define NOW 1774778400
#define HOUR 3600
#define DAY (24 * HOUR)

static void check(const char *text, int64_t expected)
{
	struct err err;
	int64_t at = 0;

	assert_int_equal(since_parse(text, NOW, &at, &err), 0);
	assert_int_equal(at, expected);
}

static void test_times_are_read(void **state _unused_)
{
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	check("now", NOW);
	check("today", NOW - 11 * HOUR);
	check("yesterday", NOW - 11 * HOUR - DAY);
	check("today UTC", NOW - 10 * HOUR);
	check("2026-03-29 12:00", NOW);
	check("2026-03-29 12:00:05", NOW + 5);
	check("2026-03-29T12:00:05", NOW + 5);
	check("2026-03-29 10:00 UTC", NOW);
	check("2026-03-29", NOW - 11 * HOUR);
	check("12:00", NOW);
	check("@17", 17);
}

static void test_durations_count_from_now(void **state _unused_)
{
	check("7d", NOW - 7 * DAY);
	check("-2h", NOW - 2 * HOUR);
	check("7 days", NOW - 7 * DAY);
	check("3 days ago", NOW - 3 * DAY);
	check("1d 12h", NOW - 36 * HOUR);
}

static void test_what_is_no_time_is_refused(void **state _unused_)
{
	static const char *const texts[] = { "",
					     "-",
					     "@",
					     "@x",
					     "ago",
					     " ago",
					     "7",
					     "2026-02-30",
					     "25:00",
					     "soon",
					     "7d UTC",
					     "--2h",
					     "2026-03-29 12:00x",
					     "@-1",
					     "\xff" };
	struct err err;
	int64_t at;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(since_parse(texts[i], NOW, &at, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_are_read),
		cmocka_unit_test(test_durations_count_from_now),
		cmocka_unit_test(test_what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
