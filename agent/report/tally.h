#pragma once

#include "report/report.h"

/* The numbers that summary and journal share: every object once, an image with several
 * references as one. */

enum bucket {
	BUCKET_RUNNING,
	BUCKET_IN_USE,
	BUCKET_RESTART,
	BUCKET_TOO_YOUNG,
	BUCKET_NEWEST,
	BUCKET_LAST_RUN,
	BUCKET_PINNED,
	BUCKET_RULE,
	BUCKET_NOT_NEEDED,
	BUCKET_PARENT,
	BUCKET_QUARANTINE,
	BUCKET_UNWATCHED,
	BUCKET_STORAGE,
	BUCKET_MAYBE_WANTED,
	BUCKET_NOT_APPROVED,
	BUCKET_ENGINE,
	BUCKET_NO_RULE,
	BUCKET_UNKNOWN,
	BUCKET_CHANGED,
	BUCKET_SKIPPED,
	BUCKET_FAILED,
	BUCKET_MAX_,
};

struct tally {
	struct totals went; /* or would go, when nothing was applied; of all rounds */
	struct prediction predicted;
	size_t kept, by[BUCKET_MAX_];
	size_t gone;		       /* had gone before they could be removed */
	size_t failed, tagged, to_tag; /* of all rounds, too */

	/* Of what went, by kind, references with their images; -1: not known of any. */
	int64_t bytes[KIND_MAX_];
};

void tally_count(struct tally *tally, const struct report *report);

/* "in use", and the name of the journal's field, "IN_USE". */
const char *bucket_words(enum bucket bucket);
const char *bucket_field(enum bucket bucket);
