#include "conf/policy.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "conf/ini.h"
#include "conf/key.h"

#define FIELD(member) offsetof(struct rule, member)
#define BIT(rule_key) (UINT64_C(1) << (rule_key))

enum {
	CONTAINERS = 1 << KIND_CONTAINER,
	IMAGES = 1 << KIND_IMAGE,
	VOLUMES = 1 << KIND_VOLUME,
	NETWORKS = 1 << KIND_NETWORK,
	BUILD_CACHE = 1 << KIND_BUILD_CACHE,
	PROJECTS = CONTAINERS | VOLUMES | NETWORKS, /* what Compose makes and labels */
	LABELLED = PROJECTS | IMAGES,
	ALL = LABELLED | BUILD_CACHE,
	PRESSURE = CONTAINERS | IMAGES | BUILD_CACHE,
};

static const char *const actions[] = { "remove", "keep", NULL };
static const char *const states[] = { "exited", "created", "dead", NULL };
static const char *const anonymities[] = { "yes", "no", NULL };
static const char *const danglings[] = { "no", "yes", "any", NULL };
static const char *const ages[] = { "finished", "created", "tagged", "untagged", "used", NULL };
static const char *const orders[] = { "finished", "created", "tagged", "untagged",
				      "used",	  "version", NULL };
static const char *const groups[] = { "none",	 "repository", "name",	    "image",
				      "project", "service",    "label:KEY", NULL };

static const char *const pressure_orders[] = { "least-recently-used", "largest-first",
					       "oldest-first", NULL };

