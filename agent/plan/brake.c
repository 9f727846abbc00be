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
static bool counts(const struct plan *plan, size_t index)
{
	const struct verdict *verdict = &plan->verdicts[index];

	return verdict->kind != KIND_TAG || index == 0 ||
	       plan->verdicts[index - 1].kind != KIND_TAG ||
	       plan->verdicts[index - 1].image != verdict->image;
}

struct counts {
	struct count kinds[KIND_MAX_];
	struct count *rules;
};

static void add(struct counts *all, const struct planner *planner,
		const struct verdict *verdict)
{
	const struct rule *rule = verdict->rule;
	bool goes = verdict->action == VERDICT_REMOVE;
	enum kind kind = verdict->preserved ? KIND_IMAGE : verdict->kind;
	/* A volume that goes after its container is none of the containers that the rule owns.
	 */
	bool owned = rule && rule->kind == select_section(verdict);

	if (owned) {
		all->rules[rule - planner->rules->v].of++;
		all->rules[rule - planner->rules->v].removals += goes;
	}
	/* What a pressure rule takes is still among what its owner has. */
	if (verdict->owner)
		all->rules[verdict->owner - planner->rules->v].of++;
	all->kinds[kind].of++;
	all->kinds[kind].removals += goes && !(rule->max_remove.set && owned);
}

/* Of a plan that was carried out what went is not among what exists now. */
static void add_all(struct counts *all, const struct planner *planner, const struct plan *plan,
		    bool done)
{
	for (size_t i = 0; i < plan->n; i++)
		if (counts(plan, i) && (!done || plan->verdicts[i].action == VERDICT_REMOVE))
			add(all, planner, &plan->verdicts[i]);
}

void brake_measure(struct planner *planner)
{
	const struct rules *rules = planner->rules;
	struct counts all = { .rules = arena_array(planner->arena, rules->n,
						   sizeof(*all.rules)) };

	if (planner->before)
		add_all(&all, planner, planner->before, true);
	add_all(&all, planner, planner->plan, false);
	for (size_t i = 0; i < rules->n; i++)
		pull(planner, &rules->v[i], rules->v[i].kind, rules->v[i].max_remove,
		     all.rules[i]);
	for (int kind = 0; kind < KIND_MAX_; kind++)
		pull(planner, NULL, (enum kind)kind,
		     kind_limit(planner, (enum kind)kind, all.kinds[kind].of), all.kinds[kind]);
}
