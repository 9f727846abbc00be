#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "engine/allow.h"

/* HTTP over a local unix socket: a queue of requests that a fixed number of kept-alive
 * connections works off, in one thread. A request's callback may submit further ones, so that
 * looking at an object and then deleting it is a small state machine of its own. */

struct http;
struct json_stream;

/* How a request ended. Lives while the callback runs. */
struct http_reply {
	int result;	/* 0: an answer came and, if it was good, was read whole; else -errno */
	long status;	/* 0: there was no answer */
	struct err err; /* of a negative result */
	char message[768]; /* of a status from 400 on: what the engine said */
	void *handle;
};

struct http_request {
	enum http_method method;
	char *path; /* with version and query; taken over and freed */
	size_t max_bytes;
	struct json_stream *json; /* reads a good answer; taken over and freed; NULL: ignored */
	void (*done)(struct http *http, const struct http_reply *reply, void *data);
	void *data;
};

/* Never NULL. timeout_sec is for each request, from when it is sent; 0: none. */
struct http *http_new(const char *socket_path, int timeout_sec);

/* NULL is fine. Requests still in the queue are dropped without a callback. */
void http_free(struct http *http);
DEFINE_CLEANUP(struct http *, http_free, http_free)

/* Puts a request at the end of the queue. One that is not allowed ends with -EPERM and is never
 * sent. */
void http_submit(struct http *http, const struct http_request *request);

/* The same, before all that waits: for the request that a callback has decided upon, so that no
 * time passes between look and deed. */
void http_submit_next(struct http *http, const struct http_request *request);

/* Works until no request is left, with at most that many connections. */
void http_run(struct http *http, int connections);

/* Has tick() called at least every second while http_run() works, never within a callback. What
 * it returns other than 0 ends the work: requests under way or in the queue are dropped without
 * a callback. */
void http_set_tick(struct http *http, int (*tick)(void *data), void *data);

/* Whether a request under way has got the head of a good answer. */
bool http_is_answered(const struct http *http);

/* Why an answer of status 200 was not read whole, to be freed; NULL: it was. */
char *http_reply_failure(const struct http_reply *reply);

/* A header of the answer, or NULL; valid while the callback runs. */
const char *http_reply_header(const struct http_reply *reply, const char *name);

/* A copy, to be freed, in which everything is escaped that may not stand in a path. */
char *url_escape(const char *text);
