#include "state/sql.h"

#include <errno.h>

static const struct {
	int code, error;
	const char *what;
} failures[] = {
	{ SQLITE_READONLY_ROLLBACK, -EROFS,
	  "a killed run left it half written; the next run repairs it" },
	{ SQLITE_CORRUPT, -EBADMSG, "it is broken; remove it to start anew" },
	/* A statement of ours does not fit the tables. */
	{ SQLITE_ERROR, -EBADMSG, "it is broken; remove it to start anew" },
	{ SQLITE_NOTADB, -EBADMSG, "it is broken; remove it to start anew" },
	{ SQLITE_FULL, -ENOSPC, "no space left" },
	{ SQLITE_READONLY, -EROFS, "it cannot be written" },
	{ SQLITE_PERM, -EACCES, "access is denied" },
	{ SQLITE_AUTH, -EACCES, "access is denied" },
	{ SQLITE_CANTOPEN, -EACCES, "it cannot be opened" },
	{ SQLITE_BUSY, -EBUSY, "another program holds it" },
	{ SQLITE_LOCKED, -EBUSY, "another program holds it" },
};

int sql_fail(const struct state *state, int code, struct err *err)
{
	if ((code & 0xff) == SQLITE_NOMEM)
		mem_die();
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].code == code || failures[i].code == (code & 0xff))
			return err_set(err, failures[i].error, "state %s: %s", state->path,
				       failures[i].what);
	return err_set(err, -EIO, "state %s: %s", state->path, sqlite3_errstr(code));
}

int sql_run(const struct state *state, const char *sql, struct err *err)
{
	int code = sqlite3_exec(state->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : sql_fail(state, code, err);
}

int sql_prepare(const struct state *state, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	int code = sqlite3_prepare_v2(state->db, sql, -1, ret, NULL);

	return code == SQLITE_OK ? 0 : sql_fail(state, code, err);
}

int sql_step(const struct state *state, sqlite3_stmt *statement, struct err *err)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? 0 : sql_fail(state, code, err);
}

int sql_last_look(const struct state *state, int64_t *ret, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *look = NULL;
	int r = sql_prepare(state, "SELECT last FROM looks", &look, err);

	*ret = TIME_UNKNOWN;
	if (r == 0)
		r = sql_step(state, look, err);
	if (r > 0)
		*ret = sql_time(look, 0);
	return r < 0 ? r : 0;
}

void sql_bind_time(sqlite3_stmt *statement, int index, int64_t time)
{
	if (time == TIME_UNKNOWN)
		sqlite3_bind_null(statement, index);
	else
		sqlite3_bind_int64(statement, index, time);
}

void sql_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	if (sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC) == SQLITE_NOMEM)
		mem_die();
}

int64_t sql_time(sqlite3_stmt *statement, int column)
{
	if (sqlite3_column_type(statement, column) != SQLITE_INTEGER)
		return TIME_UNKNOWN;
	return sqlite3_column_int64(statement, column);
}

const char *sql_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text ? (const char *)text : "";
}
