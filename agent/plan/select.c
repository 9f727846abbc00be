#include "plan/planner.h"

#include <string.h>

#include "base/text.h"

#define SWARM_LABELS "com.docker.swarm."

/* A selector looks at one property of an object. The cheap ones come first in the table, so
 * that a fact is asked for only where everything else matches. */

typedef enum answer selector(struct planner *planner, const struct rule *rule,
			     const struct verdict *verdict);

static enum answer yes_if(bool matches)
{
	return matches ? ANSWER_YES : ANSWER_NO;
}

static bool match_names(const struct planner *planner, const struct patterns *patterns,
			const struct verdict *verdict)
{
	_cleanup_(values_clearp) struct values names = { 0 };

	names_of(planner, verdict, &names);
	return patterns_match(patterns, names.v, names.n);
}

static bool match_one(const struct patterns *patterns, const char *value)
{
	return patterns_match(patterns, &value, value ? 1 : 0);
}

static enum answer by_state(struct planner *planner _unused_, const struct rule *rule,
			    const struct verdict *verdict)
{
	return yes_if(rule->states & (1u << verdict->container->state));
}

static enum answer by_name(struct planner *planner, const struct rule *rule,
			   const struct verdict *verdict)
{
	return yes_if(match_names(planner, &rule->names, verdict));
}

static enum answer by_label(struct planner *planner _unused_, const struct rule *rule,
			    const struct verdict *verdict)
{
	return yes_if(patterns_match_labels(&rule->labels, labels_of(verdict)));
}

static enum answer by_project(struct planner *planner _unused_, const struct rule *rule,
			      const struct verdict *verdict)
{
	return yes_if(match_one(&rule->projects,
				labels_get_known(labels_of(verdict), LABEL_COMPOSE_PROJECT)));
}

static enum answer by_driver(struct planner *planner _unused_, const struct rule *rule,
			     const struct verdict *verdict)
{
	return yes_if(match_one(&rule->drivers, verdict->volume->driver));
}

static enum answer by_anonymous(struct planner *planner _unused_, const struct rule *rule,
				const struct verdict *verdict)
{
	return yes_if(verdict->volume->anonymous == (rule->anonymous == ANONYMOUS_YES));
}

static enum answer by_image(struct planner *planner, const struct rule *rule,
			    const struct verdict *verdict)
{
	const struct container *container = verdict->container;
	const struct reference *name = container->image_name;
	enum answer answer = need_container_name(planner, container);

	if (answer != ANSWER_YES)
		return answer;
	if (!name)
		return yes_if(match_one(&rule->images, container->image_id));
	return yes_if(patterns_match(&rule->images,
				     (const char *[]){ name->short_name, name->full,
						       name->familiar, name->repository },
				     4));
}

static enum answer by_exit_code(struct planner *planner, const struct rule *rule,
				const struct verdict *verdict)
{
	enum answer answer = need_inspect(planner, verdict);

	if (answer != ANSWER_YES)
		return answer;
	for (size_t i = 0; i < rule->exit_codes.n; i++)
		if (verdict->container->exit_code >= rule->exit_codes.v[i].first &&
		    verdict->container->exit_code <= rule->exit_codes.v[i].last)
			return ANSWER_YES;
	return ANSWER_NO;
}

static enum answer by_restart_policy(struct planner *planner, const struct rule *rule,
				     const struct verdict *verdict)
{
	enum answer answer = need_inspect(planner, verdict);

	if (answer != ANSWER_YES)
		return answer;
	return yes_if(match_one(&rule->restart_policies, verdict->container->restart_policy));
}

/* Untagged, with a digest reference, and nothing ever saw it tagged: pulled by digest and
 * wanted, or superseded by a newer pull. The engine's answers are the same (ENGINES.md). */
static bool maybe_wanted(const struct verdict *verdict)
{
	const struct image *image = verdict->image;

	return verdict->kind == KIND_IMAGE && image->n_digests > 0 &&
	       !image->memory.seen_tagged && image->history.n == 0;
}

static enum answer by_dangling(struct planner *planner _unused_, const struct rule *rule,
			       const struct verdict *verdict)
{
	bool untagged =
		verdict->preserved || (verdict->kind == KIND_IMAGE && !maybe_wanted(verdict));

	return yes_if(rule->dangling == DANGLING_ANY ||
		      untagged == (rule->dangling == DANGLING_YES));
}

