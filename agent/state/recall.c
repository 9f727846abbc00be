#include "state/state.h"

#include <stdlib.h>
#include <string.h>

#include "state/list.h"
#include "state/owner.h"
#include "state/preserved.h"
#include "state/runs.h"
#include "state/sql.h"
#include "state/watched.h"

/* A step of the clock beyond this is worth a line. */
#define CLOCK_TOLERANCE 3600

static void forget_all(struct snapshot *snapshot)
{
	snapshot->remembers = false;
	snapshot->first_look = false;
	snapshot->n_runs = 0;
	snapshot->watched_from = snapshot->unwatched_from = TIME_UNKNOWN;
	for (size_t i = 0; i < LISTS; i++) {
		struct list list = list_get(snapshot, i);

		for (size_t k = 0; k < list.n; k++) {
			*list_memory(&list, k) = memory_nothing;
			if (list_volume(&list, k))
				list_volume(&list, k)->announced = TIME_UNKNOWN;
		}
	}
}

static int64_t not_ahead(int64_t time, int64_t now)
{
	return time > now ? now : time;
}

static bool has_own_tag(const struct list *list, size_t index)
{
	const struct image *images = (const struct image *)(const void *)list->items;

	return list->kind == KIND_IMAGE && images[index].n_tags > 0 &&
	       images[index].memory.preserved_at == TIME_UNKNOWN;
}

static void fill(const struct list *list, size_t index, sqlite3_stmt *row, int64_t now)
{
	struct memory *memory = list_memory(list, index);

	if (sql_time(row, 1) != list_created(list, index))
		return;
	memory->first_seen = not_ahead(sql_time(row, 2), now);
	/* Tagged again since the last look: the break comes before this look is written down.
	 */
	if (!has_own_tag(list, index))
		memory->untagged_since = not_ahead(sql_time(row, 3), now);
	memory->last_used = not_ahead(sql_time(row, 4), now);
	memory->seen_tagged = sqlite3_column_int(row, 5) != 0;
	if (list_volume(list, index))
		list_volume(list, index)->announced = not_ahead(sql_time(row, 6), now);
	memory->pulled = not_ahead(sql_time(row, 7), now);
}

static int recall_objects(const struct state *state, struct snapshot *snapshot, int64_t now,
			  struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *rows = NULL;
	int r = sql_prepare(state,
			    "SELECT id, created, first_seen, untagged_since, last_used, "
			    "seen_tagged, announced, pulled FROM objects WHERE kind = ?",
			    &rows, err);

	for (size_t i = 0; r == 0 && i < LISTS; i++) {
		struct list list = list_get(snapshot, i);

		sql_bind_text(rows, 1, kind_to_string(list.kind));
		while ((r = sql_step(state, rows, err)) > 0) {
			size_t index = list_find(&list, sql_text(rows, 0));

			if (index < list.n)
				fill(&list, index, rows, now);
		}
	}
	return r;
}

static int recall_preserved(const struct state *state, struct snapshot *snapshot, int64_t now,
			    struct err *err)
{
	_cleanup_free_ int64_t *at = NULL;
	int r = preserved_at(state, snapshot, &at, err);

	for (size_t i = 0; r == 0 && i < snapshot->n_images; i++)
		snapshot->images[i].memory.preserved_at = not_ahead(at[i], now);
	return r;
}

/* Of names that an image had, the one that preserve-as gave it is none. */
static bool is_preserved_name(const struct image *image, const char *name)
{
	return image->memory.preserved_at != TIME_UNKNOWN &&
	       strcmp(image->tags[0].raw, name) == 0;
}

/* Of what was seen before, a name that no row tells of is new. */
static void begin_named(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_images; i++) {
		struct image *image = &snapshot->images[i];

		if (image->memory.first_seen == TIME_UNKNOWN || image->n_tags == 0)
			continue;
		image->memory.named = arena_array(snapshot->arena, image->n_tags,
						  sizeof(*image->memory.named));
		for (size_t k = 0; k < image->n_tags; k++)
			image->memory.named[k] = TIME_UNKNOWN;
	}
}

