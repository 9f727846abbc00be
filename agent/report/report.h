#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "apply/apply.h"
#include "plan/plan.h"

/* Renders plan and outcome; nothing else prints results. */

struct report {
	const struct plan *plan;
	const struct result *result; /* NULL: nothing was applied (plan, --dry-run, observe) */
	const struct disk *before, *after; /* NULL: not measured */
	const char *run_id;		   /* 32 hex digits, NULL for plan */
	bool scheduled;			   /* started by the timer */
	bool observe;			   /* mode = observe: nothing was removed */
};

/* One sentence on the verdict, for people: "exited 3d 4h ago, longer than 24h", "in use by
 * web-1". To be freed. Names in it are escaped. */
char *report_reason(const struct verdict *verdict, const struct plan *plan);

/* The display name of the verdict's object ("web-1", "example/app:1.0", "<none> 2f3a4b5c6d7e"),
 * escaped, to be freed. */
char *report_name(const struct verdict *verdict);

/* The closing line: "removed 42 containers, 17 images; reclaimed 3.2GB (free: 11.4GB → 14.6GB);
 * kept 58 (running 12, in use 20, too young 26)", or what would go. To be freed. */
char *report_summary(const struct report *report);

/* A table of what goes (and with all of what stays), then the summary. width 0: not a terminal.
 */
void report_text(const struct report *report, bool all, bool colour, FILE *out);

/* DESIGN section 4's object. */
void report_json(const struct report *report, FILE *out);

/* One entry per removed object (beyond entries one per rule), one summary. Native fields, to
 * journald's socket if it is there. */
void report_journal(const struct report *report, int64_t entries);
