#include "state/state.h"

#include <errno.h>
#include <stdlib.h>

#include "state/list.h"
#include "state/names.h"
#include "state/owner.h"
#include "state/preserved.h"
#include "state/runs.h"
#include "state/use.h"
#include "state/watched.h"

struct observation {
	const struct state *state;
	const struct snapshot *snapshot;
	int64_t now;
	struct use use;
	int64_t *preserved; /* per image: preserved_at() */
	sqlite3_stmt *read, *write;
};

static void observation_clear(struct observation *observation)
{
	use_clear(&observation->use);
	free(observation->preserved);
	sqlite3_finalize(observation->read);
	sqlite3_finalize(observation->write);
}

enum hold { HELD, NOT_HELD, HOLD_UNKNOWN };

static enum hold user_hold(const struct use *use, bool used)
{
	if (!use->known)
		return HOLD_UNKNOWN;
	return used ? HELD : NOT_HELD;
}

static bool has_own_tag(const struct observation *observation, size_t index)
{
	return observation->snapshot->images[index].n_tags > 0 &&
	       observation->preserved[index] == TIME_UNKNOWN;
}

/* Whether the object has a tag (image) or a user (volume, network). An image on which others
 * are built waits for no name: it counts as untagged once the last of them is gone. */
static enum hold hold_of(const struct observation *observation, enum kind kind, size_t index)
{
	const struct use *use = &observation->use;

	switch (kind) {
	case KIND_IMAGE:
		return has_own_tag(observation, index) || use->parents[index] ? HELD : NOT_HELD;
	case KIND_VOLUME:
		return user_hold(use, use->holders.volumes[index].by != NULL);
	case KIND_NETWORK:
		return user_hold(use, use->holders.networks[index].by != NULL);
	case KIND_CONTAINER:
	case KIND_TAG:
	case KIND_BUILD_CACHE:
	case KIND_MAX_:
		break;
	}
	return HELD;
}

/* A row of the table. */
struct record {
	struct memory memory; /* without its names */
	int64_t announced;
};

/* What this run announces begins now, as far as the clock can be believed; while it is not
 * known who uses the volume, nothing is announced. */
static int64_t announced_at(const struct observation *observation, const struct volume *volume,
			    enum hold hold, const struct record *before)
{
	if (!volume || hold != NOT_HELD || volume->announced == TIME_UNKNOWN)
		return TIME_UNKNOWN;
	return volume->announced == before->announced ? before->announced : observation->now;
}

/* What is remembered once this look is added to what was. */
static struct record next_record(const struct observation *observation, const struct list *list,
				 size_t index, const struct record *before)
{
	enum hold hold = hold_of(observation, list->kind, index);
	const struct volume *volume = list_volume(list, index);
	struct memory memory = before->memory;

	if (memory.first_seen == TIME_UNKNOWN)
		memory.first_seen = observation->now;
	if (hold == HELD)
		memory.untagged_since = TIME_UNKNOWN;
	else if (hold == NOT_HELD && memory.untagged_since == TIME_UNKNOWN)
		memory.untagged_since = observation->now;
	if (list->kind == KIND_IMAGE) {
		memory.seen_tagged =
			memory.seen_tagged || observation->snapshot->images[index].n_tags > 0;
		if (observation->use.images[index] > memory.last_used)
			memory.last_used = observation->use.images[index];
	}
	return (struct record){ memory, announced_at(observation, volume, hold, before) };
}

static bool same_record(const struct record *a, const struct record *b)
{
	return a->memory.first_seen == b->memory.first_seen &&
	       a->memory.untagged_since == b->memory.untagged_since &&
	       a->memory.last_used == b->memory.last_used &&
	       a->memory.pulled == b->memory.pulled &&
	       a->memory.seen_tagged == b->memory.seen_tagged && a->announced == b->announced;
}

