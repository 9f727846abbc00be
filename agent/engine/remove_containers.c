#include <stdlib.h>
#include <string.h>

#include "engine/decode.h"
#include "engine/json.h"
#include "engine/remove.h"

/* Each container: look, compare, DELETE. If it stays unknown whether a DELETE was done, because
 * no answer came, look once more. As many as there are connections are under way, so that
 * little is left to finish when a signal comes. */

struct run {
	struct engine *engine;
	struct removal *removals;
	size_t n, next;
	const struct removal_control *control;
};

struct job {
	struct run *run;
	struct removal *removal;
	struct arena *arena;
	struct intern *intern;
	struct container now;
	bool unclear; /* a DELETE was sent and not answered; removal->detail says why */
};

static void start_next(struct run *run);

static void job_end(struct job *job)
{
	struct run *run = job->run;

	intern_free(job->intern);
	arena_free(job->arena);
	free(job);
	tell_ended(run->control);
	start_next(run);
}

static int read_now(void *data, struct json_object *object, struct err *err)
{
	struct job *job = data;
	struct decoder decoder = { job->arena, job->intern };

	return decode_container_now(&decoder, object, &job->now, err);
}

static bool equal(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* The words that follow "the container", or NULL. */
static const char *difference(const struct container *was, const struct container *now)
{
	if (!equal(was->id, now->id))
		return "is another one now";
	if (was->state != now->state)
		return "changed its state";
	if (was->names.n > 0 && now->names.n > 0 &&
	    !strings_contain(&was->names, now->names.v[0]))
		return "has another name now";
	if (was->inspected != FACT_KNOWN)
		return NULL;
	if (was->finished != now->finished || was->started != now->started)
		return "ran again meanwhile";
	if (!equal(was->restart_policy, now->restart_policy))
		return "has another restart policy now";
	return NULL;
}

static void submit(struct job *job, enum http_method method, char *path,
		   struct json_stream *json,
		   void (*done)(struct http *, const struct http_reply *, void *))
{
	http_submit_next(job->run->engine->http, &(struct http_request){
							 .method = method,
							 .path = path,
							 .max_bytes = OBJECT_MAX_BYTES,
							 .json = json,
							 .done = done,
							 .data = job,
						 });
}

static void look(struct job *job);

static void deleted(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct job *job = data;
	enum outcome outcome;

	if (reply->result < 0) {
		job->unclear = true;
		removal_end(job->removal, OUTCOME_FAILED, "%s", reply->err.text);
		look(job);
		return;
	}
	outcome = dialect_outcome(job->run->engine->dialect, reply->status, reply->message);
	removal_end(job->removal, outcome, "%s", reply->message);
	job_end(job);
}

/* What the look shows decides, or ends it. */
static enum outcome judge(struct job *job, const struct http_reply *reply)
{
	struct removal *removal = job->removal;
	const char *changed;

	if (reply->result >= 0 && reply->status == 404) {
		removal_end(removal, job->unclear ? OUTCOME_REMOVED : OUTCOME_GONE, "%s", "");
	} else if (job->unclear) {
		removal->outcome = OUTCOME_FAILED;
	} else if (reply->result < 0) {
		removal_end(removal, OUTCOME_FAILED, "cannot be looked up: %s",
			    reply->err.text);
	} else if (reply->status != 200) {
		removal_end(removal, OUTCOME_FAILED, "cannot be looked up: %ld %s",
			    reply->status, reply->message);
	} else if ((changed = difference(removal->container, &job->now))) {
		removal_end(removal, OUTCOME_CHANGED, "the container %s", changed);
	} else if (stopped(job->run->control)) {
		removal_end(removal, OUTCOME_SKIPPED, "interrupted");
	}
	return removal->outcome;
}

static void looked(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct job *job = data;

	if (judge(job, reply) != OUTCOME_NONE)
		job_end(job);
	else
		submit(job, HTTP_DELETE,
		       engine_path(job->run->engine, "/containers/%s",
				   job->removal->container->id),
		       NULL, deleted);
}

static void look(struct job *job)
{
	submit(job, HTTP_GET,
	       engine_path(job->run->engine, "/containers/%s/json",
			   job->removal->container->id),
	       json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES, read_now, job), looked);
}

static void start(struct run *run, struct removal *removal)
{
	struct job *job = mem_zalloc(1, sizeof(*job));

	job->run = run;
	job->removal = removal;
	job->arena = arena_new();
	job->intern = intern_new(job->arena);
	look(job);
}

static void start_next(struct run *run)
{
	while (run->next < run->n) {
		struct removal *removal = &run->removals[run->next++];

		if (removal->outcome != OUTCOME_NONE)
			continue;
		if (!stopped(run->control)) {
			start(run, removal);
			return;
		}
		removal_end(removal, OUTCOME_SKIPPED, "interrupted");
	}
}

void engine_remove_containers(struct engine *engine, struct removal *removals, size_t n,
			      const struct removal_control *control)
{
	struct run run = { engine, removals, n, 0, control };
	int connections = engine_connections(engine, CONTAINER_CONNECTIONS);

	for (int i = 0; i < connections; i++)
		start_next(&run);
	http_run(engine->http, connections);
}
