#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"

#define KI(n) ((int64_t)(n) << 10)
#define DAY 86400

static const struct {
	const char *text;
	int64_t value;
} sizes[] = {
	{ "0B", 0 },
	{ "512B", 512 },
	{ "1kB", 1000 },
	{ "1KB", 1000 },
	{ "1KiB", KI(1) },
	{ "10MB", 10000000 },
	{ "10MiB", KI(10240) },
	{ "10GB", 10000000000 },
	{ "10 GB", 10000000000 },
	{ "10GiB", 10LL << 30 },
	{ "1TB", 1000000000000 },
	{ "1TiB", 1LL << 40 },
	{ "1PB", 1000000000000000 },
	{ "1PiB", 1LL << 50 },
	{ "1.5kB", 1500 },
	{ "1.5KiB", 1536 },
	{ "0.001kB", 1 },
	{ "0.0001kB", 0 },
	{ "1.32GB", 1320000000 },
	{ "1.0000001GB", 1000000000 },
	{ "9223372036854775807B", INT64_MAX },
	{ "9223PB", 9223000000000000000 },
}, durations[] = {
	{ "0s", 0 },
	{ "90s", 90 },
	{ "90 s", 90 },
	{ "1sec", 1 },
	{ "1second", 1 },
	{ "2seconds", 2 },
	{ "1m", 60 },
	{ "15min", 900 },
	{ "1minute", 60 },
	{ "2minutes", 120 },
	{ "24h", DAY },
	{ "1hr", 3600 },
	{ "1hour", 3600 },
	{ "2hours", 7200 },
	{ "7d", 7 * DAY },
	{ "1day", DAY },
	{ "7days", 7 * DAY },
	{ "1w", 7 * DAY },
	{ "1week", 7 * DAY },
	{ "2weeks", 14 * DAY },
	{ "1d12h", DAY + 12 * 3600 },
	{ "1d 12h", DAY + 12 * 3600 },
	{ "1w 2d 3h 4min 5s", 9 * DAY + 3 * 3600 + 245 },
	{ "1.5h", 5400 },
	{ "0.5d", DAY / 2 },
	{ "1.9s", 1 },
	{ "0.5s 0.5s", 1 },
	{ "4611686018427387903s", INT64_MAX / 2 },
}, times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1969-12-31T23:59:59Z", -1 },
	{ "2024-05-01T10:00:00Z", 1714557600 },
	{ "2024-05-01t10:00:00z", 1714557600 },
	{ "2024-05-01 10:00:00Z", 1714557600 },
	{ "2024-05-01T10:00:00.1Z", 1714557600 },
	{ "2024-05-01T10:00:00.123456789Z", 1714557600 },
	{ "2024-05-01T10:00:00.999999999999Z", 1714557600 },
	{ "2024-05-01T12:00:00+02:00", 1714557600 },
	{ "2024-05-01T12:00:00.5+02:00", 1714557600 },
	{ "2024-05-01T04:30:00-05:30", 1714557600 },
	{ "2024-05-01T10:00:00+00:00", 1714557600 },
	{ "2024-05-01T10:00:00-00:00", 1714557600 },
	{ "2024-05-02T00:59:00+14:59", 1714557600 },
	{ "2024-02-29T00:00:00Z", 1709164800 },
	{ "2016-12-31T23:59:60Z", 1483228800 },
	{ "2038-01-19T03:14:08Z", 2147483648 },
	{ "9999-12-31T23:59:59Z", 253402300799 },
	{ "0001-01-01T00:00:00Z", TIME_UNKNOWN },
	{ "0001-01-01T00:00:00.000000001Z", TIME_UNKNOWN },
	{ "0001-01-01T00:00:00+02:00", TIME_UNKNOWN },
	{ "0000-12-31T22:00:00-02:00", TIME_UNKNOWN },
};

