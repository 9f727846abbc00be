#include "plan/explain.h"

#include "plan/planner.h"

static struct planner *new_planner(struct arena *arena, const struct plan_input *input,
				   const struct plan *plan)
{
	struct planner *planner = arena_alloc(arena, sizeof(*planner));

	*planner = (struct planner){
		.arena = arena,
		.rules = input->rules,
		.settings = input->settings,
		.snapshot = input->snapshot,
		.now = plan->now,
		.rules_preserve = rules_preserve(input->rules),
		/* What is asked for here is not fetched: these are thrown away. */
		.container_needs =
			arena_array(arena, input->snapshot->n_containers, sizeof(unsigned)),
		.image_needs = arena_array(arena, input->snapshot->n_images, sizeof(unsigned)),
	};
	return planner;
}

static enum rule_says says_of(enum answer answer)
{
	if (answer == ANSWER_YES)
		return RULE_OWNS;
	return answer == ANSWER_NO ? RULE_DOES_NOT_MATCH : RULE_NOT_KNOWN;
}

static bool acts(const struct plan *plan, const struct rule *rule)
{
	for (size_t i = 0; i < plan->pressure.n_rules; i++)
		if (plan->pressure.rules[i] == rule)
			return true;
	return false;
}

/* Pressure rules own nothing; each is asked. */
static void explain_pressure(struct planner *planner, const struct plan *plan,
			     const struct verdict *verdict, struct rule_step *step)
{
	enum rule_says says;

	if (!acts(plan, step->rule)) {
		step->says = RULE_RESTS;
		return;
	}
	says = says_of(select_rule(planner, step->rule, verdict, &step->failed));
	step->says = says == RULE_OWNS ? RULE_PRESSES : says;
}

static void explain_rules(struct planner *planner, const struct plan *plan,
			  struct explanation *explanation)
{
	const struct verdict *verdict = explanation->verdict;
	bool decided = false;

	explanation->rules =
		arena_array(planner->arena, planner->rules->n, sizeof(*explanation->rules));
	for (size_t i = 0; i < planner->rules->n; i++) {
		const struct rule *rule = &planner->rules->v[i];
		struct rule_step *step = &explanation->rules[explanation->n_rules];

		if (rule->kind != select_section(verdict))
			continue;
		explanation->n_rules++;
		step->rule = rule;
		step->failed = RULE_KEY_MAX_;
		if (rule_is_pressure(rule)) {
			explain_pressure(planner, plan, verdict, step);
			continue;
		}
		step->says =
			decided ? RULE_NOT_REACHED
				: says_of(select_rule(planner, rule, verdict, &step->failed));
		decided = decided || step->says != RULE_DOES_NOT_MATCH;
	}
}

static void explain_pin(struct planner *planner, struct keeper_step *step,
			const struct verdict *verdict)
{
	step->keeps = select_pin_holds(planner, verdict, step->key);
	step->known = true;
}

static void explain_rank(struct planner *planner _unused_, struct keeper_step *step,
			 const struct verdict *verdict)
{
	step->limit = verdict->rule->keep_last;
	step->rank = verdict->rank;
	step->group_size = verdict->group_size;
	step->group = verdict->group;
	step->known = verdict->group != NULL;
	step->keeps = step->known && verdict->rank <= (size_t)step->limit;
}

static void explain_last_run(struct planner *planner, struct keeper_step *step,
			     const struct verdict *verdict)
{
	const struct service_run *run = runs_among_last(runs_new(planner), verdict->image,
							verdict->rule->keep_last_run);

	step->limit = verdict->rule->keep_last_run;
	step->known = true;
	step->keeps = run != NULL;
	step->group = run ? run->service : NULL;
}

static void explain_storage(struct planner *planner _unused_, struct keeper_step *step,
			    const struct verdict *verdict)
{
	step->limit = verdict->rule->keep_storage;
	step->keeps = verdict->reason == REASON_KEEP_STORAGE;
	/* Whatever spoke before it hides what this one would say. */
	step->known = step->keeps || verdict->action == VERDICT_REMOVE;
}

static void explain_time(struct planner *planner, struct keeper_step *step,
			 const struct verdict *verdict)
{
	const struct rule *rule = verdict->rule;
	enum answer answer;

	if (step->key == RULE_MIN_AGE) {
		step->limit = rule->min_age;
		answer = age_of_arrival(planner, verdict, 0, &step->age);
	} else {
		step->limit = step->key == RULE_MAX_AGE ? rule->max_age : rule->keep_within;
		answer = age_of(planner, verdict, rule->age_from, &step->age);
	}
	step->known = answer == ANSWER_YES;
	step->keeps = step->known && planner->now - step->age.at < step->limit;
}

