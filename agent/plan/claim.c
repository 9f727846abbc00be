#include "plan/layers.h"
#include "plan/planner.h"

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

/* What stays shows the size the engine gives it, an image on the last of its references. */
static void show_size(struct plan *plan, size_t index)
{
	struct verdict *verdict = &plan->verdicts[index];
	bool last = index + 1 == plan->n || plan->verdicts[index + 1].kind != KIND_TAG ||
		    plan->verdicts[index + 1].image != verdict->image;

	if (is_image_row(verdict) && verdict->action != VERDICT_REMOVE)
		verdict->bytes = last ? verdict->image->size : 0;
}

/* The references of one image stand together: its bytes are on the last. */
static bool is_last_of_image(const struct plan *plan, size_t removal)
{
	return removal + 1 == plan->n_removals ||
	       plan->verdicts[plan->removals[removal + 1]].image !=
		       plan->verdicts[plan->removals[removal]].image;
}

static void claim_image(struct planner *planner, struct layer_graph *graph,
			struct verdict *verdict)
{
	struct freed freed = layers_release(graph, image_index(planner, verdict->image));

	if (verdict->image->layered != FACT_KNOWN || freed.unknown)
		verdict->bytes = -1;
	else
		verdict->bytes = freed.bytes;
}

static void claim_images(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct plan *plan = planner->plan;
	bool *goes = arena_array(planner->arena, snapshot->n_images, sizeof(*goes));
	struct layer_graph *graph;
	bool any = false;

	for (size_t i = 0; i < plan->n_removals; i++)
		if (is_image_row(&plan->verdicts[plan->removals[i]]))
			any = goes[image_index(planner,
					       plan->verdicts[plan->removals[i]].image)] = true;
	if (!any)
		return;
	need_layers(planner, goes);
	graph = layers_new(planner->arena, snapshot, NULL);
	for (size_t i = 0; i < plan->n_removals; i++) {
		struct verdict *verdict = &plan->verdicts[plan->removals[i]];

		if (!is_image_row(verdict))
			continue;
		verdict->bytes = 0;
		if (is_last_of_image(plan, i))
			claim_image(planner, graph, verdict);
	}
	plan->claimed_is_upper_bound = snapshot->cache_may_hold_layers;
	for (size_t i = 0; i < snapshot->n_images; i++)
		if (!goes[i] && snapshot->images[i].inspected != FACT_KNOWN)
			plan->claimed_is_upper_bound = true;
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

bool claim_is_sane(const struct planner *planner, int64_t bytes)
{
	const struct disk *disk = &planner->snapshot->disk;

	return bytes >= 0 && (disk->state != FACT_KNOWN || bytes <= disk->total);
}

bool claim_image_is_sane(const struct planner *planner, const struct image *image)
{
	bool any = false;

	if (image->layered != FACT_KNOWN || !claim_is_sane(planner, image->size))
		return false;
	/* Not all of those who disagree about a size say that there is nothing. */
	for (const struct layer *layer = image->top; layer; layer = layer->below) {
		if (!layer->disputed && !claim_is_sane(planner, layer->size))
			return false;
		any = any || layer->disputed || layer->size > 0;
	}
	return any == (image->size > 0);
}

static bool is_predictable(const struct planner *planner, const struct verdict *verdict)
{
	if (is_image_row(verdict) && !claim_image_is_sane(planner, verdict->image))
		return false;
	return claim_is_sane(planner, verdict->bytes);
}

void claim_predict(struct planner *planner)
{
	struct plan *plan = planner->plan;
	struct prediction *predicted = &plan->predicted;

	*predicted = (struct prediction){ .upper_bound = plan->claimed_is_upper_bound };
	for (size_t i = 0; i < plan->n_removals; i++) {
		const struct verdict *verdict = &plan->verdicts[plan->removals[i]];

		if (is_image_row(verdict) && !is_last_of_image(plan, i))
			continue;
		if (is_predictable(planner, verdict) &&
		    verdict->bytes <= INT64_MAX - predicted->bytes)
			predicted->bytes += verdict->bytes;
		else
			predicted->unknown++;
	}
}