static const struct {
	const char *text;
	int code;
	const char *words;
} bad_sizes[] = {
	{ "", -EINVAL, "is no size" },
	{ "GB", -EINVAL, "is no size" },
	{ "-1GB", -EINVAL, "is no size" },
	{ "+1GB", -EINVAL, "is no size" },
	{ " 1GB", -EINVAL, "is no size" },
	{ ".5GB", -EINVAL, "is no size" },
	{ "1.GB", -EINVAL, "is no size" },
	{ "0x10B", -EINVAL, "has no unit" },
	{ "1.2.3GB", -EINVAL, "has no unit" },
	{ "10", -EINVAL, "write 10GB (10^9 bytes), 10GiB (2^30) or 512B" },
	{ "10G", -EINVAL, "'10G' has no unit" },
	{ "10gb", -EINVAL, "has no unit" },
	{ "10Gi", -EINVAL, "has no unit" },
	{ "10GB ", -EINVAL, "has no unit" },
	{ "10GB5", -EINVAL, "has no unit" },
	{ "1,5GB", -EINVAL, "has no unit" },
	{ "10EB", -EINVAL, "has no unit" },
	{ "9223372036854775808B", -ERANGE, "is too large" },
	{ "9224PB", -ERANGE, "is too large" },
	{ "9223372036854775807PiB", -ERANGE, "is too large" },
	{ "9223372036854775807.999999PiB", -ERANGE, "is too large" },
	{ "99999999999999999999999999999999999999999999B", -ERANGE, "is too large" },
}, bad_durations[] = {
	{ "", -EINVAL, "is no duration; write for example 90s, 15min, 24h, 7d or 2weeks" },
	{ "h", -EINVAL, "is no duration" },
	{ "0.9s", -ERANGE, "is less than a second" },
	{ "0.0000001h", -ERANGE, "is less than a second" },
	{ "-1h", -EINVAL, "is no duration" },
	{ " 1h", -EINVAL, "is no duration" },
	{ "1h-", -EINVAL, "is no duration" },
	{ "1h,2s", -EINVAL, "is no duration" },
	{ "1.h", -EINVAL, "is no duration" },
	{ "0", -EINVAL, "'0' has no unit that is known; write s, min, h, d or weeks" },
	{ "90", -EINVAL, "has no unit" },
	{ "1d 12", -EINVAL, "has no unit" },
	{ "7D", -EINVAL, "has no unit" },
	{ "1month", -EINVAL, "has no unit" },
	{ "1y", -EINVAL, "has no unit" },
	{ "100ms", -EINVAL, "has no unit" },
	{ "1.5.5h", -EINVAL, "has no unit" },
	{ "4611686018427387904s", -ERANGE, "is too long" },
	{ "9223372036854775807weeks", -ERANGE, "is too long" },
	{ "4611686018427387903s 1s", -ERANGE, "is too long" },
	{ "99999999999999999999999999999999999999999999s", -ERANGE, "is too long" },
}, bad_numbers[] = {
	{ "", -EINVAL, "'' is no whole number" },
	{ "x", -EINVAL, "is no whole number" },
	{ "1x", -EINVAL, "is no whole number" },
	{ " 1", -EINVAL, "is no whole number" },
	{ "\t1", -EINVAL, "is no whole number" },
	{ "1 ", -EINVAL, "is no whole number" },
	{ "+1", -EINVAL, "is no whole number" },
	{ "1.0", -EINVAL, "is no whole number" },
	{ "0x1", -EINVAL, "is no whole number" },
	{ "1e3", -EINVAL, "is no whole number" },
	{ "-", -EINVAL, "is no whole number" },
	{ "-6", -ERANGE, "'-6' is out of range; it must be -5 to 64" },
	{ "65", -ERANGE, "'65' is out of range; it must be -5 to 64" },
	{ "9223372036854775808", -ERANGE, "is out of range" },
	{ "-99999999999999999999", -ERANGE, "is out of range" },
};