static const struct {
	enum rule_key key;
	bool always; /* holds unless another value is written */
	void (*explain)(struct planner *planner, struct keeper_step *step,
			const struct verdict *verdict);
} keepers[] = {
	{ RULE_KEEP_TAG, false, explain_pin },
	{ RULE_KEEP_LABEL, false, explain_pin },
	{ RULE_KEEP_NAME, false, explain_pin },
	{ RULE_MIN_AGE, true, explain_time },
	{ RULE_KEEP_LAST_RUN, false, explain_last_run },
	{ RULE_KEEP_LAST, false, explain_rank },
	{ RULE_KEEP_STORAGE, false, explain_storage },
	{ RULE_KEEP_WITHIN, false, explain_time },
	{ RULE_MAX_AGE, false, explain_time },
};

static void explain_keepers(struct planner *planner, struct explanation *explanation)
{
	const struct verdict *verdict = explanation->verdict;

	if (!verdict->rule || verdict->rule->action == ACTION_KEEP)
		return;
	explanation->keepers =
		arena_array(planner->arena, ARRAY_SIZE(keepers), sizeof(*explanation->keepers));
	for (size_t i = 0; i < ARRAY_SIZE(keepers); i++) {
		struct keeper_step *step = &explanation->keepers[explanation->n_keepers];

		if (!keepers[i].always && !rule_has(verdict->rule, keepers[i].key))
			continue;
		step->key = keepers[i].key;
		keepers[i].explain(planner, step, verdict);
		explanation->n_keepers++;
	}
}

/* What never began to count counts from something else, which may be told already. */
static bool is_told(const struct explanation *explanation, const struct age *age)
{
	for (size_t i = 0; i < explanation->n_ages; i++)
		if (explanation->ages[i].from == age->from &&
		    explanation->ages[i].at == age->at &&
		    explanation->ages[i].source == age->source)
			return true;
	return false;
}

static void explain_ages(struct planner *planner, struct explanation *explanation)
{
	static const unsigned ages[KIND_MAX_] = {
		[KIND_CONTAINER] = 1 << AGE_CREATED | 1 << AGE_FINISHED,
		[KIND_TAG] = 1 << AGE_CREATED | 1 << AGE_TAGGED | 1 << AGE_USED,
		[KIND_IMAGE] = 1 << AGE_CREATED | 1 << AGE_UNTAGGED | 1 << AGE_USED,
		[KIND_VOLUME] = 1 << AGE_CREATED | 1 << AGE_UNTAGGED,
		[KIND_NETWORK] = 1 << AGE_CREATED | 1 << AGE_UNTAGGED,
		[KIND_BUILD_CACHE] = 1 << AGE_CREATED | 1 << AGE_USED,
	};
	const struct verdict *verdict = explanation->verdict;

	explanation->ages =
		arena_array(planner->arena, AGE_VERSION_, sizeof(*explanation->ages));
	for (unsigned from = 0; from < AGE_VERSION_; from++) {
		struct age *age = &explanation->ages[explanation->n_ages];

		if (ages[verdict->preserved ? KIND_IMAGE : verdict->kind] & 1u << from &&
		    age_of(planner, verdict, (enum age_from)from, age) == ANSWER_YES &&
		    !is_told(explanation, age))
			explanation->n_ages++;
	}
}

static void explain_layers(struct arena *arena, const struct plan *plan,
			   struct explanation *explanation)
{
	const struct verdict *verdict = explanation->verdict;

	explanation->share = (struct share){ -1, -1 };
	if (is_image_row(verdict))
		explanation->share = shares_of(
			arena, plan->snapshot)[verdict->image - plan->snapshot->images];
}

struct explanation *plan_explain(struct arena *arena, const struct plan_input *input,
				 const struct plan *plan, const struct verdict *verdict)
{
	struct planner *planner = new_planner(arena, input, plan);
	struct explanation *explanation = arena_alloc(arena, sizeof(*explanation));

	explanation->verdict = verdict;
	explain_rules(planner, plan, explanation);
	explain_keepers(planner, explanation);
	explain_ages(planner, explanation);
	explain_layers(arena, plan, explanation);
	return explanation;
}
