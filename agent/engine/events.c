#include "engine/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/field.h"
#include "engine/internal.h"
#include "engine/json.h"

#define EVENT_MAX_BYTES ((size_t)1 << 20)
#define NSEC_PER_SEC INT64_C(1000000000)

/* What counts; above all no exec events: health probes are most of the traffic. The words are
 * Docker's and, where they differ, Podman's. */
static const char filters[] =
	"{\"type\":[\"container\",\"image\",\"volume\"],"
	"\"event\":[\"create\",\"start\",\"die\",\"died\",\"destroy\",\"remove\","
	"\"pull\",\"tag\",\"untag\",\"delete\",\"build\",\"mount\",\"unmount\"]}";

static const struct {
	const char *type, *action;
	enum event_type event;
} words[] = {
	{ "container", "create", EVENT_CONTAINER_CREATED },
	{ "container", "start", EVENT_CONTAINER_STARTED },
	{ "container", "die", EVENT_CONTAINER_ENDED },
	{ "container", "died", EVENT_CONTAINER_ENDED },
	{ "container", "destroy", EVENT_CONTAINER_GONE },
	{ "container", "remove", EVENT_CONTAINER_GONE },
	{ "image", "pull", EVENT_IMAGE_PULLED },
	{ "image", "tag", EVENT_IMAGE_TAGGED },
	{ "image", "build", EVENT_IMAGE_BUILT },
	{ "image", "untag", EVENT_IMAGE_CHANGED },
	{ "image", "delete", EVENT_IMAGE_CHANGED },
	{ "image", "remove", EVENT_IMAGE_CHANGED },
	{ "volume", "create", EVENT_VOLUME_USED },
	{ "volume", "mount", EVENT_VOLUME_USED },
	{ "volume", "unmount", EVENT_VOLUME_USED },
	{ "volume", "destroy", EVENT_VOLUME_GONE },
	{ "volume", "remove", EVENT_VOLUME_GONE },
};

struct wire_event {
	const char *type, *action, *id;
	struct labels attributes;
	int64_t nsec;
};

static int decode_nanoseconds(struct decoder *decoder _unused_, struct json_object *value,
			      void *target, struct err *err)
{
	int64_t nsec;
	int r = field_is(value, json_type_int, err);

	if (r < 0)
		return r;
	nsec = json_object_get_int64(value);
	/* json-c gives the largest number for one that does not fit. */
	if (nsec <= 0 || nsec == INT64_MAX)
		return err_set(err, -EBADMSG, "a time out of range");
	*(int64_t *)target = nsec;
	return 0;
}

static const struct field event_fields[] = {
	{ "Type", decode_text, offsetof(struct wire_event, type), MANDATORY },
	{ "Action", decode_text, offsetof(struct wire_event, action), MANDATORY },
	{ "Actor.ID", decode_text, offsetof(struct wire_event, id), OPTIONAL },
	{ "Actor.Attributes", decode_labels, offsetof(struct wire_event, attributes),
	  OPTIONAL },
	{ "timeNano", decode_nanoseconds, offsetof(struct wire_event, nsec), MANDATORY },
};

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* Podman tells a volume's name, and the ID of an image that it built, as a name only. */
static const char *actor(const struct wire_event *wire)
{
	return wire->id && *wire->id ? wire->id
				     : or_empty(labels_get(&wire->attributes, "name"));
}

static bool is_of_container(enum event_type type)
{
	return type <= EVENT_CONTAINER_GONE;
}

/* Podman's IDs have no algorithm here. */
static const char *image_id(struct arena *arena, const char *id)
{
	if (!reference_is_id(id) || strchr(id, ':'))
		return id;
	return arena_printf(arena, "sha256:%s", id);
}

static bool is_complete(const struct event *event)
{
	if (event->type == EVENT_IMAGE_TAGGED || event->type == EVENT_IMAGE_BUILT)
		return reference_is_id(event->id);
	return *event->id;
}

static void translate(struct arena *arena, const struct wire_event *wire, struct event *event)
{
	event->id = actor(wire);
	event->labels = wire->attributes;
	if (is_of_container(event->type)) {
		event->name = or_empty(labels_get(&wire->attributes, "image"));
		return;
	}
	event->name = or_empty(labels_get(&wire->attributes, "name"));
	if (event->type == EVENT_IMAGE_TAGGED || event->type == EVENT_IMAGE_BUILT)
		event->id = image_id(arena, event->id);
}

struct follower {
	const struct event_sink *sink;
	struct http *http;
	bool opened, stopped;
	struct http_reply reply;
};

static void hand_on(const struct follower *follower, struct arena *arena,
		    const struct wire_event *wire)
{
	struct event event = { .at = wire->nsec / NSEC_PER_SEC, .at_nsec = wire->nsec };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].type, wire->type) != 0 ||
		    strcmp(words[i].action, wire->action) != 0)
			continue;
		event.type = words[i].event;
		translate(arena, wire, &event);
		if (!is_complete(&event))
			event.type = EVENT_NOT_UNDERSTOOD;
		follower->sink->event(follower->sink->data, &event);
		return;
	}
}

static int read_event(void *data, struct json_object *object, struct err *err)
{
	struct follower *follower = data;
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(intern_freep) struct intern *intern = intern_new(arena);
	struct decoder decoder = { .arena = arena, .intern = intern };
	struct wire_event wire = { 0 };

	if (fields_decode(&decoder, event_fields, ARRAY_SIZE(event_fields), object, &wire,
			  err) < 0) {
		const struct event event = { .type = EVENT_NOT_UNDERSTOOD };

		log_line(LOG_DEBUG, "an event is not understood: %s", err->text);
		follower->sink->event(follower->sink->data, &event);
		return 0;
	}
	hand_on(follower, arena, &wire);
	return 0;
}

static int on_tick(void *data)
{
	struct follower *follower = data;

	if (!follower->opened && http_is_answered(follower->http)) {
		follower->opened = true;
		follower->sink->opened(follower->sink->data);
	}
	follower->stopped = follower->sink->tick(follower->sink->data) != 0;
	return follower->stopped;
}

static void on_end(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct follower *follower = data;

	follower->reply = *reply;
}

static int end_of(const struct follower *follower, struct err *err)
{
	const struct http_reply *reply = &follower->reply;

	if (follower->stopped)
		return 0;
	if (reply->result < 0)
		return err_set(err, reply->result, "the events of the engine broke off: %s",
			       reply->err.text);
	if (reply->status != 200)
		return err_set(err, -EIO, "the engine does not tell its events: %ld %s",
			       reply->status, reply->message);
	return err_set(err, -ECONNRESET, "the engine ended its events");
}

int engine_follow(struct engine *engine, int64_t since, const struct event_sink *sink,
		  struct err *err)
{
	/* Of its own, so that tick() can ask while this request goes on, without time limit. */
	_cleanup_(http_freep) struct http *http = http_new(engine->socket, 0);
	struct follower follower = { .sink = sink, .http = http };
	_cleanup_free_ char *escaped = url_escape(filters);

	http_set_tick(http, on_tick, &follower);
	http_submit(http,
		    &(struct http_request){
			    .method = HTTP_GET,
			    .path = engine_path(engine, "/events?since=%" PRId64 "&filters=%s",
						since, escaped),
			    .max_bytes = SIZE_MAX,
			    .json = json_stream_new(JSON_SEQUENCE, EVENT_MAX_BYTES, read_event,
						    &follower),
			    .done = on_end,
			    .data = &follower,
		    });
	http_run(http, 1);
	return end_of(&follower, err);
}
