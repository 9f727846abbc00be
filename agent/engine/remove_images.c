#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/decode.h"
#include "engine/family.h"
#include "engine/json.h"
#include "engine/remove.h"

/* Each image: look, compare its names with the snapshot's less those already removed, DELETE
 * the next name; again, until it is gone. The last name goes by the image's ID: by name
 * whatever has taken it since the look would go. Where another name is left, ask for containers
 * directly before. After a DELETE that was refused or not answered, one more look tells which
 * names are left. */

struct run {
	struct engine *engine;
	struct family *family;
	const struct removal_control *control;
	int idle; /* connections without work, because the rest waits for its children */
};

struct job {
	struct run *run;
	struct removal *removal;
	struct arena *arena;
	struct intern *intern;
	enum outcome *tags, *digests; /* of each name how it ended */
	bool by_id;		      /* the last DELETE was by ID */
	bool by_name;		      /* the last name cannot go by ID */
	enum outcome *asked;	      /* of the name that the last DELETE was for, or NULL */
	const char *name;	      /* what it said, name or ID */
	size_t removed;
	size_t users;	      /* containers that have the image by now */
	enum outcome refused; /* of the last DELETE, OUTCOME_NONE: it was done */
	char why[sizeof(((struct err *)NULL)->text)];
	struct image now;
	struct image_deletion deletion;
	bool whole; /* the engine said that the image itself went */
};

static void start_ready(struct run *run);

static void job_end(struct job *job, enum outcome outcome, const char *format, ...)
	_printf_(3, 4);

static void job_end(struct job *job, enum outcome outcome, const char *format, ...)
{
	const struct image *image = job->removal->image;
	struct run *run = job->run;
	va_list args;

	for (size_t i = 0; job->removal->references && i < image->n_tags; i++)
		job->removal->references[i] =
			job->tags[i] == OUTCOME_NONE ? outcome : job->tags[i];
	va_start(args, format);
	removal_end_v(job->removal, outcome, format, args);
	va_end(args);
	family_settle(run->family, job->removal);
	intern_free(job->intern);
	arena_free(job->arena);
	free(job);
	tell_ended(run->control);
	run->idle++;
	start_ready(run);
}

/* Whether names that were there are gone for a reason, and none came. */

static bool left(const enum outcome *ends, size_t i)
{
	return ends[i] == OUTCOME_NONE;
}

static bool same_tags(const struct job *job)
{
	const struct image *was = job->removal->image, *now = &job->now;
	size_t k = 0;

	for (size_t i = 0; i < was->n_tags; i++) {
		if (!left(job->tags, i))
			continue;
		if (k == now->n_tags || !reference_equal(&was->tags[i], &now->tags[k++]))
			return false;
	}
	return k == now->n_tags;
}

/* With the last tag of a repository its digests go, too. */
static bool went_with_tag(const struct job *job, const struct reference *digest)
{
	const struct image *image = job->removal->image;

	for (size_t i = 0; i < image->n_tags; i++)
		if (!left(job->tags, i) &&
		    strcmp(image->tags[i].repository, digest->repository) == 0)
			return true;
	return false;
}

static bool same_digests(const struct job *job)
{
	const struct image *was = job->removal->image, *now = &job->now;
	size_t k = 0;

	for (size_t i = 0; i < was->n_digests; i++) {
		bool here = k < now->n_digests &&
			    reference_equal(&was->digests[i], &now->digests[k]);

		k += here;
		if (here != left(job->digests, i) && !went_with_tag(job, &was->digests[i]))
			return false;
	}
	return k == now->n_digests;
}

static bool has_tag(const struct image *image, const struct reference *tag)
{
	for (size_t i = 0; i < image->n_tags; i++)
		if (reference_equal(&image->tags[i], tag))
			return true;
	return false;
}

/* An engine may untag and then refuse, or do it and not come to answer. */
static void learn_what_went(struct job *job)
{
	const struct image *image = job->removal->image;

	for (size_t i = 0; i < image->n_tags; i++)
		if (&job->tags[i] == job->asked && !has_tag(&job->now, &image->tags[i]))
			job->tags[i] = OUTCOME_REMOVED;
}

/* DELETE: which name, and what came of it. */