static const char *const bad_times[] = {
	"",
	"never",
	"0",
	"2024-05-01",
	"2024-05-01T10:00Z",
	"2024-05-01T10:00:00",
	"2024-05-01_10:00:00Z",
	"2024-05-01T10:00:00.Z",
	"2024-05-01T10:00:00,5Z",
	"2024-05-01T10:00:00ZZ",
	"2024-05-01T10:00:00Z ",
	" 2024-05-01T10:00:00Z",
	"2024-5-1T10:00:00Z",
	"2024- 5- 1T10:00:00Z",
	"+202-05-01T10:00:00Z",
	"-202-05-01T10:00:00Z",
	"2024-05-01T10:00:-5Z",
	"2024-05-01T-1:00:00Z",
	"2024-05-01T10:-1:00Z",
	"2024-05-01T10: 0: 0Z",
	"2024-00-01T10:00:00Z",
	"2024-13-01T10:00:00Z",
	"2024-05-00T10:00:00Z",
	"2024-05-32T10:00:00Z",
	"2024-04-31T10:00:00Z",
	"2023-02-29T10:00:00Z",
	"2024-05-01T24:00:00Z",
	"2024-05-01T10:60:00Z",
	"2024-05-01T10:00:61Z",
	"2024-05-01T10:00:00+2:00",
	"2024-05-01T10:00:00+02",
	"2024-05-01T10:00:00+0200",
	"2024-05-01T10:00:00+02:00x",
	"2024-05-01T10:00:00+ 2: 0",
	"2024-05-01T10:00:00+-2:00",
	"2024-05-01T10:00:00+24:00",
	"2024-05-01T10:00:00+02:60",
	"20240501T100000Z",
	"10000-05-01T10:00:00Z",
};

static void assert_error(const char *text, int r, const struct err *err, int code,
			 const char *words)
{
	if (r != code || err->code != code || !strstr(err->text, words))
		fail_msg("'%s': %d, '%s' without '%s'", text, r, err->text, words);
}

static void sizes_are_bytes(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct err err = { 0 };
		int64_t value = -1;

		if (units_parse_bytes(sizes[i].text, &value, &err) < 0 ||
		    value != sizes[i].value)
			fail_msg("'%s' is %lld: %s", sizes[i].text, (long long)value, err.text);
	}
}

static void a_size_without_unit_is_refused_with_a_hint(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_sizes); i++) {
		struct err err = { 0 };
		int64_t value = -1;
		int r = units_parse_bytes(bad_sizes[i].text, &value, &err);

		assert_error(bad_sizes[i].text, r, &err, bad_sizes[i].code, bad_sizes[i].words);
		assert_int_equal(value, -1);
	}
}

static void durations_are_seconds_and_sums(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		struct err err = { 0 };
		int64_t value = -1;

		if (units_parse_duration(durations[i].text, &value, &err) < 0 ||
		    value != durations[i].value)
			fail_msg("'%s' is %lld: %s", durations[i].text, (long long)value,
				 err.text);
	}
}

static void what_is_no_duration_is_refused(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_durations); i++) {
		struct err err = { 0 };
		int64_t value = -1;
		int r = units_parse_duration(bad_durations[i].text, &value, &err);

		assert_error(bad_durations[i].text, r, &err, bad_durations[i].code,
			     bad_durations[i].words);
		assert_int_equal(value, -1);
	}
}

static void numbers_are_whole_and_in_range(void **state _unused_)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = { { "0", 0 }, { "-0", 0 }, { "-5", -5 }, { "64", 64 }, { "007", 7 } };
	struct err err;
	int64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(units_parse_number(good[i].text, -5, 64, &value, &err), 0);
		assert_int_equal(value, good[i].value);
	}
	assert_int_equal(units_parse_number("9223372036854775807", 0, INT64_MAX, &value, &err),
			 0);
	assert_true(value == INT64_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(bad_numbers); i++) {
		int r;

		value = 1234;
		r = units_parse_number(bad_numbers[i].text, -5, 64, &value, &err);
		assert_error(bad_numbers[i].text, r, &err, bad_numbers[i].code,
			     bad_numbers[i].words);
		assert_int_equal(value, 1234);
	}
}

