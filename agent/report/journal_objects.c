#include "report/journal.h"

#include <stdlib.h>

#include "base/text.h"
#include "report/object.h"

/* ---- single objects ---- */

static bool is_failed(const struct report *report, size_t index)
{
	return report->result->outcomes[index] == OUTCOME_FAILED;
}

/* Objects that went and objects that should have and failed; others are numbers in the
 * summary. */
static bool has_entry(const struct report *report, size_t index)
{
	return report->result->outcomes[index] == OUTCOME_REMOVED || is_failed(report, index);
}

static char *removed_message(const struct verdict *verdict, const char *name,
			     const char *reason)
{
	char bytes[UNITS_SIZE];

	if (verdict->bytes < 0)
		return mem_printf("removed %s %s: %s", kind_to_string(verdict->kind), name,
				  reason);
	return mem_printf("removed %s %s (%s): %s", kind_to_string(verdict->kind), name,
			  units_format_bytes(bytes, verdict->bytes), reason);
}

static char *failed_message(const struct verdict *verdict, const char *name, const char *detail)
{
	_cleanup_free_ char *why = text_escape(detail ? detail : "the engine did not say why");

	return mem_printf("could not remove %s %s: %s", kind_to_string(verdict->kind), name,
			  why);
}

static void send_object(struct journal *journal, size_t index)
{
	const struct report *report = journal->report;
	const struct verdict *verdict = &report->plan->verdicts[index];
	const char *detail = report->result->details[index];
	bool failed = is_failed(report, index);
	int64_t age = object_age(verdict, report->plan);
	_cleanup_free_ char *name = report_name(verdict);
	_cleanup_free_ char *reason = report_reason(verdict, report->plan);
	_cleanup_free_ char *message = failed ? failed_message(verdict, name, detail)
					      : removed_message(verdict, name, reason);
	struct entry entry;

	entry_start(&entry, failed ? EVENT_OBJECT_FAILED : EVENT_OBJECT_REMOVED, message);
	journal_add_run(&entry, report);
	entry_add(&entry, "KIND", kind_to_string(verdict->kind));
	entry_add_escaped(&entry, "ID", verdict_id(verdict));
	entry_add(&entry, "NAME", name);
	entry_add_escaped(&entry, "FORMER_NAME", object_former_name(verdict));
	journal_add_rule(&entry, verdict->rule);
	entry_add(&entry, "REASON", reason);
	entry_add(&entry, "REASON_CODE", reason_to_string(verdict->reason));
	entry_add(&entry, "OUTCOME", outcome_to_string(report->result->outcomes[index]));
	entry_add_escaped(&entry, "DETAIL", detail);
	if (verdict->bytes >= 0)
		entry_add_bytes(&entry, "BYTES", verdict->bytes);
	if (age >= 0)
		entry_add_number(&entry, "AGE_S", age);
	journal_send(journal, &entry);
}

/* ---- many objects: one entry per rule ---- */

struct rule_sum {
	const struct rule *rule;
	size_t removed, failed, unknown;
	int64_t bytes;
};

struct rule_sums {
	struct rule_sum *v;
	size_t n;
};

static struct rule_sum *sum_of(struct rule_sums *sums, const struct rule *rule)
{
	for (size_t i = 0; i < sums->n; i++)
		if (sums->v[i].rule == rule)
			return &sums->v[i];
	sums->v = mem_grow(sums->v, sums->n, sizeof(*sums->v));
	sums->v[sums->n] = (struct rule_sum){ .rule = rule };
	return &sums->v[sums->n++];
}

static void add_to_sum(struct rule_sums *sums, const struct report *report, size_t index)
{
	const struct verdict *verdict = &report->plan->verdicts[index];
	struct rule_sum *sum = sum_of(sums, verdict->rule);

	if (is_failed(report, index)) {
		sum->failed++;
		return;
	}
	sum->removed++;
	if (verdict->bytes < 0 || verdict->bytes > INT64_MAX - sum->bytes)
		sum->unknown++;
	else
		sum->bytes += verdict->bytes;
}

static void send_rule(struct journal *journal, const struct rule_sum *sum)
{
	_cleanup_free_ char *rule = text_escape(sum->rule ? sum->rule->name : "-");
	_cleanup_free_ char *failed =
		sum->failed > 0 ? mem_printf(" and could not remove %zu", sum->failed) : NULL;
	_cleanup_free_ char *message =
		mem_printf("rule %s: removed %zu more objects%s; they are too many for an "
			   "entry each",
			   rule, sum->removed, failed ? failed : "");
	struct entry entry;

	entry_start(&entry, sum->failed > 0 ? EVENT_RULE_FAILED : EVENT_RULE_REMOVED, message);
	journal_add_run(&entry, journal->report);
	journal_add_rule(&entry, sum->rule);
	if (sum->rule)
		entry_add(&entry, "SECTION", kind_to_plural(sum->rule->kind));
	entry_add_number(&entry, "REMOVED", (int64_t)sum->removed);
	entry_add_number(&entry, "FAILED", (int64_t)sum->failed);
	entry_add_number(&entry, "BYTES_UNKNOWN", (int64_t)sum->unknown);
	if (sum->bytes > 0 || sum->unknown == 0)
		entry_add_bytes(&entry, "BYTES", sum->bytes);
	journal_send(journal, &entry);
}

void journal_objects(struct journal *journal, int64_t entries)
{
	const struct report *report = journal->report;
	struct rule_sums sums = { 0 };
	int64_t sent = 0;

	for (size_t i = 0; report->result && i < report->plan->n_removals; i++) {
		size_t index = report->plan->removals[i];

		if (!has_entry(report, index))
			continue;
		if (sent++ < entries)
			send_object(journal, index);
		else
			add_to_sum(&sums, report, index);
	}
	for (size_t i = 0; i < sums.n; i++)
		send_rule(journal, &sums.v[i]);
	free(sums.v);
}
