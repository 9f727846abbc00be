#include "state/preserved.h"

#include <errno.h>
#include <string.h>

int preserved_at(const struct state *state, const struct snapshot *snapshot, int64_t **ret,
		 struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *rows = NULL;
	_cleanup_free_ int64_t *at = mem_zalloc(snapshot->n_images, sizeof(*at));
	int r = sql_prepare(state, "SELECT image, name, at FROM preserved", &rows, err);

	for (size_t i = 0; i < snapshot->n_images; i++)
		at[i] = TIME_UNKNOWN;
	if (r < 0)
		return r;
	while ((r = sql_step(state, rows, err)) > 0) {
		const struct image *image = snapshot_image(snapshot, sql_text(rows, 0));

		if (image && image->n_tags == 1 &&
		    strcmp(image->tags[0].full, sql_text(rows, 1)) == 0)
			at[image - snapshot->images] = sql_time(rows, 2);
	}
	*ret = r == 0 ? take(at) : NULL;
	return r;
}

int preserved_forget_gone(const struct state *state, struct err *err)
{
	return sql_run(state,
		       "DELETE FROM preserved WHERE image NOT IN "
		       "(SELECT id FROM objects WHERE kind = 'image')",
		       err);
}

static int write_names(const struct state *state, const struct preserved_name *names, size_t n,
		       int64_t now, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	int r = sql_prepare(state,
			    "INSERT INTO preserved (image, name, at) VALUES (?1, ?2, ?3) "
			    "ON CONFLICT DO UPDATE SET at = excluded.at WHERE ?4",
			    &row, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		sql_bind_text(row, 1, names[i].image);
		sql_bind_text(row, 2, names[i].name);
		sql_bind_time(row, 3, now);
		sqlite3_bind_int(row, 4, names[i].now);
		r = sql_step(state, row, err);
	}
	return r;
}

/* It was without tag only since then. */
static int write_since(const struct state *state, const struct preserved_name *names, size_t n,
		       struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	int r = sql_prepare(state,
			    "UPDATE objects SET untagged_since = ?2 WHERE kind = 'image' AND "
			    "id = ?1 AND untagged_since < ?2",
			    &row, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!names[i].now || names[i].last_tagged == TIME_UNKNOWN)
			continue;
		sql_bind_text(row, 1, names[i].image);
		sql_bind_time(row, 2, names[i].last_tagged);
		r = sql_step(state, row, err);
	}
	return r;
}

int state_preserve(struct state *state, const struct preserved_name *names, size_t n,
		   int64_t now, struct err *err)
{
	int r;

	if (n == 0)
		return 0;
	if (!state->db)
		return err_set(err, -EROFS, "state %s: opened for reading only", state->path);
	r = sql_run(state, "BEGIN IMMEDIATE", err);
	if (r < 0)
		return r;
	r = write_names(state, names, n, now, err);
	if (r == 0)
		r = write_since(state, names, n, err);
	if (r == 0)
		r = sql_run(state, "COMMIT", err);
	if (r < 0)
		sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}