static void times_of_engines_are_understood(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct err err = { 0 };
		int64_t value = -1;

		if (units_parse_rfc3339(times[i].text, &value, &err) < 0 ||
		    value != times[i].value)
			fail_msg("'%s' is %lld: %s", times[i].text, (long long)value, err.text);
	}
}

static void garbage_is_no_time(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_times); i++) {
		struct err err = { 0 };
		int64_t value = 1234;
		int r = units_parse_rfc3339(bad_times[i], &value, &err);

		assert_error(bad_times[i], r, &err, -EINVAL, "is no time");
		assert_int_equal(value, 1234);
	}
}

static void a_long_text_in_place_of_a_time_is_shown_cut(void **state _unused_)
{
	_cleanup_free_ char *text = mem_zalloc(10001, 1);
	struct err err;
	int64_t value;

	memset(text, 'x', 10000);
	assert_int_equal(units_parse_rfc3339(text, &value, &err), -EINVAL);
	assert_int_equal(strlen(err.text), strlen("'' is no time") + 40);
	assert_int_equal(units_parse_bytes(text, &value, &err), -EINVAL);
	assert_int_equal(units_parse_duration(text, &value, &err), -EINVAL);
	assert_true(strlen(err.text) < sizeof(err.text));
}

static void bytes_are_shown_as_docker_shows_them(void **state _unused_)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} table[] = {
		{ 0, "0B" },
		{ 1, "1B" },
		{ 999, "999B" },
		{ 1000, "1kB" },
		{ 1320, "1.32kB" },
		{ 1325, "1.32kB" },
		{ 99949, "99.9kB" },
		{ 100000, "100kB" },
		{ 999499, "999kB" },
		{ 999500, "1MB" },
		{ 999999, "1MB" },
		{ 1000000, "1MB" },
		{ 999499999, "999MB" },
		{ 999500000, "1GB" },
		{ 1320000000, "1.32GB" },
		{ 3200000000, "3.2GB" },
		{ 11400000000, "11.4GB" },
		{ 1000000000000, "1TB" },
		{ 1000000000000000, "1PB" },
		{ 1000000000000000000, "1EB" },
		{ INT64_MAX, "9.22EB" },
		{ -1, "-1B" },
		{ -999, "-999B" },
		{ -1000, "-1kB" },
		{ -999500, "-1MB" },
		{ -1320000000, "-1.32GB" },
		{ INT64_MIN, "-9.22EB" },
	};
	char buffer[UNITS_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(units_format_bytes(buffer, table[i].bytes), table[i].text);
}

static void durations_are_shown_in_two_units_that_read_back(void **state _unused_)
{
	static const struct {
		int64_t seconds;
		const char *text;
		int64_t read_back;
	} table[] = {
		{ 0, "0s", 0 },
		{ -1, "0s", 0 },
		{ INT64_MIN, "0s", 0 },
		{ 1, "1s", 1 },
		{ 59, "59s", 59 },
		{ 60, "1min", 60 },
		{ 61, "1min 1s", 61 },
		{ 900, "15min", 900 },
		{ 3599, "59min 59s", 3599 },
		{ 3600, "1h", 3600 },
		{ 3601, "1h", 3600 },
		{ 3660, "1h 1min", 3660 },
		{ DAY - 1, "23h 59min", DAY - 60 },
		{ DAY, "1d", DAY },
		{ DAY + 60, "1d", DAY },
		{ 3 * DAY + 4 * 3600 + 5, "3d 4h", 3 * DAY + 4 * 3600 },
		{ 1000 * DAY, "1000d", 1000 * DAY },
	};
	char buffer[UNITS_SIZE];
	struct err err;
	int64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_string_equal(units_format_duration(buffer, table[i].seconds),
				    table[i].text);
		assert_int_equal(units_parse_duration(buffer, &value, &err), 0);
		assert_int_equal(value, table[i].read_back);
	}
	units_format_duration(buffer, INT64_MAX);
	assert_true(strlen(buffer) < UNITS_SIZE);
}

