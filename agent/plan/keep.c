#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

/* Guards and keepers of an owned object, in the order in which they decide. Each either decides
 * (and leaves action and reason) or passes on; the cheap ones come first, so that the engine is
 * asked only for what a verdict hangs on. */

typedef bool decision(struct planner *planner, struct verdict *verdict);

static bool keep(struct verdict *verdict, enum reason reason)
{
	verdict_set(verdict, VERDICT_KEEP, reason);
	return true;
}

/* Turns a missing fact into a decision; false if the answer is there. */
static bool undecided(struct verdict *verdict, enum answer answer)
{
	if (answer == ANSWER_NOT_ASKED)
		return keep(verdict, REASON_PENDING);
	if (answer == ANSWER_UNAVAILABLE)
		return keep(verdict, REASON_FACT_UNAVAILABLE);
	return false;
}

/* Nobody's pin is lost because an image got a name. */
static bool by_any_rule(struct planner *planner, struct verdict *verdict)
{
	const struct rule *holder;
	enum rule_key key;

	if (!verdict->preserved)
		return false;
	holder = preserve_holder(planner, verdict, &key);
	if (!holder)
		return false;
	verdict->rule = holder;
	if (key == RULE_ACTION)
		return keep(verdict, REASON_RULE_KEEPS);
	verdict->key = rule_key_name(key);
	return keep(verdict, REASON_PINNED);
}

static bool by_action(struct planner *planner _unused_, struct verdict *verdict)
{
	return verdict->rule->action == ACTION_KEEP && keep(verdict, REASON_RULE_KEEPS);
}

static bool by_pin(struct planner *planner, struct verdict *verdict)
{
	return select_pinned(planner, verdict);
}

/* Its rank could not be told yet. */
static bool by_pending_rank(struct planner *planner _unused_, struct verdict *verdict)
{
	return verdict->reason == REASON_PENDING && keep(verdict, REASON_PENDING);
}

static bool keep_last_holds(const struct verdict *verdict)
{
	return verdict->group && verdict->rank <= (size_t)verdict->rule->keep_last;
}

static bool keep_storage_holds(const struct planner *planner, const struct verdict *verdict)
{
	return verdict->kind == KIND_BUILD_CACHE &&
	       planner->stored[verdict->cache - planner->snapshot->cache];
}

static const struct service_run *last_run(struct planner *planner,
					  const struct verdict *verdict)
{
	if (verdict->rule->keep_last_run == 0 || !is_image_row(verdict))
		return NULL;
	if (!planner->runs)
		planner->runs = runs_new(planner);
	return runs_among_last(planner->runs, verdict->image, verdict->rule->keep_last_run);
}

static bool keep_for_run(struct verdict *verdict, const struct service_run *run)
{
	if (!run)
		return false;
	verdict->limit = verdict->rule->keep_last_run;
	verdict->holder = run->service;
	return keep(verdict, REASON_KEEP_LAST_RUN);
}

bool keep_if_run_last(struct planner *planner, struct verdict *verdict)
{
	return keep_for_run(verdict, last_run(planner, verdict));
}

static bool by_last_run(struct planner *planner, struct verdict *verdict)
{
	return verdict->rule->max_age == 0 && keep_if_run_last(planner, verdict);
}

static bool by_rank(struct planner *planner _unused_, struct verdict *verdict)
{
	if (!keep_last_holds(verdict) || verdict->rule->max_age > 0)
		return false;
	verdict->limit = verdict->rule->keep_last;
	return keep(verdict, REASON_KEEP_LAST);
}

static bool by_storage(struct planner *planner, struct verdict *verdict)
{
	return verdict->rule->max_age == 0 && keep_storage_holds(planner, verdict) &&
	       keep(verdict, REASON_KEEP_STORAGE);
}

/* As Docker decides when it starts, of a stopped one too (d20, d28, live). */
static bool has_retries_left(const struct container *container)
{
	return container->state != STATE_CREATED && container->exit_code != 0 &&
	       (container->max_retries == 0 || container->retries < container->max_retries);
}

/* Somebody stopped it and means to have it back, or the engine starts it again, as far as is
 * known of its policy. */
static bool comes_back(const struct planner *planner, const struct container *container)
{
	const char *policy = container->restart_policy;

	if (!policy || strcmp(policy, "no") == 0)
		return false;
	return strcmp(policy, "on-failure") != 0 ||
	       (planner->snapshot->retries_failed && has_retries_left(container));
}

