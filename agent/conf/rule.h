#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/pattern.h"
#include "model/kind.h"

/* One section of a policy, decoded: plain data that plan/ reads. Keys and their meaning:
 * rule_keys[] in conf/policy.c. */

enum action { ACTION_REMOVE, ACTION_KEEP };
enum anonymous { ANONYMOUS_YES, ANONYMOUS_NO };
enum dangling { DANGLING_NO, DANGLING_YES, DANGLING_ANY };
enum age_from { AGE_FINISHED, AGE_CREATED, AGE_TAGGED, AGE_UNTAGGED, AGE_USED, AGE_VERSION_ };
enum order_by {
	ORDER_FINISHED = AGE_FINISHED,
	ORDER_CREATED = AGE_CREATED,
	ORDER_TAGGED = AGE_TAGGED,
	ORDER_UNTAGGED = AGE_UNTAGGED,
	ORDER_USED = AGE_USED,
	ORDER_VERSION = AGE_VERSION_,
};
enum group_by {
	GROUP_NONE,
	GROUP_REPOSITORY,
	GROUP_NAME,
	GROUP_IMAGE,
	GROUP_PROJECT,
	GROUP_SERVICE,
	GROUP_LABEL, /* struct rule.group_label is the key */
};
/* Which a pressure rule takes first. */
enum pressure_order { PRESSURE_LRU, PRESSURE_LARGEST, PRESSURE_OLDEST };

/* The key that a member of struct rule was set by; rule->origin[] says where. */
enum rule_key {
	RULE_ACTION,
	RULE_STATE,
	RULE_NAME,
	RULE_LABEL,
	RULE_IMAGE,
	RULE_EXIT_CODE,
	RULE_PROJECT,
	RULE_RESTART_POLICY,
	RULE_DRIVER,
	RULE_ANONYMOUS,
	RULE_DANGLING,
	RULE_REPOSITORY,
	RULE_TAG,
	RULE_KEEP_WITHIN,
	RULE_KEEP_LAST,
	RULE_KEEP_LAST_RUN,
	RULE_KEEP_STORAGE,
	RULE_QUARANTINE,
	RULE_GROUP_BY,
	RULE_MAX_AGE,
	RULE_AGE_FROM,
	RULE_ORDER_BY,
	RULE_KEEP_TAG,
	RULE_KEEP_LABEL,
	RULE_KEEP_NAME,
	RULE_REMOVE_VOLUMES,
	RULE_PRESERVE_AS,
	RULE_MIN_AGE,
	RULE_MAX_REMOVE,
	RULE_WHEN_USED_ABOVE,
	RULE_UNTIL_USED_BELOW,
	RULE_WHEN_FREE_BELOW,
	RULE_UNTIL_FREE_ABOVE,
	RULE_ORDER,
	RULE_KEY_MAX_,
};

struct range {
	int64_t first, last; /* inclusive */
};

struct ranges {
	struct range *v;
	size_t n;
};

/* "N" or "N%"; unlimited when not set. */
struct limit {
	bool set, percent;
	int64_t value;
};

/* How full a file system is, of what df shows as used and available. */
struct usage {
	int64_t percent;
	bool inodes;
};

struct origin {
	const char *file; /* NULL: not set, the default holds */
	unsigned line;
};

struct rule {
	enum kind kind; /* KIND_TAG never: an [images] rule judges tags as well */
	const char *name;
	struct origin section;
	struct origin origin[RULE_KEY_MAX_];
	uint64_t refused; /* a bit per key whose value is not known: it was a mistake */

	enum action action;
	unsigned states; /* bit per enum container_state */
	struct patterns names, labels, images, projects, restart_policies;
	struct ranges exit_codes;
	struct patterns drivers;
	enum anonymous anonymous;
	enum dangling dangling;
	struct patterns repositories, tags;

	int64_t keep_within;   /* seconds, 0: none */
	int64_t keep_last;     /* 0: none */
	int64_t keep_last_run; /* 0: none; images */
	int64_t keep_storage;  /* bytes, 0: none; build cache */
	int64_t quarantine;    /* seconds, 0: none; volumes */
	enum group_by group_by;
	const char *group_label;
	int64_t max_age; /* seconds, 0: none */
	enum age_from age_from;
	enum order_by order_by;
	struct patterns keep_tags, keep_labels, keep_names;
	bool remove_volumes;	 /* containers: their anonymous volumes go along */
	const char *preserve_as; /* conf/template.h; NULL: none; images */
	int64_t min_age;	 /* seconds; the setting's unless written */
	struct limit max_remove; /* not set: the setting's */

	/* Pressure rules: one pair or the other is set. */
	struct usage when_used_above, until_used_below;
	int64_t when_free_below, until_free_above; /* bytes */
	enum pressure_order order;
};

/* In file and section order: the first rule that matches an object owns it. */
struct rules {
	struct rule *v;
	size_t n;
};

/* Whether the key was written in the rule's section. */
static inline bool rule_has(const struct rule *rule, enum rule_key key)
{
	return rule->origin[key].file != NULL;
}

/* A rule with a mark is a pressure rule: it owns nothing, and below its mark it is as if it
 * were not there. */
static inline bool rule_is_pressure(const struct rule *rule)
{
	return rule_has(rule, RULE_WHEN_USED_ABOVE) || rule_has(rule, RULE_WHEN_FREE_BELOW);
}

/* Whether it hangs on the last use what goes. */
static inline bool rule_judges_by_use(const struct rule *rule)
{
	return rule->age_from == AGE_USED || rule->order_by == ORDER_USED;
}

/* Whether a label can make a difference to what rules and reclaimd itself say of an object. */
bool rules_want_label(const struct rules *rules, const char *key);

/* "keep-last": the key's name. */
const char *rule_key_name(enum rule_key key);