static void exact_durations_read_back_to_the_same(void **state _unused_)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} table[] = {
		{ 0, "0s" },
		{ 1, "1s" },
		{ 90, "90s" },
		{ 900, "15min" },
		{ 3600, "1h" },
		{ 5400, "90min" },
		{ 36 * 3600, "36h" },
		{ DAY, "1d" },
		{ 7 * DAY, "7d" },
		{ 7 * DAY + 1, "604801s" },
		{ INT64_MAX / 2, "4611686018427387903s" },
	};
	char buffer[UNITS_SIZE];
	struct err err;
	int64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_string_equal(units_format_duration_exact(buffer, table[i].seconds),
				    table[i].text);
		assert_int_equal(units_parse_duration(buffer, &value, &err), 0);
		assert_true(value == table[i].seconds);
	}
}

static void exact_bytes_read_back_to_the_same(void **state _unused_)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} table[] = {
		{ 0, "0B" },
		{ 1, "1B" },
		{ 1001, "1001B" },
		{ 1000, "1kB" },
		{ 1024, "1KiB" },
		{ 1500, "1500B" },
		{ 10000000000, "10GB" },
		{ 10LL << 30, "10GiB" },
		{ 1000000000000, "1TB" },
		{ 1LL << 40, "1TiB" },
		{ INT64_MAX, "9223372036854775807B" },
	};
	char buffer[UNITS_SIZE];
	struct err err;
	int64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_string_equal(units_format_bytes_exact(buffer, table[i].bytes),
				    table[i].text);
		assert_int_equal(units_parse_bytes(buffer, &value, &err), 0);
		assert_true(value == table[i].bytes);
	}
}

static void a_near_time_is_a_day_of_the_week(void **state _unused_)
{
	const int64_t at = 1795514400; /* Tue 2026-11-24 10:00 UTC */
	char buffer[UNITS_SIZE];

	setenv("TZ", "UTC", 1);
	tzset();
	assert_string_equal(units_format_time(buffer, at, at), "Tuesday 10:00");
	assert_string_equal(units_format_time(buffer, at, at - 6 * DAY + 1), "Tuesday 10:00");
	assert_string_equal(units_format_time(buffer, at, at - 6 * DAY),
			    "Tue 2026-11-24 10:00");
	assert_string_equal(units_format_time(buffer, at, at + 1), "Tue 2026-11-24 10:00");
	assert_string_equal(units_format_time(buffer, INT64_MAX, 0), "@9223372036854775807");
	assert_string_equal(units_format_day(buffer, at), "20261124");
	assert_string_equal(units_format_day(buffer, 0), "19700101");
	assert_string_equal(units_format_day(buffer, TIME_UNKNOWN), "unknown");
	assert_string_equal(units_format_day(buffer, INT64_MAX), "unknown");
	assert_string_equal(units_format_day(buffer, 300000000000), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_bytes),
		cmocka_unit_test(a_size_without_unit_is_refused_with_a_hint),
		cmocka_unit_test(durations_are_seconds_and_sums),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(numbers_are_whole_and_in_range),
		cmocka_unit_test(times_of_engines_are_understood),
		cmocka_unit_test(garbage_is_no_time),
		cmocka_unit_test(a_long_text_in_place_of_a_time_is_shown_cut),
		cmocka_unit_test(bytes_are_shown_as_docker_shows_them),
		cmocka_unit_test(durations_are_shown_in_two_units_that_read_back),
		cmocka_unit_test(exact_durations_read_back_to_the_same),
		cmocka_unit_test(exact_bytes_read_back_to_the_same),
		cmocka_unit_test(a_near_time_is_a_day_of_the_week),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