static void note_named(struct image *image, const char *name, int64_t since)
{
	for (size_t i = 0; image->memory.named && i < image->n_tags; i++)
		if (strcmp(image->tags[i].raw, name) == 0)
			image->memory.named[i] = since;
}

static int count_names(const struct state *state, size_t *ret, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *count = NULL;
	int r = sql_prepare(state, "SELECT count(*) FROM image_names", &count, err);

	if (r == 0)
		r = sql_step(state, count, err);
	if (r > 0)
		*ret = (size_t)sqlite3_column_int64(count, 0);
	return r < 0 ? r : 0;
}

/* The rows of one image follow each other, so each image's names are a slice of one array. */
static int recall_names(const struct state *state, struct snapshot *snapshot, int64_t now,
			struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *rows = NULL;
	size_t n = 0, next = 0;
	const char **names;
	int r = count_names(state, &n, err);

	if (r == 0)
		r = sql_prepare(
			state,
			"SELECT image, name, iif(lost IS NULL, first_seen, NULL) "
			"FROM image_names ORDER BY image, lost IS NULL DESC, lost DESC, first_seen DESC, name",
			&rows, err);
	if (r < 0)
		return r;
	begin_named(snapshot);
	names = arena_array(snapshot->arena, n, sizeof(*names));
	while ((r = sql_step(state, rows, err)) > 0 && next < n) {
		struct image *image = snapshot_image(snapshot, sql_text(rows, 0));

		if (image)
			note_named(image, sql_text(rows, 1), not_ahead(sql_time(rows, 2), now));
		if (!image || is_preserved_name(image, sql_text(rows, 1)))
			continue;
		if (image->memory.names.n == 0)
			image->memory.names.v = &names[next];
		names[next++] = arena_strdup(snapshot->arena, sql_text(rows, 1));
		image->memory.names.n++;
	}
	return r;
}

static int recall_look(const struct state *state, struct snapshot *snapshot, int64_t now,
		       struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *look = NULL;
	int r = sql_prepare(state, "SELECT last FROM looks", &look, err);
	char at[UNITS_SIZE];

	if (r == 0)
		r = sql_step(state, look, err);
	if (r < 0)
		return r;
	snapshot->first_look = r == 0;
	if (r > 0 && sql_time(look, 0) - CLOCK_TOLERANCE > now)
		problems_add(&snapshot->problems,
			     "state %s: last written at %s, which lies ahead of the clock; if "
			     "the clock is right, remove the file",
			     state->path, units_format_time(at, sql_time(look, 0), now));
	return 0;
}

static int recall_own_objects(const struct state *state, struct snapshot *snapshot, int64_t now,
			      struct err *err)
{
	int changed = owner_changed(state, &snapshot->engine, err);

	if (changed == 0)
		return recall_objects(state, snapshot, now, err);
	snapshot->first_look = true;
	return changed < 0 ? changed : 0;
}

static int recall_all(const struct state *state, struct snapshot *snapshot, int64_t now,
		      struct err *err)
{
	int r = sql_run(state, "BEGIN", err);

	if (r == 0)
		r = recall_look(state, snapshot, now, err);
	if (r == 0)
		r = recall_preserved(state, snapshot, now, err);
	if (r == 0)
		r = recall_own_objects(state, snapshot, now, err);
	if (r == 0)
		r = recall_names(state, snapshot, now, err);
	if (r == 0)
		r = runs_recall(state, snapshot, err);
	if (r == 0)
		r = watched_recall(state, snapshot, now, err);
	sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int state_recall(struct state *state, struct snapshot *snapshot, int64_t now, struct err *err)
{
	int r = 0;

	forget_all(snapshot);
	if (!state)
		return 0;
	if (state->db)
		r = recall_all(state, snapshot, now, err);
	else
		snapshot->first_look = true;
	if (r < 0)
		forget_all(snapshot);
	else
		snapshot->remembers = true;
	return r;
}
