#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

/* Claimed bytes: what the engine's sizes say, each layer once. A layer that an image which
 * stays holds as well is not freed; where that cannot be known the sum is an upper bound. */

struct held_layer {
	const char *id;
	int64_t size;
	size_t holder; /* position of the image among the removals; SIZE_MAX: it stays */
};

struct held_layers {
	struct held_layer *v;
	size_t n;
};

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

static void collect(struct held_layers *layers, const struct image *image, size_t holder)
{
	for (size_t i = 0; i < image->n_layers; i++) {
		layers->v = mem_grow(layers->v, layers->n, sizeof(*layers->v));
		layers->v[layers->n++] = (struct held_layer){
			.id = image->layers[i].id,
			.size = image->layers[i].size,
			.holder = holder,
		};
	}
}

static int compare_layers(const void *a, const void *b)
{
	const struct held_layer *left = a, *right = b;
	int r = strcmp(left->id, right->id);

	return r != 0 ? r : (left->holder > right->holder) - (left->holder < right->holder);
}

/* Each layer's bytes go to the last of the removals that hold it. */
static void assign(struct planner *planner, struct held_layers *layers)
{
	struct plan *plan = planner->plan;

	if (layers->n > 1)
		qsort(layers->v, layers->n, sizeof(*layers->v), compare_layers);
	for (size_t i = 0; i < layers->n; i++) {
		const struct held_layer *layer = &layers->v[i];
		bool last = i + 1 == layers->n || strcmp(layer->id, layers->v[i + 1].id) != 0;
		int64_t *bytes;

		if (!last || layer->holder == SIZE_MAX)
			continue;
		bytes = &plan->verdicts[plan->removals[layer->holder]].bytes;
		if (*bytes >= 0 && layer->size >= 0 && layer->size <= INT64_MAX - *bytes)
			*bytes += layer->size;
		else
			*bytes = -1;
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

static void claim_images(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct plan *plan = planner->plan;
	struct held_layers layers = { 0 };
	bool *goes = arena_array(planner->arena, snapshot->n_images, sizeof(*goes));
	bool any = false;

	for (size_t i = 0; i < plan->n_removals; i++) {
		struct verdict *verdict = &plan->verdicts[plan->removals[i]];
		/* The references of one image stand together: its bytes are on the last. */
		bool last = i + 1 == plan->n_removals ||
			    plan->verdicts[plan->removals[i + 1]].image != verdict->image;

		if (!is_image_row(verdict))
			continue;
		any = goes[image_index(planner, verdict->image)] = true;
		verdict->bytes = 0;
		if (!last)
			continue;
		if (verdict->image->layered == FACT_KNOWN)
			collect(&layers, verdict->image, i);
		else
			verdict->bytes = -1;
	}
	if (!any)
		return;
	need_layers(planner, goes);
	plan->claimed_is_upper_bound = snapshot->cache_may_hold_layers;
	for (size_t i = 0; i < snapshot->n_images; i++) {
		if (goes[i])
			continue;
		collect(&layers, &snapshot->images[i], SIZE_MAX);
		if (snapshot->images[i].inspected != FACT_KNOWN)
			plan->claimed_is_upper_bound = true;
	}
	assign(planner, &layers);
	free(layers.v);
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
