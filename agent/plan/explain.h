#pragma once

#include "plan/plan.h"
#include "plan/shares.h"

/* Why a plan says what it says of one object: each rule in order, and what each keeper of the
 * rule that owns it says. */

enum rule_says {
	RULE_OWNS,
	RULE_DOES_NOT_MATCH, /* `failed` is the selector that did not */
	RULE_NOT_KNOWN,	     /* the engine did not tell what `failed` asks for */
	RULE_NOT_REACHED,    /* an earlier rule owns it */
	RULE_RESTS,	     /* a pressure rule below its mark */
	RULE_PRESSES,	     /* a pressure rule above its mark that selects it */
};

struct rule_step {
	const struct rule *rule;
	enum rule_says says;
	enum rule_key failed;
};

struct keeper_step {
	enum rule_key key;
	bool known;
	bool keeps;
	struct age age;		 /* time keepers */
	int64_t limit;		 /* seconds, or N */
	size_t rank, group_size; /* keep-last */
	const char *group;	 /* keep-last; keep-last-run: the service */
};

struct explanation {
	const struct verdict *verdict;
	struct rule_step *rules; /* those of the object's kind */
	size_t n_rules;
	struct keeper_step *keepers; /* those that the owner has written, and min-age */
	size_t n_keepers;
	struct share share; /* images; known once every image is inspected */
	struct age *ages;   /* every age the object has */
	size_t n_ages;
};

/* Explains one verdict of a plan that was made of the same input. Facts that are missing are
 * not asked for. Lies in the arena. */
struct explanation *plan_explain(struct arena *arena, const struct plan_input *input,
				 const struct plan *plan, const struct verdict *verdict);
