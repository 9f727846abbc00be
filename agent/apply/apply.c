#include "apply/apply.h"

#include <assert.h>
#include <string.h>

#include "model/holders.h"
#include "plan/use.h"

struct application {
	struct arena *arena;
	const struct plan *plan;
	struct engine *engine;
	const struct removal_control *control;
	struct result *result;
	struct snapshot *fresh; /* containers, when those of the plan are gone */
	struct users *users;
	struct holders holders; /* of the plan's volumes and networks, by then */
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

static void tag_images(struct application *application)
{
	const struct plan *plan = application->plan;
	struct tagging *taggings =
		arena_array(application->arena, plan->n_tags, sizeof(*taggings));

	for (size_t i = 0; i < plan->n_tags; i++) {
		const struct verdict *verdict = &plan->verdicts[plan->tags[i]];

		taggings[i].image = verdict->image;
		taggings[i].name = verdict->preserve_as;
	}
	engine_tag_images(application->engine, taggings, plan->n_tags, application->control);
	for (size_t i = 0; i < plan->n_tags; i++)
		note(application, plan->tags[i], taggings[i].outcome, taggings[i].detail);
}

static void say_user(struct removal *removal, const char *user)
{
	if (!user)
		return;
	removal->outcome = OUTCOME_IN_USE;
	snprintf(removal->detail, sizeof(removal->detail), "used by %s", user);
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

/* ---- images ---- */

/* Containers by ID or any name, then swarm services. */
static void refrain_if_used(const struct application *application, struct removal *removal)
{
	const struct container *user = users_of_any(application->users, removal->image);
	const char *by =
		user ? container_name(user)
		     : users_in_swarm(&application->fresh->swarm, removal->image, NULL);

	if (!by)
		return;
	for (size_t k = 0; k < removal->image->n_tags; k++)
		removal->references[k] = OUTCOME_IN_USE;
	say_user(removal, by);
}

/* A row of the plan; the references of one image stand together and are one removal. */
static void collect_image(struct application *application, const struct verdict *verdict,
			  struct removal *removals, size_t *n)
{
	const struct image *image = verdict->image;

	if (*n == 0 || removals[*n - 1].image != image) {
		removals[*n] = (struct removal){ .kind = KIND_IMAGE, .image = image };
		removals[*n].references =
			arena_array(application->arena, image->n_tags, sizeof(enum outcome));
		refrain_if_used(application, &removals[(*n)++]);
	}
	removals[*n - 1].by_use |= rule_judges_by_use(verdict->rule);
}

static size_t collect_images(struct application *application, struct removal *removals)
{
	size_t n = 0;

	for (size_t i = 0; i < application->plan->n_removals; i++)
		if (is_image_row(removal_verdict(application, i)))
			collect_image(application, removal_verdict(application, i), removals,
				      &n);
	return n;
}

static void remove_images(struct application *application)
{
	const struct plan *plan = application->plan;
	struct removal *removals =
		arena_array(application->arena, plan->n_removals, sizeof(*removals));
	size_t n = collect_images(application, removals), k = 0;

	engine_remove_images(application->engine, removals, n, application->control);
	for (size_t i = 0; i < plan->n_removals; i++) {
		const struct verdict *verdict = removal_verdict(application, i);

		if (!is_image_row(verdict))
			continue;
		if (removals[k].image != verdict->image)
			k++;
		note_image(application, i, &removals[k]);
	}
}

/* ---- what is one row each ---- */

static void refrain_from_volume(const struct application *application, struct removal *removal)
{
	size_t index = (size_t)(removal->volume - application->plan->snapshot->volumes);

	say_user(removal, application->holders.volumes[index].by);
}

static void refrain_from_network(const struct application *application, struct removal *removal)
{
	size_t index = (size_t)(removal->network - application->plan->snapshot->networks);

	say_user(removal, application->holders.networks[index].by);
}

/* What the engine is to look at again itself. */
static int64_t unused_for(const struct rule *rule)
{
	return rule->keep_within > rule->min_age ? rule->keep_within : rule->min_age;
}

static const struct step {
	enum kind kind;
	/* Settles a removal that must not be tried any more. */
	void (*refrain)(const struct application *application, struct removal *removal);
	void (*remove)(struct engine *engine, struct removal *removals, size_t n,
		       const struct removal_control *control);
} containers_step = { KIND_CONTAINER, NULL, engine_remove_objects }, other_steps[] = {
	{ KIND_VOLUME, refrain_from_volume, engine_remove_objects },
	{ KIND_NETWORK, refrain_from_network, engine_remove_objects },
	{ KIND_BUILD_CACHE, NULL, engine_remove_cache },
};

static void take_step(struct application *application, const struct step *step)
{
	const struct plan *plan = application->plan;
	struct removal *removals =
		arena_array(application->arena, plan->n_removals, sizeof(*removals));
	size_t *rows = arena_array(application->arena, plan->n_removals, sizeof(*rows)), n = 0;

	for (size_t i = 0; i < plan->n_removals; i++) {
		const struct verdict *verdict = removal_verdict(application, i);

		if (verdict->kind != step->kind)
			continue;
		rows[n] = plan->removals[i];
		removals[n].kind = verdict->kind;
		removals[n].container = verdict->container; /* whatever kind it is */
		removals[n].unused_for = unused_for(verdict->rule);
		if (step->refrain)
			step->refrain(application, &removals[n]);
		n++;
	}
	step->remove(application->engine, removals, n, application->control);
	for (size_t i = 0; i < n; i++)
		note(application, rows[i], removals[i].outcome, removals[i].detail);
}

/* ---- the whole ---- */

/* A look at the containers that are left; what they have by now stays. */
static bool look_again(struct application *application, struct err *err)
{
	const struct snapshot *planned = application->plan->snapshot;
	struct snapshot *fresh = application->fresh;

	if (engine_containers(application->engine, fresh, err) < 0)
		return false;
	application->users = users_new(application->arena, fresh, NULL, NULL);
	fresh->volumes = planned->volumes;
	fresh->n_volumes = planned->n_volumes;
	fresh->networks = planned->networks;
	fresh->n_networks = planned->n_networks;
	holders_find(application->arena, fresh, &application->holders);
	return true;
}

static void skip_others(struct application *application, const char *why)
{
	for (size_t i = 0; i < application->plan->n_removals; i++)
		if (removal_verdict(application, i)->kind != KIND_CONTAINER)
			note(application, application->plan->removals[i], OUTCOME_SKIPPED, why);
}

static void remove_others(struct application *application)
{
	const struct plan *plan = application->plan;
	struct err err;

	/* The last of the removals is a container if all are. */
	if (plan->n_removals == 0 ||
	    removal_verdict(application, plan->n_removals - 1)->kind == KIND_CONTAINER)
		return;
	if (!look_again(application, &err)) {
		skip_others(application, err.text);
		return;
	}
	remove_images(application);
	for (size_t i = 0; i < ARRAY_SIZE(other_steps); i++)
		take_step(application, &other_steps[i]);
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

static void count_tag(struct result *result, size_t index)
{
	if (result->outcomes[index] == OUTCOME_NONE)
		result->outcomes[index] = OUTCOME_SKIPPED;
	result->n_failed += result->outcomes[index] == OUTCOME_FAILED;
	result->n_tagged += result->outcomes[index] == OUTCOME_TAGGED;
}

struct result *apply_plan(struct arena *arena, const struct plan *plan, struct engine *engine,
			  const struct removal_control *control)
{
	_cleanup_(snapshot_freep) struct snapshot *fresh = snapshot_new();
	struct application application = {
		.arena = arena,
		.fresh = fresh,
		.plan = plan,
		.engine = engine,
		.control = control,
		.result = arena_alloc(arena, sizeof(struct result)),
	};
	struct result *result = application.result;

	assert(plan->n_needs == 0 && !plan->brake.pulled);
	result->outcomes = arena_array(arena, plan->n, sizeof(*result->outcomes));
	result->details = arena_array(arena, plan->n, sizeof(*result->details));
	tag_images(&application);
	take_step(&application, &containers_step);
	if (!removal_stopped(control))
		remove_others(&application);
	result->interrupted = removal_stopped(control);
	for (size_t i = 0; i < plan->n_removals; i++)
		count(result, plan, plan->removals[i]);
	for (size_t i = 0; i < plan->n_tags; i++)
		count_tag(result, plan->tags[i]);
	return result;
}
