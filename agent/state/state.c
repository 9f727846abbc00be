#include "state/state.h"

#include <errno.h>
#include <stdlib.h>

#include "state/file.h"
#include "state/schema.h"

/* The watcher writes small batches; nobody holds the lock for long. */
#define BUSY_TIMEOUT_MS 10000

static int configure(const struct state *state, int writable, struct err *err)
{
	sqlite3_extended_result_codes(state->db, 1);
	sqlite3_busy_timeout(state->db, BUSY_TIMEOUT_MS);
	sqlite3_db_config(state->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(state->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (writable && sqlite3_db_readonly(state->db, "main") != 0)
		return sql_fail(state, SQLITE_READONLY, err);
	/* No file of ours lies anywhere else, not for sorting either. */
	return sql_run(state,
		       writable ? "PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL; "
				  "PRAGMA journal_mode = DELETE"
				: "PRAGMA temp_store = MEMORY; PRAGMA query_only = 1",
		       err);
}

static int open_database(struct state *state, int writable, struct err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
		    (writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int code = sqlite3_open_v2(state->path, &state->db, flags, NULL);
	int r;

	if (code != SQLITE_OK)
		return sql_fail(state, code, err);
	r = configure(state, writable, err);
	return r < 0 ? r : schema_ready(state, writable, err);
}

int state_open(const char *path, int writable, struct state **ret, struct err *err)
{
	_cleanup_(state_closep) struct state *state = NULL;
	int r = state_file_check(path, writable, err);

	*ret = NULL;
	if (r < 0)
		return r;
	state = mem_zalloc(1, sizeof(*state));
	state->path = mem_strdup(path);
	if (r > 0)
		r = open_database(state, writable, err);
	if (r < 0)
		return r;
	*ret = take(state);
	return 0;
}

void state_close(struct state *state)
{
	if (!state)
		return;
	sqlite3_close(state->db);
	free(state->path);
	free(state);
}
