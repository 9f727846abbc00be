#include "state/owner.h"

/* No ID: Podman's is another one with each call, that of Docker before 23.0 lies in /etc and
 * not with the data. An engine that tells no root (Docker with containerd's image store) tells
 * its driver all the same. */
char *owner_key(const struct engine_info *engine)
{
	if (!engine->name || !engine->storage_driver)
		return NULL;
	return mem_printf("%s %s", engine->name, engine->data_root ? engine->data_root : "");
}

int owner_changed(const struct state *state, const struct engine_info *engine, struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	_cleanup_free_ char *key = owner_key(engine);
	int r = sql_prepare(state, "SELECT engine FROM looks WHERE engine <> ?", &row, err);

	if (r < 0 || !key)
		return r;
	sql_bind_text(row, 1, key);
	return sql_step(state, row, err);
}
