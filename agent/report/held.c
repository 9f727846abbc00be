#include "report/held.h"

#include <assert.h>
#include <stdlib.h>

#include "base/units.h"
#include "plan/layers.h"

static const struct {
	const char *words, *field, *key;
} rows[] = {
	[HELD_BY_OTHERS] = { "others", "OTHERS", "others" },
	[HELD_BY_NO_RULE] = { "what no rule owns", "NO_RULE", "no_rule" },
	[HELD_BY_KEEPERS] = { "what rules keep", "KEEPERS", "keepers" },
	[HELD_BY_CACHE] = { "build cache", "CACHE", "cache" },
	[HELD_BY_AGE] = { "too young", "AGE", "age" },
	[HELD_BY_PINS] = { "pinned", "PINS", "pins" },
	[HELD_BY_STOPPED] = { "in use", "IN_USE", "in_use" },
	[HELD_BY_RUNNING] = { "running containers and their images", "RUNNING", "running" },
};
static_assert(ARRAY_SIZE(rows) == HELD_MAX_, "words for each");

static const enum held_by by_reason[REASON_MAX_] = {
	[REASON_NO_RULE] = HELD_BY_NO_RULE,	   [REASON_RULE_KEEPS] = HELD_BY_PINS,
	[REASON_ENOUGH_FREE] = HELD_BY_KEEPERS,	   [REASON_RUNNING] = HELD_BY_RUNNING,
	[REASON_RESTART_POLICY] = HELD_BY_STOPPED, [REASON_IN_USE] = HELD_BY_STOPPED,
	[REASON_IN_USE_COUNTED] = HELD_BY_STOPPED, [REASON_PINNED] = HELD_BY_PINS,
	[REASON_TOO_YOUNG] = HELD_BY_AGE,	   [REASON_KEEP_WITHIN] = HELD_BY_KEEPERS,
	[REASON_KEEP_LAST] = HELD_BY_KEEPERS,	   [REASON_KEEP_LAST_RUN] = HELD_BY_KEEPERS,
	[REASON_MAYBE_WANTED] = HELD_BY_NO_RULE,
};

static bool is_gone(const struct report *report, size_t row)
{
	return report->result && (report->result->outcomes[row] == OUTCOME_REMOVED ||
				  report->result->outcomes[row] == OUTCOME_GONE);
}

/* Per image the strongest of what its names say, HELD_MAX_ if it went. */
static enum held_by *classify_images(const struct report *report)
{
	const struct snapshot *snapshot = report->plan->snapshot;
	enum held_by *by = mem_zalloc(snapshot->n_images + 1, sizeof(*by));

	for (size_t row = 0; row < report->plan->n; row++) {
		const struct verdict *verdict = &report->plan->verdicts[row];
		size_t image;

		if (!is_image_row(verdict))
			continue;
		image = (size_t)(verdict->image - snapshot->images);
		if (is_gone(report, row))
			by[image] = HELD_MAX_;
		else if (by_reason[verdict->reason] > by[image])
			by[image] = by_reason[verdict->reason];
	}
	for (size_t i = 0; i < snapshot->n_containers; i++) {
		const struct container *container = &snapshot->containers[i];
		const struct image *image =
			container->image_id ? snapshot_image(snapshot, container->image_id)
					    : NULL;

		if (image && report->plan->verdicts[i].reason == REASON_RUNNING)
			by[image - snapshot->images] = HELD_BY_RUNNING;
	}
	return by;
}

static void add(struct held *held, enum held_by by, int64_t bytes)
{
	if (bytes >= 0 && bytes <= INT64_MAX - held->bytes[by])
		held->bytes[by] += bytes;
	else
		held->unknown++;
}

/* Letting go of the weakest first leaves each layer to the strongest. */
static void count_images(const struct report *report, struct held *held)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_free_ enum held_by *by = classify_images(report);
	const struct snapshot *snapshot = report->plan->snapshot;
	struct layer_graph *graph = layers_new(arena, snapshot, NULL);

	for (size_t i = 0; i < snapshot->n_images; i++)
		if (by[i] == HELD_MAX_)
			layers_release(graph, i);
	for (int now = 0; now < HELD_MAX_; now++)
		for (size_t i = 0; i < snapshot->n_images; i++) {
			struct freed freed;

			if ((int)by[i] != now)
				continue;
			freed = layers_release(graph, i);
			add(held, by[i], freed.bytes);
			held->unknown +=
				freed.unknown || snapshot->images[i].layered != FACT_KNOWN;
		}
}

static void count_others(const struct report *report, struct held *held)
{
	for (size_t row = 0; row < report->plan->n; row++) {
		const struct verdict *verdict = &report->plan->verdicts[row];

		if (is_gone(report, row))
			continue;
		if (verdict->kind == KIND_CONTAINER)
			add(held, by_reason[verdict->reason],
			    verdict->container->sized == FACT_KNOWN ? verdict->container->size
								    : -1);
		else if (verdict->kind == KIND_BUILD_CACHE && !verdict->cache->shared)
			add(held, HELD_BY_CACHE, verdict->cache->size);
	}
}

const struct disk *held_on(const struct report *report)
{
	return report->after ? report->after : &report->plan->snapshot->disk;
}

void held_count(const struct report *report, struct held *ret)
{
	const struct disk *disk = held_on(report);

	*ret = (struct held){ .rest = -1 };
	count_images(report, ret);
	count_others(report, ret);
	if (disk->state != FACT_KNOWN)
		return;
	ret->rest = disk->used;
	for (int by = 0; by < HELD_MAX_; by++)
		ret->rest -= ret->bytes[by] < ret->rest ? ret->bytes[by] : ret->rest;
}

const char *held_field(enum held_by by)
{
	return rows[by].field;
}

const char *held_key(enum held_by by)
{
	return rows[by].key;
}

char *held_words(const struct held *held)
{
	char bytes[UNITS_SIZE], *text = NULL;
	const char *comma = "";
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		mem_die();
	for (int by = HELD_MAX_ - 1; by >= 0; by--) {
		if (held->bytes[by] == 0)
			continue;
		fprintf(out, "%s%s %s", comma, rows[by].words,
			units_format_bytes(bytes, held->bytes[by]));
		comma = ", ";
	}
	if (held->unknown > 0)
		fprintf(out, "%s%zu objects of unknown size", comma, held->unknown);
	comma = held->unknown > 0 ? ", " : comma;
	if (held->rest >= 0)
		fprintf(out, "%slogs, volumes and what is not the engine's %s", comma,
			units_format_bytes(bytes, held->rest));
	if (fclose(out) != 0)
		mem_die();
	return text;
}
