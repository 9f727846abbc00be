#pragma once

#include "state/sql.h"

/* Names that preserve-as gave. */

/* Per image of the sealed snapshot when its one tag was made by preserve-as, TIME_UNKNOWN: it
 * has none, others, or one that somebody else made. *ret is to be freed. */
_must_check_ int preserved_at(const struct state *state, const struct snapshot *snapshot,
			      int64_t **ret, struct err *err);

/* Forgets those of images that are in no list any more. */
_must_check_ int preserved_forget_gone(const struct state *state, struct err *err);
