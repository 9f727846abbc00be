#include "engine/listing_others.h"

#include <stdlib.h>
#include <string.h>

#include "engine/json.h"

/* The first minor version of the API that asks for a part of the disk usage only. */
#define API_PARTIAL_USAGE 42

static struct decoder decoder_of(const struct others *others)
{
	return (struct decoder){ .arena = others->snapshot->arena, .intern = others->intern };
}

static bool wanted(const struct others *others, enum kind kind)
{
	return others->kinds & 1u << kind;
}

/* False, with a line of problems, if the answer is none. */
static bool answered(const struct others *others, const struct http_reply *reply,
		     const char *what)
{
	_cleanup_free_ char *why = http_reply_failure(reply);

	if (why)
		problems_add(&others->snapshot->problems, "%s cannot be read: %s", what, why);
	return !why;
}

static void submit(struct others *others, char *path, enum json_shape shape,
		   int (*read)(void *, struct json_object *, struct err *),
		   void (*done)(struct http *, const struct http_reply *, void *))
{
	size_t max_object = shape == JSON_LIST ? OBJECT_MAX_BYTES : LIST_MAX_BYTES;

	engine_get(others->engine, path, LIST_MAX_BYTES,
		   json_stream_new(shape, max_object, read, others), done, others);
}

/* ---- volumes ---- */

static int read_volumes(void *data, struct json_object *object, struct err *err)
{
	struct others *others = data;
	struct decoder decoder = decoder_of(others);

	return decode_volume_list(&decoder, object, &others->volumes, err);
}

/* A driver that does not answer hides its own volumes only. */
static void volumes_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct others *others = data;
	struct snapshot *snapshot = others->snapshot;

	for (size_t i = 0; i < others->volumes.warnings.n; i++)
		problems_add(&snapshot->problems, "the list of volumes is not whole: %s",
			     others->volumes.warnings.v[i]);
	snapshot->listing[KIND_VOLUME] =
		answered(others, reply, "the list of volumes") ? LISTING_READ : LISTING_FAILED;
}

/* ---- networks ---- */

static int read_network(void *data, struct json_object *object, struct err *err)
{
	struct others *others = data;
	struct decoder decoder = decoder_of(others);
	int r;

	others->networks =
		mem_grow(others->networks, others->n_networks, sizeof(*others->networks));
	r = decode_network(&decoder, object, &others->networks[others->n_networks], err);
	others->n_networks += r >= 0;
	return r;
}

static void networks_done(struct http *http _unused_, const struct http_reply *reply,
			  void *data)
{
	struct others *others = data;

	others->snapshot->listing[KIND_NETWORK] =
		answered(others, reply, "the list of networks") ? LISTING_READ : LISTING_FAILED;
}

/* ---- build cache, and the sizes of volumes ---- */

static int read_usage(void *data, struct json_object *object, struct err *err)
{
	struct others *others = data;
	struct decoder decoder = decoder_of(others);

	return decode_disk_usage(&decoder, object, &others->usage, err);
}

static void usage_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct others *others = data;
	bool whole = answered(others, reply, "the disk usage");

	others->usage_known = whole;
	if (wanted(others, KIND_BUILD_CACHE))
		others->snapshot->listing[KIND_BUILD_CACHE] =
			whole ? LISTING_READ : LISTING_FAILED;
}

/* The engine walks its disk for this: it is asked for once, and for no more than is wanted. */
static char *usage_path(const struct others *others)
{
	const struct engine *engine = others->engine;
	bool volumes = wanted(others, KIND_VOLUME), cache = wanted(others, KIND_BUILD_CACHE);

	if (atoi(engine->api + strlen("1.")) < API_PARTIAL_USAGE || engine->dialect->libpod)
		return engine_path(engine, "/system/df");
	return engine_path(engine, "/system/df?%s%s%s", volumes ? "type=volume" : "",
			   volumes && cache ? "&" : "", cache ? "type=build-cache" : "");
}

void others_submit(struct others *others, struct engine *engine, struct snapshot *snapshot,
		   struct intern *intern, unsigned kinds)
{
	*others = (struct others){
		.engine = engine,
		.snapshot = snapshot,
		.intern = intern,
		.kinds = kinds,
	};
	if (wanted(others, KIND_BUILD_CACHE) && !engine->dialect->build_cache) {
		problems_add(&snapshot->problems,
			     "%s has no build cache of its own: rules for it do nothing here",
			     engine->dialect->name);
		others->kinds &= ~(1u << KIND_BUILD_CACHE);
	}
	if (wanted(others, KIND_VOLUME))
		submit(others, engine_path(engine, "/volumes"), JSON_OBJECT, read_volumes,
		       volumes_done);
	if (wanted(others, KIND_NETWORK))
		submit(others, engine_path(engine, "/networks"), JSON_LIST, read_network,
		       networks_done);
	if (wanted(others, KIND_VOLUME) || wanted(others, KIND_BUILD_CACHE))
		submit(others, usage_path(others), JSON_OBJECT, read_usage, usage_done);
}

static void *adopt(const struct snapshot *snapshot, enum kind kind, void *items, size_t size,
		   size_t *n)
{
	if (snapshot->listing[kind] != LISTING_READ)
		*n = 0;
	return arena_adopt(snapshot->arena, items, *n, size);
}

void others_adopt(struct others *others)
{
	struct snapshot *snapshot = others->snapshot;

	snapshot->n_volumes = others->volumes.n;
	snapshot->volumes = adopt(snapshot, KIND_VOLUME, others->volumes.v,
				  sizeof(struct volume), &snapshot->n_volumes);
	snapshot->n_networks = others->n_networks;
	snapshot->networks = adopt(snapshot, KIND_NETWORK, others->networks,
				   sizeof(struct network), &snapshot->n_networks);
	snapshot->n_cache = others->usage.n_cache;
	snapshot->cache = adopt(snapshot, KIND_BUILD_CACHE, others->usage.cache,
				sizeof(struct cache_record), &snapshot->n_cache);
}

void others_size(struct others *others)
{
	struct snapshot *snapshot = others->snapshot;

	for (size_t i = 0; i < snapshot->n_volumes; i++)
		snapshot->volumes[i].sized = FACT_UNAVAILABLE;
	for (size_t i = 0; others->usage_known && i < others->usage.n_volumes; i++) {
		const struct volume_size *size = &others->usage.volumes[i];
		struct volume *volume = snapshot_volume(snapshot, size->name);

		if (!volume)
			continue;
		volume->sized = size->size >= 0 ? FACT_KNOWN : FACT_UNAVAILABLE;
		volume->size = size->size;
	}
	free(others->usage.volumes);
}