static enum answer by_repository(struct planner *planner _unused_, const struct rule *rule,
				 const struct verdict *verdict)
{
	const struct image *image = verdict->image;
	const struct reference *references =
		verdict->reference ? verdict->reference : image->digests;
	size_t n = verdict->reference ? 1 : image->n_digests;

	for (size_t i = 0; i < n; i++) {
		const char *names[] = { references[i].familiar, references[i].repository };

		if (patterns_match(&rule->repositories, names, ARRAY_SIZE(names)))
			return ANSWER_YES;
	}
	return ANSWER_NO;
}

static enum answer by_tag(struct planner *planner _unused_, const struct rule *rule,
			  const struct verdict *verdict)
{
	return yes_if(verdict->reference && !verdict->preserved &&
		      match_one(&rule->tags, verdict->reference->tag));
}

/* What the rule named, it goes on judging as the untagged image that it was. */
static enum answer by_preserve_as(struct planner *planner, const struct rule *rule,
				  const struct verdict *verdict)
{
	return yes_if(!verdict->preserved || preserve_recognises(planner, rule, verdict));
}

static const struct {
	enum kind kind;
	enum rule_key key;
	bool always; /* has a default that selects */
	selector *matches;
} selectors[] = {
	{ KIND_CONTAINER, RULE_STATE, true, by_state },
	{ KIND_CONTAINER, RULE_NAME, false, by_name },
	{ KIND_CONTAINER, RULE_LABEL, false, by_label },
	{ KIND_CONTAINER, RULE_PROJECT, false, by_project },
	{ KIND_CONTAINER, RULE_IMAGE, false, by_image },
	{ KIND_CONTAINER, RULE_EXIT_CODE, false, by_exit_code },
	{ KIND_CONTAINER, RULE_RESTART_POLICY, false, by_restart_policy },
	{ KIND_IMAGE, RULE_REPOSITORY, false, by_repository },
	{ KIND_IMAGE, RULE_TAG, false, by_tag },
	{ KIND_IMAGE, RULE_NAME, false, by_name },
	{ KIND_IMAGE, RULE_LABEL, false, by_label },
	{ KIND_IMAGE, RULE_DANGLING, true, by_dangling },
	{ KIND_VOLUME, RULE_ANONYMOUS, true, by_anonymous },
	{ KIND_VOLUME, RULE_NAME, false, by_name },
	{ KIND_VOLUME, RULE_LABEL, false, by_label },
	{ KIND_VOLUME, RULE_PROJECT, false, by_project },
	{ KIND_VOLUME, RULE_DRIVER, false, by_driver },
	{ KIND_NETWORK, RULE_NAME, false, by_name },
	{ KIND_NETWORK, RULE_LABEL, false, by_label },
	{ KIND_NETWORK, RULE_PROJECT, false, by_project },
	{ KIND_BUILD_CACHE, RULE_NAME, false, by_name },
	{ KIND_IMAGE, RULE_PRESERVE_AS, true, by_preserve_as },
};

enum kind select_section(const struct verdict *verdict)
{
	return verdict->kind == KIND_TAG ? KIND_IMAGE : verdict->kind;
}

enum answer select_rule(struct planner *planner, const struct rule *rule,
			const struct verdict *verdict, enum rule_key *ret_failed)
{
	for (size_t i = 0; i < ARRAY_SIZE(selectors); i++) {
		enum answer answer;

		if (selectors[i].kind != rule->kind ||
		    (!selectors[i].always && !rule_has(rule, selectors[i].key)))
			continue;
		answer = selectors[i].matches(planner, rule, verdict);
		if (answer != ANSWER_YES) {
			*ret_failed = selectors[i].key;
			return answer;
		}
	}
	return ANSWER_YES;
}

static enum answer select_first(struct planner *planner, struct verdict *verdict)
{
	verdict_set(verdict, VERDICT_KEEP, REASON_NO_RULE);
	for (size_t i = 0; i < planner->rules->n; i++) {
		const struct rule *rule = &planner->rules->v[i];
		enum rule_key failed = RULE_KEY_MAX_;
		enum answer answer;

		if (rule->kind != select_section(verdict) || rule_is_pressure(rule))
			continue;
		answer = select_rule(planner, rule, verdict, &failed);
		if (answer == ANSWER_NO) {
			if (failed == RULE_DANGLING && rule->dangling == DANGLING_YES &&
			    maybe_wanted(verdict))
				verdict->reason = REASON_MAYBE_WANTED;
			continue;
		}
		if (answer == ANSWER_YES)
			verdict->rule = rule;
		else
			verdict->reason = answer == ANSWER_NOT_ASKED ? REASON_PENDING
								     : REASON_FACT_UNAVAILABLE;
		return answer;
	}
	return ANSWER_NO;
}

