#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit sizes[] = {
	{ "B", 1 },
	{ "kB", 1000 },
	{ "KB", 1000 },
	{ "KiB", 1LL << 10 },
	{ "MB", 1000000 },
	{ "MiB", 1LL << 20 },
	{ "GB", 1000000000 },
	{ "GiB", 1LL << 30 },
	{ "TB", 1000000000000 },
	{ "TiB", 1LL << 40 },
	{ "PB", 1000000000000000 },
	{ "PiB", 1LL << 50 },
};

/* systemd.time(7), "parsing time spans", from seconds to weeks: a month has no fixed length. */
static const struct unit durations[] = {
	{ "s", 1 },	    { "sec", 1 },	   { "second", 1 },
	{ "seconds", 1 },   { "m", 60 },	   { "min", 60 },
	{ "minute", 60 },   { "minutes", 60 },	   { "h", 3600 },
	{ "hr", 3600 },	    { "hour", 3600 },	   { "hours", 3600 },
	{ "d", 86400 },	    { "day", 86400 },	   { "days", 86400 },
	{ "w", 7 * 86400 }, { "week", 7 * 86400 }, { "weeks", 7 * 86400 },
};

static const struct unit *find_unit(const struct unit *units, size_t n, const char *name,
				    size_t length)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(units[i].name) == length &&
		    strncmp(units[i].name, name, length) == 0)
			return &units[i];
	return NULL;
}

/* Digits with at most one point; the value is exact, in millionths. */
static int parse_decimal(const char **text, __int128 *ret_millionths)
{
	const char *c = *text;
	__int128 value = 0, scale = 1000000;
	bool digits = false;

	for (; isdigit((unsigned char)*c) || (*c == '.' && scale == 1000000 && digits); c++) {
		if (*c == '.') {
			if (!isdigit((unsigned char)c[1]))
				return -EINVAL;
			scale = 100000;
			continue;
		}
		digits = true;
		if (scale == 1000000) {
			value = value * 10 + (*c - '0') * (__int128)1000000;
			if (value > (__int128)INT64_MAX * 1000000)
				return -ERANGE;
		} else {
			value += (*c - '0') * scale;
			scale /= 10;
		}
	}
	if (!digits)
		return -EINVAL;
	*text = c;
	*ret_millionths = value;
	return 0;
}

int units_parse_bytes(const char *text, int64_t *ret, struct err *err)
{
	const char *c = text;
	const struct unit *unit;
	__int128 value;
	int r;

	r = parse_decimal(&c, &value);
	if (r == -ERANGE)
		return err_set(err, r, "'%s' is too large", text);
	if (r < 0)
		return err_set(err, r, "'%s' is no size; write for example 10GB or 10GiB",
			       text);
	c += strspn(c, " ");
	unit = find_unit(sizes, ARRAY_SIZE(sizes), c, strlen(c));
	if (!unit)
		return err_set(
			err, -EINVAL,
			"'%s' has no unit; write 10GB (10^9 bytes), 10GiB (2^30) or 512B",
			text);
	if (value > (__int128)INT64_MAX * 1000000 / unit->factor)
		return err_set(err, -ERANGE, "'%s' is too large", text);
	*ret = (int64_t)(value * unit->factor / 1000000);
	return 0;
}

int units_parse_duration(const char *text, int64_t *ret, struct err *err)
{
	const char *c = text;
	__int128 total = 0; /* millionths */

	while (*c || c == text) {
		const struct unit *unit;
		__int128 value;
		size_t length;
		int r = parse_decimal(&c, &value);

		if (r == -ERANGE)
			return err_set(err, r, "'%s' is too long", text);
		if (r < 0)
			return err_set(
				err, r,
				"'%s' is no duration; write for example 90s, 15min, 24h, 7d "
				"or 2weeks",
				text);
		c += strspn(c, " ");
		length = strspn(c, "abcdefghijklmnopqrstuvwxyz");
		unit = find_unit(durations, ARRAY_SIZE(durations), c, length);
		if (!unit)
			return err_set(
				err, -EINVAL,
				"'%s' has no unit that is known; write s, min, h, d or weeks",
				text);
		total += value * unit->factor;
		if (total > (__int128)INT64_MAX / 2 * 1000000)
			return err_set(err, -ERANGE, "'%s' is too long", text);
		c += length;
		c += strspn(c, " ");
	}
	if (total < 1000000 && strpbrk(text, "123456789"))
		return err_set(err, -ERANGE, "'%s' is less than a second", text);
	*ret = (int64_t)(total / 1000000);
	return 0;
}

int units_parse_number(const char *text, int64_t min, int64_t max, int64_t *ret,
		       struct err *err)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end || isspace((unsigned char)*text) || *text == '+')
		return err_set(err, -EINVAL, "'%s' is no whole number", text);
	if (errno == ERANGE || value < min || value > max)
		return err_set(err, -ERANGE, "'%s' is out of range; it must be %lld to %lld",
			       text, (long long)min, (long long)max);
	*ret = value;
	return 0;
}

/* Whether text begins as the form says, in which "0" stands for any digit. */
static bool has_form(const char *text, const char *form)
{
	for (; *form; text++, form++)
		if (*form == '0' ? !isdigit((unsigned char)*text) : *text != *form)
			return false;
	return true;
}

