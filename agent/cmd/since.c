#include "cmd/since.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "base/units.h"

static const struct {
	const char *format;
	bool date; /* else it is a time of today */
} forms[] = {
	{ "%Y-%m-%d %H:%M:%S", true }, { "%Y-%m-%d %H:%M", true },
	{ "%Y-%m-%dT%H:%M:%S", true }, { "%Y-%m-%d", true },
	{ "%H:%M:%S", false },	       { "%H:%M", false },
};

/* Removes the ending; says whether it was there. */
static bool strip(char *text, const char *ending)
{
	size_t length = strlen(text), end = strlen(ending);

	if (length <= end || strcmp(text + length - end, ending) != 0)
		return false;
	text[length - end] = '\0';
	return true;
}

static void split(int64_t at, bool utc, struct tm *ret)
{
	time_t seconds = (time_t)at;

	if (utc)
		gmtime_r(&seconds, ret);
	else
		localtime_r(&seconds, ret);
}

/* mktime() makes a day of March out of February 30. */
static bool join(struct tm *parts, bool utc, int64_t *ret)
{
	int day = parts->tm_mday;

	parts->tm_isdst = -1;
	*ret = utc ? timegm(parts) : mktime(parts);
	return parts->tm_mday == day;
}

static bool parse_calendar(const char *text, int64_t now, bool utc, int64_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm parts = { 0 };
		const char *end;

		if (!forms[i].date)
			split(now, utc, &parts);
		parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
		end = strptime(text, forms[i].format, &parts);
		if (end && !*end)
			return join(&parts, utc, ret);
	}
	return false;
}

static bool parse_word(const char *text, int64_t now, bool utc, int64_t *ret)
{
	bool yesterday = strcmp(text, "yesterday") == 0;
	struct tm parts;

	if (strcmp(text, "now") == 0) {
		*ret = now;
		return true;
	}
	if (!yesterday && strcmp(text, "today") != 0)
		return false;
	split(now, utc, &parts);
	parts.tm_mday -= yesterday;
	parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
	parts.tm_isdst = -1;
	*ret = utc ? timegm(&parts) : mktime(&parts);
	return true;
}

static bool parse_duration(char *text, int64_t now, int64_t *ret)
{
	struct err err;
	int64_t seconds;

	if (*text == '-')
		text++;
	else
		strip(text, " ago");
	if (units_parse_duration(text, &seconds, &err) < 0)
		return false;
	*ret = now - seconds;
	return true;
}

int since_parse(const char *text, int64_t now, int64_t *ret, struct err *err)
{
	_cleanup_free_ char *copy = mem_strdup(text), *shown = text_escape(text);
	bool utc = strip(copy, " UTC");
	struct err number;

	if (*copy == '@' &&
	    units_parse_number(copy + 1, 0, INT64_MAX / 1000000, ret, &number) == 0)
		return 0;
	if (parse_word(copy, now, utc, ret) || parse_calendar(copy, now, utc, ret))
		return 0;
	if (!utc && parse_duration(copy, now, ret))
		return 0;
	return err_set(err, -EINVAL,
		       "'%s' is no time: '2026-11-24 10:00', 'yesterday', '7d' or '-2h' are",
		       shown);
}
