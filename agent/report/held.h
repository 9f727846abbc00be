#pragma once

#include "report/report.h"

/* What holds the space that is still used: for a run that missed its mark. Each layer counts
 * for the strongest of those that hold it. */

enum held_by { /* the weakest first */
	       HELD_BY_OTHERS,
	       HELD_BY_NO_RULE,
	       HELD_BY_KEEPERS,
	       HELD_BY_CACHE,
	       HELD_BY_AGE,
	       HELD_BY_PINS,
	       HELD_BY_STOPPED,
	       HELD_BY_RUNNING,
	       HELD_MAX_,
};

struct held {
	int64_t bytes[HELD_MAX_];
	size_t unknown; /* objects that are not in bytes */
	int64_t rest; /* what no object of the engine takes, -1 unknown: logs, volumes, and what
		       * is not the engine's */
};

/* The disk as the run left it. */
const struct disk *held_on(const struct report *report);

/* Of what the report's run left. */
void held_count(const struct report *report, struct held *ret);

/* "running containers 41GB, pinned 12GB, build cache 8GB, logs, volumes and what is not the
 * engine's 120GB", to be freed. */
char *held_words(const struct held *held);

/* The name of the journal's field, "RUNNING", and of JSON's, "running". */
const char *held_field(enum held_by by);
const char *held_key(enum held_by by);
