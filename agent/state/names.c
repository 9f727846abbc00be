#include "state/names.h"

#include <stdlib.h>
#include <string.h>

static bool has_name(const struct image *image, const char *name)
{
	for (size_t i = 0; i < image->n_tags; i++)
		if (strcmp(image->tags[i].raw, name) == 0)
			return true;
	return false;
}

struct lost {
	const struct image *image;
	char *name;
};

struct losses {
	struct lost *v;
	size_t n;
};

static void losses_clear(struct losses *losses)
{
	for (size_t i = 0; i < losses->n; i++)
		free(losses->v[i].name);
	free(losses->v);
}

static int collect_lost(const struct state *state, const struct snapshot *snapshot,
			struct losses *losses, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *rows = NULL;
	int r = sql_prepare(state, "SELECT image, name FROM image_names WHERE lost IS NULL",
			    &rows, err);

	if (r < 0)
		return r;
	while ((r = sql_step(state, rows, err)) > 0) {
		const struct image *image = snapshot_image(snapshot, sql_text(rows, 0));
		const char *name = sql_text(rows, 1);

		if (!image || has_name(image, name))
			continue;
		losses->v = mem_grow(losses->v, losses->n, sizeof(*losses->v));
		losses->v[losses->n++] = (struct lost){ image, mem_strdup(name) };
	}
	return r;
}

static int note_lost(const struct state *state, const struct snapshot *snapshot, int64_t now,
		     struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	_cleanup_(losses_clear) struct losses losses = { 0 };
	int r = collect_lost(state, snapshot, &losses, err);

	if (r == 0)
		r = sql_prepare(state,
				"UPDATE image_names SET lost = ? WHERE image = ? AND name = ?",
				&row, err);
	for (size_t i = 0; r == 0 && i < losses.n; i++) {
		sql_bind_time(row, 1, now);
		sql_bind_text(row, 2, losses.v[i].image->id);
		sql_bind_text(row, 3, losses.v[i].name);
		r = sql_step(state, row, err);
	}
	return r;
}

static int note_present(const struct state *state, const struct snapshot *snapshot, int64_t now,
			struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	int r = sql_prepare(state,
			    "INSERT INTO image_names (image, name, first_seen) VALUES "
			    "(?, ?, ?) ON CONFLICT DO UPDATE SET lost = NULL, "
			    "first_seen = excluded.first_seen WHERE lost IS NOT NULL",
			    &row, err);

	for (size_t i = 0; r == 0 && i < snapshot->n_images; i++) {
		const struct image *image = &snapshot->images[i];

		for (size_t k = 0; r == 0 && k < image->n_tags; k++) {
			sql_bind_text(row, 1, image->id);
			sql_bind_text(row, 2, image->tags[k].raw);
			sql_bind_time(row, 3, now);
			r = sql_step(state, row, err);
		}
	}
	return r;
}

int names_observe(const struct state *state, const struct snapshot *snapshot, int64_t now,
		  struct err *err)
{
	int r = sql_run(state,
			"DELETE FROM image_names WHERE image NOT IN "
			"(SELECT id FROM objects WHERE kind = 'image')",
			err);

	if (r == 0)
		r = note_lost(state, snapshot, now, err);
	if (r == 0)
		r = note_present(state, snapshot, now, err);
	return r;
}