/* A preserved image belongs to the rule that named it; with none that did, its name is one like
 * any other. */
enum answer select_owner(struct planner *planner, struct verdict *verdict)
{
	verdict->preserved = verdict->kind == KIND_TAG && planner->rules_preserve;
	if (verdict->preserved && select_first(planner, verdict) == ANSWER_YES)
		return ANSWER_YES;
	verdict->preserved = false;
	return select_first(planner, verdict);
}

static const enum rule_key pins[] = { RULE_KEEP_TAG, RULE_KEEP_LABEL, RULE_KEEP_NAME };

bool select_pin_holds(struct planner *planner, const struct verdict *verdict, enum rule_key pin)
{
	const struct rule *rule = verdict->rule;
	const char *tag = verdict->reference ? verdict->reference->tag : NULL;

	if (!rule_has(rule, pin))
		return false;
	if (pin == RULE_KEEP_TAG)
		return tag && match_one(&rule->keep_tags, tag);
	if (pin == RULE_KEEP_LABEL)
		return patterns_match_labels(&rule->keep_labels, labels_of(verdict));
	return match_names(planner, &rule->keep_names, verdict);
}

bool select_pin(struct planner *planner, const struct verdict *verdict, enum rule_key *ret_pin)
{
	for (size_t i = 0; i < ARRAY_SIZE(pins); i++) {
		*ret_pin = pins[i];
		if (select_pin_holds(planner, verdict, pins[i]))
			return true;
	}
	return false;
}

bool select_pinned(struct planner *planner, struct verdict *verdict)
{
	enum rule_key pin;

	if (!select_pin(planner, verdict, &pin))
		return false;
	verdict_set(verdict, VERDICT_KEEP, REASON_PINNED);
	verdict->key = rule_key_name(pin);
	return true;
}

static const struct pin *find_image(const struct snapshot *snapshot,
				    const struct verdict *verdict)
{
	const struct pins *images = &snapshot->pinned.images;
	const struct image *image = verdict->image;
	const char *names[] = { image->id,
				verdict->reference ? verdict->reference->full : NULL };
	const struct pin *pin = pins_find(images, names, ARRAY_SIZE(names));

	for (size_t i = 0; !pin && i < image->n_digests; i++)
		pin = pins_find(images, (const char *[]){ image->digests[i].full }, 1);
	return pin;
}

static const struct pin *find_pin(const struct snapshot *snapshot,
				  const struct verdict *verdict)
{
	const struct pinned *pinned = &snapshot->pinned;

	switch (verdict->kind) {
	case KIND_IMAGE:
	case KIND_TAG:
		return find_image(snapshot, verdict);
	case KIND_VOLUME:
		return pins_find(&pinned->volumes, (const char *[]){ verdict->volume->name },
				 1);
	case KIND_NETWORK:
		return pins_find(
			&pinned->networks,
			(const char *[]){ verdict->network->name, verdict->network->id }, 2);
	case KIND_CONTAINER:
	case KIND_BUILD_CACHE:
	case KIND_MAX_:
		break;
	}
	return NULL;
}

bool select_pinned_outside(const struct snapshot *snapshot, struct verdict *verdict)
{
	const struct pin *pin = find_pin(snapshot, verdict);

	if (!pin)
		return false;
	verdict_set(verdict, VERDICT_KEEP, REASON_PINNED);
	verdict->holder = pin->where;
	return true;
}

bool select_names_policy(const struct rule *rule, const char *policy)
{
	struct patterns one = { .n = 1 };

	if (!policy)
		return false;
	for (size_t i = 0; i < rule->restart_policies.n; i++) {
		one.v = &rule->restart_policies.v[i];
		if (!one.v->negated && !patterns_match_all(&one) && match_one(&one, policy))
			return true;
	}
	return false;
}

bool select_names_swarm(const struct rule *rule, const struct labels *labels)
{
	struct patterns one = { .n = 1 };

	for (size_t i = 0; i < rule->labels.n; i++) {
		one.v = &rule->labels.v[i];
		if (!one.v->negated && text_starts_with(one.v->key, SWARM_LABELS) &&
		    patterns_match_labels(&one, labels))
			return true;
	}
	return false;
}
