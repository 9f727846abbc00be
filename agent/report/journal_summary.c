#include "report/journal.h"

#include "report/held.h"
#include "report/tally.h"

static const char *const kind_fields[] = {
	[KIND_CONTAINER] = "CONTAINERS",
	[KIND_IMAGE] = "IMAGES",
	[KIND_TAG] = "TAGS",
	[KIND_VOLUME] = "VOLUMES",
	[KIND_NETWORK] = "NETWORKS",
	[KIND_BUILD_CACHE] = "BUILD_CACHE",
};
_Static_assert(ARRAY_SIZE(kind_fields) == KIND_MAX_, "a field per kind");

const char *journal_kind_field(enum kind kind)
{
	return kind_fields[kind];
}

/* REMOVED_CONTAINERS=…, REMOVED_CONTAINERS_BYTES=…; WOULD_REMOVE_… when nothing was applied. */
static void add_kinds(struct entry *entry, const struct report *report,
		      const struct tally *tally)
{
	const char *verb = report->result ? "REMOVED" : "WOULD_REMOVE";

	for (int kind = 0; kind < KIND_MAX_; kind++) {
		_cleanup_free_ char *count = mem_printf("%s_%s", verb, kind_fields[kind]);
		_cleanup_free_ char *bytes = mem_printf("%s_%s_BYTES", verb, kind_fields[kind]);

		entry_add_number(entry, count, (int64_t)tally->went.n[kind]);
		if (tally->went.n[kind] > 0 && tally->bytes[kind] >= 0)
			entry_add_bytes(entry, bytes, tally->bytes[kind]);
	}
}

/* What the engine's sizes say. */
static void add_claimed(struct entry *entry, const struct report *report,
			const struct totals *went)
{
	const char *name = report->result ? "CLAIMED" : "WOULD_CLAIM";

	if (went->bytes > 0 || went->unknown == 0)
		entry_add_bytes(entry, name, went->bytes);
	entry_add_number(entry, "CLAIMED_IS_UPPER_BOUND", report->plan->claimed_is_upper_bound);
	entry_add_number(entry, "BYTES_UNKNOWN", (int64_t)went->unknown);
}

/* What the file system says. */
static void add_measured(struct entry *entry, const struct report *report)
{
	const struct disk *before = report->before, *after = report->after;
	bool before_known = before && before->state == FACT_KNOWN;
	bool after_known = after && after->state == FACT_KNOWN;

	if (before_known) {
		entry_add_bytes(entry, "FREE_BEFORE", before->available);
		entry_add_bytes(entry, "FILESYSTEM_BYTES", before->total);
	}
	if (after_known)
		entry_add_bytes(entry, "FREE_AFTER", after->available);
	if (before_known && after_known)
		entry_add_bytes(entry, "MEASURED", after->available - before->available);
}

/* What the layers and sizes together promise for this very set. */
static void add_predicted(struct entry *entry, const struct report *report,
			  const struct prediction *predicted)
{
	const struct pressure *pressure = &report->plan->pressure;

	entry_add_bytes(entry, report->result ? "PREDICTED" : "WOULD_FREE", predicted->bytes);
	entry_add_number(entry, "PREDICTED_IS_UPPER_BOUND", predicted->upper_bound);
	entry_add_number(entry, "PREDICTED_UNKNOWN", (int64_t)predicted->unknown);
	if (pressure->needed > 0)
		entry_add_bytes(entry, "PRESSURE_NEEDED", pressure->needed);
	entry_add_number(entry, "PRESSURE_MISSED", report->missed);
}

static void add_held(struct entry *entry, const struct report *report)
{
	struct held held;

	if (!report->missed)
		return;
	held_count(report, &held);
	for (int by = 0; by < HELD_MAX_; by++) {
		_cleanup_free_ char *name = mem_printf("HELD_%s", held_field((enum held_by)by));

		entry_add_bytes(entry, name, held.bytes[by]);
	}
	if (held.rest >= 0)
		entry_add_bytes(entry, "HELD_REST", held.rest);
}

static void add_kept(struct entry *entry, const struct tally *tally)
{
	entry_add_number(entry, "KEPT", (int64_t)tally->kept);
	for (int bucket = 0; bucket < BUCKET_MAX_; bucket++) {
		_cleanup_free_ char *name =
			mem_printf("KEPT_%s", bucket_field((enum bucket)bucket));

		entry_add_number(entry, name, (int64_t)tally->by[bucket]);
	}
	entry_add_number(entry, "GONE_ALREADY", (int64_t)tally->gone);
}

static bool went_anything(const struct report *report, const struct tally *tally)
{
	if (!report->result)
		return false;
	for (int kind = 0; kind < KIND_MAX_; kind++)
		if (tally->went.n[kind] > 0)
			return true;
	return false;
}

static enum event event_of(const struct report *report, const struct tally *tally)
{
	if (report->missed)
		return EVENT_RUN_MISSED;
	return went_anything(report, tally) ? EVENT_RUN_REMOVED : EVENT_RUN_NOTHING;
}

void journal_summary(struct journal *journal)
{
	const struct report *report = journal->report;
	_cleanup_free_ char *message = report_summary(report);
	struct tally tally;
	struct entry entry;

	tally_count(&tally, report);
	entry_start(&entry, event_of(report, &tally), message);
	journal_add_run(&entry, report);
	entry_add(&entry, "TRIGGER", report->scheduled ? "timer" : "manual");
	entry_add(&entry, "MODE", report->observe ? "observe" : "remove");
	add_kinds(&entry, report, &tally);
	entry_add_number(&entry, report->result ? "TAGGED" : "WOULD_TAG",
			 (int64_t)(report->result ? tally.tagged : tally.to_tag));
	add_claimed(&entry, report, &tally.went);
	add_predicted(&entry, report, &tally.predicted);
	add_measured(&entry, report);
	add_held(&entry, report);
	add_kept(&entry, &tally);
	entry_add_number(&entry, "FAILED", (int64_t)tally.failed);
	entry_add_number(&entry, "UNKNOWN_AGES", (int64_t)report->plan->unknown_ages);
	journal_send(journal, &entry);
}
