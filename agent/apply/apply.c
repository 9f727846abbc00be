#include "apply/apply.h"

#include <assert.h>
#include <string.h>

#include "plan/use.h"

struct application {
	struct arena *arena;
	const struct plan *plan;
	struct engine *engine;
	const struct removal_control *control;
	struct result *result;
};

static const struct verdict *removal_verdict(const struct application *application, size_t i)
{
	return &application->plan->verdicts[application->plan->removals[i]];
}

static void note(struct application *application, size_t index, enum outcome outcome,
		 const char *detail)
{
	application->result->outcomes[index] = outcome;
	application->result->details[index] =
		detail && *detail ? arena_strdup(application->arena, detail) : NULL;
}

static void remove_containers(struct application *application)
{
	const struct plan *plan = application->plan;
	struct removal *removals =
		arena_array(application->arena, plan->n_removals, sizeof(*removals));
	size_t n = 0;

	/* Containers are the first of the removals. */
	while (n < plan->n_removals &&
	       removal_verdict(application, n)->kind == KIND_CONTAINER) {
		removals[n].container = removal_verdict(application, n)->container;
		n++;
	}
	if (n == 0)
		return;
	engine_remove_containers(application->engine, removals, n, application->control);
	for (size_t i = 0; i < n; i++)
		note(application, plan->removals[i], removals[i].outcome, removals[i].detail);
}

/* The references of one image stand together in the plan; their outcomes follow the image's
 * list of tags, and a digest reference shares the outcome of the whole. */
static void note_image(struct application *application, size_t i, const struct removal *removal)
{
	const struct verdict *verdict = removal_verdict(application, i);
	enum outcome outcome = removal->outcome;

	for (size_t k = 0; removal->references && k < removal->image->n_tags; k++)
		if (verdict->reference == &removal->image->tags[k])
			outcome = removal->references[k];
	note(application, application->plan->removals[i], outcome, removal->detail);
}

/* Containers by ID or any name, then swarm services; NULL: nobody. */
static const char *user_of(const struct users *users, const struct snapshot *fresh,
			   const struct image *image)
{
	const struct container *user = users_of_any(users, image);

	if (user)
		return user->names.n > 0 ? user->names.v[0] : user->id;
	return users_in_swarm(&fresh->swarm, image, NULL);
}

static size_t collect_images(struct application *application, const struct snapshot *fresh,
			     struct removal *removals)
{
	const struct users *users = users_new(application->arena, fresh, NULL, NULL);
	size_t n = 0;

	for (size_t i = 0; i < application->plan->n_removals; i++) {
		const struct verdict *verdict = removal_verdict(application, i);
		const char *user;

		if (verdict->kind == KIND_CONTAINER ||
		    (n > 0 && removals[n - 1].image == verdict->image))
			continue;
		removals[n].image = verdict->image;
		removals[n].references = arena_array(application->arena, verdict->image->n_tags,
						     sizeof(*removals[n].references));
		user = user_of(users, fresh, verdict->image);
		if (user) {
			removals[n].outcome = OUTCOME_IN_USE;
			for (size_t k = 0; k < verdict->image->n_tags; k++)
				removals[n].references[k] = OUTCOME_IN_USE;
			snprintf(removals[n].detail, sizeof(removals[n].detail), "used by %s",
				 user);
		}
		n++;
	}
	return n;
}

static void skip_images(struct application *application, const char *why)
{
	for (size_t i = 0; i < application->plan->n_removals; i++)
		if (removal_verdict(application, i)->kind != KIND_CONTAINER)
			note(application, application->plan->removals[i], OUTCOME_SKIPPED, why);
}

static bool any_image(const struct application *application)
{
	const struct plan *plan = application->plan;

	return plan->n_removals > 0 &&
	       removal_verdict(application, plan->n_removals - 1)->kind != KIND_CONTAINER;
}

static void remove_images(struct application *application)
{
	_cleanup_(snapshot_freep) struct snapshot *fresh = snapshot_new();
	const struct plan *plan = application->plan;
	struct removal *removals;
	struct err err;
	size_t n, k = 0;

	if (!any_image(application))
		return;
	if (engine_containers(application->engine, fresh, &err) < 0) {
		skip_images(application, err.text);
		return;
	}
	removals = arena_array(application->arena, plan->n_removals, sizeof(*removals));
	n = collect_images(application, fresh, removals);
	engine_remove_images(application->engine, removals, n, application->control);
	for (size_t i = 0; i < plan->n_removals; i++) {
		const struct verdict *verdict = removal_verdict(application, i);

		if (verdict->kind == KIND_CONTAINER)
			continue;
		if (removals[k].image != verdict->image)
			k++;
		note_image(application, i, &removals[k]);
	}
}

static void count(struct result *result, const struct plan *plan, size_t index)
{
	const struct verdict *verdict = &plan->verdicts[index];
	bool last = index + 1 == plan->n || plan->verdicts[index + 1].kind != KIND_TAG ||
		    plan->verdicts[index + 1].image != verdict->image;

	if (result->outcomes[index] == OUTCOME_NONE)
		result->outcomes[index] = OUTCOME_SKIPPED;
	result->n_failed += result->outcomes[index] == OUTCOME_FAILED;
	if (result->outcomes[index] != OUTCOME_REMOVED)
		return;
	result->removed.n[verdict->kind]++;
	if (verdict->kind == KIND_TAG && last)
		result->removed.n[KIND_IMAGE]++;
	if (verdict->bytes < 0)
		result->removed.unknown++;
	else
		result->removed.bytes += verdict->bytes;
}

static bool is_stopped(const struct removal_control *control)
{
	return control && control->stop && *control->stop;
}

struct result *apply_plan(struct arena *arena, const struct plan *plan, struct engine *engine,
			  const struct removal_control *control)
{
	struct application application = {
		.arena = arena,
		.plan = plan,
		.engine = engine,
		.control = control,
		.result = arena_alloc(arena, sizeof(struct result)),
	};
	struct result *result = application.result;

	assert(plan->n_needs == 0 && !plan->brake.pulled);
	result->outcomes = arena_array(arena, plan->n, sizeof(*result->outcomes));
	result->details = arena_array(arena, plan->n, sizeof(*result->details));
	remove_containers(&application);
	if (!is_stopped(control))
		remove_images(&application);
	result->interrupted = is_stopped(control);
	for (size_t i = 0; i < plan->n_removals; i++)
		count(result, plan, plan->removals[i]);
	return result;
}
