#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/decode.h"
#include "engine/internal.h"
#include "engine/json.h"
#include "engine/layers.h"

/* Facts that cost a request. One request each, but sizes of containers, which the engine tells
 * for a list: batches small enough for one to end within the time limit (the engine walks the
 * disk), and for the filter to fit into a URL. */
#define SIZE_BATCH 100

struct fetch {
	struct engine *engine;
	struct snapshot *snapshot;
	struct intern *intern;
};

static struct decoder decoder_of(const struct fetch *fetch)
{
	return (struct decoder){ .arena = fetch->snapshot->arena, .intern = fetch->intern };
}

static bool is_gone(const struct fetch *fetch, const struct http_reply *reply)
{
	return reply->result >= 0 && dialect_outcome(fetch->engine->dialect, reply->status,
						     reply->message) == OUTCOME_GONE;
}

/* A line unless all is well or the object went meanwhile. True if the answer is there. */
static bool answered(const struct fetch *fetch, const struct http_reply *reply, enum kind kind,
		     const char *id)
{
	_cleanup_free_ char *why = http_reply_failure(reply);

	if (why && !is_gone(fetch, reply))
		problems_add(&fetch->snapshot->problems, "%s %s: %s", kind_to_string(kind), id,
			     why);
	return !why;
}

/* Containers: inspect. */

struct container_fetch {
	struct fetch *fetch;
	struct container *container;
};

static int read_container(void *data, struct json_object *object, struct err *err)
{
	struct container_fetch *one = data;
	struct decoder decoder = decoder_of(one->fetch);

	return decode_container_facts(&decoder, object, one->container, err);
}

static void container_done(struct http *http _unused_, const struct http_reply *reply,
			   void *data)
{
	struct container_fetch *one = data;

	if (!answered(one->fetch, reply, KIND_CONTAINER, one->container->id)) {
		one->container->inspected = FACT_UNAVAILABLE;
		one->container->gone = is_gone(one->fetch, reply);
	}
	free(one);
}

static void inspect_container(struct fetch *fetch, struct container *container)
{
	struct container_fetch *one = mem_zalloc(1, sizeof(*one));

	*one = (struct container_fetch){ fetch, container };
	engine_get(fetch->engine,
		   engine_path(fetch->engine, "/containers/%s/json", container->id),
		   OBJECT_MAX_BYTES,
		   json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES, read_container, one),
		   container_done, one);
}

/* Containers: sizes, a batch at a time. */

struct batch {
	struct fetch *fetch;
	struct container *containers[SIZE_BATCH];
	size_t n;
};

static int read_size(void *data, struct json_object *object, struct err *err)
{
	struct batch *batch = data;
	struct decoder decoder = decoder_of(batch->fetch);
	struct container_size size;
	struct container *container;
	int r = decode_container_size(&decoder, object, &size, err);

	if (r < 0)
		return r;
	container = snapshot_container(batch->fetch->snapshot, size.id);
	if (container && size.size >= 0) {
		container->size = size.size;
		container->sized = FACT_KNOWN;
	}
	return 0;
}

/* Half an answer is none. */
static void batch_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct batch *batch = data;
	bool whole = answered(batch->fetch, reply, KIND_CONTAINER, "sizes");

	for (size_t i = 0; i < batch->n; i++)
		if (!whole || batch->containers[i]->sized != FACT_KNOWN)
			batch->containers[i]->sized = FACT_UNAVAILABLE;
	free(batch);
}

static char *size_path(const struct batch *batch)
{
	_cleanup_free_ char *ids = mem_zalloc(batch->n, 2 + 64 + 2);
	_cleanup_free_ char *filter = NULL, *escaped = NULL;
	char *to = ids;

	for (size_t i = 0; i < batch->n; i++)
		to += sprintf(to, "%s\"%.64s\"", i > 0 ? "," : "", batch->containers[i]->id);
	filter = mem_printf("{\"id\":[%s]}", ids);
	escaped = url_escape(filter);
	return engine_path(batch->fetch->engine, "/containers/json?all=1&size=1&filters=%s",
			   escaped);
}

static void submit_batch(struct batch *batch)
{
	if (batch)
		engine_get(batch->fetch->engine, size_path(batch), LIST_MAX_BYTES,
			   json_stream_new(JSON_LIST, OBJECT_MAX_BYTES, read_size, batch),
			   batch_done, batch);
}

static struct batch *add_to_batch(struct fetch *fetch, struct batch *batch,
				  struct container *container)
{
	if (!batch) {
		batch = mem_zalloc(1, sizeof(*batch));
		batch->fetch = fetch;
	}
	batch->containers[batch->n++] = container;
	if (batch->n < SIZE_BATCH)
		return batch;
	submit_batch(batch);
	return NULL;
}

