#include "plan/plan.h"

#include <assert.h>

static const struct {
	const char *name;
	bool guard; /* a rule of safety spoke, not a rule of a policy */
} reasons[] = {
	[REASON_NO_RULE] = { "no-rule", false },
	[REASON_RULE_KEEPS] = { "rule-keeps", false },
	[REASON_EXPIRED] = { "expired", false },
	[REASON_MAX_AGE] = { "max-age", false },
	[REASON_PRESSURE] = { "pressure", false },
	[REASON_ENOUGH_FREE] = { "enough-free", false },
	[REASON_RUNNING] = { "running", true },
	[REASON_NOT_OURS] = { "not-ours", true },
	[REASON_RESTART_POLICY] = { "restart-policy", true },
	[REASON_SWARM_TASK] = { "swarm-task", true },
	[REASON_IN_USE] = { "in-use", true },
	[REASON_IN_USE_COUNTED] = { "in-use-counted", true },
	[REASON_PINNED] = { "pinned", false },
	[REASON_TOO_YOUNG] = { "too-young", true },
	[REASON_KEEP_WITHIN] = { "keep-within", false },
	[REASON_KEEP_LAST_RUN] = { "keep-last-run", false },
	[REASON_KEEP_LAST] = { "keep-last", false },
	[REASON_OTHER_REFERENCE] = { "other-reference", true },
	[REASON_CHILD] = { "child", true },
	[REASON_LAST_CHILD] = { "last-child", false },
	[REASON_WITH_CONTAINER] = { "with-container", false },
	[REASON_QUARANTINE] = { "quarantine", true },
	[REASON_UNWATCHED] = { "unwatched", true },
	[REASON_KEEP_STORAGE] = { "keep-storage", false },
	[REASON_SHARED] = { "shared", true },
	[REASON_MAYBE_WANTED] = { "maybe-wanted", true },
	[REASON_NOT_APPROVED] = { "not-approved", true },
	[REASON_FACT_UNAVAILABLE] = { "fact-unavailable", true },
	[REASON_LIST_FAILED] = { "list-failed", true },
	[REASON_PENDING] = { "pending", true },
};
static_assert(ARRAY_SIZE(reasons) == REASON_MAX_, "a row per reason");

const char *reason_to_string(enum reason reason)
{
	return reasons[reason].name;
}

const char *reason_guard(enum reason reason)
{
	return reasons[reason].guard ? reasons[reason].name : NULL;
}
