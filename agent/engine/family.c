#include "engine/family.h"

#include <stdlib.h>
#include <string.h>

#include "engine/remove.h"

struct member {
	struct removal *removal;
	struct member *parent; /* in the batch */
	size_t children;       /* that are not done */
	const char *stays;     /* a child that did not go */
};

struct family {
	struct member *members; /* as the removals stand */
	struct member **by_id;
	struct member **ready; /* a queue */
	size_t n, first_ready, n_ready;
	struct removal *removals;
};

static const char *id_of(const struct member *member)
{
	return member->removal->image->id;
}

static int compare_members(const void *a, const void *b)
{
	return strcmp(id_of(*(struct member *const *)a), id_of(*(struct member *const *)b));
}

static int compare_id(const void *key, const void *member)
{
	return strcmp(key, id_of(*(struct member *const *)member));
}

static struct member *find(const struct family *family, const char *id)
{
	struct member **found = NULL;

	if (id && family->n > 0)
		found = bsearch(id, family->by_id, family->n, sizeof(*family->by_id),
				compare_id);
	return found ? *found : NULL;
}

static void make_ready(struct family *family, struct member *member)
{
	family->ready[family->n_ready++] = member;
}

struct family *family_new(struct removal *removals, size_t n)
{
	struct family *family = mem_zalloc(1, sizeof(*family));

	family->n = n;
	family->removals = removals;
	family->members = mem_zalloc(n, sizeof(*family->members));
	family->by_id = mem_zalloc(n, sizeof(*family->by_id));
	family->ready = mem_zalloc(n, sizeof(*family->ready));
	for (size_t i = 0; i < n; i++) {
		family->members[i].removal = &removals[i];
		family->by_id[i] = &family->members[i];
	}
	if (n > 1)
		qsort(family->by_id, n, sizeof(*family->by_id), compare_members);
	for (size_t i = 0; i < n; i++) {
		struct member *parent = find(family, removals[i].image->parent);

		family->members[i].parent = parent;
		if (parent)
			parent->children++;
	}
	for (size_t i = 0; i < n; i++)
		if (family->members[i].children == 0)
			make_ready(family, &family->members[i]);
	return family;
}

void family_free(struct family *family)
{
	if (!family)
		return;
	free(family->members);
	free(family->by_id);
	free(family->ready);
	free(family);
}

struct removal *family_next(struct family *family)
{
	while (family->first_ready < family->n_ready) {
		struct removal *removal = family->ready[family->first_ready++]->removal;

		if (removal->outcome == OUTCOME_NONE)
			return removal;
		family_settle(family, removal);
	}
	return NULL;
}

static bool went(const struct removal *removal)
{
	return removal->outcome == OUTCOME_REMOVED || removal->outcome == OUTCOME_GONE;
}

static void skip(struct member *member)
{
	struct removal *removal = member->removal;

	if (removal->outcome == OUTCOME_NONE)
		removal_end(removal, OUTCOME_SKIPPED,
			    "%s, which is built on it, is still there", member->stays);
}

void family_settle(struct family *family, const struct removal *removal)
{
	struct member *member = &family->members[removal - family->removals];

	for (; member->parent; member = member->parent) {
		struct member *parent = member->parent;

		if (!went(member->removal))
			parent->stays = id_of(member);
		if (--parent->children > 0)
			return;
		if (!parent->stays) {
			make_ready(family, parent);
			return;
		}
		skip(parent);
	}
}
