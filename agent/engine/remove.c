#include "engine/remove.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/json.h"

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

bool removal_may_start(const struct removal_control *control, struct removal *removal)
{
	if (control && control->wait)
		control->wait(control->data);
	if (control && control->last_word && !removal_stopped(control))
		control->last_word(control->data, removal);
	/* A last word may have to be waited for. */
	if (removal_stopped(control))
		removal_end(removal, OUTCOME_SKIPPED, "interrupted");
	return removal->outcome == OUTCOME_NONE;
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

static int count_user(void *data, struct json_object *object _unused_, struct err *err _unused_)
{
	size_t *n = data;

	++*n;
	return 0;
}

void removal_ask_users(const struct engine *engine, const char *filters, size_t *n,
		       void (*done)(struct http *, const struct http_reply *, void *),
		       void *data)
{
	_cleanup_free_ char *escaped = url_escape(filters);

	removal_ask(engine, HTTP_GET,
		    engine_path(engine, "/containers/json?all=1&filters=%s", escaped),
		    json_stream_new(JSON_LIST, OBJECT_MAX_BYTES, count_user, n), done, data);
}

bool removal_is_held(struct removal *removal, const struct http_reply *reply, size_t n)
{
	if (reply->result < 0 || reply->status != 200)
		removal_end(removal, OUTCOME_FAILED, "its containers cannot be listed: %s",
			    reply->result < 0 ? reply->err.text : reply->message);
	else if (n > 0)
		removal_end(removal, OUTCOME_IN_USE, "%zu containers have it by now", n);
	return removal->outcome != OUTCOME_NONE;
}
