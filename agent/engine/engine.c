#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/decode.h"
#include "engine/internal.h"
#include "engine/listing_others.h"
#include "engine/json.h"

struct info {
	struct snapshot *snapshot;
	struct intern *intern;
	struct swarm_list *swarm;
	struct swarm_role role;
};

static int is_containerd_store(struct json_object *rows)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (json_object_is_type(row, json_type_array) &&
		    strstr(json_object_to_json_string(row), "io.containerd.snapshotter"))
			return true;
	}
	return false;
}

struct storage {
	const char *driver, *root, *id;
	bool in_containerd, rootless;
	struct swarm_role role;
};

static int decode_driver_status(struct decoder *decoder _unused_, struct json_object *value,
				void *target, struct err *err)
{
	int r = field_is(value, json_type_array, err);

	if (r >= 0)
		*(bool *)target = is_containerd_store(value);
	return r;
}

static const struct field info_fields[] = {
	{ "ID", decode_text, offsetof(struct storage, id), OPTIONAL },
	{ "Driver", decode_text, offsetof(struct storage, driver), OPTIONAL },
	{ "DockerRootDir", decode_text, offsetof(struct storage, root), OPTIONAL },
	{ "DriverStatus", decode_driver_status, offsetof(struct storage, in_containerd),
	  OPTIONAL },
	{ "Rootless", decode_bool, offsetof(struct storage, rootless), OPTIONAL },
	{ "Swarm.LocalNodeState", decode_text, offsetof(struct storage, role.state), OPTIONAL },
	{ "Swarm.ControlAvailable", decode_bool, offsetof(struct storage, role.manager),
	  OPTIONAL },
};

static int read_info(void *data, struct json_object *object, struct err *err)
{
	struct info *info = data;
	struct engine_info *engine = &info->snapshot->engine;
	struct decoder decoder = { .arena = info->snapshot->arena, .intern = info->intern };
	struct storage storage = { 0 };
	int r = fields_decode(&decoder, info_fields, ARRAY_SIZE(info_fields), object, &storage,
			      err);

	if (r < 0)
		return r;
	engine->id = storage.id;
	engine->storage_driver = storage.driver;
	engine->rootless = storage.rootless;
	engine->in_containerd = storage.in_containerd;
	/* The containerd store keeps everything in containerd's own root, which nobody names.
	 */
	if (!storage.in_containerd && storage.root && storage.root[0] == '/')
		engine->data_root = storage.root;
	info->role = storage.role;
	return 0;
}

static void info_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct info *info = data;
	_cleanup_free_ char *why = http_reply_failure(reply);

	if (why)
		problems_add(&info->snapshot->problems, "the engine's info cannot be read: %s",
			     why);
	if (info->swarm)
		swarm_list_meet(info->swarm, why ? NULL : &info->role);
}

static void describe(const struct engine *engine, struct snapshot *snapshot)
{
	snapshot->engine = (struct engine_info){
		.name = engine->dialect->name,
		.version = arena_strdup(snapshot->arena, engine->version),
		.api = arena_strdup(snapshot->arena, engine->api),
		.socket = arena_strdup(snapshot->arena, engine->socket),
		.quadlet = engine->dialect->quadlet,
	};
	snapshot->cache_may_hold_layers = engine->dialect->build_cache;
	snapshot->tells_volume_use = engine->dialect->volume_use;
	snapshot->retries_failed = engine->dialect->retries;
}

static int on_tick(void *data)
{
	((struct engine *)data)->tick();
	return 0;
}

void engine_set_tick(struct engine *engine, void (*tick)(void))
{
	engine->tick = tick;
	http_set_tick(engine->http, on_tick, engine);
}

static void submit_info(struct engine *engine, struct info *info)
{
	engine_get(engine, engine_path(engine, "/info"), OBJECT_MAX_BYTES,
		   json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES, read_info, info), info_done,
		   info);
}

void engine_info(struct engine *engine, struct snapshot *snapshot)
{
	_cleanup_(intern_freep) struct intern *intern = intern_new(snapshot->arena);
	struct info info = { .snapshot = snapshot, .intern = intern };

	describe(engine, snapshot);
	submit_info(engine, &info);
	http_run(engine->http, 1);
}

int engine_snapshot(struct engine *engine, struct snapshot *snapshot, unsigned kinds,
		    const struct label_filter *labels, struct err *err)
{
	_cleanup_(intern_freep) struct intern *intern = intern_new(snapshot->arena);
	struct info info = { .snapshot = snapshot, .intern = intern };
	struct others others;

	describe(engine, snapshot);
	if (engine->dialect->swarm)
		info.swarm = swarm_list_new(engine, snapshot, intern);
	submit_info(engine, &info);
	others_submit(&others, engine, snapshot, intern, kinds);
	list_all(engine, snapshot, labels);
	others_adopt(&others);
	if (info.swarm)
		swarm_list_end(info.swarm);
	snapshot_seal(snapshot);
	others_size(&others);
	if (snapshot->listing[KIND_CONTAINER] == LISTING_FAILED &&
	    snapshot->listing[KIND_IMAGE] == LISTING_FAILED && snapshot->problems.n > 0)
		return err_set(err, -EIO, "%s", snapshot->problems.texts[0]);
	return 0;
}

static unsigned *unnamed(struct snapshot *snapshot)
{
	unsigned *facts = mem_zalloc(snapshot->n_containers, sizeof(*facts));

	for (size_t i = 0; i < snapshot->n_containers; i++)
		if (!snapshot->containers[i].image_name &&
		    snapshot->containers[i].inspected == FACT_NOT_ASKED)
			facts[i] = NEED_INSPECT;
	return facts;
}

int engine_containers(struct engine *engine, struct snapshot *ret, struct err *err)
{
	_cleanup_(intern_freep) struct intern *intern = intern_new(ret->arena);
	_cleanup_free_ unsigned *facts = NULL;
	struct swarm_list *swarm =
		engine->swarm_manager ? swarm_list_new(engine, ret, intern) : NULL;

	describe(engine, ret);
	if (swarm)
		swarm_list_ask(swarm);
	list_containers(engine, ret);
	if (swarm)
		swarm_list_end(swarm);
	snapshot_seal(ret);
	if (ret->listing[KIND_CONTAINER] == LISTING_READ) {
		facts = unnamed(ret);
		engine_fetch(engine, ret, facts, NULL);
	}
	/* A container whose image nobody could name might use any. */
	if (ret->problems.n > 0)
		return err_set(err, -EIO, "%s", ret->problems.texts[0]);
	return 0;
}
