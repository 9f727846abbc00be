#include <errno.h>
#include <string.h>

#include "engine/decode.h"
#include "engine/events.h"
#include "engine/internal.h"
#include "engine/json.h"

/* One object at a time, for the watcher. */

struct lookup {
	struct decoder decoder;
	struct image image;
	struct http_reply reply;
};

static const struct field container_fields[] = {
	{ "Image", decode_image_id, offsetof(struct image, id), MANDATORY },
};

static const struct field tagged_fields[] = {
	{ "Metadata.LastTagTime", decode_rfc3339, offsetof(struct image, last_tagged),
	  OPTIONAL },
};

static int read_container(void *data, struct json_object *object, struct err *err)
{
	struct lookup *lookup = data;

	return fields_decode(&lookup->decoder, container_fields, ARRAY_SIZE(container_fields),
			     object, &lookup->image, err);
}

static int read_image(void *data, struct json_object *object, struct err *err)
{
	struct lookup *lookup = data;
	int r = decode_image_now(&lookup->decoder, object, &lookup->image, err);

	if (r < 0)
		return r;
	lookup->image.last_tagged = TIME_UNKNOWN;
	return fields_decode(&lookup->decoder, tagged_fields, ARRAY_SIZE(tagged_fields), object,
			     &lookup->image, err);
}

static void on_end(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct lookup *lookup = data;

	lookup->reply = *reply;
}

/* Takes the path over. */
static int look_up(struct engine *engine, struct arena *arena, char *path,
		   int (*read)(void *, struct json_object *, struct err *), struct image *ret,
		   struct err *err)
{
	_cleanup_(intern_freep) struct intern *intern = intern_new(arena);
	struct lookup lookup = { .decoder = { .arena = arena, .intern = intern } };

	engine_get(engine, path, OBJECT_MAX_BYTES,
		   json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES, read, &lookup), on_end,
		   &lookup);
	http_run(engine->http, 1);
	if (lookup.reply.result < 0)
		return err_set(err, lookup.reply.result, "%s", lookup.reply.err.text);
	/* Of a container that is being removed Podman says so with a 500 (p43, live). */
	if (dialect_outcome(engine->dialect, lookup.reply.status, lookup.reply.message) ==
	    OUTCOME_GONE)
		return 0;
	if (lookup.reply.status != 200)
		return err_set(err, -EIO, "it answers %ld %s", lookup.reply.status,
			       lookup.reply.message);
	*ret = lookup.image;
	return 1;
}

int engine_image_of(struct engine *engine, struct arena *arena, const char *container,
		    const char **ret, struct err *err)
{
	struct image image;
	int r = look_up(engine, arena, engine_path(engine, "/containers/%s/json", container),
			read_container, &image, err);

	if (r < 0)
		return err_wrap(err, "container %s", container);
	/* An infra container of Podman's is made of no image. */
	*ret = r > 0 ? image.id : NULL;
	return r;
}

int engine_image(struct engine *engine, struct arena *arena, const char *reference,
		 struct image *ret, struct err *err)
{
	_cleanup_free_ char *escaped = url_escape(reference);
	int r = look_up(engine, arena, engine_path(engine, "/images/%s/json", escaped),
			read_image, ret, err);

	return r < 0 ? err_wrap(err, "image %s", reference) : r;
}
