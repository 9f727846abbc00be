#include "plan/planner.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* Claimed bytes: what the engine's sizes say, each layer once. A layer that an image which
 * stays holds as well is not freed; where that cannot be known the sum is an upper bound. */

static size_t image_index(const struct planner *planner, const struct image *image)
{
	return (size_t)(image - planner->snapshot->images);
}

/* Asks for the layers of what goes, and for the layers' IDs of what stays, so that shared ones
 * are not claimed. */
static void need_layers(struct planner *planner, const bool *goes)
{
	const struct snapshot *snapshot = planner->snapshot;

	for (size_t i = 0; i < snapshot->n_images; i++) {
		const struct image *image = &snapshot->images[i];

		if (goes[i] && image->layered == FACT_NOT_ASKED)
			need_add(planner, KIND_IMAGE, i, NEED_LAYERS);
		else if (!goes[i] && image->inspected == FACT_NOT_ASKED)
			need_add(planner, KIND_IMAGE, i, NEED_INSPECT);
	}
}

static int compare_layers(const void *a, const void *b)
{
	return strcmp(((const struct layer *)a)->id, ((const struct layer *)b)->id);
}

static void free_nothing(void *layer _unused_)
{
}

/* Adds the image's layers to those that are held, from the top down to one that is: all below
 * it are then, too. How many were added. */
static size_t hold(void **held, const struct image *image)
{
	size_t added = 0;

	for (size_t i = image->n_layers; i-- > 0; added++) {
		const struct layer *layer = &image->layers[i], **node;

		node = (const struct layer **)tsearch(layer, held, compare_layers);
		if (!node)
			mem_die();
		if (*node != layer)
			break;
	}
	return added;
}

static int64_t bytes_of_top(const struct image *image, size_t layers)
{
	int64_t bytes = 0;

	for (size_t i = image->n_layers - layers; i < image->n_layers; i++) {
		int64_t size = image->layers[i].size;

		if (size < 0 || size > INT64_MAX - bytes)
			return -1;
		bytes += size;
	}
	return bytes;
}

/* Each layer's bytes go to the last of the removals that hold it. */
static void claim_layers(struct planner *planner, void **held)
{
	struct plan *plan = planner->plan;

	for (size_t i = plan->n_removals; i-- > 0;) {
		struct verdict *verdict = &plan->verdicts[plan->removals[i]];
		/* The references of one image stand together: its bytes are on the last. */
		bool last = i + 1 == plan->n_removals ||
			    plan->verdicts[plan->removals[i + 1]].image != verdict->image;

		if (!is_image_row(verdict))
			continue;
		verdict->bytes = 0;
		if (last && verdict->image->layered == FACT_KNOWN)
			verdict->bytes =
				bytes_of_top(verdict->image, hold(held, verdict->image));
		else if (last)
			verdict->bytes = -1;
	}
}

/* What stays shows the size the engine gives it, an image on the last of its references. */
static void show_size(struct plan *plan, size_t index)
{
	struct verdict *verdict = &plan->verdicts[index];
	bool last = index + 1 == plan->n || plan->verdicts[index + 1].kind != KIND_TAG ||
		    plan->verdicts[index + 1].image != verdict->image;

	if (is_image_row(verdict) && verdict->action != VERDICT_REMOVE)
		verdict->bytes = last ? verdict->image->size : 0;
}

static bool *images_that_go(const struct planner *planner, bool *ret_any)
{
	const struct plan *plan = planner->plan;
	bool *goes = arena_array(planner->arena, planner->snapshot->n_images, sizeof(*goes));

	for (size_t i = 0; i < plan->n_removals; i++) {
		const struct verdict *verdict = &plan->verdicts[plan->removals[i]];

		if (is_image_row(verdict))
			*ret_any = goes[image_index(planner, verdict->image)] = true;
	}
	return goes;
}

static void claim_images(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct plan *plan = planner->plan;
	void *held = NULL;
	bool any = false;
	const bool *goes = images_that_go(planner, &any);

	if (!any)
		return;
	need_layers(planner, goes);
	plan->claimed_is_upper_bound = snapshot->cache_may_hold_layers;
	for (size_t i = 0; i < snapshot->n_images; i++) {
		if (goes[i])
			continue;
		hold(&held, &snapshot->images[i]);
		if (snapshot->images[i].inspected != FACT_KNOWN)
			plan->claimed_is_upper_bound = true;
	}
	claim_layers(planner, &held);
	tdestroy(held, free_nothing);
}

static void claim_containers(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;

	for (size_t i = 0; i < snapshot->n_containers; i++) {
		const struct container *container = &snapshot->containers[i];
		struct verdict *verdict = &planner->plan->verdicts[i];

		verdict->bytes = container->sized == FACT_KNOWN ? container->size : -1;
		if (verdict->action == VERDICT_REMOVE && container->sized == FACT_NOT_ASKED)
			need_add(planner, KIND_CONTAINER, i, NEED_SIZE);
	}
}

/* A network takes no room. */
static void claim_others(struct planner *planner)
{
	struct plan *plan = planner->plan;

	for (size_t i = planner->first_volume; i < plan->n; i++) {
		struct verdict *verdict = &plan->verdicts[i];

		if (verdict->kind == KIND_NETWORK)
			verdict->bytes = 0;
		else if (verdict->kind == KIND_BUILD_CACHE)
			verdict->bytes = verdict->cache->size;
		else if (verdict->volume->sized == FACT_KNOWN)
			verdict->bytes = verdict->volume->size;
	}
}

void claim_bytes(struct planner *planner)
{
	claim_containers(planner);
	claim_images(planner);
	claim_others(planner);
	for (size_t i = 0; i < planner->plan->n; i++)
		show_size(planner->plan, i);
}
