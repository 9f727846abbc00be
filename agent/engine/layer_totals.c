#include "engine/layers.h"

/* Layers between two images, of which one is built on the other, are worth the difference of
 * the images' sizes. What lies between them goes and stays as one, so one of the layers may
 * stand for all: only sums are asked for. Where chains part on the way it cannot be told. */

#define NO_IMAGE (-1)
#define UNTOLD (-2)

struct totals {
	int64_t *of;		   /* by layer: the size of the image that it tops */
	const struct layer **upon; /* by layer: one that lies on it */
	bool *forks;		   /* by layer: several do */
};

static void add_image(struct totals *totals, const struct image *image)
{
	int64_t *total = &totals->of[image->top->number];

	*total = *total == NO_IMAGE || *total == image->size ? image->size : UNTOLD;
	if (*total < 0)
		*total = UNTOLD;
	for (const struct layer *layer = image->top; layer->below; layer = layer->below) {
		const struct layer **upon = &totals->upon[layer->below->number];

		totals->forks[layer->below->number] |= *upon && *upon != layer;
		if (*upon)
			break;
		*upon = layer;
	}
}

static struct totals totals_new(struct arena *arena, const struct snapshot *snapshot)
{
	struct totals totals = {
		.of = arena_array(arena, snapshot->n_layers, sizeof(*totals.of)),
		.upon = arena_array(arena, snapshot->n_layers, sizeof(*totals.upon)),
		.forks = arena_array(arena, snapshot->n_layers, sizeof(*totals.forks)),
	};

	for (size_t i = 0; i < snapshot->n_layers; i++)
		totals.of[i] = NO_IMAGE;
	for (size_t i = 0; i < snapshot->n_images; i++)
		if (snapshot->images[i].top)
			add_image(&totals, &snapshot->images[i]);
	return totals;
}

static bool is_within(const struct totals *totals, const struct layer *layer)
{
	return layer && totals->of[layer->number] == NO_IMAGE && !totals->forks[layer->number];
}

/* The end of the run of layers that the topmost begins: the first that is worth its own. */
static struct layer *end_of_run(const struct totals *totals, const struct layer *top)
{
	struct layer *layer = top->below;

	while (is_within(totals, layer))
		layer = layer->below;
	return layer;
}

/* -1: cannot be told. */
static int64_t size_of_run(const struct totals *totals, const struct layer *top,
			   const struct layer *end)
{
	int64_t whole = totals->of[top->number], below = end ? totals->of[end->number] : 0;

	return whole < 0 || below < 0 || whole < below ? -1 : whole - below;
}

static bool can_tell(const struct totals *totals, const struct image *image)
{
	const struct layer *end;

	for (const struct layer *top = image->top; top; top = end) {
		end = end_of_run(totals, top);
		if (size_of_run(totals, top, end) < 0)
			return false;
	}
	return true;
}

static void tell(const struct totals *totals, struct image *image)
{
	struct layer *end;

	for (struct layer *top = image->top; top; top = end) {
		end = end_of_run(totals, top);
		layer_stand_for(top, end, size_of_run(totals, top, end));
	}
	image->layered = FACT_KNOWN;
}

static bool all_looked_at(const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_images; i++)
		if (snapshot->images[i].inspected == FACT_NOT_ASKED)
			return false;
	return true;
}

void layers_tell_by_totals(struct snapshot *snapshot, const unsigned *facts)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct totals totals;

	if (!all_looked_at(snapshot))
		return;
	totals = totals_new(arena, snapshot);
	for (size_t i = 0; i < snapshot->n_images; i++) {
		struct image *image = &snapshot->images[i];

		if (facts[i] & NEED_LAYERS && image->inspected == FACT_KNOWN &&
		    image->layered == FACT_NOT_ASKED && can_tell(&totals, image))
			tell(&totals, image);
	}
}
