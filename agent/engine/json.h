#pragma once

#include <json.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

/* JSON that is read while it arrives, strictly: valid UTF-8, nothing behind the end. A list is
 * taken apart into its objects, of which one at a time is in memory. */

DEFINE_CLEANUP(struct json_object *, json_put, json_object_put)

struct json_stream;

enum json_shape {
	JSON_OBJECT,   /* one object */
	JSON_LIST,     /* an array of objects, never null */
	JSON_SEQUENCE, /* objects behind each other; it may end after any of them */
};

/* Calls object() for each object as soon as it is whole; negative (with err set) ends the
 * reading. An object of more than max_object bytes is refused. */
struct json_stream *json_stream_new(enum json_shape shape, size_t max_object,
				    int (*object)(void *data, struct json_object *object,
						  struct err *err),
				    void *data);
void json_stream_free(struct json_stream *stream);
DEFINE_CLEANUP(struct json_stream *, json_stream_free, json_stream_free)

/* -EBADMSG: not JSON, or not of that shape. Pieces may end anywhere. */
_must_check_ int json_stream_feed(struct json_stream *stream, const char *bytes, size_t n,
				  struct err *err);

/* -EBADMSG: the end came too early. */
_must_check_ int json_stream_end(struct json_stream *stream, struct err *err);