static const struct key keys[] = {
	[RULE_ACTION] = { "action", KEY_CHOICE, FIELD(action), 0, 0, actions, "remove", ALL,
			  "keep: what the rule owns stays, whatever later rules say." },
	[RULE_STATE] = { "state", KEY_STATES, FIELD(states), 0, 0, states, NULL, CONTAINERS,
			 "Selector. Default: exited, dead; one that is only created may be waiting for "
			 "its start." },
	[RULE_NAME] = { "name", KEY_PATTERNS, FIELD(names), 0, 0, NULL, NULL, ALL,
			"Selector: by name; of an untagged image \"<none>\" and the names it had; of "
			"a record of the build cache its type and its description." },
	[RULE_LABEL] = { "label", KEY_LABELS, FIELD(labels), 0, 0, NULL, NULL, LABELLED,
			 "Selector: by label. Containers of a swarm service's tasks stay unless a rule "
			 "names a label com.docker.swarm.* here." },
	[RULE_IMAGE] = { "image", KEY_PATTERNS, FIELD(images), 0, 0, NULL, NULL, CONTAINERS,
			 "Selector: by the name of the image that the container was created from." },
	[RULE_EXIT_CODE] = { "exit-code", KEY_RANGES, FIELD(exit_codes), 0, 255, NULL, NULL,
			     CONTAINERS, "Selector: by exit code." },
	[RULE_PROJECT] = { "project", KEY_PATTERNS, FIELD(projects), 0, 0, NULL, NULL, PROJECTS,
			   "Selector: by Compose project." },
	[RULE_RESTART_POLICY] = { "restart-policy", KEY_PATTERNS, FIELD(restart_policies), 0, 0,
				  NULL, NULL, CONTAINERS,
				  "Selector: by restart policy. Containers with always, unless-stopped, "
				  "or on-failure and retries left, stay unless a rule names theirs "
				  "here." },
	[RULE_DRIVER] = { "driver", KEY_PATTERNS, FIELD(drivers), 0, 0, NULL, NULL, VOLUMES,
			  "Selector: by driver." },
	[RULE_ANONYMOUS] = { "anonymous", KEY_CHOICE, FIELD(anonymous), 0, 0, anonymities,
			     "yes", VOLUMES,
			     "Selector. yes: volumes that the engine named; no: those that somebody "
			     "named, which need a name, label or project other than * beside it and go only "
			     "while reclaimd-watch.service runs: nobody else knows that a job did not "
			     "use them between two runs. Podman does not tell, so there none goes." },
	[RULE_DANGLING] = { "dangling", KEY_CHOICE, FIELD(dangling), 0, 0, danglings, "no",
			    IMAGES,
			    "Selector. yes: untagged images that are known to have lost a name; any: "
			    "tagged and untagged ones, those pulled by digest as well." },
	[RULE_REPOSITORY] = { "repository", KEY_PATTERNS, FIELD(repositories), 0, 0, NULL, NULL,
			      IMAGES,
			      "Selector: by repository, full (docker.io/library/redis) or familiar "
			      "(redis)." },
	[RULE_TAG] = { "tag", KEY_PATTERNS, FIELD(tags), 0, 0, NULL, NULL, IMAGES,
		       "Selector: by tag." },
	[RULE_KEEP_WITHIN] = { "keep-within", KEY_DURATION, FIELD(keep_within), 0, INT64_MAX,
			       NULL, NULL, ALL,
			       "Keeper: younger than this stays, by age-from." },
	[RULE_KEEP_LAST] = { "keep-last", KEY_NUMBER, FIELD(keep_last), 0, INT32_MAX, NULL,
			     NULL, ALL, "Keeper: the newest N of each group stay." },
	[RULE_KEEP_LAST_RUN] = { "keep-last-run", KEY_NUMBER, FIELD(keep_last_run), 0,
				 INT32_MAX, NULL, NULL, IMAGES,
				 "Keeper: the last N images that each Compose service or systemd unit "
				 "really ran stay, however old: the way back. Always per service; "
				 "'group-by = service' may be written beside it." },
	[RULE_KEEP_STORAGE] = { "keep-storage", KEY_BYTES, FIELD(keep_storage), 0, 0, NULL,
				NULL, BUILD_CACHE,
				"Keeper: the records used last stay, up to this size together." },
	[RULE_QUARANTINE] = { "quarantine", KEY_DURATION, FIELD(quarantine), 3600, INT64_MAX,
			      NULL, NULL, VOLUMES,
			      "A volume that would go is announced in the journal this long before, "
			      "and goes only if nothing uses it meanwhile; 1h at least. Default: 7d "
			      "for anonymous = no, else none." },
	[RULE_GROUP_BY] = { "group-by", KEY_GROUP, FIELD(group_by), 0, 0, groups, NULL, ALL,
			    "The groups of keep-last. Default: images repository, containers image, "
			    "others none." },
	[RULE_MAX_AGE] = { "max-age", KEY_DURATION, FIELD(max_age), 1, INT64_MAX, NULL, NULL,
			   ALL,
			   "Older than this goes even if a keeper of this rule would keep it; pins "
			   "and use still hold." },
	[RULE_AGE_FROM] = { "age-from", KEY_CHOICE, FIELD(age_from), 0, 0, ages, NULL, ALL,
			    "What ages count from. Default: containers finished, tagged images tagged, "
			    "untagged ones untagged (since they were seen without a tag), volumes and "
			    "networks untagged (since they were seen without a container that has "
			    "them), build cache used. used: an image's last use as "
			    "reclaimd-watch.service saw it; time that it did not watch counts as "
			    "use, so without it nothing goes by used." },
	[RULE_ORDER_BY] = { "order-by", KEY_CHOICE, FIELD(order_by), 0, 0, orders, NULL, ALL,
			    "What newest means for keep-last. Default: age-from; where a rule has "
			    "dangling = any and no age-from tagged, or with preserve-as untagged: "
			    "what has a tag counts as newer than what lost its own. version: the "
			    "semantic version of the tag." },
	[RULE_KEEP_TAG] = { "keep-tag", KEY_PATTERNS, FIELD(keep_tags), 0, 0, NULL, NULL,
			    IMAGES,
			    "Pin: images with such a tag are never removed by this rule." },
	[RULE_KEEP_LABEL] = { "keep-label", KEY_LABELS, FIELD(keep_labels), 0, 0, NULL, NULL,
			      LABELLED, "Pin, by label." },
	[RULE_KEEP_NAME] = { "keep-name", KEY_PATTERNS, FIELD(keep_names), 0, 0, NULL, NULL,
			     ALL, "Pin, by name." },
	[RULE_REMOVE_VOLUMES] = { "remove-volumes", KEY_FLAG, FIELD(remove_volumes), 0, 0, NULL,
				  "no", CONTAINERS,
				  "Anonymous volumes that only such containers have go after them, a row "
				  "of the plan each." },
	[RULE_PRESERVE_AS] = { "preserve-as", KEY_TEMPLATE, FIELD(preserve_as), 0, 0, NULL,
			       NULL, IMAGES,
			       "The tag that a superseded, untagged image gets while this rule keeps "
			       "it, for example {repository}:superseded-{created}-{id}; must have {id}, "
			       "and may have {repository} and {tag} (of the name it lost), {created} "
			       "(the day of its build) and {date} (today). A name that exists is never "
			       "taken. With no other tag beside it the image is still judged by this "
			       "rule, as the untagged one that it was." },
	[RULE_MIN_AGE] = { "min-age", KEY_DURATION, FIELD(min_age), 0, INT64_MAX, NULL, NULL,
			   ALL, "For this rule, instead of the setting." },
	[RULE_MAX_REMOVE] = { "max-remove", KEY_LIMIT, FIELD(max_remove), 0, 0, NULL, NULL, ALL,
			      "For this rule, measured against what it owns, instead of the setting." },
	[RULE_WHEN_USED_ABOVE] = { "when-used-above", KEY_USAGE, FIELD(when_used_above), 1, 99,
				   NULL, NULL, PRESSURE,
				   "Makes the rule a pressure rule: it acts only while more of the "
				   "file system that holds the engine's data is used, as df counts, "
				   "after what the other rules remove. Then it may take what their "
				   "keep-last and keep-within keep and what no rule owns." },
	[RULE_UNTIL_USED_BELOW] = { "until-used-below", KEY_USAGE, FIELD(until_used_below), 1,
				    99, NULL, NULL, PRESSURE,
				    "Goes with when-used-above: once no more than this is used, the "
				    "rule takes nothing further." },
	[RULE_WHEN_FREE_BELOW] = { "when-free-below", KEY_BYTES, FIELD(when_free_below), 1, 0,
				   NULL, NULL, PRESSURE,
				   "As when-used-above, by what is available: the rule acts only "
				   "while it is less." },
	[RULE_UNTIL_FREE_ABOVE] = { "until-free-above", KEY_BYTES, FIELD(until_free_above), 1,
				    0, NULL, NULL, PRESSURE,
				    "Goes with when-free-below: once so much is available, the rule "
				    "takes nothing further." },
	[RULE_ORDER] = { "order", KEY_CHOICE, FIELD(order), 0, 0, pressure_orders, NULL,
			 PRESSURE,
			 "What a pressure rule takes first; of what was last used at the same time "
			 "that which frees most. oldest-first: by age-from. Unless given: "
			 "least-recently-used." },
};
static_assert(ARRAY_SIZE(keys) == RULE_KEY_MAX_, "a row per key");
static_assert(RULE_KEY_MAX_ <= 64, "a bit of struct rule.refused per key");

