#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

#include "model/service.h"

/* The way back: the last images that each service really ran, whatever was built in between.
 * What runs before this one saw comes from the state; the containers that are here now are
 * added. */

struct ranked_run {
	struct service_run run; /* comes first: the comparisons see only this */
	size_t rank; /* among the distinct images of its service, from 0, the latest first */
};

struct service_runs {
	struct ranked_run *v; /* by image, then by service */
	size_t n;
};

static int64_t last_run_of(const struct planner *planner, const struct container *container)
{
	if (container->state == STATE_RUNNING || container->state == STATE_PAUSED ||
	    container->state == STATE_RESTARTING)
		return planner->now;
	if (container->inspected == FACT_KNOWN && container->finished != TIME_UNKNOWN)
		return container->finished;
	return container->created;
}

static bool add_container(struct planner *planner, const struct container *container,
			  struct service_run *ret)
{
	const char *service = service_of(planner->arena, &container->labels);

	if (!service || !container->image_id || container->state == STATE_CREATED)
		return false;
	*ret = (struct service_run){ service, container->image_id,
				     last_run_of(planner, container) };
	return true;
}

static int newest_first(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

static int by_image_and_service(const void *a, const void *b)
{
	const struct service_run *left = a, *right = b;
	int r = strcmp(left->image_id, right->image_id);

	if (r == 0)
		r = strcmp(left->service, right->service);
	return r != 0 ? r : newest_first(left->at, right->at);
}

static int by_service_and_time(const void *a, const void *b)
{
	const struct service_run *left = a, *right = b;
	int r = strcmp(left->service, right->service);

	if (r == 0)
		r = newest_first(left->at, right->at);
	return r != 0 ? r : strcmp(left->image_id, right->image_id);
}

static void sort(struct service_runs *runs, int (*compare)(const void *a, const void *b))
{
	if (runs->n > 1)
		qsort(runs->v, runs->n, sizeof(*runs->v), compare);
}

/* Of each service and image the latest run. */
static void drop_earlier(struct service_runs *runs)
{
	size_t kept = 0;

	sort(runs, by_image_and_service);
	for (size_t i = 0; i < runs->n; i++) {
		const struct service_run *last = kept > 0 ? &runs->v[kept - 1].run : NULL;

		if (!last || strcmp(last->image_id, runs->v[i].run.image_id) != 0 ||
		    strcmp(last->service, runs->v[i].run.service) != 0)
			runs->v[kept++] = runs->v[i];
	}
	runs->n = kept;
}

static void rank(struct service_runs *runs)
{
	sort(runs, by_service_and_time);
	for (size_t i = 1; i < runs->n; i++)
		if (strcmp(runs->v[i].run.service, runs->v[i - 1].run.service) == 0)
			runs->v[i].rank = runs->v[i - 1].rank + 1;
	sort(runs, by_image_and_service);
}

struct service_runs *runs_new(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct service_runs *runs = arena_alloc(planner->arena, sizeof(*runs));

	runs->v = arena_array(planner->arena, snapshot->n_runs + snapshot->n_containers,
			      sizeof(*runs->v));
	for (size_t i = 0; i < snapshot->n_runs; i++)
		runs->v[runs->n++].run = snapshot->runs[i];
	for (size_t i = 0; i < snapshot->n_containers; i++)
		runs->n +=
			add_container(planner, &snapshot->containers[i], &runs->v[runs->n].run);
	drop_earlier(runs);
	rank(runs);
	return runs;
}

static size_t first_of(const struct service_runs *runs, const char *image_id)
{
	size_t low = 0, high = runs->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(runs->v[middle].run.image_id, image_id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct service_run *runs_among_last(const struct service_runs *runs,
					  const struct image *image, int64_t last)
{
	for (size_t i = first_of(runs, image->id);
	     i < runs->n && strcmp(runs->v[i].run.image_id, image->id) == 0; i++)
		if (runs->v[i].rank < (size_t)last)
			return &runs->v[i].run;
	return NULL;
}
