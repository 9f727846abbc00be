#include "report/explain.h"

#include <stdlib.h>

#include "report/json.h"

static const char *const rule_says[] = {
	[RULE_OWNS] = "owns",		[RULE_DOES_NOT_MATCH] = "does-not-match",
	[RULE_NOT_KNOWN] = "not-known", [RULE_NOT_REACHED] = "not-reached",
	[RULE_RESTS] = "rests",		[RULE_PRESSES] = "presses",
};

static struct json_object *rules_of(const struct explanation *explanation)
{
	struct json_object *rules = json_object_new_array();

	for (size_t i = 0; i < explanation->n_rules; i++) {
		const struct rule_step *step = &explanation->rules[i];
		struct json_object *object = json_object_new_object();

		json_add_rule(object, step->rule);
		json_add_text(object, "says", rule_says[step->says]);
		json_add_text(object, "selector",
			      step->failed < RULE_KEY_MAX_ ? rule_key_name(step->failed)
							   : NULL);
		json_object_array_add(rules, object);
	}
	return rules;
}

static struct json_object *keepers_of(const struct explanation *explanation,
				      const struct plan *plan)
{
	struct json_object *keepers = json_object_new_array();

	for (size_t i = 0; i < explanation->n_keepers; i++) {
		const struct keeper_step *step = &explanation->keepers[i];
		struct json_object *object = json_object_new_object();
		bool has_age = step->known && step->age.at != 0;

		json_add_text(object, "key", rule_key_name(step->key));
		json_add(object, "keeps",
			 step->known ? json_object_new_boolean(step->keeps) : NULL);
		json_add_number(object, "limit", step->limit, step->limit != 0);
		json_add_number(object, "age_s", has_age ? plan->now - step->age.at : 0,
				has_age);
		json_add_number(object, "rank", (int64_t)step->rank, step->rank > 0);
		json_add_number(object, "of", (int64_t)step->group_size, step->group_size > 0);
		json_add_text(object, "group", step->group);
		json_object_array_add(keepers, object);
	}
	return keepers;
}

void report_explanations_json(const struct explanation *const *explanations, size_t n,
			      const struct plan *plan, FILE *out)
{
	struct json_object *root = json_root(&plan->snapshot->engine),
			   *objects = json_object_new_array();

	json_add(root, "objects", objects);
	for (size_t i = 0; i < n; i++) {
		struct json_object *object = json_verdict(explanations[i]->verdict, plan);

		json_add_number(object, "unique", explanations[i]->share.unique,
				explanations[i]->share.unique >= 0);
		json_add_number(object, "shared", explanations[i]->share.shared,
				explanations[i]->share.unique >= 0);
		json_add(object, "rules", rules_of(explanations[i]));
		json_add(object, "keepers", keepers_of(explanations[i], plan));
		json_object_array_add(objects, object);
	}
	json_print(root, out);
}