static void fetch_containers(struct fetch *fetch, const unsigned *facts)
{
	struct snapshot *snapshot = fetch->snapshot;
	struct batch *batch = NULL;

	for (size_t i = 0; i < snapshot->n_containers; i++) {
		if (facts[i] & NEED_INSPECT)
			inspect_container(fetch, &snapshot->containers[i]);
		if (facts[i] & NEED_SIZE)
			batch = add_to_batch(fetch, batch, &snapshot->containers[i]);
	}
	submit_batch(batch);
}

/* Images: inspect, and the history of those whose layers are asked for and cannot be told
 * without it. */

struct image_fetch {
	struct fetch *fetch;
	struct image *image;
	struct history_entry *history;
	size_t n_history;
};

static void image_fetch_free(struct image_fetch *one)
{
	free(one->history);
	free(one);
}

static int read_history(void *data, struct json_object *object, struct err *err)
{
	struct image_fetch *one = data;
	struct decoder decoder = decoder_of(one->fetch);
	int r;

	one->history = mem_grow(one->history, one->n_history, sizeof(*one->history));
	r = decode_history_entry(&decoder, object, &one->history[one->n_history], err);
	one->n_history += r >= 0;
	return r;
}

static void history_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct image_fetch *one = data;

	if (answered(one->fetch, reply, KIND_IMAGE, one->image->id)) {
		layers_set_sizes(one->image, one->history, one->n_history,
				 one->fetch->snapshot->engine.in_containerd);
		one->image->layered = FACT_KNOWN;
	} else {
		one->image->layered = FACT_UNAVAILABLE;
	}
	image_fetch_free(one);
}

static struct image_fetch *image_fetch_new(struct fetch *fetch, struct image *image)
{
	struct image_fetch *one = mem_zalloc(1, sizeof(*one));

	*one = (struct image_fetch){ .fetch = fetch, .image = image };
	return one;
}

static void get_history(struct fetch *fetch, struct image *image)
{
	struct image_fetch *one = image_fetch_new(fetch, image);

	engine_get(fetch->engine, engine_path(fetch->engine, "/images/%s/history", image->id),
		   OBJECT_MAX_BYTES,
		   json_stream_new(JSON_LIST, OBJECT_MAX_BYTES, read_history, one),
		   history_done, one);
}

static int read_image(void *data, struct json_object *object, struct err *err)
{
	struct image_fetch *one = data;
	struct decoder decoder = decoder_of(one->fetch);

	return decode_image_facts(&decoder, object, one->fetch->snapshot, one->image, err);
}

static void image_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct image_fetch *one = data;

	if (!answered(one->fetch, reply, KIND_IMAGE, one->image->id))
		one->image->inspected = FACT_UNAVAILABLE;
	image_fetch_free(one);
}

static void inspect_image(struct fetch *fetch, struct image *image)
{
	struct image_fetch *one = image_fetch_new(fetch, image);

	engine_get(fetch->engine, engine_path(fetch->engine, "/images/%s/json", image->id),
		   OBJECT_MAX_BYTES,
		   json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES, read_image, one), image_done,
		   one);
}

static void inspect_images(struct fetch *fetch, const unsigned *facts)
{
	struct snapshot *snapshot = fetch->snapshot;

	for (size_t i = 0; i < snapshot->n_images; i++)
		if (facts[i] && snapshot->images[i].inspected == FACT_NOT_ASKED)
			inspect_image(fetch, &snapshot->images[i]);
}

static void get_histories(struct fetch *fetch, const unsigned *facts)
{
	struct snapshot *snapshot = fetch->snapshot;

	for (size_t i = 0; i < snapshot->n_images; i++) {
		struct image *image = &snapshot->images[i];

		if (!(facts[i] & NEED_LAYERS) || image->layered != FACT_NOT_ASKED)
			continue;
		if (image->inspected == FACT_KNOWN)
			get_history(fetch, image);
		else
			image->layered = FACT_UNAVAILABLE;
	}
}

/* After the inspects. */
static void fetch_layers(struct fetch *fetch, const unsigned *facts)
{
	struct engine *engine = fetch->engine;
	struct snapshot *snapshot = fetch->snapshot;

	if (engine->dialect->sums_layers && !snapshot->engine.in_containerd)
		layers_tell_by_totals(snapshot, facts);
	get_histories(fetch, facts);
	http_run(engine->http, engine_connections(engine, READ_CONNECTIONS));
	if (snapshot->engine.in_containerd)
		layers_share_packed(snapshot);
}

void engine_fetch(struct engine *engine, struct snapshot *snapshot, const unsigned *containers,
		  const unsigned *images)
{
	_cleanup_(intern_freep) struct intern *intern = intern_new(snapshot->arena);
	struct fetch fetch = { engine, snapshot, intern };

	if (containers)
		fetch_containers(&fetch, containers);
	if (images)
		inspect_images(&fetch, images);
	http_run(engine->http, engine_connections(engine, READ_CONNECTIONS));
	if (images)
		fetch_layers(&fetch, images);
}
