#include "state/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "state/sql.h"
#include "state/watched.h"

/* While the state cannot be written, notes wait; not without end. */
#define NOTES_MAX ((size_t)50000)
#define INTERVALS_KEPT "32"

struct note {
	enum sighting kind;
	char *what, *other;
	char *full; /* SEEN_IMAGE_NAMED: other with registry, as preserve-as notes its names */
	int64_t at;
};

enum interval_next {
	INTERVAL_NONE, /* nothing is seen as a whole */
	INTERVAL_CONTINUE,
	INTERVAL_BEGIN,
};

struct watch {
	struct state *state;
	int lock_fd;
	struct note *notes;
	size_t n;
	enum interval_next next;
	int64_t since; /* INTERVAL_BEGIN */
	bool broken;   /* something escaped since the last flush */
	int64_t event_nsec;
	int64_t version; /* of the file, as others write it */
};

/* ?1: what, ?2: other, ?3: at, ?4: now, ?5: full. */
#define STATEMENTS 3
static const char *const statements[][STATEMENTS] = {
	[SEEN_IMAGE_USED] = { "INSERT INTO objects (kind, id, first_seen, last_used) "
			      "VALUES ('image', ?1, ?4, ?3) ON CONFLICT DO UPDATE SET "
			      "last_used = max(ifnull(last_used, ?3), ?3)" },
	[SEEN_IMAGE_PULLED] = { "INSERT INTO objects (kind, id, first_seen, pulled) "
				"VALUES ('image', ?1, ?4, ?3) ON CONFLICT DO UPDATE SET "
				"pulled = max(ifnull(pulled, ?3), ?3)" },
	[SEEN_IMAGE_NAMED] = { "UPDATE image_names SET lost = ?3 "
			       "WHERE name = ?2 AND image <> ?1 AND lost IS NULL",
			       "INSERT INTO image_names (image, name, first_seen) "
			       "VALUES (?1, ?2, ?4) ON CONFLICT DO UPDATE SET lost = NULL, "
			       "first_seen = ?4 WHERE lost IS NOT NULL",
			       "INSERT INTO objects (kind, id, first_seen, seen_tagged) "
			       "SELECT 'image', ?1, ?4, 1 WHERE NOT EXISTS (SELECT 1 "
			       "FROM preserved WHERE image = ?1 AND name = ?5) "
			       "ON CONFLICT DO UPDATE SET seen_tagged = 1, "
			       "untagged_since = NULL" },
	[SEEN_RUN] = { "INSERT INTO runs (service, image, at) VALUES (?2, ?1, ?3) "
		       "ON CONFLICT DO UPDATE SET at = max(at, excluded.at)" },
	[SEEN_VOLUME_USED] = { "INSERT INTO volume_uses (name, at) VALUES (?1, ?3) "
			       "ON CONFLICT DO UPDATE SET at = max(at, excluded.at)" },
	[SEEN_VOLUME_GONE] = { "DELETE FROM volume_uses WHERE name = ?1 AND at <= ?3" },
};

int watch_open(const char *path, struct watch **ret, struct err *err)
{
	_cleanup_(watch_closep) struct watch *watch = mem_zalloc(1, sizeof(*watch));
	int r;

	*ret = NULL;
	watch->lock_fd = -1;
	r = state_open(path, 1, &watch->state, err);
	if (r == 0)
		r = watched_lock(path, &watch->lock_fd, err);
	if (r == 0)
		*ret = take(watch);
	return r;
}

static void drop_notes(struct watch *watch)
{
	for (size_t i = 0; i < watch->n; i++) {
		free(watch->notes[i].what);
		free(watch->notes[i].other);
		free(watch->notes[i].full);
	}
	free(take(watch->notes));
	watch->n = 0;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	drop_notes(watch);
	state_close(watch->state);
	if (watch->lock_fd >= 0)
		close(watch->lock_fd);
	free(watch);
}

struct state *watch_state(const struct watch *watch)
{
	return watch->state;
}

int watch_last(const struct watch *watch, int64_t *ret_until, int64_t *ret_event_nsec,
	       struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	int r = sql_prepare(watch->state,
			    "SELECT until, last_event FROM watched ORDER BY id DESC LIMIT 1",
			    &row, err);

	*ret_until = TIME_UNKNOWN;
	*ret_event_nsec = 0;
	if (r == 0)
		r = sql_step(watch->state, row, err);
	if (r <= 0)
		return r;
	*ret_until = sql_time(row, 0);
	*ret_event_nsec = sqlite3_column_int64(row, 1);
	return 0;
}

void watch_continue(struct watch *watch)
{
	watch->next = INTERVAL_CONTINUE;
}

void watch_begin(struct watch *watch, int64_t since)
{
	watch->next = INTERVAL_BEGIN;
	watch->since = since;
}

void watch_break(struct watch *watch)
{
	watch->broken = true;
}

static char *full_name(const char *name)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct reference reference;

	return mem_strdup(reference_parse(arena, name, &reference) ? reference.full : name);
}

void watch_note(struct watch *watch, enum sighting kind, const char *what, const char *other,
		int64_t at)
{
	if (watch->n == NOTES_MAX) {
		drop_notes(watch);
		watch_break(watch);
	}
	watch->notes = mem_grow(watch->notes, watch->n, sizeof(*watch->notes));
	watch->notes[watch->n++] = (struct note){
		.kind = kind,
		.what = mem_strdup(what),
		.other = mem_strdup(other ? other : ""),
		.full = kind == SEEN_IMAGE_NAMED ? full_name(other) : NULL,
		.at = at,
	};
}

