#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Containers that cannot start without another one, which engines remove all the same: they
 * share its network, PID or IPC namespace, or link to it (d20, live). And those that have their
 * volumes from it: they start, but cannot be made anew, and then nobody has the volumes. */

struct joiner {		    /* the key comes first */
	const char *target; /* ID */
	const struct container *container;
};

static int compare_targets(const void *a, const void *b)
{
	const struct joiner *left = a, *right = b;

	return strcmp(left->target, right->target);
}

static void add(struct planner *planner, const char *target, const struct container *container)
{
	planner->joiners =
		mem_grow(planner->joiners, planner->n_joiners, sizeof(*planner->joiners));
	planner->joiners[planner->n_joiners++] = (struct joiner){ target, container };
}

static void add_namespaces(struct planner *planner, const struct container *container)
{
	for (size_t i = 0; i < container->joined.n; i++)
		add(planner, container->joined.v[i], container);
}

/* ---- links: "web/db" is a name of what the container "web" links to as "db" ---- */

struct name { /* the key comes first */
	const char *name;
	const struct container *container;
};

struct names {
	struct name *v;
	size_t n;
};

static int compare_names(const void *a, const void *b)
{
	const struct name *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static struct names names_new(const struct snapshot *snapshot)
{
	struct names names = { 0 };

	for (size_t i = 0; i < snapshot->n_containers; i++) {
		const struct container *container = &snapshot->containers[i];

		for (size_t k = 0; k < container->names.n; k++) {
			names.v = mem_grow(names.v, names.n, sizeof(*names.v));
			names.v[names.n++] = (struct name){ container->names.v[k], container };
		}
	}
	if (names.n > 1)
		qsort(names.v, names.n, sizeof(*names.v), compare_names);
	return names;
}

static void add_link(struct planner *planner, const struct names *names, const char *alias,
		     const struct container *target)
{
	const struct name wanted = { arena_strndup(planner->arena, alias, strcspn(alias, "/")),
				     NULL };
	const struct name *found =
		bsearch(&wanted, names->v, names->n, sizeof(*names->v), compare_names);

	if (found)
		add(planner, target->id, found->container);
}

/* names: made with the first link, which few hosts have. */
static void add_links(struct planner *planner, struct names *names,
		      const struct container *target)
{
	for (size_t i = 0; i < target->names.n; i++) {
		if (!strchr(target->names.v[i], '/'))
			continue;
		if (!names->v)
			*names = names_new(planner->snapshot);
		add_link(planner, names, target->names.v[i], target);
	}
}

/* ---- volumes from another one ---- */

/* By ID, by name, or by the beginning of an ID. */
static const struct container *find_container(const struct snapshot *snapshot,
					      const struct names *names, const char *text)
{
	const struct container *same = snapshot_container(snapshot, text);
	const struct name wanted = { text, NULL };
	const struct name *named =
		!same && names->n > 0
			? bsearch(&wanted, names->v, names->n, sizeof(*names->v), compare_names)
			: NULL;

	if (named)
		return named->container;
	for (size_t i = 0; !same && *text && i < snapshot->n_containers; i++)
		if (text_starts_with(snapshot->containers[i].id, text))
			same = &snapshot->containers[i];
	return same;
}

/* "data", "data:ro". */
static void add_source(struct planner *planner, struct names *names, const char *text,
		       const struct container *container)
{
	const struct container *source;

	text += *text == '/';
	if (!names->v)
		*names = names_new(planner->snapshot);
	source = find_container(planner->snapshot, names,
				arena_strndup(planner->arena, text, strcspn(text, ":")));
	if (source && source != container)
		add(planner, source->id, container);
}

/* ---- the whole ---- */

void joiners_find(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct names names = { 0 };

	for (size_t i = 0; i < snapshot->n_containers; i++) {
		add_namespaces(planner, &snapshot->containers[i]);
		add_links(planner, &names, &snapshot->containers[i]);
		for (size_t k = 0; k < snapshot->containers[i].volumes_from.n; k++)
			add_source(planner, &names, snapshot->containers[i].volumes_from.v[k],
				   &snapshot->containers[i]);
	}
	free(names.v);
	if (planner->n_joiners > 1)
		qsort(planner->joiners, planner->n_joiners, sizeof(*planner->joiners),
		      compare_targets);
	planner->joiners = arena_adopt(planner->arena, planner->joiners, planner->n_joiners,
				       sizeof(*planner->joiners));
}

const struct container *joiner_of(const struct planner *planner,
				  const struct container *container)
{
	const struct joiner wanted = { container->id, NULL };
	const struct joiner *joiner =
		planner->n_joiners > 0 ? bsearch(&wanted, planner->joiners, planner->n_joiners,
						 sizeof(*planner->joiners), compare_targets)
				       : NULL;

	return joiner ? joiner->container : NULL;
}

enum answer joiners_known(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;

	if (planner->asked_for_joiners)
		return planner->joiners_known;
	planner->asked_for_joiners = true;
	planner->joiners_known = ANSWER_YES;
	for (size_t i = 0; i < snapshot->n_containers; i++) {
		const struct container *container = &snapshot->containers[i];

		if (container->gone || container->not_ours ||
		    container->inspected == FACT_KNOWN)
			continue;
		if (container->inspected == FACT_UNAVAILABLE) {
			planner->joiners_known = ANSWER_UNAVAILABLE;
			continue;
		}
		need_add(planner, KIND_CONTAINER, i, NEED_INSPECT);
		planner->joiners_known = ANSWER_NOT_ASKED;
	}
	return planner->joiners_known;
}
