#include "plan/planner.h"

#include <string.h>

#include "conf/template.h"

/* preserve-as: the name that a superseded image gets, and by which it is known again. */

static const char *short_id(struct arena *arena, const struct image *image)
{
	const char *colon = strchr(image->id, ':');

	return arena_printf(arena, "%.*s", HOLE_ID_LENGTH, colon ? colon + 1 : image->id);
}

/* As the engine spells it: what it is asked for must not be another name to it. */
static const char *spelt_repository(struct arena *arena, const struct reference *reference)
{
	size_t length = strlen(reference->raw);

	if (reference->digest)
		length -= 1 + strlen(reference->digest);
	if (reference->tag)
		length -= 1 + strlen(reference->tag);
	return arena_strndup(arena, reference->raw, length);
}

/* ---- known again ---- */

static bool gives(const struct rule *rule, const char *id, const char *repository,
		  const struct reference *name)
{
	const char *const texts[] = { name->raw, name->short_name, name->full };
	const char *const values[HOLE_MAX_] = {
		[HOLE_ID] = id, [HOLE_REPOSITORY] = repository
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (template_matches(rule->preserve_as, values, texts[i]))
			return true;
	return false;
}

/* A repository that the image had, or any if none is known any more. */
static bool matches_template(const struct planner *planner, const struct rule *rule,
			     const struct verdict *verdict)
{
	const char *id = short_id(planner->arena, verdict->image);
	const struct reference *names;
	size_t n;

	if (!gives(rule, id, NULL, verdict->reference))
		return false;
	n = former_names(planner, verdict, &names);
	for (size_t i = 0; i < n; i++) {
		const char *const spellings[] = { spelt_repository(planner->arena, &names[i]),
						  names[i].familiar, names[i].repository };

		for (size_t k = 0; k < ARRAY_SIZE(spellings); k++)
			if (gives(rule, id, spellings[k], verdict->reference))
				return true;
	}
	return n == 0;
}

static bool is_only_name(const struct verdict *verdict)
{
	const struct image *image = verdict->image;

	for (size_t i = 0; i < image->n_digests; i++)
		if (strcmp(image->digests[i].repository, verdict->reference->repository) != 0)
			return false;
	return image->n_tags == 1 && verdict->reference->tag;
}

bool preserve_recognises(const struct planner *planner, const struct rule *rule,
			 const struct verdict *verdict)
{
	return rule->preserve_as && is_only_name(verdict) &&
	       matches_template(planner, rule, verdict);
}

/* ---- still held ---- */

static bool rule_holds(struct planner *planner, struct verdict *view, const struct rule *rule,
		       enum rule_key *ret_key)
{
	enum rule_key failed;

	if (select_rule(planner, rule, view, &failed) != ANSWER_YES)
		return false;
	*ret_key = RULE_ACTION;
	view->rule = rule;
	return rule->action == ACTION_KEEP || select_pin(planner, view, ret_key);
}

const struct rule *preserve_holder(struct planner *planner, const struct verdict *verdict,
				   enum rule_key *ret_key)
{
	struct verdict tagged = *verdict, untagged = *verdict;

	tagged.preserved = untagged.preserved = false;
	untagged.kind = KIND_IMAGE;
	untagged.reference = NULL;
	for (size_t i = 0; i < planner->rules->n; i++) {
		const struct rule *rule = &planner->rules->v[i];

		if (rule->kind == KIND_IMAGE && !rule_is_pressure(rule) &&
		    (rule_holds(planner, &tagged, rule, ret_key) ||
		     rule_holds(planner, &untagged, rule, ret_key)))
			return rule;
	}
	return NULL;
}

/* ---- named ---- */

/* The newest that it had before it was given one, or else that one. */
static const struct reference *name_before(const struct planner *planner,
					   const struct verdict *row, const char *id)
{
	const struct reference *names;
	size_t n = former_names(planner, row, &names);

	for (size_t i = 0; i < n; i++)
		if (!gives(row->rule, id, NULL, &names[i]))
			return &names[i];
	return n > 0 ? names : NULL;
}

static enum unnamed name_image(const struct planner *planner, struct verdict *row)
{
	struct arena *arena = planner->arena;
	struct reference *name = arena_alloc(arena, sizeof(*name));
	char created[UNITS_SIZE], today[UNITS_SIZE];
	const char *id = short_id(arena, row->image);
	const struct reference *former = name_before(planner, row, id);
	const char *values[HOLE_MAX_] = {
		[HOLE_REPOSITORY] = former ? spelt_repository(arena, former) : NULL,
		[HOLE_TAG] = former ? former->tag : NULL,
		[HOLE_CREATED] = units_format_day(created, row->image->created),
		[HOLE_ID] = id,
		[HOLE_DATE] = units_format_day(today, planner->now),
	};
	const char *text = template_fill(arena, row->rule->preserve_as, values);

	if (!text)
		return UNNAMED_UNKNOWN;
	if (!reference_parse(arena, text, name) || !name->tag || name->digest)
		return UNNAMED_INVALID;
	if (!keep_approves(planner, plan_key(arena, KIND_IMAGE, row->image->id, text)))
		return UNNAMED_NOT_APPROVED;
	row->preserve_as = name;
	return NOT_UNNAMED;
}

/* An image on which others are built is part of them, and one that is not known is left alone.
 */
static bool may_be_named(enum reason reason)
{
	static const enum reason named[] = {
		REASON_RULE_KEEPS,    REASON_PINNED,	REASON_TOO_YOUNG, REASON_KEEP_WITHIN,
		REASON_KEEP_LAST_RUN, REASON_KEEP_LAST, REASON_IN_USE,	  REASON_IN_USE_COUNTED,
	};

	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		if (named[i] == reason)
			return true;
	return false;
}

void preserve_name_images(struct planner *planner)
{
	struct plan *plan = planner->plan;

	for (size_t i = planner->first_row[0]; planner->rules_preserve && i < plan->n; i++) {
		struct verdict *row = &plan->verdicts[i];

		if (row->kind != KIND_IMAGE || !row->rule || !row->rule->preserve_as ||
		    row->action != VERDICT_KEEP || !may_be_named(row->reason) ||
		    keep_by_rule(planner, row) != ANSWER_YES)
			continue;
		row->unnamed = name_image(planner, row);
		/* When it was last tagged nobody can ask any more afterwards. */
		if (row->unnamed != NOT_UNNAMED ||
		    need_inspect(planner, row) == ANSWER_NOT_ASKED)
			continue;
		row->action = VERDICT_TAG;
		plan->tags[plan->n_tags++] = i;
	}
}