void watch_note_event(struct watch *watch, int64_t event_nsec)
{
	if (event_nsec > watch->event_nsec)
		watch->event_nsec = event_nsec;
}

size_t watch_waiting(const struct watch *watch)
{
	return watch->n + watch->broken;
}

bool watch_is_asked(struct watch *watch)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	int64_t before = watch->version;
	struct err err;

	/* It does not change with what is written over this connection. */
	if (sql_prepare(watch->state, "PRAGMA data_version", &row, &err) < 0 ||
	    sql_step(watch->state, row, &err) <= 0)
		return false;
	watch->version = sqlite3_column_int64(row, 0);
	return watch->version != before;
}

/* What the clock says, and where it stands before the last look, that, as in state_observe():
 * written down, its times would make what is new look years old once it is put right. */
struct clock {
	int64_t now;
	bool wrong;
};

static int read_clock(const struct watch *watch, int64_t now, struct clock *ret,
		      struct err *err)
{
	int64_t last;
	int r = sql_last_look(watch->state, &last, err);

	*ret = (struct clock){ .now = now };
	if (r == 0 && last > now)
		*ret = (struct clock){ .now = last, .wrong = true };
	return r;
}

static int write_note(const struct watch *watch, sqlite3_stmt *statement,
		      const struct note *note, const struct clock *clock, struct err *err)
{
	bool at_now = clock->wrong || note->at > clock->now;

	sql_bind_text(statement, 1, note->what);
	sql_bind_text(statement, 2, note->other);
	sql_bind_time(statement, 3, at_now ? clock->now : note->at);
	sql_bind_time(statement, 4, clock->now);
	sql_bind_text(statement, 5, note->full);
	return sql_step(watch->state, statement, err);
}

/* Notes of one kind often follow each other; each statement is prepared once a batch. */
struct prepared {
	sqlite3_stmt *v[ARRAY_SIZE(statements)][STATEMENTS];
};

static void prepared_clear(struct prepared *prepared)
{
	for (size_t i = 0; i < ARRAY_SIZE(statements); i++)
		for (size_t k = 0; k < STATEMENTS; k++)
			sqlite3_finalize(prepared->v[i][k]);
}

static int write_notes(const struct watch *watch, int64_t now, struct err *err)
{
	_cleanup_(prepared_clear) struct prepared prepared = { 0 };
	struct clock clock;
	int r = read_clock(watch, now, &clock, err);

	for (size_t i = 0; r == 0 && i < watch->n; i++) {
		const struct note *note = &watch->notes[i];
		sqlite3_stmt **statement = prepared.v[note->kind];

		for (size_t k = 0; r == 0 && k < STATEMENTS && statements[note->kind][k]; k++) {
			if (!statement[k])
				r = sql_prepare(watch->state, statements[note->kind][k],
						&statement[k], err);
			if (r == 0)
				r = write_note(watch, statement[k], note, &clock, err);
		}
	}
	return r;
}

static int write_interval(const struct watch *watch, int64_t now, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	bool continues = watch->next == INTERVAL_CONTINUE && !watch->broken;
	bool begins = watch->next == INTERVAL_BEGIN && !watch->broken;
	int r = sql_prepare(watch->state,
			    continues ? "UPDATE watched SET until = max(until, ?2), open = 1, "
					"last_event = max(last_event, ?3) "
					"WHERE id = (SELECT max(id) FROM watched)"
				      : "INSERT INTO watched (since, until, last_event, open) "
					"VALUES (?1, ?2, ?3, 1)",
			    &row, err);

	if (r < 0)
		return r;
	sql_bind_time(row, 1, begins ? watch->since : now);
	sql_bind_time(row, 2, now);
	sqlite3_bind_int64(row, 3, watch->event_nsec);
	r = sql_step(watch->state, row, err);
	if (r < 0 || continues)
		return r;
	return sql_run(
		watch->state,
		"DELETE FROM watched WHERE id <= (SELECT max(id) FROM watched) - " INTERVALS_KEPT,
		err);
}

/* Writing on into a file that nobody finds any more would look like success. */
static int check_place(const struct watch *watch, struct err *err)
{
	int moved = 0;

	sqlite3_file_control(watch->state->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	return moved ? err_set(err, -ESTALE, "state %s: it was removed or replaced",
			       watch->state->path)
		     : 0;
}

static int commit(const struct watch *watch, int r, struct err *err)
{
	if (r == 0)
		r = sql_run(watch->state, "COMMIT", err);
	if (r < 0)
		sqlite3_exec(watch->state->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int watch_flush(struct watch *watch, int64_t now, struct err *err)
{
	int r = check_place(watch, err);

	if (r == 0)
		r = sql_run(watch->state, "BEGIN IMMEDIATE", err);
	if (r < 0)
		return r;
	r = write_notes(watch, now, err);
	if (r == 0 && watch->next != INTERVAL_NONE)
		r = write_interval(watch, now, err);
	r = commit(watch, r, err);
	if (r < 0)
		return r;
	drop_notes(watch);
	if (watch->next == INTERVAL_NONE)
		return 0;
	watch->next = INTERVAL_CONTINUE;
	watch->broken = false;
	return 0;
}

int watch_end(struct watch *watch, struct err *err)
{
	watch->next = INTERVAL_NONE;
	return sql_run(watch->state, "UPDATE watched SET open = 0 WHERE open", err);
}