/* NULL: none does, or the rule names it. */
static const char *policy_that_holds(const struct planner *planner,
				     const struct verdict *verdict)
{
	const char *policy = verdict->container->restart_policy;

	if (!comes_back(planner, verdict->container) ||
	    select_names_policy(verdict->rule, policy))
		return NULL;
	return policy;
}

/* Time alone keeps it, as far as is known: nothing is asked for this. */
static bool goes_by_time(const struct planner *planner, const struct verdict *verdict)
{
	return verdict->kind != KIND_CONTAINER ||
	       (verdict->container->inspected == FACT_KNOWN && !verdict->container->pod &&
		!policy_that_holds(planner, verdict));
}

/* What counts from now and is not remembered as seen counts from now again each time. */
static bool begins_anew(const struct planner *planner, const struct age *age)
{
	return age->source == SOURCE_NOW &&
	       (!planner->snapshot->remembers || age->from == AGE_USED ||
		age->from == AGE_FINISHED);
}

static int64_t end_of(const struct planner *planner, const struct age *age, int64_t time)
{
	return begins_anew(planner, age) ? TIME_UNKNOWN : age->at + time;
}

/* min-age decides, but keep-within may hold longer: the day it goes is the later one. */
static void postpone(struct planner *planner, struct verdict *verdict)
{
	const struct rule *rule = verdict->rule;
	struct age age;
	int64_t end;

	if (rule->keep_within == 0 || verdict->goes_at == TIME_UNKNOWN ||
	    age_of(planner, verdict, rule->age_from, &age) != ANSWER_YES)
		return;
	end = end_of(planner, &age, rule->keep_within);
	if (rule->max_age > 0 && age.at + rule->max_age < end)
		end = age.at + rule->max_age;
	if (end == TIME_UNKNOWN || end > verdict->goes_at)
		verdict->goes_at = end;
}

static bool by_min_age(struct planner *planner, struct verdict *verdict)
{
	int64_t min_age = verdict->rule->min_age;
	struct age arrival;

	if (min_age == 0)
		return false;
	if (undecided(verdict, age_of_arrival(planner, verdict, min_age, &arrival)))
		return true;
	if (planner->now - arrival.at >= min_age)
		return false;
	verdict->age = arrival;
	verdict->limit = min_age;
	verdict->goes_at = end_of(planner, &arrival, min_age);
	postpone(planner, verdict);
	if (!goes_by_time(planner, verdict))
		verdict->goes_at = TIME_UNKNOWN;
	return keep(verdict, REASON_TOO_YOUNG);
}

/* Swarm itself keeps and removes the containers of its tasks. */
static bool by_swarm(struct planner *planner _unused_, struct verdict *verdict)
{
	const struct labels *labels;

	if (verdict->kind != KIND_CONTAINER)
		return false;
	labels = &verdict->container->labels;
	if (!labels_get_known(labels, LABEL_SWARM_TASK) ||
	    select_names_swarm(verdict->rule, labels))
		return false;
	verdict->detail = labels_get_known(labels, LABEL_SWARM_SERVICE);
	return keep(verdict, REASON_SWARM_TASK);
}

static bool by_joiner(struct planner *planner, struct verdict *verdict)
{
	const struct container *joiner = NULL;

	if (verdict->kind == KIND_CONTAINER)
		joiner = joiner_of(planner, verdict->container);
	if (!joiner)
		return false;
	verdict->holder = container_name(joiner);
	return keep(verdict, REASON_IN_USE);
}

/* Asked last: it costs a look at every container. */
static void keep_if_joiner_unknown(struct planner *planner, struct verdict *verdict)
{
	if (verdict->kind == KIND_CONTAINER && verdict->action == VERDICT_REMOVE)
		undecided(verdict, joiners_known(planner));
}

static bool by_restart_policy(struct planner *planner, struct verdict *verdict)
{
	const char *policy;

	if (verdict->kind != KIND_CONTAINER)
		return false;
	if (undecided(verdict, need_inspect(planner, verdict)))
		return true;
	policy = policy_that_holds(planner, verdict);
	if (!policy)
		return false;
	verdict->detail = policy;
	return keep(verdict, REASON_RESTART_POLICY);
}

static bool keep_with_pod(struct planner *planner, struct verdict *verdict,
			  const struct container *member)
{
	verdict->holder = arena_printf(planner->arena, "the pod of %s", container_name(member));
	return keep(verdict, REASON_IN_USE);
}