/* What a kind understands by the keys whose values depend on it. */
static const struct {
	enum kind kind;
	unsigned ages, orders, groups; /* bits of the enums */
} kinds[] = {
	{ KIND_CONTAINER, 1 << AGE_FINISHED | 1 << AGE_CREATED,
	  1 << ORDER_FINISHED | 1 << ORDER_CREATED,
	  1 << GROUP_NONE | 1 << GROUP_NAME | 1 << GROUP_IMAGE | 1 << GROUP_PROJECT |
		  1 << GROUP_SERVICE | 1 << GROUP_LABEL },
	{ KIND_IMAGE, 1 << AGE_CREATED | 1 << AGE_TAGGED | 1 << AGE_UNTAGGED | 1 << AGE_USED,
	  1 << ORDER_CREATED | 1 << ORDER_TAGGED | 1 << ORDER_UNTAGGED | 1 << ORDER_USED |
		  1 << ORDER_VERSION,
	  1 << GROUP_NONE | 1 << GROUP_NAME | 1 << GROUP_REPOSITORY | 1 << GROUP_SERVICE |
		  1 << GROUP_LABEL },
	{ KIND_VOLUME, 1 << AGE_CREATED | 1 << AGE_UNTAGGED,
	  1 << ORDER_CREATED | 1 << ORDER_UNTAGGED,
	  1 << GROUP_NONE | 1 << GROUP_PROJECT | 1 << GROUP_LABEL },
	{ KIND_NETWORK, 1 << AGE_CREATED | 1 << AGE_UNTAGGED,
	  1 << ORDER_CREATED | 1 << ORDER_UNTAGGED,
	  1 << GROUP_NONE | 1 << GROUP_PROJECT | 1 << GROUP_LABEL },
	{ KIND_BUILD_CACHE, 1 << AGE_CREATED | 1 << AGE_USED,
	  1 << ORDER_CREATED | 1 << ORDER_USED, 1 << GROUP_NONE },
};

