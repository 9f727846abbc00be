#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

#include "model/service.h"

/* "keep-last ranks the distinct objects that the rule owns in the group, newest first"; an
 * object with several values ranks in each, and its best rank counts. */

struct member {
	struct verdict *verdict;
	const char *group, *version;
	int64_t at;
};

struct members {
	struct member *v;
	size_t n;
};

#define UNKNOWN_GROUP "(unknown)"

static const char *or_unknown(const char *value)
{
	return value ? value : UNKNOWN_GROUP;
}

static const char *image_group(const struct container *container)
{
	return container->image_name ? container->image_name->short_name : container->image_id;
}

/* The one value of a grouping that has at most one; NULL if the object has none. */
static const char *single_group(struct planner *planner, const struct verdict *verdict)
{
	const struct rule *rule = verdict->rule;
	const struct labels *labels = labels_of(verdict);

	switch (rule->group_by) {
	case GROUP_NONE:
		return "(all)";
	case GROUP_IMAGE:
		return verdict->kind == KIND_CONTAINER ? image_group(verdict->container)
						       : verdict->image->id;
	case GROUP_PROJECT:
		return labels_get_known(labels, LABEL_COMPOSE_PROJECT);
	case GROUP_SERVICE:
		return service_of(planner->arena, labels);
	case GROUP_LABEL:
		return labels_get(labels, rule->group_label);
	case GROUP_NAME:
		return verdict->preserved ? UNTAGGED_NAME : name_of(verdict);
	case GROUP_REPOSITORY: /* may have several: groups_of() */
		break;
	}
	return NULL;
}

static void put(struct values *values, const char *value)
{
	values->v = mem_grow(values->v, values->n, sizeof(*values->v));
	values->v[values->n++] = value;
}

static void groups_of(struct planner *planner, const struct verdict *verdict,
		      struct values *groups)
{
	if (verdict->rule->group_by == GROUP_REPOSITORY)
		repositories_of(planner, verdict, groups);
	else
		put(groups, or_unknown(single_group(planner, verdict)));
	if (groups->n == 0)
		put(groups, UNKNOWN_GROUP);
}

static void add_member(struct members *members, struct verdict *verdict, const char *group)
{
	members->v = mem_grow(members->v, members->n, sizeof(*members->v));
	members->v[members->n++] = (struct member){
		.verdict = verdict,
		.group = group,
		.at = INT64_MIN,
	};
}

/* Grouping by image name needs the name that a container was created from. */
static bool group_is_known(struct planner *planner, const struct verdict *verdict)
{
	if (verdict->kind != KIND_CONTAINER || verdict->rule->group_by != GROUP_IMAGE)
		return true;
	return need_container_name(planner, verdict->container) != ANSWER_NOT_ASKED;
}

static void collect(struct planner *planner, struct members *members)
{
	for (size_t i = 0; i < planner->plan->n; i++) {
		struct verdict *verdict = &planner->plan->verdicts[i];
		_cleanup_(values_clearp) struct values groups = { 0 };

		if (!verdict->rule || verdict->rule->keep_last == 0)
			continue;
		if (!group_is_known(planner, verdict)) {
			verdict->reason = REASON_PENDING;
			continue;
		}
		groups_of(planner, verdict, &groups);
		for (size_t k = 0; k < groups.n; k++)
			add_member(members, verdict, groups.v[k]);
	}
}

static int compare_pointers(const void *a, const void *b)
{
	return (a > b) - (a < b);
}

static int compare_groups(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	int r = compare_pointers(left->verdict->rule, right->verdict->rule);

	if (r == 0)
		r = strcmp(left->group, right->group);
	return r != 0 ? r : strcmp(verdict_id(left->verdict), verdict_id(right->verdict));
}

/* The references of one image are one object. */
static bool same_object(const struct member *a, const struct member *b)
{
	return object_of(a->verdict) == object_of(b->verdict);
}