/* A pod that runs, or is to run again. */
static bool by_pod(struct planner *planner, struct verdict *verdict)
{
	struct mates pod;

	if (verdict->kind != KIND_CONTAINER)
		return false;
	pod = pods_mates(planner, verdict->container);
	for (size_t i = 0; i < pod.n; i++)
		if (!is_stopped(pod.v[i]->state))
			return keep_with_pod(planner, verdict, pod.v[i]);
	for (size_t i = 0; i < pod.n; i++) {
		if (pod.v[i] == verdict->container || pod.v[i]->gone)
			continue;
		if (undecided(verdict, need_inspect_container(planner, pod.v[i])))
			return true;
		if (comes_back(planner, pod.v[i]))
			return keep_with_pod(planner, verdict, pod.v[i]);
	}
	return false;
}

static bool by_time(struct planner *planner, struct verdict *verdict)
{
	const struct rule *rule = verdict->rule;
	int64_t age;

	if (undecided(verdict, age_of(planner, verdict, rule->age_from, &verdict->age)))
		return true;
	age = planner->now - verdict->age.at;
	if (rule->max_age > 0 && age >= rule->max_age) {
		verdict->limit = rule->max_age;
		verdict_set(verdict, VERDICT_REMOVE, REASON_MAX_AGE);
		return true;
	}
	if (keep_if_run_last(planner, verdict)) {
		verdict->goes_at = end_of(planner, &verdict->age, rule->max_age);
		return true;
	}
	if (keep_last_holds(verdict)) {
		verdict->limit = rule->keep_last;
		verdict->goes_at = end_of(planner, &verdict->age, rule->max_age);
		return keep(verdict, REASON_KEEP_LAST);
	}
	if (keep_storage_holds(planner, verdict)) {
		verdict->goes_at = end_of(planner, &verdict->age, rule->max_age);
		return keep(verdict, REASON_KEEP_STORAGE);
	}
	if (rule->keep_within > 0 && age < rule->keep_within) {
		verdict->limit = rule->keep_within;
		verdict->goes_at = end_of(planner, &verdict->age, rule->keep_within);
		return keep(verdict, REASON_KEEP_WITHIN);
	}
	return false;
}

static bool by_default(struct planner *planner _unused_, struct verdict *verdict)
{
	verdict->limit = verdict->rule->keep_within;
	verdict_set(verdict, VERDICT_REMOVE, REASON_EXPIRED);
	return true;
}

enum answer keep_by_rule(struct planner *planner, const struct verdict *verdict)
{
	const struct rule *rule = verdict->rule;
	bool counted = last_run(planner, verdict) || keep_last_holds(verdict);
	enum answer answer;
	enum rule_key pin;
	struct age age;

	if (rule->action == ACTION_KEEP || select_pin(planner, verdict, &pin))
		return ANSWER_YES;
	if (rule->max_age == 0 && (counted || rule->keep_within == 0))
		return counted ? ANSWER_YES : ANSWER_NO;
	answer = age_of(planner, verdict, rule->age_from, &age);
	if (answer != ANSWER_YES)
		return answer;
	if (rule->max_age > 0 && planner->now - age.at >= rule->max_age)
		return ANSWER_NO;
	return counted || planner->now - age.at < rule->keep_within ? ANSWER_YES : ANSWER_NO;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool keep_approves(const struct planner *planner, const char *key)
{
	const struct strings *approved = planner->approved;

	if (!approved)
		return true;
	return approved->n > 0 &&
	       bsearch(&key, approved->v, approved->n, sizeof(key), compare_texts);
}

void keep_unless_approved(struct planner *planner, struct verdict *verdict)
{
	const char *reference = verdict->reference ? verdict->reference->short_name : NULL;

	if (!planner->approved || verdict->action == VERDICT_KEEP)
		return;
	if (!keep_approves(planner, plan_key(planner->arena, verdict->kind, verdict_id(verdict),
					     reference)))
		keep(verdict, REASON_NOT_APPROVED);
}

void keep_judge(struct planner *planner, struct verdict *verdict)
{
	static decision *const decisions[] = {
		by_any_rule,	   by_action,	by_pin,	 by_swarm,   by_joiner,
		by_pending_rank,   by_last_run, by_rank, by_storage, by_min_age,
		by_restart_policy, by_pod,	by_time, by_default,
	};

	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++)
		if (decisions[i](planner, verdict))
			break;
	keep_if_joiner_unknown(planner, verdict);
	keep_unless_approved(planner, verdict);
}