static bool rule_wants_label(const struct rule *rule, const char *label)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].type == KEY_LABELS &&
		    patterns_ask_label((const void *)((const char *)rule + keys[i].offset),
				       label))
			return true;
	return rule->group_by == GROUP_LABEL && strcmp(rule->group_label, label) == 0;
}

bool rules_want_label(const struct rules *rules, const char *key)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rule_wants_label(&rules->v[i], key))
			return true;
	return label_is_known(key);
}

const char *rule_key_name(enum rule_key key)
{
	return keys[key].name;
}

struct reading {
	struct rule_list *rules;
	struct arena *arena;
	struct problems *problems;
};

static bool refuse_kind(struct reading *reading, const char *kind, struct origin at)
{
	const char *names[ARRAY_SIZE(kinds)];
	_cleanup_free_ char *shown = text_escape(kind), *suggestion = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		names[i] = kind_to_plural(kinds[i].kind);
	suggestion = text_suggest(text_nearest(kind, names, ARRAY_SIZE(names)));
	problems_add(reading->problems,
		     "%s:%u: unknown kind '%s'%s; a section is [KIND NAME] with KIND one of "
		     "containers, images, volumes, networks, build-cache",
		     at.file, at.line, shown, suggestion);
	return false;
}

static const struct rule *find_rule(const struct rule_list *rules, enum kind kind,
				    const char *name)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->v[i].kind == kind && strcmp(rules->v[i].name, name) == 0)
			return &rules->v[i];
	return NULL;
}

static bool begin_rule(void *data, const char *section, struct origin at)
{
	struct reading *reading = data;
	struct rule_list *rules = reading->rules;
	size_t length = strcspn(section, " \t");
	const char *kind = arena_strndup(reading->arena, section, length);
	const char *name = section + length + strspn(section + length, " \t");
	const struct rule *twin;
	int number = kind_from_section(kind);

	if (number < 0)
		return refuse_kind(reading, kind, at);
	if (!*name || strpbrk(name, " \t")) {
		problems_add(reading->problems,
			     "%s:%u: the rule needs a name of one word: [%s NAME]", at.file,
			     at.line, kind);
		return false;
	}
	twin = find_rule(rules, (enum kind)number, name);
	if (twin) {
		problems_add(reading->problems, "%s:%u: there is a [%s %s] already, at %s:%u",
			     at.file, at.line, kind, name, twin->section.file,
			     twin->section.line);
		return false;
	}
	rules->v = mem_grow(rules->v, rules->n, sizeof(*rules->v));
	rules->v[rules->n++] = (struct rule){
		.kind = (enum kind)number,
		.name = arena_strdup(reading->arena, name),
		.section = at,
	};
	return true;
}

/* "containers", "images, volumes": whose key it is. */
static const char *kinds_of(struct arena *arena, const struct key *key)
{
	const char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *kind = kind_to_plural(kinds[i].kind);

		if (key->kinds & 1u << kinds[i].kind)
			text = text ? arena_printf(arena, "%s, %s", text, kind) : kind;
	}
	return text;
}

/* The key as rules of that kind may write it. */
static struct key key_of_kind(enum rule_key number, enum kind kind)
{
	struct key key = keys[number];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].kind != kind)
			continue;
		if (number == RULE_AGE_FROM)
			key.max = kinds[i].ages;
		else if (number == RULE_ORDER_BY)
			key.max = kinds[i].orders;
		else if (number == RULE_GROUP_BY)
			key.max = kinds[i].groups;
	}
	return key;
}

static bool take_value(struct reading *reading, struct rule *rule, enum rule_key number,
		       const char *value, struct origin at)
{
	const struct key key = key_of_kind(number, rule->kind);
	struct err err;

	if (!(key.kinds & 1u << rule->kind)) {
		problems_add(reading->problems, "%s:%u: '%s' is a key of %s, not of %s",
			     at.file, at.line, key.name, kinds_of(reading->arena, &key),
			     kind_to_plural(rule->kind));
		return false;
	}
	if (rule_has(rule, number) && !key_is_list(&key)) {
		problems_add(reading->problems,
			     "%s:%u: '%s' is here a second time, first in line %u", at.file,
			     at.line, key.name, rule->origin[number].line);
		return false;
	}
	if (!rule_has(rule, number))
		rule->origin[number] = at;
	if (key_parse(&key, rule, value, reading->arena, &err) == 0)
		return true;
	problems_add(reading->problems, "%s:%u: %s: %s", at.file, at.line, key.name, err.text);
	return false;
}

