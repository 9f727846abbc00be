#include "report/tally.h"

#include <assert.h>

static const struct {
	const char *words, *field;
} buckets[] = {
	[BUCKET_RUNNING] = { "running", "RUNNING" },
	[BUCKET_IN_USE] = { "in use", "IN_USE" },
	[BUCKET_RESTART] = { "to be restarted", "RESTART" },
	[BUCKET_TOO_YOUNG] = { "too young", "TOO_YOUNG" },
	[BUCKET_NEWEST] = { "newest of their group", "NEWEST" },
	[BUCKET_LAST_RUN] = { "last run by a service", "LAST_RUN" },
	[BUCKET_PINNED] = { "pinned", "PINNED" },
	[BUCKET_RULE] = { "by action = keep", "RULE" },
	[BUCKET_NOT_NEEDED] = { "need not go", "NOT_NEEDED" },
	[BUCKET_PARENT] = { "built upon", "PARENT" },
	[BUCKET_QUARANTINE] = { "in quarantine", "QUARANTINE" },
	[BUCKET_UNWATCHED] = { "not watched", "UNWATCHED" },
	[BUCKET_STORAGE] = { "within keep-storage", "STORAGE" },
	[BUCKET_MAYBE_WANTED] = { "perhaps wanted by digest", "MAYBE_WANTED" },
	[BUCKET_NOT_APPROVED] = { "not approved", "NOT_APPROVED" },
	[BUCKET_ENGINE] = { "the engine's own", "ENGINE" },
	[BUCKET_NO_RULE] = { "no rule", "NO_RULE" },
	[BUCKET_UNKNOWN] = { "not known", "UNKNOWN" },
	[BUCKET_CHANGED] = { "changed meanwhile", "CHANGED" },
	[BUCKET_SKIPPED] = { "skipped", "SKIPPED" },
	[BUCKET_FAILED] = { "failed", "FAILED" },
};
static_assert(ARRAY_SIZE(buckets) == BUCKET_MAX_, "words per bucket");

static const enum bucket by_reason[] = {
	[REASON_NO_RULE] = BUCKET_NO_RULE,
	[REASON_RULE_KEEPS] = BUCKET_RULE,
	/* The next two, the last child and what goes with a container go; if they stay, the
	 * outcome says why. */
	[REASON_EXPIRED] = BUCKET_SKIPPED,
	[REASON_MAX_AGE] = BUCKET_SKIPPED,
	[REASON_PRESSURE] = BUCKET_SKIPPED,
	[REASON_ENOUGH_FREE] = BUCKET_NOT_NEEDED,
	[REASON_RUNNING] = BUCKET_RUNNING,
	[REASON_NOT_OURS] = BUCKET_ENGINE,
	[REASON_RESTART_POLICY] = BUCKET_RESTART,
	[REASON_SWARM_TASK] = BUCKET_ENGINE,
	[REASON_IN_USE] = BUCKET_IN_USE,
	[REASON_IN_USE_COUNTED] = BUCKET_IN_USE,
	[REASON_PINNED] = BUCKET_PINNED,
	[REASON_TOO_YOUNG] = BUCKET_TOO_YOUNG,
	[REASON_KEEP_WITHIN] = BUCKET_TOO_YOUNG,
	[REASON_KEEP_LAST] = BUCKET_NEWEST,
	[REASON_KEEP_LAST_RUN] = BUCKET_LAST_RUN,
	[REASON_OTHER_REFERENCE] = BUCKET_IN_USE,
	[REASON_CHILD] = BUCKET_PARENT,
	[REASON_LAST_CHILD] = BUCKET_SKIPPED,
	[REASON_WITH_CONTAINER] = BUCKET_SKIPPED,
	[REASON_QUARANTINE] = BUCKET_QUARANTINE,
	[REASON_UNWATCHED] = BUCKET_UNWATCHED,
	[REASON_KEEP_STORAGE] = BUCKET_STORAGE,
	[REASON_SHARED] = BUCKET_IN_USE,
	[REASON_MAYBE_WANTED] = BUCKET_MAYBE_WANTED,
	[REASON_NOT_APPROVED] = BUCKET_NOT_APPROVED,
	[REASON_FACT_UNAVAILABLE] = BUCKET_UNKNOWN,
	[REASON_LIST_FAILED] = BUCKET_UNKNOWN,
	[REASON_PENDING] = BUCKET_UNKNOWN,
};
static_assert(ARRAY_SIZE(by_reason) == REASON_MAX_, "a bucket per reason");

