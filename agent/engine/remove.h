#pragma once

#include <stdarg.h>

#include "engine/internal.h"

/* What the removals of containers and of images share. */

/* Sets the outcome of the whole and why. */
void removal_end(struct removal *removal, enum outcome outcome, const char *format, ...)
	_printf_(3, 4);
void removal_end_v(struct removal *removal, enum outcome outcome, const char *format,
		   va_list args) _printf_(3, 0);

/* The next request of something under way, before all that waits. */
void removal_ask(const struct engine *engine, enum http_method method, char *path,
		 struct json_stream *json,
		 void (*done)(struct http *, const struct http_reply *, void *), void *data);

/* At a time. */
static inline int removals_at_once(const struct engine *engine, int best,
				   const struct removal_control *control)
{
	return control && control->wait ? 1 : engine_connections(engine, best);
}

static inline void wait_before(const struct removal_control *control)
{
	if (control && control->wait)
		control->wait(control->data);
}

static inline void tell_ended(const struct removal_control *control)
{
	if (control && control->ended)
		control->ended(control->data);
}
