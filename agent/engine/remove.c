#include "engine/remove.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const outcomes[] = {
	[OUTCOME_NONE] = NULL,	       [OUTCOME_REMOVED] = "removed",
	[OUTCOME_TAGGED] = "tagged",   [OUTCOME_GONE] = "gone",
	[OUTCOME_IN_USE] = "in-use",   [OUTCOME_CHANGED] = "changed",
	[OUTCOME_SKIPPED] = "skipped", [OUTCOME_FAILED] = "failed",
};
static_assert(ARRAY_SIZE(outcomes) == OUTCOME_MAX_, "a row per outcome");

const char *outcome_to_string(enum outcome outcome)
{
	return outcomes[outcome];
}

void removal_end_v(struct removal *removal, enum outcome outcome, const char *format,
		   va_list args)
{
	removal->outcome = outcome;
	vsnprintf(removal->detail, sizeof(removal->detail), format, args);
}

void removal_end(struct removal *removal, enum outcome outcome, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	removal_end_v(removal, outcome, format, args);
	va_end(args);
}

void removal_ask(const struct engine *engine, enum http_method method, char *path,
		 struct json_stream *json,
		 void (*done)(struct http *, const struct http_reply *, void *), void *data)
{
	http_submit_next(engine->http, &(struct http_request){
					       .method = method,
					       .path = path,
					       .max_bytes = OBJECT_MAX_BYTES,
					       .json = json,
					       .done = done,
					       .data = data,
				       });
}
