#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/decode.h"
#include "engine/json.h"
#include "engine/remove.h"

/* Each image: look whether it is there and still without tag, look whether the name is free,
 * tag it. After a request that was refused or not answered, one more look tells what came of
 * it. */

struct run {
	struct engine *engine;
	const struct removal_control *control;
};

struct job {
	struct run *run;
	struct tagging *tagging;
	struct arena *arena;
	struct intern *intern;
	struct image now; /* what the last look showed */
	bool asked;	  /* the request was sent, and not known to be done */
	char why[sizeof(((struct err *)NULL)->text)];
};

static void job_end(struct job *job, enum outcome outcome, const char *format, ...)
	_printf_(3, 4);

static void job_end(struct job *job, enum outcome outcome, const char *format, ...)
{
	struct tagging *tagging = job->tagging;
	va_list args;

	tagging->outcome = outcome;
	va_start(args, format);
	vsnprintf(tagging->detail, sizeof(tagging->detail), format, args);
	va_end(args);
	intern_free(job->intern);
	arena_free(job->arena);
	free(job);
}

static int read_now(void *data, struct json_object *object, struct err *err)
{
	struct job *job = data;
	struct decoder decoder = { .arena = job->arena, .intern = job->intern };

	return decode_image_now(&decoder, object, &job->now, err);
}

static void look(struct job *job, const char *name,
		 void (*looked)(struct http *, const struct http_reply *, void *))
{
	_cleanup_free_ char *escaped = url_escape(name);

	job->now = (struct image){ 0 };
	removal_ask(job->run->engine, HTTP_GET,
		    engine_path(job->run->engine, "/images/%s/json", escaped),
		    json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES, read_now, job), looked, job);
}

static const char *what_went_wrong(const struct http_reply *reply)
{
	return reply->result < 0 ? reply->err.text : reply->message;
}

static bool is_absent(const struct http_reply *reply)
{
	return reply->result >= 0 && reply->status == 404;
}

static bool is_good(const struct http_reply *reply)
{
	return reply->result >= 0 && reply->status >= 200 && reply->status < 300;
}

/* ---- POST ---- */

static void looked_at_image(struct http *http, const struct http_reply *reply, void *data);

static void tagged(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct job *job = data;

	if (is_good(reply)) {
		job_end(job, OUTCOME_TAGGED, "%s", "");
		return;
	}
	job->asked = true;
	snprintf(job->why, sizeof(job->why), "%s", what_went_wrong(reply));
	look(job, job->tagging->image->id, looked_at_image);
}

static void tag(struct job *job)
{
	const struct reference *name = job->tagging->name;
	_cleanup_free_ char *repository = mem_strdup(name->raw), *escaped = NULL;

	repository[strlen(name->raw) - strlen(name->tag) - 1] = '\0';
	escaped = url_escape(repository);
	removal_ask(job->run->engine, HTTP_POST,
		    engine_path(job->run->engine, "/images/%s/tag?repo=%s&tag=%s",
				job->tagging->image->id, escaped, name->tag),
		    NULL, tagged, job);
}

/* ---- the name: engines take it away from another image without complaint ---- */

static void looked_at_name(struct http *http _unused_, const struct http_reply *reply,
			   void *data)
{
	struct job *job = data;

	if (is_absent(reply) && removal_stopped(job->run->control))
		job_end(job, OUTCOME_SKIPPED, "%s", "");
	else if (is_absent(reply))
		tag(job);
	else if (!is_good(reply))
		job_end(job, OUTCOME_FAILED, "%s cannot be looked up: %s",
			job->tagging->name->raw, what_went_wrong(reply));
	else if (strcmp(job->now.id, job->tagging->image->id) == 0)
		job_end(job, OUTCOME_TAGGED, "it has the name already");
	else
		job_end(job, OUTCOME_SKIPPED, "%s is the name of another image, %s: not taken",
			job->tagging->name->raw, job->now.id);
}

/* ---- the image ---- */

static bool has_name(const struct job *job)
{
	for (size_t i = 0; i < job->now.n_tags; i++)
		if (reference_equal(&job->now.tags[i], job->tagging->name))
			return true;
	return false;
}

static void looked_at_image(struct http *http _unused_, const struct http_reply *reply,
			    void *data)
{
	struct job *job = data;

	if (is_absent(reply))
		job_end(job, OUTCOME_GONE, "%s", "");
	else if (!is_good(reply))
		job_end(job, OUTCOME_FAILED, "cannot be looked up: %s", what_went_wrong(reply));
	else if (strcmp(job->now.id, job->tagging->image->id) != 0)
		job_end(job, OUTCOME_CHANGED, "the image is another one now");
	else if (has_name(job))
		job_end(job, OUTCOME_TAGGED, "%s", "");
	else if (job->asked)
		job_end(job, OUTCOME_FAILED, "%s", job->why);
	else if (job->now.n_tags > 0)
		job_end(job, OUTCOME_CHANGED, "the image has a name now: %s",
			job->now.tags[0].raw);
	else
		look(job, job->tagging->name->raw, looked_at_name);
}

static void start(struct run *run, struct tagging *tagging)
{
	struct job *job = mem_zalloc(1, sizeof(*job));

	job->run = run;
	job->tagging = tagging;
	job->arena = arena_new();
	job->intern = intern_new(job->arena);
	look(job, tagging->image->id, looked_at_image);
}

void engine_tag_images(struct engine *engine, struct tagging *taggings, size_t n,
		       const struct removal_control *control)
{
	struct run run = { engine, control };

	/* Each in turn, so that two which are to get one name see each other. */
	for (size_t i = 0; i < n && !removal_stopped(control); i++) {
		start(&run, &taggings[i]);
		http_run(engine->http, 1);
	}
}