static bool parse_offset(const char *text, int64_t *ret_seconds)
{
	int hours, minutes;

	*ret_seconds = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if ((*text != '+' && *text != '-') || !has_form(text + 1, "00:00") ||
	    text[strlen("+00:00")] || sscanf(text + 1, "%2d:%2d", &hours, &minutes) != 2 ||
	    hours > 23 || minutes > 59)
		return false;
	*ret_seconds = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

static bool is_day(const struct tm *date)
{
	struct tm day = { .tm_year = date->tm_year - 1900,
			  .tm_mon = date->tm_mon - 1,
			  .tm_mday = date->tm_mday };

	timegm(&day);
	return date->tm_mday > 0 && day.tm_mday == date->tm_mday;
}

int units_parse_rfc3339(const char *text, int64_t *ret, struct err *err)
{
	struct tm tm = { 0 };
	const char *rest = text;
	int64_t offset;

	/* sscanf() alone would take blanks and signs for digits. */
	if (!has_form(text, "0000-00-00") || !strchr("Tt ", text[10]) || !text[10] ||
	    !has_form(text + 11, "00:00:00") ||
	    sscanf(text, "%4d-%2d-%2d%*1c%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return err_set(err, -EINVAL, "'%.40s' is no time", text);
	rest += strlen("0000-00-00T00:00:00");
	if (*rest == '.' && isdigit((unsigned char)rest[1]))
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!parse_offset(rest, &offset) || tm.tm_mon < 1 || tm.tm_mon > 12 || !is_day(&tm) ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return err_set(err, -EINVAL, "'%.40s' is no time", text);
	if (tm.tm_year <= 1) {
		*ret = TIME_UNKNOWN;
		return 0;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret = (int64_t)timegm(&tm) - offset;
	return 0;
}

const char *units_format_bytes(char buffer[UNITS_SIZE], int64_t bytes)
{
	static const char *const names[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = bytes < 0 ? -(double)bytes : (double)bytes;
	size_t i = 0;

	/* 999.5 would be printed as 1e+03. */
	while (value >= 999.5 && i + 1 < ARRAY_SIZE(names)) {
		value /= 1000;
		i++;
	}
	snprintf(buffer, UNITS_SIZE, "%s%.3g%s", bytes < 0 ? "-" : "", value, names[i]);
	return buffer;
}

static const struct unit short_durations[] = {
	{ "d", 86400 },
	{ "h", 3600 },
	{ "min", 60 },
	{ "s", 1 },
};

const char *units_format_duration(char buffer[UNITS_SIZE], int64_t seconds)
{
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (i + 1 < ARRAY_SIZE(short_durations) && seconds < short_durations[i].factor)
		i++;
	snprintf(buffer, UNITS_SIZE, "%lld%s", (long long)(seconds / short_durations[i].factor),
		 short_durations[i].name);
	seconds %= short_durations[i].factor;
	if (i + 1 < ARRAY_SIZE(short_durations) && seconds >= short_durations[i + 1].factor) {
		size_t used = strlen(buffer);

		snprintf(buffer + used, UNITS_SIZE - used, " %lld%s",
			 (long long)(seconds / short_durations[i + 1].factor),
			 short_durations[i + 1].name);
	}
	return buffer;
}

static const char *format_exact(char buffer[UNITS_SIZE], int64_t value,
				const struct unit *units, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && (value == 0 || value % units[i].factor != 0))
		i++;
	snprintf(buffer, UNITS_SIZE, "%lld%s", (long long)(value / units[i].factor),
		 units[i].name);
	return buffer;
}

const char *units_format_duration_exact(char buffer[UNITS_SIZE], int64_t seconds)
{
	return format_exact(buffer, seconds, short_durations, ARRAY_SIZE(short_durations));
}

const char *units_format_bytes_exact(char buffer[UNITS_SIZE], int64_t bytes)
{
	static const struct unit exact[] = {
		{ "TiB", 1LL << 40 }, { "TB", 1000000000000 }, { "GiB", 1LL << 30 },
		{ "GB", 1000000000 }, { "MiB", 1LL << 20 },    { "MB", 1000000 },
		{ "KiB", 1LL << 10 }, { "kB", 1000 },	       { "B", 1 },
	};

	return format_exact(buffer, bytes, exact, ARRAY_SIZE(exact));
}

const char *units_format_time(char buffer[UNITS_SIZE], int64_t at, int64_t now)
{
	time_t seconds = (time_t)at;
	struct tm tm;
	bool near = at >= now && at - now < 6 * 86400;

	if (!localtime_r(&seconds, &tm) ||
	    strftime(buffer, UNITS_SIZE, near ? "%A %H:%M" : "%a %Y-%m-%d %H:%M", &tm) == 0)
		snprintf(buffer, UNITS_SIZE, "@%lld", (long long)at);
	return buffer;
}

const char *units_format_day(char buffer[UNITS_SIZE], int64_t at)
{
	time_t seconds = (time_t)at;
	struct tm tm;

	if (at == TIME_UNKNOWN || !localtime_r(&seconds, &tm) ||
	    strftime(buffer, UNITS_SIZE, "%Y%m%d", &tm) != UNITS_DAY_LENGTH)
		strcpy(buffer, UNITS_DAY_UNKNOWN);
	return buffer;
}
