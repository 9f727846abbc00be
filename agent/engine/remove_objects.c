#include <stdlib.h>
#include <string.h>

#include "engine/decode.h"
#include "engine/json.h"
#include "engine/remove.h"

/* Each container, volume and network: look, compare, DELETE. If it stays unknown whether a
 * DELETE was done, because no answer came, look once more. As many as there are connections are
 * under way, so that little is left to finish when a signal comes. */

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
	union {
		struct container container;
		struct volume volume;
		struct network network;
	} now;
	size_t users; /* networks: containers that have it */
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

static bool equal(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* ---- what the kinds have of their own ---- */

static int read_container(struct decoder *decoder, struct json_object *object, struct job *job,
			  struct err *err)
{
	return decode_container_now(decoder, object, &job->now.container, err);
}

static const char *container_difference(const struct job *job)
{
	const struct container *was = job->removal->container, *now = &job->now.container;

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
	if (!equal(was->restart_policy, now->restart_policy) ||
	    was->max_retries != now->max_retries)
		return "has another restart policy now";
	return NULL;
}

static int read_volume(struct decoder *decoder, struct json_object *object, struct job *job,
		       struct err *err)
{
	return decode_volume(decoder, object, &job->now.volume, err);
}

/* On Docker before 23.0 the time of creation moves with every write at the top of the volume,
 * so that it tells of use as well (ENGINES.md). */
static const char *volume_difference(const struct job *job)
{
	const struct volume *was = job->removal->volume, *now = &job->now.volume;

	if (!equal(was->name, now->name) || !equal(was->driver, now->driver))
		return "is another one now";
	return was->created == now->created ? NULL : "was made anew, or written to";
}

static int read_network(struct decoder *decoder, struct json_object *object, struct job *job,
			struct err *err)
{
	return decode_network(decoder, object, &job->now.network, err);
}

static const char *network_difference(const struct job *job)
{
	const struct network *was = job->removal->network, *now = &job->now.network;

	return equal(was->id, now->id) && equal(was->name, now->name) ? NULL
								      : "is another one now";
}

/* Indexed by kind. */
static const struct way {
	const char *folder;
	int (*read)(struct decoder *decoder, struct json_object *object, struct job *job,
		    struct err *err);
	/* The words that follow "the container", or NULL. */
	const char *(*difference)(const struct job *job);
	/* Engines remove it although stopped containers cannot start without it. */
	bool ask_for_users;
} ways[KIND_MAX_] = {
	[KIND_CONTAINER] = { "containers", read_container, container_difference, false },
	[KIND_VOLUME] = { "volumes", read_volume, volume_difference, false },
	[KIND_NETWORK] = { "networks", read_network, network_difference, true },
};

static const struct way *way_of(const struct job *job)
{
	return &ways[job->removal->kind];
}

/* The key comes first in each of them. */
static const char *key_of(const struct removal *removal)
{
	return *(const char *const *)(const void *)removal->container;
}

static char *path_of(const struct job *job, const char *suffix)
{
	_cleanup_free_ char *key = url_escape(key_of(job->removal));

	return engine_path(job->run->engine, "/%s/%s%s", way_of(job)->folder, key, suffix);
}

/* ---- the way of each ---- */

static int read_now(void *data, struct json_object *object, struct err *err)
{
	struct job *job = data;
	struct decoder decoder = { .arena = job->arena, .intern = job->intern };

	return way_of(job)->read(&decoder, object, job, err);
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
	} else if ((changed = way_of(job)->difference(job))) {
		removal_end(removal, OUTCOME_CHANGED, "the %s %s",
			    kind_to_string(removal->kind), changed);
	} else if (removal_stopped(job->run->control)) {
		removal_end(removal, OUTCOME_SKIPPED, "interrupted");
	}
	return removal->outcome;
}

static void delete (struct job *job)
{
	removal_ask(job->run->engine, HTTP_DELETE, path_of(job, ""), NULL, deleted, job);
}

static void users_counted(struct http *http _unused_, const struct http_reply *reply,
			  void *data)
{
	struct job *job = data;

	if (removal_is_held(job->removal, reply, job->users))
		job_end(job);
	else
		delete (job);
}

/* A container that ran is found by the network's ID, one that never did only by what it was
 * created with: the name or, as people write it, the beginning of the ID. */
static char *users_filter(const struct network *network)
{
	struct json_object *name = json_object_new_string(network->name ? network->name : "");
	char *filter = mem_printf("{\"network\":[\"%s\",\"%.12s\",%s]}", network->id,
				  network->id, json_object_to_json_string(name));

	json_object_put(name);
	return filter;
}

static void count_users(struct job *job)
{
	_cleanup_free_ char *filters = users_filter(job->removal->network);

	removal_ask_users(job->run->engine, filters, &job->users, users_counted, job);
}

static void looked(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct job *job = data;

	if (judge(job, reply) != OUTCOME_NONE)
		job_end(job);
	else if (way_of(job)->ask_for_users)
		count_users(job);
	else
		delete (job);
}

static void look(struct job *job)
{
	const char *suffix = job->removal->kind == KIND_CONTAINER ? "/json" : "";

	removal_ask(job->run->engine, HTTP_GET, path_of(job, suffix),
		    json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES, read_now, job), looked, job);
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

		if (removal->outcome != OUTCOME_NONE ||
		    !removal_may_start(run->control, removal))
			continue;
		start(run, removal);
		return;
	}
}

void engine_remove_objects(struct engine *engine, struct removal *removals, size_t n,
			   const struct removal_control *control)
{
	struct run run = { engine, removals, n, 0, control };
	int connections = removals_at_once(engine, CONTAINER_CONNECTIONS, control);

	for (int i = 0; i < connections; i++)
		start_next(&run);
	http_run(engine->http, connections);
}
