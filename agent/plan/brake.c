#include "plan/planner.h"

#include <stdlib.h>

/* DESIGN 2.7: how much of a kind, or of what a rule owns, may go in one run. Images count as
 * images, however many references they have. */

#define DEFAULT_PERCENT 50
#define DEFAULT_FROM 20 /* below so few a percentage means nothing */

struct count {
	size_t removals, of;
};

static struct limit kind_limit(const struct planner *planner, enum kind kind, size_t of)
{
	struct limit none = { 0 };
	struct limit half = { .set = true, .percent = true, .value = DEFAULT_PERCENT };

	if (planner->settings->max_remove.set)
		return planner->settings->max_remove;
	return (kind == KIND_TAG || kind == KIND_VOLUME) && of > DEFAULT_FROM ? half : none;
}

static bool exceeds(struct limit limit, struct count count)
{
	if (!limit.set)
		return false;
	if (!limit.percent)
		return (int64_t)count.removals > limit.value;
	return (double)count.removals * 100.0 > (double)limit.value * (double)count.of;
}

static void pull(struct planner *planner, const struct rule *rule, enum kind kind,
		 struct limit limit, struct count count)
{
	struct brake *brake = &planner->plan->brake;

	if (brake->pulled || !exceeds(limit, count))
		return;
	*brake = (struct brake){
		.pulled = true,
		.rule = rule,
		.kind = kind,
		.removals = count.removals,
		.of = count.of,
		.limit = limit,
	};
}

/* The first reference of an image stands for the image. */
static bool counts(const struct planner *planner, size_t index)
{
	const struct verdict *verdict = &planner->plan->verdicts[index];

	return verdict->kind != KIND_TAG || index == 0 ||
	       planner->plan->verdicts[index - 1].kind != KIND_TAG ||
	       planner->plan->verdicts[index - 1].image != verdict->image;
}

void brake_measure(struct planner *planner)
{
	struct plan *plan = planner->plan;
	struct count kinds[KIND_MAX_] = { 0 };
	struct count *rules = arena_array(planner->arena, planner->rules->n, sizeof(*rules));

	for (size_t i = 0; i < plan->n; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		const struct rule *rule = verdict->rule;
		bool goes = verdict->action == VERDICT_REMOVE;
		enum kind kind = verdict->preserved ? KIND_IMAGE : verdict->kind;

		if (!counts(planner, i))
			continue;
		/* A volume that goes after its container is none of the containers that the
		 * rule owns. */
		if (rule && rule->kind == select_section(verdict)) {
			rules[rule - planner->rules->v].of++;
			rules[rule - planner->rules->v].removals += goes;
		}
		/* What a pressure rule takes is still among what its owner has. */
		if (verdict->owner)
			rules[verdict->owner - planner->rules->v].of++;
		kinds[kind].of++;
		kinds[kind].removals += goes && !(rule->max_remove.set &&
						  rule->kind == select_section(verdict));
	}
	for (size_t i = 0; i < planner->rules->n; i++)
		pull(planner, &planner->rules->v[i], planner->rules->v[i].kind,
		     planner->rules->v[i].max_remove, rules[i]);
	for (int kind = 0; kind < KIND_MAX_; kind++)
		pull(planner, NULL, (enum kind)kind,
		     kind_limit(planner, (enum kind)kind, kinds[kind].of), kinds[kind]);
}
