#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

/* The name that preserve-as gives: a reference with holes in it. */

enum hole {
	HOLE_REPOSITORY,
	HOLE_TAG,
	HOLE_CREATED, /* days: units_format_day() */
	HOLE_ID,      /* HOLE_ID_LENGTH hex digits */
	HOLE_DATE,
	HOLE_MAX_,
};

#define HOLE_ID_LENGTH 12

/* Whether it has {id}, knows its holes, each at most once, and gives a valid reference with a
 * tag for at least some image; -EINVAL with one line if not. */
_must_check_ int template_check(const char *template, struct err *err);

/* The text with values[] in the holes, in the arena; NULL if one that it has has no value. */
const char *template_fill(struct arena *arena, const char *template,
			  const char *const values[HOLE_MAX_]);

/* Whether the text is what the template gives with these values; a hole without one may have
 * been filled with anything of its shape. */
bool template_matches(const char *template, const char *const values[HOLE_MAX_],
		      const char *text);
