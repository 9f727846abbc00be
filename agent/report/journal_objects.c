#include "report/journal.h"

#include <stdlib.h>

#include "base/text.h"
#include "report/object.h"

/* ---- single objects ---- */

/* A name that somebody else has is for people to look at. */
static bool is_failed(const struct report *report, size_t index)
{
	enum outcome outcome = report->result->outcomes[index];

	return outcome == OUTCOME_FAILED ||
	       (outcome == OUTCOME_SKIPPED && report->result->details[index] &&
		report->plan->verdicts[index].action == VERDICT_TAG);
}

/* Objects that went or were named, and objects that should have and failed; others are numbers
 * in the summary. */
static bool has_entry(const struct report *report, size_t index)
{
	enum outcome outcome = report->result->outcomes[index];

	return outcome == OUTCOME_REMOVED || outcome == OUTCOME_TAGGED ||
	       is_failed(report, index);
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

static char *tagged_message(const struct verdict *verdict, const char *name, const char *reason)
{
	_cleanup_free_ char *new_name = text_escape(verdict->preserve_as->short_name);

	return mem_printf("named image %s %s: %s", name, new_name, reason);
}

static char *untagged_message(const struct verdict *verdict, const char *name,
			      const char *detail)
{
	_cleanup_free_ char *new_name = text_escape(verdict->preserve_as->short_name);
	_cleanup_free_ char *why = text_escape(detail ? detail : "the engine did not say why");

	return mem_printf("could not name image %s %s: %s", name, new_name, why);
}

static char *failed_message(const struct verdict *verdict, const char *name, const char *detail)
{
	_cleanup_free_ char *why = text_escape(detail ? detail : "the engine did not say why");

	return mem_printf("could not remove %s %s: %s", kind_to_string(verdict->kind), name,
			  why);
}

static void add_object(struct entry *entry, const struct report *report, size_t index)
{
	const struct verdict *verdict = &report->plan->verdicts[index];
	int64_t age = object_age(verdict, report->plan);
	_cleanup_free_ char *name = report_name(verdict);
	_cleanup_free_ char *reason = report_reason(verdict, report->plan);

	journal_add_run(entry, report);
	entry_add(entry, "KIND", kind_to_string(verdict->kind));
	entry_add_escaped(entry, "ID", verdict_id(verdict));
	entry_add(entry, "NAME", name);
	entry_add_escaped(entry, "FORMER_NAME", object_former_name(verdict));
	if (verdict->preserve_as)
		entry_add_escaped(entry, "NEW_NAME", verdict->preserve_as->short_name);
	journal_add_rule(entry, verdict->rule);
	entry_add(entry, "REASON", reason);
	entry_add(entry, "REASON_CODE", reason_to_string(verdict->reason));
	entry_add(entry, "OUTCOME", outcome_to_string(report->result->outcomes[index]));
	entry_add_escaped(entry, "DETAIL", report->result->details[index]);
	if (verdict->bytes >= 0)
		entry_add_bytes(entry, "BYTES", verdict->bytes);
	if (age >= 0)
		entry_add_number(entry, "AGE_S", age);
}

static const struct {
	enum event event;
	char *(*message)(const struct verdict *verdict, const char *name, const char *why);
} entries_of[2][2] = {
	/* [is to get a name][failed] */
	{ { EVENT_OBJECT_REMOVED, removed_message }, { EVENT_OBJECT_FAILED, failed_message } },
	{ { EVENT_OBJECT_TAGGED, tagged_message }, { EVENT_TAG_FAILED, untagged_message } },
};

static void send_object(struct journal *journal, size_t index)
{
	const struct report *report = journal->report;
	const struct verdict *verdict = &report->plan->verdicts[index];
	bool tag = verdict->action == VERDICT_TAG, failed = is_failed(report, index);
	_cleanup_free_ char *name = report_name(verdict);
	_cleanup_free_ char *reason = report_reason(verdict, report->plan);
	_cleanup_free_ char *message = entries_of[tag][failed].message(
		verdict, name, failed ? report->result->details[index] : reason);
	struct entry entry;

	entry_start(&entry, entries_of[tag][failed].event, message);
	add_object(&entry, report, index);
	journal_send(journal, &entry);
}

/* ---- many objects: one entry per rule ---- */

struct rule_sum {
	const struct rule *rule;
	size_t removed, tagged, failed, unknown;
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
	if (verdict->action == VERDICT_TAG) {
		sum->tagged++;
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
	_cleanup_free_ char *tagged =
		sum->tagged > 0 ? mem_printf(", named %zu", sum->tagged) : NULL;
	_cleanup_free_ char *message =
		mem_printf("rule %s: removed %zu more objects%s%s; they are too many for an "
			   "entry each",
			   rule, sum->removed, tagged ? tagged : "", failed ? failed : "");
	struct entry entry;

	entry_start(&entry, sum->failed > 0 ? EVENT_RULE_FAILED : EVENT_RULE_REMOVED, message);
	journal_add_run(&entry, journal->report);
	journal_add_rule(&entry, sum->rule);
	if (sum->rule)
		entry_add(&entry, "SECTION", kind_to_plural(sum->rule->kind));
	entry_add_number(&entry, "REMOVED", (int64_t)sum->removed);
	entry_add_number(&entry, "TAGGED", (int64_t)sum->tagged);
	entry_add_number(&entry, "FAILED", (int64_t)sum->failed);
	entry_add_number(&entry, "BYTES_UNKNOWN", (int64_t)sum->unknown);
	if (sum->bytes > 0 || sum->unknown == 0)
		entry_add_bytes(&entry, "BYTES", sum->bytes);
	journal_send(journal, &entry);
}

struct sending {
	struct journal *journal;
	struct rule_sums sums;
	int64_t sent, most;
};

static void send_all(struct sending *sending, const size_t *indices, size_t n)
{
	const struct report *report = sending->journal->report;

	for (size_t i = 0; i < n; i++) {
		if (!has_entry(report, indices[i]))
			continue;
		if (sending->sent++ < sending->most)
			send_object(sending->journal, indices[i]);
		else
			add_to_sum(&sending->sums, report, indices[i]);
	}
}

void journal_objects(struct journal *journal, int64_t entries)
{
	const struct plan *plan = journal->report->plan;
	struct sending sending = { .journal = journal, .most = entries };

	if (!journal->report->result)
		return;
	send_all(&sending, plan->tags, plan->n_tags);
	send_all(&sending, plan->removals, plan->n_removals);
	for (size_t i = 0; i < sending.sums.n; i++)
		send_rule(journal, &sending.sums.v[i]);
	free(sending.sums.v);
}
