#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

/* A pod starts with all its containers: one that did its work when the pod started, as an init
 * container does, runs again the next time, if it is still there (p54, live). */

static int compare_pods(const void *a, const void *b)
{
	const struct container *left = *(const struct container *const *)a;
	const struct container *right = *(const struct container *const *)b;

	return strcmp(left->pod, right->pod);
}

void pods_find(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct mates *mates = &planner->mates;

	for (size_t i = 0; i < snapshot->n_containers; i++) {
		const struct container *container = &snapshot->containers[i];

		if (!container->pod || container->not_ours)
			continue;
		mates->v = mem_grow(mates->v, mates->n, sizeof(*mates->v));
		mates->v[mates->n++] = container;
	}
	if (mates->n > 1)
		qsort(mates->v, mates->n, sizeof(*mates->v), compare_pods);
	mates->v = arena_adopt(planner->arena, mates->v, mates->n, sizeof(*mates->v));
}

struct mates pods_mates(const struct planner *planner, const struct container *container)
{
	const struct mates *all = &planner->mates;
	struct mates pod = { 0 };
	const struct container **first =
		container->pod && all->n > 0
			? bsearch(&container, all->v, all->n, sizeof(*all->v), compare_pods)
			: NULL;

	if (!first)
		return pod;
	while (first > all->v && compare_pods(&first[-1], &container) == 0)
		first--;
	pod.v = first;
	while (&first[pod.n] < &all->v[all->n] && compare_pods(&first[pod.n], &container) == 0)
		pod.n++;
	return pod;
}