static void take_key(void *data, const char *name, const char *value, struct origin at)
{
	struct reading *reading = data;
	struct rule *rule = &reading->rules->v[reading->rules->n - 1];
	const struct key *key = key_find(keys, ARRAY_SIZE(keys), name);

	if (!key) {
		_cleanup_free_ char *text = NULL;

		key = key_nearest(keys, ARRAY_SIZE(keys), 1u << rule->kind, name);
		text = key_unknown(name, key);
		problems_add(reading->problems, "%s:%u: %s", at.file, at.line, text);
		rule->refused |= key ? BIT(key - keys) : 0;
	} else if (!take_value(reading, rule, (enum rule_key)(key - keys), value, at)) {
		rule->refused |= BIT(key - keys);
	}
}

static void refused_line(void *data)
{
	struct reading *reading = data;

	reading->rules->v[reading->rules->n - 1].refused = UINT64_MAX;
}

void policy_read(struct rule_list *rules, const char *path, struct arena *arena,
		 struct problems *problems)
{
	struct reading reading = { rules, arena, problems };
	const struct ini_handler handler = { begin_rule, take_key, refused_line, &reading };

	ini_read(path, &handler, problems);
}

static _printf_(4, 5) void mistake(struct problems *problems, const struct rule *rule,
				   enum rule_key key, const char *format, ...)
{
	const struct origin *at = rule_has(rule, key) ? &rule->origin[key] : &rule->section;
	va_list args;
	char *text;

	va_start(args, format);
	text = mem_vprintf(format, args);
	va_end(args);
	problems_add(problems, "%s:%u: %s", at->file, at->line, text);
	free(text);
}

static enum age_from default_age(const struct rule *rule)
{
	switch (rule->kind) {
	case KIND_CONTAINER:
		return AGE_FINISHED;
	case KIND_VOLUME:
	case KIND_NETWORK:
		return AGE_UNTAGGED;
	case KIND_BUILD_CACHE:
		return AGE_USED;
	case KIND_IMAGE:
	case KIND_TAG:
	case KIND_MAX_:
		break;
	}
	return rule->dangling != DANGLING_NO || rule->preserve_as ? AGE_UNTAGGED : AGE_TAGGED;
}

/* An image that lost its name today may be older than the one that has it now. */
static enum order_by default_order(const struct rule *rule)
{
	if (rule->kind == KIND_IMAGE && rule->dangling == DANGLING_ANY && !rule->preserve_as &&
	    !rule_has(rule, RULE_AGE_FROM))
		return ORDER_TAGGED;
	return (enum order_by)rule->age_from;
}

static enum group_by default_group(const struct rule *rule)
{
	if (rule->kind == KIND_CONTAINER)
		return GROUP_IMAGE;
	return rule->kind == KIND_IMAGE ? GROUP_REPOSITORY : GROUP_NONE;
}

#define DEFAULT_QUARANTINE ((int64_t)7 * 24 * 3600)

static void fill_defaults(struct rule *rule, const struct settings *settings)
{
	if (!rule_has(rule, RULE_STATE))
		rule->states = 1u << STATE_EXITED | 1u << STATE_DEAD;
	if (!rule_has(rule, RULE_AGE_FROM))
		rule->age_from = default_age(rule);
	if (!rule_has(rule, RULE_ORDER_BY))
		rule->order_by = default_order(rule);
	if (!rule_has(rule, RULE_GROUP_BY))
		rule->group_by = default_group(rule);
	if (!rule_has(rule, RULE_QUARANTINE) && rule->anonymous == ANONYMOUS_NO)
		rule->quarantine = DEFAULT_QUARANTINE;
	if (!rule_has(rule, RULE_MIN_AGE))
		rule->min_age = settings->min_age;
}

#define SELECTORS                                                                              \
	(BIT(RULE_STATE) | BIT(RULE_NAME) | BIT(RULE_LABEL) | BIT(RULE_IMAGE) |                \
	 BIT(RULE_EXIT_CODE) | BIT(RULE_PROJECT) | BIT(RULE_RESTART_POLICY) |                  \
	 BIT(RULE_DANGLING) | BIT(RULE_REPOSITORY) | BIT(RULE_TAG) | BIT(RULE_DRIVER))
