#include "plan/planner.h"

#include <stdlib.h>

/* A volume may be the only copy of somebody's data. In use by any container, in whatever state,
 * it stays; without, a named one goes in two steps, with time between for its owner to speak.
 */

/* ---- volumes that go after their containers ---- */

/* Of a volume: how many of the containers that have it go with their volumes, and one of them.
 */
struct leaving {
	const struct container *container;
	size_t n;
};

static struct leaving *leaving_holders(const struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct leaving *leaving =
		arena_array(planner->arena, snapshot->n_volumes, sizeof(*leaving));

	for (size_t i = 0; i < snapshot->n_containers; i++) {
		const struct verdict *verdict = &planner->plan->verdicts[i];

		if (verdict->action == VERDICT_KEEP || !verdict->rule->remove_volumes)
			continue;
		for (size_t k = 0; k < verdict->container->volumes.n; k++) {
			const struct volume *volume =
				snapshot_volume(snapshot, verdict->container->volumes.v[k]);

			if (!volume || !volume->anonymous)
				continue;
			leaving[volume - snapshot->volumes].container = verdict->container;
			leaving[volume - snapshot->volumes].n++;
		}
	}
	return leaving;
}

/* The rule of the container rules, but pins of the rule that owns the volume hold. */
static void go_with(struct planner *planner, struct verdict *verdict,
		    const struct container *container)
{
	const struct snapshot *snapshot = planner->snapshot;
	const struct verdict *holder =
		&planner->plan->verdicts[container - snapshot->containers];

	if (verdict->rule && verdict->rule->action == ACTION_KEEP) {
		verdict_set(verdict, VERDICT_KEEP, REASON_RULE_KEEPS);
		return;
	}
	if (verdict->rule && select_pinned(planner, verdict))
		return;
	verdict->rule = holder->rule;
	verdict->age = holder->age;
	verdict->limit = holder->limit;
	verdict->holder = container_name(container);
	verdict_set(verdict, VERDICT_REMOVE, REASON_WITH_CONTAINER);
	keep_unless_approved(planner, verdict);
}

/* ---- volumes without containers ---- */

/* An announcement holds as long as the volume has not been used since, whatever its age counts
 * from. */
static void quarantine(struct planner *planner, struct verdict *verdict)
{
	int64_t announced = verdict->volume->announced;
	int64_t time = verdict->rule->quarantine;
	struct age unused = { .at = TIME_UNKNOWN };
	bool holds;

	age_of(planner, verdict, AGE_UNTAGGED, &unused);
	holds = announced != TIME_UNKNOWN && announced >= unused.at;
	if (verdict->action == VERDICT_KEEP || time == 0 ||
	    (holds && planner->now - announced >= time))
		return;
	verdict_set(verdict, VERDICT_KEEP, REASON_QUARANTINE);
	verdict->announce = !holds;
	verdict->limit = time;
	verdict->goes_at = (holds ? announced : planner->now) + time;
}

static void judge_unused(struct planner *planner, struct verdict *verdict)
{
	if (!verdict->rule)
		return;
	if (!verdict->volume->anonymous && verdict->rule->action == ACTION_REMOVE &&
	    volumes_watched_from(planner) == TIME_UNKNOWN) {
		verdict_set(verdict, VERDICT_KEEP, REASON_UNWATCHED);
		return;
	}
	keep_judge(planner, verdict);
	quarantine(planner, verdict);
}

static void judge(struct planner *planner, const struct leaving *leaving, size_t index)
{
	struct verdict *verdict = &planner->plan->verdicts[planner->first_volume + index];
	const struct holder *holder = &planner->holders.volumes[index];

	if (verdict->volume->not_ours) {
		verdict_set(verdict, VERDICT_KEEP, REASON_NOT_OURS);
		verdict->detail = verdict->volume->not_ours;
	} else if (holder->by && holder->n != leaving[index].n) {
		verdict_set(verdict, VERDICT_KEEP, REASON_IN_USE);
		verdict->holder = holder->by;
	} else if (select_pinned_outside(planner->snapshot, verdict)) {
		return;
	} else if (holder->by) {
		go_with(planner, verdict, leaving[index].container);
	} else {
		judge_unused(planner, verdict);
	}
	removals_add(planner, verdict);
}

void volumes_judge(struct planner *planner)
{
	const struct leaving *leaving = leaving_holders(planner);

	for (size_t i = 0; i < planner->snapshot->n_volumes; i++)
		if (planner->plan->verdicts[planner->first_volume + i].reason !=
		    REASON_LIST_FAILED)
			judge(planner, leaving, i);
}

void volumes_judge_held(struct planner *planner)
{
	const struct leaving *leaving = leaving_holders(planner);

	for (size_t i = 0; i < planner->snapshot->n_volumes; i++)
		if (planner->plan->verdicts[planner->first_volume + i].reason == REASON_IN_USE)
			judge(planner, leaving, i);
}
