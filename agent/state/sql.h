#pragma once

#include <sqlite3.h>

#include "state/state.h"

/* SQLite with our errors; for the files of state/ only. */

struct state {
	char *path;
	sqlite3 *db; /* NULL: there is no file yet, nothing is known */
};

DEFINE_CLEANUP(sqlite3_stmt *, statement, sqlite3_finalize)

/* Sets err from SQLite's result code: one line that names the file. Returns a negative errno.
 */
int sql_fail(const struct state *state, int code, struct err *err);

_must_check_ int sql_run(const struct state *state, const char *sql, struct err *err);
_must_check_ int sql_prepare(const struct state *state, const char *sql, sqlite3_stmt **ret,
			     struct err *err);

/* 1: a row is there; 0: no more, and the statement is ready to be bound anew. */
_must_check_ int sql_step(const struct state *state, sqlite3_stmt *statement, struct err *err);

/* When anything was last written from a look, TIME_UNKNOWN: never. A clock that stands before
 * is wrong now or was wrong then. */
_must_check_ int sql_last_look(const struct state *state, int64_t *ret, struct err *err);

/* TIME_UNKNOWN is NULL in the file. The text must live until the statement has been stepped. */
void sql_bind_time(sqlite3_stmt *statement, int index, int64_t time);
void sql_bind_text(sqlite3_stmt *statement, int index, const char *text);
int64_t sql_time(sqlite3_stmt *statement, int column);

/* Never NULL; valid until the next step. */
const char *sql_text(sqlite3_stmt *statement, int column);
