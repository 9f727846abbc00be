#include "report/journal.h"

#include <stdlib.h>

#include "base/text.h"
#include "report/object.h"

/* A rule that announces more than this many at once gets one entry for all. */
#define SINGLE_MAX 10

static void send_volume(struct journal *journal, const struct verdict *verdict)
{
	const struct report *report = journal->report;
	_cleanup_free_ char *name = report_name(verdict);
	_cleanup_free_ char *rule = text_escape(verdict->rule->name);
	_cleanup_free_ char *message = NULL;
	char at[UNITS_SIZE];
	struct entry entry;

	units_format_time(at, verdict->goes_at, report->plan->now);
	message = mem_printf("volume %s will be removed from %s on, unless a container uses it "
			     "before; to keep it: 'keep-name = %s' in [volumes %s]",
			     name, at, name, rule);
	entry_start(&entry, EVENT_VOLUME_ANNOUNCED, message);
	journal_add_run(&entry, report);
	entry_add(&entry, "KIND", kind_to_string(verdict->kind));
	entry_add_escaped(&entry, "ID", verdict_id(verdict));
	entry_add(&entry, "NAME", name);
	entry_add(&entry, "GOES_FROM", at);
	journal_add_rule(&entry, verdict->rule);
	journal_send(journal, &entry);
}

static void send_rule(struct journal *journal, const struct rule *rule, size_t n,
		      int64_t goes_at)
{
	_cleanup_free_ char *name = text_escape(rule->name);
	_cleanup_free_ char *message = NULL;
	char at[UNITS_SIZE];
	struct entry entry;

	units_format_time(at, goes_at, journal->report->plan->now);
	message = mem_printf("%zu volumes of the rule %s will be removed from %s on, unless "
			     "containers use them before; 'reclaimd plan' lists them",
			     n, name, at);
	entry_start(&entry, EVENT_RULE_ANNOUNCED, message);
	journal_add_run(&entry, journal->report);
	entry_add_number(&entry, "ANNOUNCED", (int64_t)n);
	entry_add(&entry, "GOES_FROM", at);
	journal_add_rule(&entry, rule);
	journal_send(journal, &entry);
}

static bool is_announced_by(const struct verdict *verdict, const struct rule *rule)
{
	return verdict->announce && verdict->rule == rule;
}

static void send_all_of(struct journal *journal, const struct rule *rule)
{
	const struct plan *plan = journal->report->plan;
	int64_t goes_at = 0;
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++) {
		if (!is_announced_by(&plan->verdicts[i], rule))
			continue;
		n++;
		goes_at = plan->verdicts[i].goes_at;
	}
	if (n > SINGLE_MAX) {
		send_rule(journal, rule, n, goes_at);
		return;
	}
	for (size_t i = 0; i < plan->n; i++)
		if (is_announced_by(&plan->verdicts[i], rule))
			send_volume(journal, &plan->verdicts[i]);
}

void journal_announcements(struct journal *journal)
{
	const struct report *report = journal->report;
	const struct rule *last = NULL;

	/* The rules that announce are found in the order of the rows. */
	for (size_t i = 0; report->announced && i < report->plan->n; i++) {
		const struct rule *rule = report->plan->verdicts[i].rule;
		bool seen = false;

		if (!report->plan->verdicts[i].announce || rule == last)
			continue;
		for (size_t k = 0; k < i && !seen; k++)
			seen = is_announced_by(&report->plan->verdicts[k], rule);
		if (!seen)
			send_all_of(journal, rule);
		last = rule;
	}
}
