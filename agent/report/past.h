#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "model/kind.h"
#include "report/event.h"

/* Past runs, as the journal has them. past_read.c alone touches the journal. */

/* A number that an entry does not have, or that is none. */
#define PAST_UNKNOWN INT64_MIN

/* One entry: the summary of a run (EVENT_RUN_…), or a warning beside it. Texts are without
 * control characters, NULL where the entry has none. */
struct past_row {
	enum event event;
	int64_t at; /* Unix seconds */
	char *run_id, *engine, *version, *socket, *trigger, *mode, *message;
	int64_t removed[KIND_MAX_], would_remove[KIND_MAX_];
	int64_t claimed, measured, kept, failed, exit_status;
	int64_t upper_bound; /* of claimed */
};

struct past {
	struct past_row *rows; /* oldest first */
	size_t n;
	struct problems problems; /* journal files that are missing from rows, and why */
	bool denied;		  /* some of them for want of permission */
};

struct past_query {
	const char *folder; /* NULL: this machine's journal */
	const char *socket; /* NULL: of every engine; entries that name none always count */
	int64_t since;	    /* Unix seconds, TIME_UNKNOWN: all */
};

/* Reads the entries that root or the caller wrote: whoever else may write to the journal can
 * write any MESSAGE_ID, but not _UID, _TRANSPORT, _COMM and _EXE, which journald adds. An entry
 * without _COMM or _EXE counts: its process had ended before journald looked. Files that cannot
 * be read are problems; an error is only that no journal can be opened at all. past is to be
 * cleared in either case. */
_must_check_ int past_read(const struct past_query *query, struct past *past, struct err *err);
void past_clear(struct past *past);

/* A table of the rows and a line of totals; one line when there are none. width: columns of
 * the terminal, 0: nothing is cut or wrapped. */
void past_text(const struct past *past, unsigned width, FILE *out);

/* {"version":1,"runs":[…],"warnings":[…],"totals":{…},"problems":[…]} */
void past_json(const struct past *past, FILE *out);

/* ---- for the files past*.c ---- */

struct past_totals {
	int64_t runs, warnings, no_runs;
	int64_t removed[KIND_MAX_], claimed, measured, failed;
	bool claimed_whole, measured_whole, upper_bound; /* whole: of every run that removed */
};

bool past_is_run(enum event event);
void past_count(const struct past *past, struct past_totals *totals);