#define NARROWING (BIT(RULE_NAME) | BIT(RULE_LABEL) | BIT(RULE_PROJECT))
#define KEEPERS                                                                                \
	(BIT(RULE_KEEP_WITHIN) | BIT(RULE_KEEP_LAST) | BIT(RULE_KEEP_LAST_RUN) |               \
	 BIT(RULE_KEEP_STORAGE))
#define MARKS_USED (BIT(RULE_WHEN_USED_ABOVE) | BIT(RULE_UNTIL_USED_BELOW))
#define MARKS_FREE (BIT(RULE_WHEN_FREE_BELOW) | BIT(RULE_UNTIL_FREE_ABOVE))
#define MARKS (MARKS_USED | MARKS_FREE)

static bool has_any(const struct rule *rule, uint64_t wanted)
{
	for (enum rule_key key = 0; key < RULE_KEY_MAX_; key++)
		if ((wanted & BIT(key)) && rule_has(rule, key))
			return true;
	return false;
}

/* A named volume may be the only copy of somebody's data. */
static bool takes_named_volumes(const struct rule *rule)
{
	return rule->kind == KIND_VOLUME && rule->anonymous == ANONYMOUS_NO &&
	       rule->action == ACTION_REMOVE;
}

static void check_selectors(const struct rule *rule, struct problems *problems)
{
	/* check_volumes() says more. */
	if (!has_any(rule, SELECTORS) && !takes_named_volumes(rule))
		mistake(problems, rule, RULE_NAME,
			"[%s %s] selects nothing; write which, or 'name = *' for all",
			kind_to_plural(rule->kind), rule->name);
}

/* keep-last = 0 and keep-within = 0s keep nothing, and say so. */
static void check_keepers(const struct rule *rule, struct problems *problems)
{
	/* The mark of a pressure rule is its size keeper. */
	if (rule->action == ACTION_REMOVE && !rule_is_pressure(rule) && !has_any(rule, KEEPERS))
		mistake(problems, rule, RULE_MAX_AGE,
			"[%s %s] keeps nothing; write keep-within%s or keep-last, or 'keep-within = "
			"0s' if that is meant",
			kind_to_plural(rule->kind), rule->name,
			rule->kind == KIND_BUILD_CACHE ? ", keep-storage" : "");
	for (enum rule_key key = 0; rule->action == ACTION_KEEP && key < RULE_KEY_MAX_; key++)
		if ((KEEPERS & BIT(key)) && rule_has(rule, key))
			mistake(problems, rule, key,
				"'%s' means nothing beside 'action = keep', which keeps all",
				keys[key].name);
}

static void check_max_age(const struct rule *rule, struct problems *problems)
{
	if (rule->max_age > 0 && rule->keep_within > rule->max_age)
		mistake(problems, rule, RULE_MAX_AGE,
			"max-age is shorter than keep-within, which then never holds; make it longer");
}

static void check_preserve_as(const struct rule *rule, struct problems *problems)
{
	if (!rule->preserve_as)
		return;
	if (rule->dangling == DANGLING_NO)
		mistake(problems, rule, RULE_PRESERVE_AS,
			"preserve-as is for untagged images; write 'dangling = yes', too");
	if (rule->age_from == AGE_TAGGED || rule->order_by == ORDER_TAGGED)
		mistake(problems, rule,
			rule->age_from == AGE_TAGGED ? RULE_AGE_FROM : RULE_ORDER_BY,
			"'tagged' would make an image new when preserve-as tags it; leave it out, or "
			"write untagged");
}

static void check_services(const struct rule *rule, struct problems *problems)
{
	if (rule->kind == KIND_IMAGE && rule->group_by == GROUP_SERVICE &&
	    (!rule_has(rule, RULE_KEEP_LAST_RUN) || rule_has(rule, RULE_KEEP_LAST)))
		mistake(problems, rule, RULE_GROUP_BY,
			"images belong to a service only by having run: 'group-by = service' goes with "
			"keep-last-run, not with keep-last");
}

static void check_tag(const struct rule *rule, struct problems *problems)
{
	if (rule->dangling == DANGLING_YES && rule_has(rule, RULE_TAG))
		mistake(problems, rule, RULE_TAG, "a dangling image has no tag");
}

static void check_pin(const struct rule *rule, enum rule_key key, const struct patterns *pins,
		      const char *never, const char *advice, struct problems *problems)
{
	for (size_t i = 0; i < pins->n; i++)
		if (!pins->v[i].negated &&
		    strcspn(pins->v[i].glob, never) < strcspn(pins->v[i].glob, "["))
			mistake(problems, rule, key, "%s: '%s' matches nothing; %s",
				keys[key].name, pins->v[i].glob, advice);
}