static int read_record(struct observation *observation, const struct list *list, size_t index,
		       struct record *ret, struct err *err)
{
	sqlite3_stmt *row = observation->read;
	int r;

	*ret = (struct record){ memory_nothing, TIME_UNKNOWN };
	sql_bind_text(row, 1, kind_to_string(list->kind));
	sql_bind_text(row, 2, list_id(list, index));
	r = sql_step(observation->state, row, err);
	if (r <= 0)
		return r;
	if (sql_time(row, 0) == list_created(list, index)) {
		ret->memory.first_seen = sql_time(row, 1);
		ret->memory.untagged_since = sql_time(row, 2);
		ret->memory.last_used = sql_time(row, 3);
		ret->memory.seen_tagged = sqlite3_column_int(row, 4) != 0;
		ret->announced = sql_time(row, 5);
		ret->memory.pulled = sql_time(row, 6);
	}
	sqlite3_reset(row);
	return 0;
}

static int write_record(struct observation *observation, const struct list *list, size_t index,
			const struct record *record, struct err *err)
{
	sqlite3_stmt *row = observation->write;

	sql_bind_text(row, 1, kind_to_string(list->kind));
	sql_bind_text(row, 2, list_id(list, index));
	sql_bind_time(row, 3, list_created(list, index));
	sql_bind_time(row, 4, record->memory.first_seen);
	sql_bind_time(row, 5, record->memory.untagged_since);
	sql_bind_time(row, 6, record->memory.last_used);
	sqlite3_bind_int(row, 7, record->memory.seen_tagged);
	sql_bind_time(row, 8, record->announced);
	sql_bind_time(row, 9, record->memory.pulled);
	return sql_step(observation->state, row, err);
}

static int observe_object(struct observation *observation, const struct list *list,
			  size_t index, struct err *err)
{
	struct record before, after;
	int r = read_record(observation, list, index, &before, err);

	if (r < 0)
		return r;
	after = next_record(observation, list, index, &before);
	if (same_record(&before, &after))
		return 0;
	return write_record(observation, list, index, &after, err);
}

struct ids {
	char **v;
	size_t n;
};

static void ids_clear(struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		free(ids->v[i]);
	free(ids->v);
}

static int collect_gone(const struct observation *observation, const struct list *list,
			struct ids *gone, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *rows = NULL;
	int r = sql_prepare(observation->state, "SELECT id FROM objects WHERE kind = ?", &rows,
			    err);

	if (r < 0)
		return r;
	sql_bind_text(rows, 1, kind_to_string(list->kind));
	while ((r = sql_step(observation->state, rows, err)) > 0) {
		if (list_find(list, sql_text(rows, 0)) < list->n)
			continue;
		gone->v = mem_grow(gone->v, gone->n, sizeof(*gone->v));
		gone->v[gone->n++] = mem_strdup(sql_text(rows, 0));
	}
	return r;
}

static int forget_gone(const struct observation *observation, const struct list *list,
		       struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	_cleanup_(ids_clear) struct ids gone = { 0 };
	int r = collect_gone(observation, list, &gone, err);

	if (r == 0)
		r = sql_prepare(observation->state,
				"DELETE FROM objects WHERE kind = ? AND id = ?", &row, err);
	for (size_t i = 0; r == 0 && i < gone.n; i++) {
		sql_bind_text(row, 1, kind_to_string(list->kind));
		sql_bind_text(row, 2, gone.v[i]);
		r = sql_step(observation->state, row, err);
	}
	return r;
}

static int observe_list(struct observation *observation, const struct list *list,
			struct err *err)
{
	int r = forget_gone(observation, list, err);

	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = observe_object(observation, list, i, err);
	return r;
}

