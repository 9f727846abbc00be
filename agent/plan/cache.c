#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

/* Records of the build cache are built on each other like images; the engine removes none on
 * which another one is built, so they go child before parent. */

struct cache_pass {
	struct planner *planner;
	const struct snapshot *snapshot;
	size_t *children;   /* per record: how many built on it are not settled yet */
	size_t *kept_child; /* per record: one that stays, n_cache for none */
};

static const struct cache_record *find(const struct snapshot *snapshot, const char *id)
{
	size_t low = 0, high = snapshot->n_cache;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = strcmp(snapshot->cache[middle].id, id);

		if (r == 0)
			return &snapshot->cache[middle];
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static struct verdict *row_of(const struct planner *planner, size_t index)
{
	return &planner->plan->verdicts[planner->first_cache + index];
}

/* ---- keep-storage ---- */

/* The build that made a record used it, whether or not it was used again. */
static int64_t used_at(const struct cache_record *record)
{
	return record->last_used != TIME_UNKNOWN ? record->last_used : record->created;
}

/* By rule, then what was used last first. */
static int compare_rows(const void *a, const void *b)
{
	const struct verdict *left = *(const struct verdict *const *)a;
	const struct verdict *right = *(const struct verdict *const *)b;
	int64_t left_at = used_at(left->cache), right_at = used_at(right->cache);
	int r = (left->rule > right->rule) - (left->rule < right->rule);

	if (r == 0)
		r = (left_at < right_at) - (left_at > right_at);
	return r != 0 ? r : strcmp(left->cache->id, right->cache->id);
}

/* A shared record takes no room of its own, one of unknown size takes an unknown one: it stays
 * and leaves the count as it is. */
static int64_t room_of(const struct cache_record *record)
{
	return record->shared || record->size < 0 ? 0 : record->size;
}

void cache_mark_stored(struct planner *planner)
{
	size_t n = planner->snapshot->n_cache, owned = 0;
	const struct verdict **rows = arena_array(planner->arena, n, sizeof(*rows));
	const struct rule *rule = NULL;
	int64_t left = 0;

	planner->stored = arena_array(planner->arena, n, sizeof(*planner->stored));
	for (size_t i = 0; i < n; i++)
		if (row_of(planner, i)->rule)
			rows[owned++] = row_of(planner, i);
	if (owned > 1)
		qsort(rows, owned, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < owned; i++) {
		const struct cache_record *record = rows[i]->cache;

		if (rows[i]->rule != rule) {
			rule = rows[i]->rule;
			left = rule->keep_storage;
		}
		planner->stored[record - planner->snapshot->cache] =
			rule->keep_storage > 0 && room_of(record) <= left;
		left = room_of(record) <= left ? left - room_of(record) : -1;
	}
}

/* ---- one record ---- */

bool cache_is_guarded(const struct cache_record *record)
{
	return record->in_use || record->shared || record->not_ours;
}

static bool guarded(struct verdict *verdict)
{
	const struct cache_record *record = verdict->cache;

	if (record->in_use)
		verdict_set(verdict, VERDICT_KEEP, REASON_IN_USE);
	else if (record->shared)
		verdict_set(verdict, VERDICT_KEEP, REASON_SHARED);
	else if (record->not_ours)
		verdict_set(verdict, VERDICT_KEEP, REASON_NOT_OURS);
	verdict->detail = record->not_ours;
	return cache_is_guarded(record);
}

static void judge(struct cache_pass *pass, size_t index)
{
	struct verdict *verdict = row_of(pass->planner, index);
	size_t child = pass->kept_child[index];

	if (verdict->reason == REASON_LIST_FAILED || guarded(verdict) || !verdict->rule)
		return;
	keep_judge(pass->planner, verdict);
	if (verdict->action == VERDICT_REMOVE && child < pass->snapshot->n_cache) {
		verdict_set(verdict, VERDICT_KEEP, REASON_CHILD);
		verdict->holder = pass->snapshot->cache[child].id;
	}
	removals_add(pass->planner, verdict);
}

/* ---- all of them ---- */

size_t cache_parent(const struct snapshot *snapshot, size_t index, size_t k)
{
	const struct cache_record *parent = find(snapshot, snapshot->cache[index].parents.v[k]);

	return parent ? (size_t)(parent - snapshot->cache) : snapshot->n_cache;
}

static size_t settle(struct cache_pass *pass, size_t index, size_t *queue, size_t tail)
{
	judge(pass, index);
	for (size_t k = 0; k < pass->snapshot->cache[index].parents.n; k++) {
		size_t parent = cache_parent(pass->snapshot, index, k);

		if (parent == pass->snapshot->n_cache)
			continue;
		if (row_of(pass->planner, index)->action == VERDICT_KEEP)
			pass->kept_child[parent] = index;
		if (--pass->children[parent] == 0)
			queue[tail++] = parent;
	}
	return tail;
}

void cache_judge(struct planner *planner)
{
	size_t n = planner->snapshot->n_cache, tail = 0;
	size_t *queue = arena_array(planner->arena, n, sizeof(*queue));
	struct cache_pass pass = {
		planner,
		planner->snapshot,
		arena_array(planner->arena, n, sizeof(size_t)),
		arena_array(planner->arena, n, sizeof(size_t)),
	};

	cache_mark_stored(planner);
	for (size_t i = 0; i < n; i++) {
		pass.kept_child[i] = n;
		for (size_t k = 0; k < planner->snapshot->cache[i].parents.n; k++)
			if (cache_parent(planner->snapshot, i, k) < n)
				pass.children[cache_parent(planner->snapshot, i, k)]++;
	}
	for (size_t i = 0; i < n; i++)
		if (pass.children[i] == 0)
			queue[tail++] = i;
	for (size_t head = 0; head < tail; head++)
		tail = settle(&pass, queue[head], queue, tail);
	/* Those that are each other's parents were never reached: nobody can say which is
	 * first. */
	for (size_t i = 0; i < n; i++)
		if (pass.children[i] > 0)
			verdict_set(row_of(planner, i), VERDICT_KEEP, REASON_CHILD);
}