/* A pin that can match nothing keeps nothing, and nobody would notice. Networks, and what
 * describes a record of the build cache, may be called anything. */
static void check_pins(const struct rule *rule, struct problems *problems)
{
	static const char commas[] = "between patterns write a comma",
			  quotes[] = "patterns have no quotes";

	check_pin(rule, RULE_KEEP_TAG, &rule->keep_tags, " \t", commas, problems);
	check_pin(rule, RULE_KEEP_TAG, &rule->keep_tags, "\"'", quotes, problems);
	check_pin(rule, RULE_KEEP_TAG, &rule->keep_tags, ":/",
		  "NAME:TAG is what keep-name takes", problems);
	if (rule->kind == KIND_NETWORK || rule->kind == KIND_BUILD_CACHE)
		return;
	check_pin(rule, RULE_KEEP_NAME, &rule->keep_names, " \t", commas, problems);
	check_pin(rule, RULE_KEEP_NAME, &rule->keep_names, "\"'", quotes, problems);
}

static bool narrows(const struct rule *rule)
{
	return patterns_pick(&rule->names) || patterns_pick(&rule->labels) ||
	       patterns_pick(&rule->projects);
}

static void check_volumes(const struct rule *rule, struct problems *problems)
{
	if (takes_named_volumes(rule) && !narrows(rule))
		mistake(problems, rule, RULE_ANONYMOUS,
			"'anonymous = no' means volumes that somebody named; write which, by name, "
			"label or project other than '*'");
}

/* Each key of a pair needs the other, and the pairs do not mix. */
static bool check_pair(const struct rule *rule, enum rule_key when, enum rule_key until,
		       struct problems *problems)
{
	if (rule_has(rule, when) == rule_has(rule, until))
		return true;
	if (rule_has(rule, when))
		mistake(problems, rule, when, "%s needs %s: how far the rule goes",
			keys[when].name, keys[until].name);
	else
		mistake(problems, rule, until, "%s needs %s: from when on the rule acts",
			keys[until].name, keys[when].name);
	return false;
}

static bool check_pairs(const struct rule *rule, struct problems *problems)
{
	if (has_any(rule, MARKS_USED) && has_any(rule, MARKS_FREE)) {
		mistake(problems, rule,
			rule_has(rule, RULE_WHEN_FREE_BELOW) ? RULE_WHEN_FREE_BELOW
							     : RULE_UNTIL_FREE_ABOVE,
			"marks by percentage and by size do not mix in one rule; write "
			"when-used-above with until-used-below, or when-free-below with "
			"until-free-above");
		return false;
	}
	return check_pair(rule, RULE_WHEN_USED_ABOVE, RULE_UNTIL_USED_BELOW, problems) &&
	       check_pair(rule, RULE_WHEN_FREE_BELOW, RULE_UNTIL_FREE_ABOVE, problems);
}

/* A mark that is not written is 0. */
static void check_marks(const struct rule *rule, struct problems *problems)
{
	const struct usage *when = &rule->when_used_above, *until = &rule->until_used_below;

	if (when->percent > 0 && until->percent > 0 && when->inodes != until->inodes)
		mistake(problems, rule, RULE_UNTIL_USED_BELOW,
			"when-used-above and until-used-below must both count inodes, or neither");
	else if (when->percent > 0 && until->percent > when->percent)
		mistake(problems, rule, RULE_UNTIL_USED_BELOW,
			"until-used-below is above when-used-above; it must be less");
	if (rule->until_free_above > 0 && rule->until_free_above < rule->when_free_below)
		mistake(problems, rule, RULE_UNTIL_FREE_ABOVE,
			"until-free-above is below when-free-below; it must be more");
}

static void check_pressure(const struct rule *rule, struct problems *problems)
{
	if (!check_pairs(rule, problems))
		return;
	if (!rule_is_pressure(rule) && rule_has(rule, RULE_ORDER))
		mistake(problems, rule, RULE_ORDER,
			"order is for pressure rules: write when-used-above or when-free-below "
			"beside it, or order-by for keep-last");
	if (rule_is_pressure(rule) && rule_has(rule, RULE_PRESERVE_AS))
		mistake(problems, rule, RULE_PRESERVE_AS,
			"a pressure rule only takes; preserve-as belongs into a rule without a mark");
	if (rule_is_pressure(rule) && rule->action == ACTION_KEEP)
		mistake(problems, rule, RULE_ACTION,
			"a pressure rule only takes; 'action = keep' belongs into a rule without "
			"a mark");
}

