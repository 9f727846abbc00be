#include "plan/pressure.h"

/* What a pressure rule may take: what its selectors match and its own keepers do not keep, of
 * what no ordinary rule owns or only the owner's keep-last and keep-within keep. */

/* A verdict as it is before any rule spoke. */
static struct verdict unjudged(const struct verdict *verdict)
{
	return (struct verdict){
		.kind = verdict->kind,
		.container = verdict->container,
		.reference = verdict->reference,
		.reason = REASON_NO_RULE,
		.goes_at = TIME_UNKNOWN,
		.age.at = TIME_UNKNOWN,
		.bytes = verdict->bytes,
	};
}

/* What a rule of safety said holds under pressure as well. Of images only that their list is
 * not whole: what containers, children and names say hangs on what goes. */
static bool is_guarded(const struct verdict *verdict)
{
	if (is_image_row(verdict))
		return verdict->reason == REASON_LIST_FAILED;
	return reason_guard(verdict->reason) != NULL;
}

/* Rules were asked about it. */
static bool is_asked_about(const struct verdict *verdict)
{
	return verdict->rule || !is_guarded(verdict);
}

/* Judges the row as its owner would without keep-last and keep-within. */
static bool owner_lets_go(struct planner *planner, const struct verdict *verdict)
{
	struct verdict row = unjudged(verdict);
	enum answer answer = select_owner(planner, &row);
	struct rule relaxed;

	if (answer != ANSWER_YES)
		return answer == ANSWER_NO;
	relaxed = *row.rule;
	relaxed.keep_last = 0;
	relaxed.keep_within = 0;
	row.rule = &relaxed;
	keep_judge(planner, &row);
	return row.action == VERDICT_REMOVE;
}

/* The owner itself would remove it, but for its image's other names, children or users. */
static bool owner_removes(struct planner *planner, const struct verdict *verdict)
{
	struct verdict row = *verdict;

	if (!row.rule || row.reason == REASON_LAST_CHILD)
		return false;
	verdict_set(&row, VERDICT_KEEP, REASON_NO_RULE);
	keep_judge(planner, &row);
	return row.action == VERDICT_REMOVE;
}

/* The planner of one rule: its rows are those of the rule, its needs everybody's. */
static struct planner planner_of(const struct planner *planner, const struct pressing *pressing,
				 struct plan *plan)
{
	struct planner own = *planner;

	*plan = *planner->plan;
	plan->verdicts = pressing->rows;
	own.plan = plan;
	own.runs = pressing->runs;
	own.stored = pressing->stored;
	return own;
}

static void match(struct planner *planner, struct pressing *pressing, size_t row)
{
	const struct verdict *verdict = &planner->plan->verdicts[row];
	enum rule_key failed = RULE_KEY_MAX_;

	pressing->rows[row] = unjudged(verdict);
	if (select_section(verdict) == pressing->rule->kind && is_asked_about(verdict) &&
	    select_rule(planner, pressing->rule, &pressing->rows[row], &failed) == ANSWER_YES)
		pressing->rows[row].rule = pressing->rule;
}

/* A pin of one rule in force holds for all. */
static bool is_pinned(struct planner *planner, const struct presses *presses, size_t row)
{
	for (size_t i = 0; i < presses->n; i++) {
		struct verdict verdict = presses->v[i].rows[row];

		if (verdict.rule && select_pinned(planner, &verdict))
			return true;
	}
	return false;
}

/* What the rule itself says of it stays in its row. */
static bool rule_lets_go(struct planner *planner, struct pressing *pressing, size_t row)
{
	struct plan plan;
	struct planner of_rule = planner_of(planner, pressing, &plan);

	keep_judge(&of_rule, &pressing->rows[row]);
	return pressing->rows[row].action == VERDICT_REMOVE;
}

static bool row_may_go(struct planner *planner, const struct presses *presses,
		       struct pressing *pressing, size_t row)
{
	const struct verdict *verdict = &planner->plan->verdicts[row];

	if (is_guarded(verdict))
		return false;
	if (!pressing->rows[row].rule)
		return !is_pinned(planner, presses, row) && owner_removes(planner, verdict);
	return rule_lets_go(planner, pressing, row) && !is_pinned(planner, presses, row) &&
	       owner_lets_go(planner, verdict);
}

/* An image goes whole: each of its names must, and one at least by this rule. */
static bool object_may_go(struct planner *planner, const struct presses *presses,
			  struct pressing *pressing, const struct object *object)
{
	bool any = false;

	if (object->gone)
		return false;
	for (size_t row = object->row; row < object->row + object->n; row++)
		any = any || pressing->rows[row].rule;
	if (!any)
		return false;
	for (size_t row = object->row; row < object->row + object->n; row++)
		if (!row_may_go(planner, presses, pressing, row))
			return false;
	return true;
}

static void match_all(struct planner *planner, struct pressing *pressing)
{
	struct planner of_rule;
	struct plan plan;

	pressing->rows = arena_array(planner->arena, planner->plan->n, sizeof(*pressing->rows));
	for (size_t row = 0; row < planner->plan->n; row++)
		match(planner, pressing, row);
	if (pressing->rule->keep_last_run > 0)
		pressing->runs = runs_new(planner);
	of_rule = planner_of(planner, pressing, &plan);
	rank_all(&of_rule);
	cache_mark_stored(&of_rule);
	pressing->stored = of_rule.stored;
}

void eligible_find(struct planner *planner, const struct objects *objects,
		   struct presses *presses)
{
	for (size_t i = 0; i < presses->n; i++)
		match_all(planner, &presses->v[i]);
	for (size_t i = 0; i < presses->n; i++) {
		struct pressing *pressing = &presses->v[i];

		pressing->may_take =
			arena_array(planner->arena, objects->n, sizeof(*pressing->may_take));
		for (size_t k = 0; k < objects->n; k++)
			pressing->may_take[k] =
				object_may_go(planner, presses, pressing, &objects->v[k]);
	}
}

static bool is_held_by_rule(struct planner *planner, struct verdict *row)
{
	return select_pinned(planner, row) || keep_if_run_last(planner, row);
}

bool eligible_to_follow(struct planner *planner, const struct presses *presses, size_t image)
{
	struct verdict row = unjudged(&planner->plan->verdicts[planner->first_row[image]]);
	enum answer answer = select_owner(planner, &row);

	if (answer != ANSWER_YES && answer != ANSWER_NO)
		return false;
	if (row.rule && (row.rule->action == ACTION_KEEP || is_held_by_rule(planner, &row)))
		return false;
	for (size_t i = 0; i < presses->n; i++) {
		row.rule = presses->v[i].rule;
		if (row.rule->kind == KIND_IMAGE && is_held_by_rule(planner, &row))
			return false;
	}
	verdict_set(&row, VERDICT_REMOVE, REASON_LAST_CHILD);
	keep_unless_approved(planner, &row);
	return row.action == VERDICT_REMOVE;
}
