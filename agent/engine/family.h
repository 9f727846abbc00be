#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"

/* The order among images to be removed: a parent only after all of its children in the batch,
 * and not at all if one of them stays. Those that may go are handed out one by one. */

struct family;

struct family *family_new(struct removal *removals, size_t n);
void family_free(struct family *family);
DEFINE_CLEANUP(struct family *, family_free, family_free)

/* The next whose children are all done, or NULL if there is none (yet). Removals that already
 * have an outcome are not handed out and count as done. */
struct removal *family_next(struct family *family);

/* Says that removal has its outcome. Parents of what stays are settled as OUTCOME_SKIPPED. */
void family_settle(struct family *family, const struct removal *removal);