static int newer_first(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

static bool has_own_tag(const struct member *member)
{
	return member->verdict->kind == KIND_TAG && !member->verdict->preserved;
}

/* What lost its name did so after the image that has it now was tagged, and is older all the
 * same. */
static int compare_names_first(const struct member *left, const struct member *right)
{
	if (left->verdict->rule->order_by != ORDER_UNTAGGED)
		return 0;
	return has_own_tag(right) - has_own_tag(left);
}

/* Ties of the chosen order fall to the build or creation date, then to the ID, so that the
 * order of the engine's lists never matters. */
static int compare_members(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	int r = 0;

	if (left->verdict->rule->order_by == ORDER_VERSION)
		r = version_compare(right->version, left->version);
	if (r == 0)
		r = compare_names_first(left, right);
	if (r == 0)
		r = newer_first(left->at, right->at);
	if (r == 0)
		r = newer_first(created_of(left->verdict), created_of(right->verdict));
	return r != 0 ? r : strcmp(verdict_id(left->verdict), verdict_id(right->verdict));
}

static unsigned count_objects(const struct member *group, size_t n)
{
	unsigned objects = 0;

	for (size_t i = 0; i < n; i++)
		objects += i == 0 || !same_object(&group[i], &group[i - 1]);
	return objects;
}

static enum age_from order_time(const struct rule *rule)
{
	return rule->order_by == ORDER_VERSION ? rule->age_from : (enum age_from)rule->order_by;
}

/* An object whose order the engine fails to tell comes last, so that it pushes no other out of
 * the ranks that stay; it stays itself, by its own verdict. False while facts are missing. */
static bool order_known(struct planner *planner, struct member *group, size_t n)
{
	bool known = true;

	for (size_t i = 0; i < n; i++) {
		struct age age;
		enum answer answer = age_of(planner, group[i].verdict,
					    order_time(group[i].verdict->rule), &age);

		if (answer == ANSWER_YES)
			group[i].at = age.at;
		known = known && answer != ANSWER_NOT_ASKED;
	}
	return known;
}

/* An image's version is its highest, for all its references in the group. */
static void spread_versions(struct member *group, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct reference *reference = group[i].verdict->reference;
		bool own = reference && !group[i].verdict->preserved;
		const char *tag = own ? reference->tag : NULL;

		group[i].version = tag;
		if (i > 0 && same_object(&group[i], &group[i - 1]) &&
		    version_compare(group[i - 1].version, tag) > 0)
			group[i].version = group[i - 1].version;
	}
	for (size_t i = n; i-- > 1;)
		if (same_object(&group[i - 1], &group[i]))
			group[i - 1].version = group[i].version;
}

static void note_rank(struct verdict *verdict, const char *group, unsigned rank, unsigned size)
{
	if (verdict->group && verdict->rank <= rank)
		return;
	verdict->rank = rank;
	verdict->group = group;
	verdict->group_size = size;
}

static void rank_group(struct planner *planner, struct member *group, size_t n)
{
	unsigned objects = count_objects(group, n), rank = 0;
	const char *name = arena_strdup(planner->arena, group->group);
	bool all_stay = objects <= (size_t)group->verdict->rule->keep_last;

	if (!all_stay && !order_known(planner, group, n)) {
		for (size_t i = 0; i < n; i++)
			group[i].verdict->reason = REASON_PENDING;
		return;
	}
	if (!all_stay) {
		spread_versions(group, n);
		qsort(group, n, sizeof(*group), compare_members);
	}
	for (size_t i = 0; i < n; i++) {
		rank += i == 0 || !same_object(&group[i], &group[i - 1]);
		note_rank(group[i].verdict, name, all_stay ? 0 : rank, objects);
	}
}

void rank_all(struct planner *planner)
{
	struct members members = { 0 };
	size_t start = 0;

	collect(planner, &members);
	if (members.n > 1)
		qsort(members.v, members.n, sizeof(*members.v), compare_groups);
	for (size_t i = 1; i <= members.n; i++) {
		const struct member *first = &members.v[start];

		if (i < members.n && members.v[i].verdict->rule == first->verdict->rule &&
		    strcmp(members.v[i].group, first->group) == 0)
			continue;
		rank_group(planner, &members.v[start], i - start);
		start = i;
	}
	free(members.v);
}