/* NULL: no name is left, and the image goes by ID. */
static const struct reference *next_name(struct job *job)
{
	const struct image *image = job->removal->image;

	for (size_t i = 0; i < image->n_tags; i++) {
		job->asked = &job->tags[i];
		if (left(job->tags, i))
			return &image->tags[i];
	}
	/* Of the digests those that are still there. */
	for (size_t i = 0; i < job->now.n_digests; i++)
		for (size_t k = 0; k < image->n_digests; k++) {
			job->asked = &job->digests[k];
			if (left(job->digests, k) &&
			    reference_equal(&image->digests[k], &job->now.digests[i]))
				return &image->digests[k];
		}
	job->asked = NULL;
	return NULL;
}

static int read_deletion(void *data, struct json_object *object, struct err *err)
{
	struct job *job = data;
	struct decoder decoder = { .arena = job->arena, .intern = job->intern };
	int r = job->run->engine->dialect->libpod
			? decode_podman_deletion(&decoder, object, &job->deletion, err)
			: decode_deletion(&decoder, object, &job->deletion, err);

	if (r >= 0 && strings_contain(&job->deletion.deleted, job->removal->image->id))
		job->whole = true;
	return r;
}

static void look(struct job *job);

static void refuse(struct job *job, enum outcome outcome, const char *why)
{
	job->refused = outcome;
	snprintf(job->why, sizeof(job->why), "%s", why);
}

/* What was pulled by digest as well Podman knows by that name, too, and does not remove by ID;
 * it does not tell in the look (p43, p54, p58, live). */
static bool may_have_hidden_name(const struct job *job)
{
	return job->run->engine->dialect->libpod && job->by_id && job->asked;
}

static void read_outcome(struct job *job, const struct http_reply *reply)
{
	const struct strings *errors = &job->deletion.errors;
	const char *message = errors->n > 0 ? errors->v[0] : reply->message;
	/* Podman's own API refuses under a status of 200. */
	long status = errors->n > 0 ? 500 : reply->status;
	enum outcome outcome = dialect_outcome(job->run->engine->dialect, status, message);

	if (outcome == OUTCOME_IN_USE && may_have_hidden_name(job)) {
		job->by_name = true;
		job->by_id = false;
		return;
	}
	if (outcome == OUTCOME_REMOVED || outcome == OUTCOME_GONE) {
		job->removed += outcome == OUTCOME_REMOVED;
		if (job->asked)
			*job->asked = outcome;
	} else {
		refuse(job, outcome, message);
	}
}

static void deleted(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct job *job = data;

	if (reply->result < 0)
		refuse(job, OUTCOME_FAILED, reply->err.text);
	else
		read_outcome(job, reply);
	if (job->refused == OUTCOME_NONE && job->whole)
		job_end(job, OUTCOME_REMOVED, "%s", "");
	else
		look(job);
}

/* Docker's way to name one in the path does not keep Podman before 4.6 from removing the
 * parents as well; its own does. */
static char *delete_path(const struct engine *engine, const char *name)
{
	_cleanup_free_ char *escaped = url_escape(name);

	if (engine->dialect->libpod)
		return mem_printf("/v%s/libpod/images/remove?images=%s&noprune=true",
				  engine->podman_api, escaped);
	return engine_path(engine, "/images/%s?noprune=1", escaped);
}

static void delete (struct job *job)
{
	const struct engine *engine = job->run->engine;

	job->deletion = (struct image_deletion){ 0 };
	removal_ask(engine, HTTP_DELETE, delete_path(engine, job->name),
		    json_stream_new(engine->dialect->libpod ? JSON_OBJECT : JSON_LIST,
				    OBJECT_MAX_BYTES, read_deletion, job),
		    deleted, job);
}

static void users_counted(struct http *http _unused_, const struct http_reply *reply,
			  void *data)
{
	struct job *job = data;
	struct removal held = { .outcome = OUTCOME_NONE };

	if (removal_is_held(&held, reply, job->users))
		job_end(job, held.outcome, "%s", held.detail);
	else if (removal_stopped(job->run->control))
		job_end(job, OUTCOME_SKIPPED, "interrupted");
	else
		delete (job);
}

/* An engine takes the last name of a repository from no image that a container uses, but any
 * other one it does without complaint (ENGINES.md). With a repository's last tag its digests
 * go. */