static int observe_lists(struct observation *observation, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < LISTS; i++) {
		struct list list = list_get(observation->snapshot, i);

		if (list.state == LISTING_READ)
			r = observe_list(observation, &list, err);
	}
	if (r == 0 && observation->snapshot->listing[KIND_VOLUME] == LISTING_READ)
		r = watched_forget_volumes(observation->state, err);
	if (r == 0 && observation->snapshot->listing[KIND_IMAGE] == LISTING_READ)
		r = names_observe(observation->state, observation->snapshot, observation->now,
				  err);
	if (r == 0 && observation->snapshot->listing[KIND_IMAGE] == LISTING_READ)
		r = preserved_forget_gone(observation->state, err);
	if (r == 0 && observation->snapshot->listing[KIND_CONTAINER] == LISTING_READ)
		r = runs_observe(observation->state, observation->snapshot, observation->now,
				 err);
	return r;
}

static int note_look(const struct observation *observation, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *look = NULL;
	_cleanup_free_ char *owner = owner_key(&observation->snapshot->engine);
	int r = sql_prepare(observation->state,
			    "INSERT INTO looks (id, last, engine) VALUES (1, ?, ?) "
			    "ON CONFLICT DO UPDATE SET last = excluded.last, "
			    "engine = ifnull(excluded.engine, engine)",
			    &look, err);

	if (r < 0)
		return r;
	sql_bind_time(look, 1, observation->now);
	sql_bind_text(look, 2, owner);
	return sql_step(observation->state, look, err);
}

static int prepare(struct observation *observation, struct err *err)
{
	int r = sql_prepare(
		observation->state,
		"SELECT created, first_seen, untagged_since, last_used, "
		"seen_tagged, announced, pulled FROM objects WHERE kind = ? AND id = ?",
		&observation->read, err);

	if (r == 0)
		r = sql_prepare(
			observation->state,
			"INSERT OR REPLACE INTO objects (kind, id, created, "
			"first_seen, untagged_since, last_used, seen_tagged, announced, "
			"pulled) "
			"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			&observation->write, err);
	return r;
}

/* A clock that stands before the last look is wrong now or was wrong then. Were its times
 * written down, all that is new would look years old once it is put right. */
static int believe_clock(struct observation *observation, struct err *err)
{
	int64_t last;
	int r = sql_last_look(observation->state, &last, err);

	if (r == 0 && last > observation->now)
		observation->now = last;
	return r;
}

/* Names and runs stay: they release nothing. */
static int forget_other_engine(const struct observation *observation, struct err *err)
{
	int r = owner_changed(observation->state, &observation->snapshot->engine, err);

	return r > 0 ? sql_run(observation->state, "DELETE FROM objects", err) : r;
}

static int observe_all(struct observation *observation, struct err *err)
{
	int r = prepare(observation, err);

	if (r == 0)
		r = believe_clock(observation, err);
	if (r == 0)
		r = forget_other_engine(observation, err);
	if (r < 0)
		return r;
	use_collect(&observation->use, observation->snapshot, observation->now);
	r = preserved_at(observation->state, observation->snapshot, &observation->preserved,
			 err);
	if (r < 0)
		return r;
	r = observe_lists(observation, err);
	return r == 0 ? note_look(observation, err) : r;
}

static bool read_anything(const struct snapshot *snapshot)
{
	for (size_t i = 0; i < LISTS; i++)
		if (list_get(snapshot, i).state == LISTING_READ)
			return true;
	return false;
}

int state_observe(struct state *state, const struct snapshot *snapshot, int64_t now,
		  struct err *err)
{
	_cleanup_(observation_clear) struct observation observation = {
		.state = state,
		.snapshot = snapshot,
		.now = now,
	};
	int r;

	if (!state->db)
		return err_set(err, -EROFS, "state %s: opened for reading only", state->path);
	if (!read_anything(snapshot))
		return 0;
	r = sql_run(state, "BEGIN IMMEDIATE", err);
	if (r < 0)
		return r;
	r = observe_all(&observation, err);
	if (r == 0)
		r = sql_run(state, "COMMIT", err);
	if (r < 0)
		sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}