static const enum bucket by_outcome[] = {
	[OUTCOME_NONE] = BUCKET_SKIPPED,    [OUTCOME_REMOVED] = BUCKET_MAX_,
	[OUTCOME_TAGGED] = BUCKET_MAX_,	    [OUTCOME_GONE] = BUCKET_MAX_,
	[OUTCOME_IN_USE] = BUCKET_IN_USE,   [OUTCOME_CHANGED] = BUCKET_CHANGED,
	[OUTCOME_SKIPPED] = BUCKET_SKIPPED, [OUTCOME_FAILED] = BUCKET_FAILED,
};
static_assert(ARRAY_SIZE(by_outcome) == OUTCOME_MAX_, "a bucket per outcome");

const char *bucket_words(enum bucket bucket)
{
	return buckets[bucket].words;
}

const char *bucket_field(enum bucket bucket)
{
	return buckets[bucket].field;
}

/* BUCKET_MAX_: the row went, or would go. */
static enum bucket bucket_of(const struct report *report, size_t index)
{
	const struct verdict *verdict = &report->plan->verdicts[index];

	if (verdict->action != VERDICT_REMOVE)
		return by_reason[verdict->reason];
	return report->result ? by_outcome[report->result->outcomes[index]] : BUCKET_MAX_;
}

/* The rows of one image follow each other. */
static size_t end_of_object(const struct plan *plan, size_t start)
{
	size_t end = start + 1;

	if (plan->verdicts[start].kind == KIND_TAG)
		while (end < plan->n && plan->verdicts[end].kind == KIND_TAG &&
		       plan->verdicts[end].image == plan->verdicts[start].image)
			end++;
	return end;
}

/* What keeps one name keeps the image: the row that says so speaks for all. */
static size_t speaker(const struct report *report, size_t start, size_t end)
{
	for (size_t i = start; i < end; i++)
		if (bucket_of(report, i) != BUCKET_MAX_ &&
		    report->plan->verdicts[i].reason != REASON_OTHER_REFERENCE)
			return i;
	return start;
}

static bool was_gone(const struct report *report, size_t index)
{
	return report->result && report->result->outcomes[index] == OUTCOME_GONE;
}

static bool row_went(const struct report *report, size_t index)
{
	if (report->result)
		return report->result->outcomes[index] == OUTCOME_REMOVED;
	return report->plan->verdicts[index].action == VERDICT_REMOVE;
}

static void count_bytes(struct tally *tally, const struct report *report)
{
	for (size_t i = 0; i < report->plan->n; i++) {
		const struct verdict *verdict = &report->plan->verdicts[i];
		int64_t *bytes =
			&tally->bytes[verdict->kind == KIND_TAG ? KIND_IMAGE : verdict->kind];

		if (!row_went(report, i) || verdict->bytes < 0)
			continue;
		if (*bytes < 0)
			*bytes = 0;
		if (verdict->bytes <= INT64_MAX - *bytes)
			*bytes += verdict->bytes;
	}
}

static void add_totals(struct totals *sum, const struct totals *more)
{
	for (int kind = 0; kind < KIND_MAX_; kind++)
		sum->n[kind] += more->n[kind];
	if (more->bytes <= INT64_MAX - sum->bytes)
		sum->bytes += more->bytes;
	sum->unknown += more->unknown;
}

static void add_prediction(struct prediction *sum, const struct prediction *more)
{
	if (more->bytes <= INT64_MAX - sum->bytes)
		sum->bytes += more->bytes;
	sum->unknown += more->unknown;
	sum->upper_bound = sum->upper_bound || more->upper_bound;
}

static void count_rounds(struct tally *tally, const struct report *report)
{
	for (int kind = 0; kind < KIND_MAX_; kind++)
		tally->bytes[kind] = -1;
	for (; report; report = report->earlier) {
		add_totals(&tally->went,
			   report->result ? &report->result->removed : &report->plan->remove);
		add_prediction(&tally->predicted, &report->plan->predicted);
		tally->failed += report->result ? report->result->n_failed : 0;
		tally->tagged += report->result ? report->result->n_tagged : 0;
		tally->to_tag += report->plan->n_tags;
		count_bytes(tally, report);
	}
}

void tally_count(struct tally *tally, const struct report *report)
{
	const struct plan *plan = report->plan;
	size_t end;

	*tally = (struct tally){ 0 };
	count_rounds(tally, report);
	for (size_t i = 0; i < plan->n; i = end) {
		enum bucket bucket;
		size_t row;

		end = end_of_object(plan, i);
		row = speaker(report, i, end);
		bucket = bucket_of(report, row);
		if (bucket != BUCKET_MAX_) {
			tally->by[bucket]++;
			tally->kept++;
		} else if (was_gone(report, row)) {
			tally->gone++;
		}
	}
}