static bool leaves_a_name(const struct job *job, const struct reference *name)
{
	const struct image *now = &job->now;

	for (size_t i = 0; i < now->n_tags; i++)
		if (!reference_equal(&now->tags[i], name))
			return true;
	for (size_t i = 0; i < now->n_digests; i++)
		if (strcmp(now->digests[i].repository, name->repository) != 0)
			return true;
	return false;
}

static void ask_for_users(struct job *job)
{
	const char *id = job->removal->image->id, *colon = strchr(id, ':');
	_cleanup_free_ char *filters =
		mem_printf("{\"ancestor\":[\"%s\"]}", colon ? colon + 1 : id);

	job->users = 0;
	removal_ask_users(job->run->engine, filters, &job->users, users_counted, job);
}

static void delete_next(struct job *job)
{
	const struct reference *name;
	bool is_last;

	if (job->by_id) {
		job_end(job, OUTCOME_FAILED, "it is still there");
		return;
	}
	name = next_name(job);
	is_last = !name || !leaves_a_name(job, name);
	job->by_id = !name || (is_last && !job->by_name);
	job->name = job->by_id ? job->removal->image->id : name->raw;
	if (is_last)
		delete (job);
	else
		ask_for_users(job);
}

/* GET: what it shows decides. */

static int read_now(void *data, struct json_object *object, struct err *err)
{
	struct job *job = data;
	struct decoder decoder = { .arena = job->arena, .intern = job->intern };

	return decode_image_now(&decoder, object, &job->now, err);
}

static void judge(struct job *job)
{
	learn_what_went(job);
	if (job->refused != OUTCOME_NONE)
		job_end(job, job->refused, "%s", job->why);
	else if (strcmp(job->now.id, job->removal->image->id) != 0)
		job_end(job, OUTCOME_CHANGED, "the image is another one now");
	else if (!same_tags(job) || !same_digests(job))
		job_end(job, OUTCOME_CHANGED, "the image has other names now");
	else if (removal_stopped(job->run->control))
		job_end(job, OUTCOME_SKIPPED, "interrupted");
	else
		delete_next(job);
}

static void looked(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct job *job = data;

	if (reply->result >= 0 && reply->status == 404) {
		bool ours = job->removed > 0 || job->refused != OUTCOME_NONE;

		job_end(job, ours ? OUTCOME_REMOVED : OUTCOME_GONE, "%s", "");
	} else if (reply->result < 0 || reply->status != 200) {
		job_end(job, OUTCOME_FAILED, "cannot be looked up: %s",
			reply->result < 0 ? reply->err.text : reply->message);
	} else {
		judge(job);
	}
}

static void look(struct job *job)
{
	removal_ask(job->run->engine, HTTP_GET,
		    engine_path(job->run->engine, "/images/%s/json", job->removal->image->id),
		    json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES, read_now, job), looked, job);
}

static void start(struct run *run, struct removal *removal)
{
	struct job *job = mem_zalloc(1, sizeof(*job));
	const struct image *image = removal->image;

	job->run = run;
	job->removal = removal;
	job->arena = arena_new();
	job->intern = intern_new(job->arena);
	job->tags = arena_array(job->arena, image->n_tags, sizeof(*job->tags));
	job->digests = arena_array(job->arena, image->n_digests, sizeof(*job->digests));
	look(job);
}

static void start_ready(struct run *run)
{
	struct removal *removal;

	while (run->idle > 0 && (removal = family_next(run->family))) {
		if (removal_may_start(run->control, removal)) {
			run->idle--;
			start(run, removal);
		} else {
			family_settle(run->family, removal);
		}
	}
}

static void end_rest(struct removal *removals, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct removal *removal = &removals[i];

		if (removal->outcome == OUTCOME_NONE)
			removal_end(removal, OUTCOME_SKIPPED, "its parents form a circle");
		for (size_t k = 0; removal->references && k < removal->image->n_tags; k++)
			if (removal->references[k] == OUTCOME_NONE)
				removal->references[k] = removal->outcome;
	}
}

void engine_remove_images(struct engine *engine, struct removal *removals, size_t n,
			  const struct removal_control *control)
{
	_cleanup_(family_freep) struct family *family = family_new(removals, n);
	int connections = removals_at_once(engine, IMAGE_CONNECTIONS, control);
	struct run run = { engine, family, control, connections };

	start_ready(&run);
	http_run(engine->http, connections);
	end_rest(removals, n);
}
