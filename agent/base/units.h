#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

/* Numbers as people write and read them. Sizes are bytes, durations seconds, points in time
 * Unix seconds. */

/* A point in time that is not known. */
#define TIME_UNKNOWN INT64_MIN

/* Enough for any text that units_format_*() writes. */
#define UNITS_SIZE 64

/* "10GB" (10^9), "10GiB" (2^30), "1.5kB", "512B". A bare number or a bare "10G" is refused with
 * a hint. Docker's units: go-units size.go. */
_must_check_ int units_parse_bytes(const char *text, int64_t *ret, struct err *err);

/* "90s", "15min", "24h", "7d", "2weeks", and sums as "1d12h" or "1d 12h"; systemd.time(7)'s
 * words for seconds to weeks. "0" needs its unit as well. Parts of a second in the sum are cut
 * off; a sum that nothing would be left of is refused. */
_must_check_ int units_parse_duration(const char *text, int64_t *ret, struct err *err);

/* A whole number between min and max, nothing before or behind it. */
_must_check_ int units_parse_number(const char *text, int64_t min, int64_t max, int64_t *ret,
				    struct err *err);

/* An RFC 3339 time as engines write it, "2024-05-01T10:00:00.123456789Z" or with an offset.
 * Gives TIME_UNKNOWN for the year 1, by which Go says "never". */
_must_check_ int units_parse_rfc3339(const char *text, int64_t *ret, struct err *err);

/* As the docker command prints it: three digits, SI, no space: "1.32GB". */
const char *units_format_bytes(char buffer[UNITS_SIZE], int64_t bytes);

/* The two largest units: "3d 4h", "15min", "0s". units_parse_duration() reads it back. */
const char *units_format_duration(char buffer[UNITS_SIZE], int64_t seconds);

/* Exactly, in the largest unit that divides it: "36h", "7d". For show-config. */
const char *units_format_duration_exact(char buffer[UNITS_SIZE], int64_t seconds);

/* Exactly, in the largest unit that divides it: "10GB", "10GiB", "1001B". For show-config. */
const char *units_format_bytes_exact(char buffer[UNITS_SIZE], int64_t bytes);

/* Local time, "Tue 2026-11-24 10:00" or, when it lies less than six days after now, "Tuesday
 * 10:00". */
const char *units_format_time(char buffer[UNITS_SIZE], int64_t at, int64_t now);

/* The day in local time, "20261124", as a tag may have it; UNITS_DAY_UNKNOWN if it is not known
 * or has no such form. */
#define UNITS_DAY_LENGTH 8
#define UNITS_DAY_UNKNOWN "unknown"
const char *units_format_day(char buffer[UNITS_SIZE], int64_t at);
