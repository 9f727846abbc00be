#include "state/runs.h"

#include <stdlib.h>

#include "model/service.h"

int runs_recall(const struct state *state, struct snapshot *snapshot, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *rows = NULL;
	struct service_run *runs = NULL;
	size_t n = 0;
	int r = sql_prepare(state, "SELECT service, image, at FROM runs", &rows, err);

	while (r == 0 && (r = sql_step(state, rows, err)) > 0) {
		runs = mem_grow(runs, n, sizeof(*runs));
		runs[n++] = (struct service_run){
			.service = arena_strdup(snapshot->arena, sql_text(rows, 0)),
			.image_id = arena_strdup(snapshot->arena, sql_text(rows, 1)),
			.at = sql_time(rows, 2),
		};
		r = 0;
	}
	snapshot->n_runs = n;
	snapshot->runs = arena_adopt(snapshot->arena, runs, n, sizeof(*runs));
	return r;
}

static int64_t last_run(const struct container *container, int64_t now)
{
	bool ended = container->state == STATE_EXITED || container->state == STATE_DEAD;

	if (!ended)
		return now;
	if (container->inspected == FACT_KNOWN && container->finished != TIME_UNKNOWN &&
	    container->finished < now)
		return container->finished;
	return container->created != TIME_UNKNOWN && container->created < now
		       ? container->created
		       : now;
}

static int note_container(const struct state *state, const struct container *container,
			  const char *service, int64_t now, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	int r = sql_prepare(state,
			    "INSERT INTO runs (service, image, at) VALUES (?, ?, ?) "
			    "ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
			    &row, err);

	if (r < 0)
		return r;
	sql_bind_text(row, 1, service);
	sql_bind_text(row, 2, container->image_id);
	sql_bind_time(row, 3, last_run(container, now));
	return sql_step(state, row, err);
}

static int forget_gone(const struct state *state, const struct snapshot *snapshot,
		       struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *rows = NULL, *row = NULL;
	char **gone = NULL;
	size_t n = 0;
	int r = sql_prepare(state, "SELECT DISTINCT image FROM runs", &rows, err);

	while (r == 0 && (r = sql_step(state, rows, err)) > 0) {
		r = 0;
		if (snapshot_image(snapshot, sql_text(rows, 0)))
			continue;
		gone = mem_grow(gone, n, sizeof(*gone));
		gone[n++] = mem_strdup(sql_text(rows, 0));
	}
	if (r == 0)
		r = sql_prepare(state, "DELETE FROM runs WHERE image = ?", &row, err);
	for (size_t i = 0; i < n; i++) {
		if (r == 0) {
			sql_bind_text(row, 1, gone[i]);
			r = sql_step(state, row, err);
		}
		free(gone[i]);
	}
	free(gone);
	return r;
}

int runs_observe(const struct state *state, const struct snapshot *snapshot, int64_t now,
		 struct err *err)
{
	int r = 0;

	if (snapshot->listing[KIND_IMAGE] == LISTING_READ)
		r = forget_gone(state, snapshot, err);
	for (size_t i = 0; r == 0 && i < snapshot->n_containers; i++) {
		const struct container *container = &snapshot->containers[i];
		const char *service = service_of(snapshot->arena, &container->labels);

		if (service && container->image_id && container->state != STATE_CREATED &&
		    snapshot_image(snapshot, container->image_id))
			r = note_container(state, container, service, now, err);
	}
	return r;
}
