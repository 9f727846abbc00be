#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

#include "model/service.h"

/* The way back: the last images that each service really ran, whatever was built in between.
 * What runs before this one saw comes from the state; the containers that are here now are
 * added. */

struct service_runs {
	struct service_run *v; /* by service, the latest first */
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

static int by_service_and_time(const void *a, const void *b)
{
	const struct service_run *left = a, *right = b;
	int r = strcmp(left->service, right->service);

	if (r == 0)
		r = (left->at < right->at) - (left->at > right->at);
	return r != 0 ? r : strcmp(left->image_id, right->image_id);
}

struct service_runs *runs_new(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct service_runs *runs = arena_alloc(planner->arena, sizeof(*runs));

	runs->v = arena_array(planner->arena, snapshot->n_runs + snapshot->n_containers,
			      sizeof(*runs->v));
	for (size_t i = 0; i < snapshot->n_runs; i++)
		runs->v[runs->n++] = snapshot->runs[i];
	for (size_t i = 0; i < snapshot->n_containers; i++)
		runs->n += add_container(planner, &snapshot->containers[i], &runs->v[runs->n]);
	if (runs->n > 1)
		qsort(runs->v, runs->n, sizeof(*runs->v), by_service_and_time);
	return runs;
}

static bool seen_before(const struct service_run *first, const struct service_run *run)
{
	for (const struct service_run *earlier = first; earlier < run; earlier++)
		if (strcmp(earlier->image_id, run->image_id) == 0)
			return true;
	return false;
}

const struct service_run *runs_among_last(const struct service_runs *runs,
					  const struct image *image, int64_t last)
{
	const struct service_run *first = runs->v;
	int64_t rank = 0;

	for (const struct service_run *run = runs->v; run < runs->v + runs->n; run++) {
		if (strcmp(run->service, first->service) != 0) {
			first = run;
			rank = 0;
		}
		if (rank >= last || seen_before(first, run))
			continue;
		rank++;
		if (strcmp(run->image_id, image->id) == 0)
			return run;
	}
	return NULL;
}
