#pragma once

#include "report/entry.h"
#include "report/report.h"

/* The journal's entries of one run; for the files of report/ only. */

struct journal {
	const struct report *report;
	const struct journal_sink *sink;
	int result; /* the first failure */
};

/* report_journal() and report_journal_failure() to any sink. */
int journal_write(const struct report *report, int64_t entries,
		  const struct journal_sink *sink);
int journal_write_failure(const char *message, int exit_code, const char *run_id,
			  const char *socket, const struct problems *problems,
			  const struct journal_sink *sink);

/* What went and what failed: the first `entries` one by one, the others by rule. */
void journal_objects(struct journal *journal, int64_t entries);

/* The volumes whose quarantine begins: one by one, of a rule with many all in one. */
void journal_announcements(struct journal *journal);

/* The run as a whole. */
void journal_summary(struct journal *journal);

/* How a summary's fields name the kind: "CONTAINERS" in REMOVED_CONTAINERS. */
const char *journal_kind_field(enum kind kind);

/* Sends and clears the entry. */
void journal_send(struct journal *journal, struct entry *entry);

/* RUN_ID and ENGINE…, which every entry of a run has. */
void journal_add_run(struct entry *entry, const struct report *report);

/* RULE and SOURCE; nothing without a rule. */
void journal_add_rule(struct entry *entry, const struct rule *rule);
