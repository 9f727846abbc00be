#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "report/held.h"
#include "report/summary.h"
#include "report/tally.h"

/* ---- removed 42 containers, 17 images (20 tags) ---- */

static void count_kind(FILE *out, size_t n, enum kind kind)
{
	fprintf(out, "%zu %s%s", n, kind_to_words(kind), n == 1 ? "" : "s");
}

static bool anything(const struct totals *totals)
{
	for (int kind = 0; kind < KIND_MAX_; kind++)
		if (totals->n[kind] > 0)
			return true;
	return false;
}

static void count_kinds(FILE *out, const struct totals *totals)
{
	const char *separator = " ";

	for (int kind = 0; kind < KIND_MAX_; kind++) {
		bool with_image = kind == KIND_TAG && totals->n[KIND_IMAGE] > 0;

		if (totals->n[kind] == 0)
			continue;
		fputs(with_image ? " (" : separator, out);
		count_kind(out, totals->n[kind], (enum kind)kind);
		fputs(with_image ? ")" : "", out);
		separator = ", ";
	}
}

static void say_removed(FILE *out, const struct report *report, const struct tally *tally)
{
	const struct result *result = report->result;

	if (report->plan->n_removals == 0 && !report->earlier)
		fputs("nothing to remove", out);
	else if (!anything(&tally->went))
		fputs("removed nothing", out);
	else
		fputs(result ? "removed" : "would remove", out);
	count_kinds(out, &tally->went);
	if (tally->gone > 0)
		fprintf(out, ", %zu had gone already", tally->gone);
	if (result && result->interrupted)
		fputs("; interrupted", out);
	if (report->observe)
		fputs("; mode = observe removes nothing", out);
}

/* ---- reclaimed up to 3.2GB and 2 objects of unknown size (free: 11.4GB → 14.6GB) ---- */

static void say_unknown(FILE *out, size_t n)
{
	fprintf(out, "%zu object%s of unknown size", n, n == 1 ? "" : "s");
}

static void say_claimed(FILE *out, const struct totals *totals, bool upper_bound)
{
	char bytes[UNITS_SIZE];

	if (totals->bytes == 0 && totals->unknown > 0) {
		say_unknown(out, totals->unknown);
		return;
	}
	fprintf(out, "%s%s", upper_bound ? "up to " : "",
		units_format_bytes(bytes, totals->bytes));
	if (totals->unknown > 0) {
		fputs(" and ", out);
		say_unknown(out, totals->unknown);
	}
}

static const char *free_bytes(char buffer[UNITS_SIZE], const struct disk *disk)
{
	return disk->state == FACT_KNOWN ? units_format_bytes(buffer, disk->available)
					 : "unknown";
}

/* Where three digits of a large disk do not show it. */
static void say_difference(FILE *out, int64_t more)
{
	char bytes[UNITS_SIZE];

	if (more != 0)
		fprintf(out, ", %s %s", units_format_bytes(bytes, more < 0 ? -more : more),
			more < 0 ? "less" : "more");
}

static void say_after(FILE *out, const struct disk *before, const struct disk *after)
{
	char was[UNITS_SIZE], is[UNITS_SIZE];

	if (before->state != FACT_KNOWN && after->state != FACT_KNOWN)
		return;
	fprintf(out, " → %s", free_bytes(is, after));
	if (before->state == FACT_KNOWN && after->state == FACT_KNOWN &&
	    strcmp(free_bytes(was, before), is) == 0)
		say_difference(out, after->available - before->available);
}

static void say_free(FILE *out, const struct report *report)
{
	char before[UNITS_SIZE];

	if (!report->before)
		return;
	fprintf(out, " (free: %s", free_bytes(before, report->before));
	if (report->result && report->after)
		say_after(out, report->before, report->after);
	fputs(")", out);
}

static void say_announced(FILE *out, const struct report *report)
{
	bool announced = false;
	size_t n = 0;

	for (const struct report *round = report; round; round = round->earlier)
		announced = announced || round->announced;
	for (const struct report *round = report; round; round = round->earlier)
		for (size_t i = 0; round->announced == announced && i < round->plan->n; i++)
			n += round->plan->verdicts[i].announce;
	if (n > 0)
		fprintf(out, "; %s the removal of %zu volume%s",
			announced ? "announced" : "would announce", n, n == 1 ? "" : "s");
}

static void say_reclaimed(FILE *out, const struct report *report, const struct tally *tally)
{
	if (!anything(&tally->went))
		return;
	fputs(report->result ? "; reclaimed " : "; would reclaim ", out);
	say_claimed(out, &tally->went, report->plan->claimed_is_upper_bound);
	say_free(out, report);
}

/* ---- named 2 superseded images ---- */

static void say_tagged(FILE *out, const struct report *report, const struct tally *tally)
{
	if (tally->to_tag == 0)
		return;
	fputs(report->result ? "; named " : "; would name ", out);
	if (report->result && tally->tagged < tally->to_tag)
		fprintf(out, "%zu of ", tally->tagged);
	fprintf(out, "%zu superseded image%s", tally->to_tag, tally->to_tag == 1 ? "" : "s");
}

/* ---- predicted 12.3GB, measured 12.1GB; missed: … ---- */

