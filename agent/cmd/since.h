#pragma once

#include <stdint.h>

#include "base/err.h"

/* A point in the past as people write it, in the common forms of systemd.time(7): "now",
 * "today", "yesterday", "@1732400000", "2026-11-24", "2026-11-24 10:00[:00]", "10:00[:00]"
 * (today), each of the dates with " UTC" or in local time; "-2h", "2h ago" and "2h" all mean
 * two hours before now. Unix seconds; -EINVAL: none of these. */
_must_check_ int since_parse(const char *text, int64_t now, int64_t *ret, struct err *err);