/* One mistake is one line: where a value is not known, nothing that hangs on it is said. */
static const struct {
	void (*check)(const struct rule *rule, struct problems *problems);
	uint64_t hangs_on; /* a bit per enum rule_key */
} checks[] = {
	{ check_selectors, SELECTORS | BIT(RULE_ANONYMOUS) },
	{ check_keepers, KEEPERS | MARKS | BIT(RULE_ACTION) },
	{ check_max_age, BIT(RULE_KEEP_WITHIN) | BIT(RULE_MAX_AGE) },
	{ check_services, BIT(RULE_GROUP_BY) | BIT(RULE_KEEP_LAST_RUN) },
	{ check_tag, BIT(RULE_DANGLING) | BIT(RULE_TAG) },
	{ check_pins, 0 },
	{ check_volumes, NARROWING | BIT(RULE_ANONYMOUS) | BIT(RULE_ACTION) },
	{ check_preserve_as, BIT(RULE_PRESERVE_AS) | BIT(RULE_DANGLING) | BIT(RULE_AGE_FROM) |
				     BIT(RULE_ORDER_BY) },
	{ check_marks, MARKS },
	{ check_pressure, MARKS | BIT(RULE_ORDER) },
};

void policy_finish(struct rule_list *rules, const struct settings *settings,
		   struct problems *problems)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct rule *rule = &rules->v[i];

		fill_defaults(rule, settings);
		for (size_t k = 0; k < ARRAY_SIZE(checks); k++)
			if (!(rule->refused & checks[k].hangs_on))
				checks[k].check(rule, problems);
	}
}

static bool always(const struct rule *rule _unused_)
{
	return true;
}

static bool removes(const struct rule *rule)
{
	return rule->action == ACTION_REMOVE;
}

static bool waits(const struct rule *rule)
{
	return removes(rule) && rule->quarantine > 0;
}

static bool ranks(const struct rule *rule)
{
	return rule->keep_last > 0;
}

/* Defaults that make a difference to what a rule does. */
static const struct {
	enum rule_key key;
	bool (*applies)(const struct rule *rule);
} defaults[] = {
	{ RULE_STATE, always },		  { RULE_ANONYMOUS, always },
	{ RULE_DANGLING, always },	  { RULE_QUARANTINE, waits },
	{ RULE_GROUP_BY, ranks },	  { RULE_AGE_FROM, removes },
	{ RULE_ORDER_BY, ranks },	  { RULE_MIN_AGE, removes },
	{ RULE_ORDER, rule_is_pressure },
};

/* A comment: written, a default may mean something else. */
static void dump_default(const struct rule *rule, enum rule_key key,
			 const struct settings *settings, FILE *out)
{
	const struct origin *setting = &settings->origin[SETTING_MIN_AGE];

	fprintf(out, "#%s = ", keys[key].name);
	key_format(&keys[key], rule, out);
	if (key == RULE_AGE_FROM && rule->dangling == DANGLING_ANY)
		fputs(", tagged for what has a tag", out);
	if (key == RULE_MIN_AGE && setting->file)
		fprintf(out, " (%s:%u)\n", setting->file, setting->line);
	else
		fputs(" (default)\n", out);
}

static void dump_rule(const struct rule *rule, const struct settings *settings, FILE *out)
{
	fprintf(out, "# %s:%u\n[%s %s]\n", rule->section.file, rule->section.line,
		kind_to_plural(rule->kind), rule->name);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!rule->origin[i].file)
			continue;
		fprintf(out, "# %s:%u\n", rule->origin[i].file, rule->origin[i].line);
		key_dump(&keys[i], rule, out);
	}
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (!rule_has(rule, defaults[i].key) && defaults[i].applies(rule) &&
		    (keys[defaults[i].key].kinds & 1u << rule->kind))
			dump_default(rule, defaults[i].key, settings, out);
	fputc('\n', out);
}

void policy_dump(const struct rules *rules, const struct settings *settings, FILE *out)
{
	for (size_t i = 0; i < rules->n; i++)
		dump_rule(&rules->v[i], settings, out);
}

void policy_document(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		key_document(&keys[i], out);
}
