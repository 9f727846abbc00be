#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "apply/apply.h"
#include "plan/plan.h"
#include "plan/shares.h"

/* Renders plan and outcome; nothing else prints results. */

struct report {
	const struct plan *plan;
	const struct result *result; /* NULL: nothing was applied (plan, --dry-run, observe) */
	const struct disk *before, *after; /* NULL: not measured */
	const char *run_id;		   /* 32 hex digits, NULL for plan */
	bool scheduled;			   /* started by the timer */
	const struct share *shares;	   /* per image of the snapshot; NULL: not asked for */
	bool observe;			   /* mode = observe: nothing was removed */
	const struct report *earlier;	   /* the round before, where one was not enough */
	bool missed;	/* the disk is not what pressure rules were to reach */
	bool announced; /* what the plan would announce is remembered as announced */
};

/* One sentence on the verdict, for people: "exited 3d 4h ago, longer than 24h", "in use by
 * web-1". To be freed. Names in it are escaped. */
char *report_reason(const struct verdict *verdict, const struct plan *plan);

/* "remove", "tag" or "keep". */
const char *report_verdict(const struct verdict *verdict);

/* The display name of the verdict's object ("web-1", "example/app:1.0", "<none> 2f3a4b5c6d7e"),
 * escaped, to be freed. */
char *report_name(const struct verdict *verdict);

/* The closing line: "removed 42 containers, 17 images; reclaimed 3.2GB (free: 11.4GB → 14.6GB);
 * kept 58 (running 12, in use 20, too young 26)", or what would go. On a first look it says how
 * many ages are unknown and from when on they go. To be freed. */
char *report_summary(const struct report *report);

/* "brake: 412 of 600 tagged images would go; look at 'reclaimd plan', then set max-remove", to
 * be freed, or NULL if the brake was not pulled. */
char *report_brake(const struct plan *plan);

/* The engine, a table of what goes (and with all of what stays), the brake if it was pulled,
 * then the summary. As wide as out's terminal; if out is none, nothing is cut or wrapped. */
void report_text(const struct report *report, bool all, bool colour, FILE *out);

/* The same for a terminal of that width, 0: no terminal. */
void report_text_width(const struct report *report, bool all, bool colour, unsigned width,
		       FILE *out);

/* DESIGN section 4's object. "name" and "reason" are as report_reason() has them, but names are
 * not escaped beyond JSON's own way; an untagged image's is null. */
void report_json(const struct report *report, FILE *out);

/* One entry per object that went or failed (beyond entries one per rule), one per problem, one
 * summary. Native fields, to journald's socket if it is there. Their fields:
 * config/reclaimd.catalog and report/journal*.c. Returns the first negative result of sending.
 */
int report_journal(const struct report *report, int64_t entries);

/* No run: configuration refused, engine not reachable. message is one line; problems (may be
 * NULL) lists every mistake; run_id and socket may be NULL. */
int report_journal_failure(const char *message, int exit_code, const char *run_id,
			   const char *socket, const struct problems *problems);
