#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/snapshot.h"

/* Lists of globs, as selectors and pins have them: fnmatch(3) without flags, so that "*"
 * crosses
 * "/"; "!" before a glob negates it. */

struct pattern {
	bool negated;
	const char *key;  /* label patterns: the label's key, a glob too; else NULL */
	const char *glob; /* label patterns: of the value, NULL if any will do */
};

struct patterns {
	struct pattern *v;
	size_t n;
};

/* Appends the comma-separated globs of text ("a*, !b"). With labels each is KEY[=GLOB].
 * Refused: an empty glob, an unclosed "[", control characters. */
_must_check_ int patterns_parse(struct arena *arena, const char *text, bool labels,
				struct patterns *patterns, struct err *err);

/* Whether values (all the names that one thing goes by) match: at least one value matches a
 * positive glob, or there is no positive glob; and no value matches a negated one. */
bool patterns_match(const struct patterns *patterns, const char *const *values, size_t n);

bool patterns_match_labels(const struct patterns *patterns, const struct labels *labels);

/* Whether a label with this key can make a difference to that. */
bool patterns_ask_label(const struct patterns *patterns, const char *key);

/* Whether every glob is the bare "*": such a list says "all". */
bool patterns_match_all(const struct patterns *patterns);

/* Whether the list picks: there is a positive glob, and each of them has more than wildcards.
 */
bool patterns_pick(const struct patterns *patterns);
