#include "report/journal.h"

#include <systemd/sd-journal.h>

#include "base/text.h"
#include "report/summary.h"

/* An entry may have 1024 fields. */
#define PROBLEMS_MAX 500

void journal_send(struct journal *journal, struct entry *entry)
{
	int r = entry_send(entry, journal->sink);

	if (r < 0 && journal->result == 0)
		journal->result = r;
}

/* What every entry of a run has. */
void journal_add_run(struct entry *entry, const struct report *report)
{
	const struct engine_info *engine = &report->plan->snapshot->engine;

	entry_add(entry, "RUN_ID", report->run_id);
	entry_add_escaped(entry, "ENGINE", engine->name);
	entry_add_escaped(entry, "ENGINE_VERSION", engine->version);
	entry_add_escaped(entry, "ENGINE_SOCKET", engine->socket);
}

void journal_add_rule(struct entry *entry, const struct rule *rule)
{
	_cleanup_free_ char *source = NULL;

	if (!rule)
		return;
	entry_add_escaped(entry, "RULE", rule->name);
	if (!rule->section.file)
		return;
	source = mem_printf("%s:%u", rule->section.file, rule->section.line);
	entry_add_escaped(entry, "SOURCE", source);
}

static void send_first_look(struct journal *journal)
{
	_cleanup_free_ char *message = summary_first_look(journal->report->plan);
	struct entry entry;

	if (!message)
		return;
	entry_start(&entry, EVENT_FIRST_LOOK, message);
	journal_add_run(&entry, journal->report);
	entry_add_number(&entry, "UNKNOWN_AGES", (int64_t)journal->report->plan->unknown_ages);
	journal_send(journal, &entry);
}

static void send_brake(struct journal *journal)
{
	const struct brake *brake = &journal->report->plan->brake;
	_cleanup_free_ char *message = report_brake(journal->report->plan);
	struct entry entry;

	if (!message)
		return;
	entry_start(&entry, EVENT_BRAKE, message);
	journal_add_run(&entry, journal->report);
	journal_add_rule(&entry, brake->rule);
	entry_add(&entry, "KIND", kind_to_string(brake->kind));
	entry_add_number(&entry, "WOULD_REMOVE", (int64_t)brake->removals);
	entry_add_number(&entry, "OF", (int64_t)brake->of);
	entry_add_number(&entry, brake->limit.percent ? "LIMIT_PERCENT" : "LIMIT",
			 brake->limit.value);
	journal_send(journal, &entry);
}

static void send_problem(struct journal *journal, const char *text)
{
	_cleanup_free_ char *message = text_escape(text);
	struct entry entry;

	entry_start(&entry, EVENT_PROBLEM, message);
	journal_add_run(&entry, journal->report);
	journal_send(journal, &entry);
}

static void send_problems(struct journal *journal, int64_t entries)
{
	const struct problems *problems = &journal->report->plan->snapshot->problems;
	size_t shown = problems->n;
	_cleanup_free_ char *rest = NULL;

	if ((int64_t)shown > entries)
		shown = (size_t)entries;
	for (size_t i = 0; i < shown; i++)
		send_problem(journal, problems->texts[i]);
	if (shown == problems->n)
		return;
	rest = mem_printf("%zu more problems, too many for an entry each", problems->n - shown);
	send_problem(journal, rest);
}

int journal_write(const struct report *report, int64_t entries, const struct journal_sink *sink)
{
	struct journal journal = { .report = report, .sink = sink };

	if (report->earlier) {
		journal.report = report->earlier;
		send_problems(&journal, entries);
		journal_announcements(&journal);
		journal_objects(&journal, entries);
		journal.report = report;
	}
	send_problems(&journal, entries);
	send_first_look(&journal);
	send_brake(&journal);
	journal_announcements(&journal);
	journal_objects(&journal, entries);
	journal_summary(&journal);
	return journal.result;
}

int journal_write_failure(const char *message, int exit_code, const char *run_id,
			  const char *socket, const struct problems *problems,
			  const struct journal_sink *sink)
{
	_cleanup_free_ char *escaped = text_escape(message);
	struct entry entry;

	entry_start(&entry, EVENT_NO_RUN, escaped);
	entry_add(&entry, "RUN_ID", run_id);
	entry_add_escaped(&entry, "ENGINE_SOCKET", socket);
	entry_add_number(&entry, "EXIT_STATUS", exit_code);
	for (size_t i = 0; problems && i < problems->n && i < PROBLEMS_MAX; i++)
		entry_add_escaped(&entry, "PROBLEM", problems->texts[i]);
	return entry_send(&entry, sink);
}

/* ---- to journald ---- */

/* Without journald's socket sd_journal_sendv() does nothing and returns 0. */
static int to_journald(void *data _unused_, const struct iovec *fields, size_t n)
{
	return sd_journal_sendv(fields, (int)n);
}

static const struct journal_sink journald = { .send = to_journald };

int report_journal(const struct report *report, int64_t entries)
{
	return journal_write(report, entries, &journald);
}

int report_journal_failure(const char *message, int exit_code, const char *run_id,
			   const char *socket, const struct problems *problems)
{
	return journal_write_failure(message, exit_code, run_id, socket, problems, &journald);
}
