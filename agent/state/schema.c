#include "state/schema.h"

#include <errno.h>

/* steps[n] leads from version n to n + 1. A step that was ever released never changes; what is
 * new is a new step. Times are Unix seconds, NULL is not known. */
static const char *const steps[] = {
	"CREATE TABLE objects ("
	"  kind TEXT NOT NULL," /* kind_to_string() */
	"  id TEXT NOT NULL,"	/* a volume's name */
	/* Volumes: a name that is made anew is another volume. */
	"  created INTEGER,"
	"  first_seen INTEGER NOT NULL,"
	/* Since when seen without tag (images) or user (volumes, networks), without a break. */
	"  untagged_since INTEGER,"
	"  last_used INTEGER,"
	"  seen_tagged INTEGER NOT NULL DEFAULT 0,"
	"  announced INTEGER," /* volumes: when their removal was announced */
	"  pulled INTEGER,"    /* when the watcher last saw a pull of it */
	"  PRIMARY KEY (kind, id)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE image_names ("
	"  image TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  first_seen INTEGER NOT NULL,"
	"  lost INTEGER," /* first seen without it; NULL: it has the name */
	"  PRIMARY KEY (image, name)"
	") STRICT, WITHOUT ROWID;"
	/* Names that preserve-as gave, or was about to. They do not make an image a tagged one.
	 */
	"CREATE TABLE preserved ("
	"  image TEXT NOT NULL,"
	"  name TEXT NOT NULL," /* full: repository and tag */
	"  at INTEGER NOT NULL,"
	"  PRIMARY KEY (image, name)"
	") STRICT, WITHOUT ROWID;"
	/* Which images a service ran, and when last. */
	"CREATE TABLE runs ("
	"  service TEXT NOT NULL,"
	"  image TEXT NOT NULL,"
	"  at INTEGER NOT NULL,"
	"  PRIMARY KEY (service, image)"
	") STRICT, WITHOUT ROWID;"
	/* When the watcher last saw a volume mounted: rows may come before their volume. */
	"CREATE TABLE volume_uses ("
	"  name TEXT NOT NULL PRIMARY KEY,"
	"  at INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	/* Times of which the watcher saw all; what lies between them counts as use. */
	"CREATE TABLE watched ("
	"  id INTEGER PRIMARY KEY,"
	"  since INTEGER NOT NULL,"
	"  until INTEGER NOT NULL,"
	"  last_event INTEGER NOT NULL," /* in nanoseconds, 0: none was seen */
	"  open INTEGER NOT NULL"	 /* whether it goes on */
	") STRICT;"
	"CREATE TABLE looks ("
	"  id INTEGER PRIMARY KEY CHECK (id = 1),"
	"  last INTEGER NOT NULL" /* the newest time at which anything was written */
	") STRICT;",
	/* owner_key(), NULL: it did not tell. */
	"ALTER TABLE looks ADD COLUMN engine TEXT;",
};

#define VERSION ((int64_t)ARRAY_SIZE(steps))

static int version_read(const struct state *state, int64_t *ret, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *statement = NULL;
	int r = sql_prepare(state, "PRAGMA user_version", &statement, err);

	if (r < 0)
		return r;
	r = sql_step(state, statement, err);
	if (r <= 0)
		return r < 0 ? r : sql_fail(state, SQLITE_CORRUPT, err);
	*ret = sqlite3_column_int64(statement, 0);
	return 0;
}

static int apply_steps(const struct state *state, int64_t version, struct err *err)
{
	_cleanup_free_ char *marks =
		mem_printf("PRAGMA application_id = %d; PRAGMA user_version = %d",
			   SCHEMA_APPLICATION_ID, (int)VERSION);

	for (; version < VERSION; version++) {
		int r = sql_run(state, steps[version], err);

		if (r < 0)
			return r;
	}
	return sql_run(state, marks, err);
}

static int upgrade(const struct state *state, struct err *err)
{
	int64_t version = 0;
	int r = sql_run(state, "BEGIN IMMEDIATE", err);

	if (r < 0)
		return r;
	/* Read again under the lock: another run may have been faster. */
	r = version_read(state, &version, err);
	if (r == 0 && version < VERSION)
		r = apply_steps(state, version, err);
	if (r == 0)
		r = sql_run(state, "COMMIT", err);
	if (r < 0)
		sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

static int check_pages(const struct state *state, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *statement = NULL;
	int r = sql_prepare(state, "PRAGMA quick_check(1)", &statement, err);

	if (r < 0)
		return r;
	r = sql_step(state, statement, err);
	if (r < 0)
		return r;
	if (r == 0 || sqlite3_stricmp(sql_text(statement, 0), "ok") != 0)
		return sql_fail(state, SQLITE_CORRUPT, err);
	return 0;
}

int schema_ready(const struct state *state, int writable, struct err *err)
{
	int64_t version = 0;
	int r = version_read(state, &version, err);

	if (r == 0 && (version < 0 || version > VERSION))
		return err_set(err, -ENOTSUP,
			       "state %s: its schema is version %lld, this reclaimd knows up "
			       "to %lld",
			       state->path, (long long)version, (long long)VERSION);
	if (r == 0)
		r = check_pages(state, err);
	if (r == 0 && version < VERSION && writable)
		r = upgrade(state, err);
	else if (r == 0 && version < VERSION)
		r = err_set(err, -ENOTSUP,
			    "state %s: its schema is older; the next run brings it "
			    "up to date",
			    state->path);
	return r;
}
