#pragma once

#include <stdarg.h>

#include "engine/internal.h"

/* What the removals of containers and of images share. */

/* Sets the outcome of the whole and why. */
void removal_end(struct removal *removal, enum outcome outcome, const char *format, ...)
	_printf_(3, 4);
void removal_end_v(struct removal *removal, enum outcome outcome, const char *format,
		   va_list args) _printf_(3, 0);

/* Waits as control wants, and lets it have its last word. False: the removal has its outcome.
 */
bool removal_may_start(const struct removal_control *control, struct removal *removal);

/* The next request of something under way, before all that waits. */
void removal_ask(const struct engine *engine, enum http_method method, char *path,
		 struct json_stream *json,
		 void (*done)(struct http *, const struct http_reply *, void *), void *data);

/* Asks which containers, running or not, filters find: JSON as in Docker's API. Adds to *n how
 * many there are, then calls done. */
void removal_ask_users(const struct engine *engine, const char *filters, size_t *n,
		       void (*done)(struct http *, const struct http_reply *, void *),
		       void *data);

/* What came of that: users keep the object, and so does an engine that does not tell. Returns
 * whether the removal has its outcome. */
bool removal_is_held(struct removal *removal, const struct http_reply *reply, size_t n);

/* At a time. */
static inline int removals_at_once(const struct engine *engine, int best,
				   const struct removal_control *control)
{
	return control && control->wait ? 1 : engine_connections(engine, best);
}

static inline void tell_ended(const struct removal_control *control)
{
	if (control && control->ended)
		control->ended(control->data);
}