static void say_measured(FILE *out, const struct report *report)
{
	const struct disk *before = report->before, *after = report->after;
	char bytes[UNITS_SIZE];
	int64_t freed;

	if (!before || !after || before->state != FACT_KNOWN || after->state != FACT_KNOWN)
		return;
	freed = after->available - before->available;
	fprintf(out, ", measured %s%s", freed < 0 ? "-" : "",
		units_format_bytes(bytes, freed < 0 ? -freed : freed));
}

static void say_predicted(FILE *out, const struct report *report, const struct tally *tally)
{
	char bytes[UNITS_SIZE];

	if (!report->plan->pressure.wanted || !anything(&tally->went))
		return;
	fprintf(out, "; predicted %s%s", tally->predicted.upper_bound ? "up to " : "",
		units_format_bytes(bytes, tally->predicted.bytes));
	if (tally->predicted.unknown > 0) {
		fputs(" and ", out);
		say_unknown(out, tally->predicted.unknown);
	}
	say_measured(out, report);
}

/* What was reached and what holds the rest. */
static void say_missed(FILE *out, const struct report *report)
{
	_cleanup_free_ char *state = summary_disk(held_on(report)), *words = NULL;
	struct held held;

	if (!report->missed)
		return;
	fprintf(out, "; the mark was missed: %s", state);
	held_count(report, &held);
	words = held_words(&held);
	fprintf(out, "; what holds the rest: %s", words);
}

/* ---- kept 58 (running 12, in use 20, too young 26) ---- */

static void say_kept(FILE *out, const struct tally *tally)
{
	const char *separator = " (";

	fprintf(out, "; kept %zu", tally->kept);
	for (int bucket = 0; bucket < BUCKET_MAX_; bucket++) {
		if (tally->by[bucket] == 0)
			continue;
		fprintf(out, "%s%s %zu", separator, bucket_words((enum bucket)bucket),
			tally->by[bucket]);
		separator = ", ";
	}
	if (tally->kept > 0)
		fputs(")", out);
}

/* ---- first look at this engine: 17 ages unknown; they go from Tuesday 10:00 on ---- */

static int64_t first_to_go(const struct plan *plan)
{
	int64_t at = TIME_UNKNOWN;

	for (size_t i = 0; i < plan->n; i++) {
		const struct verdict *verdict = &plan->verdicts[i];

		if (verdict->action != VERDICT_REMOVE && verdict->age.source == SOURCE_NOW &&
		    verdict->goes_at != TIME_UNKNOWN &&
		    (at == TIME_UNKNOWN || verdict->goes_at < at))
			at = verdict->goes_at;
	}
	return at;
}

char *summary_first_look(const struct plan *plan)
{
	int64_t at = first_to_go(plan);
	const char *are = plan->unknown_ages == 1 ? "age" : "ages";
	const char *they = plan->unknown_ages == 1 ? "it goes" : "they go";
	char when[UNITS_SIZE];

	if (!plan->snapshot->first_look || plan->unknown_ages == 0)
		return NULL;
	if (at == TIME_UNKNOWN)
		return mem_printf("first look at this engine: %zu %s unknown",
				  plan->unknown_ages, are);
	return mem_printf("first look at this engine: %zu %s unknown; %s from %s on",
			  plan->unknown_ages, are, they,
			  units_format_time(when, at, plan->now));
}

char *report_summary(const struct report *report)
{
	_cleanup_free_ char *first_look = summary_first_look(report->plan);
	struct tally tally;
	char *line = NULL;
	size_t length;
	FILE *out = open_memstream(&line, &length);

	if (!out)
		mem_die();
	tally_count(&tally, report);
	say_removed(out, report, &tally);
	say_reclaimed(out, report, &tally);
	say_predicted(out, report, &tally);
	say_missed(out, report);
	say_announced(out, report);
	say_tagged(out, report, &tally);
	say_kept(out, &tally);
	if (first_look)
		fprintf(out, "; %s", first_look);
	if (fclose(out) != 0)
		mem_die();
	return line;
}

char *summary_disk(const struct disk *disk)
{
	char free[UNITS_SIZE];
	int64_t total;

	if (disk->state != FACT_KNOWN)
		return mem_strdup("the disk's state is unknown");
	total = (disk->used + disk->available) / 100;
	return mem_printf("the disk is %lld%% full, %s free",
			  total > 0 ? (long long)((disk->used + total - 1) / total) : 0LL,
			  units_format_bytes(free, disk->available));
}

static const char *brake_kind(enum kind kind)
{
	if (kind == KIND_IMAGE)
		return "untagged images";
	return kind == KIND_TAG ? "tagged images" : kind_to_plural(kind);
}

char *report_brake(const struct plan *plan)
{
	const struct brake *brake = &plan->brake;

	if (!brake->pulled)
		return NULL;
	if (brake->rule)
		return mem_printf("brake: %zu of %zu %s of rule %s would go; look at 'reclaimd "
				  "plan', then set its max-remove",
				  brake->removals, brake->of, kind_to_plural(brake->kind),
				  brake->rule->name);
	return mem_printf("brake: %zu of %zu %s would go; look at 'reclaimd plan', then set "
			  "max-remove",
			  brake->removals, brake->of, brake_kind(brake->kind));
}
