#include "plan/planner.h"

#include <string.h>

/* A network is in use by every container that names it: the engine shows running ones only, and
 * lets the network of a stopped one go (ENGINES.md). */

/* Networks may be made from another one's configuration. */
static const struct network *made_from(const struct snapshot *snapshot,
				       const struct network *network)
{
	for (size_t i = 0; network->name && i < snapshot->n_networks; i++) {
		const char *from = snapshot->networks[i].config_from;

		if (from && strcmp(from, network->name) == 0)
			return &snapshot->networks[i];
	}
	return NULL;
}

static bool guarded(const struct planner *planner, struct verdict *verdict)
{
	const struct snapshot *snapshot = planner->snapshot;
	const struct network *network = verdict->network, *heir;
	const char *user = planner->holders.networks[network - snapshot->networks].by;

	if (network->not_ours) {
		verdict_set(verdict, VERDICT_KEEP, REASON_NOT_OURS);
		verdict->detail = network->not_ours;
		return true;
	}
	heir = made_from(snapshot, network);
	if (!user && !heir)
		return false;
	verdict_set(verdict, VERDICT_KEEP, REASON_IN_USE);
	verdict->holder = user ? user : heir->name;
	return true;
}

void networks_judge(struct planner *planner)
{
	for (size_t i = 0; i < planner->snapshot->n_networks; i++) {
		struct verdict *verdict = &planner->plan->verdicts[planner->first_network + i];

		if (verdict->reason == REASON_LIST_FAILED || guarded(planner, verdict) ||
		    select_pinned_outside(planner->snapshot, verdict))
			continue;
		if (verdict->rule)
			keep_judge(planner, verdict);
		removals_add(planner, verdict);
	}
}
