#include "state/use.h"

#include <stdlib.h>
#include <string.h>

/* Only an end that the engine told is one; everything else may go on being used. */
static int64_t used_until(const struct container *container, int64_t now)
{
	bool ended = container->state == STATE_EXITED || container->state == STATE_DEAD;

	if (!ended || container->inspected != FACT_KNOWN ||
	    container->finished == TIME_UNKNOWN || container->finished > now)
		return now;
	return container->finished;
}

static void use_image(struct use *use, const struct snapshot *snapshot,
		      const struct container *container, int64_t now)
{
	const struct image *image =
		container->image_id ? snapshot_image(snapshot, container->image_id) : NULL;
	int64_t until = used_until(container, now);

	if (image && until > use->images[image - snapshot->images])
		use->images[image - snapshot->images] = until;
}

static void mark_parents(struct use *use, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_images; i++) {
		const char *id = snapshot->images[i].parent;
		const struct image *parent = id ? snapshot_image(snapshot, id) : NULL;

		if (parent)
			use->parents[parent - snapshot->images] = true;
	}
}

void use_collect(struct use *use, const struct snapshot *snapshot, int64_t now)
{
	bool listed = snapshot->listing[KIND_CONTAINER] == LISTING_READ;

	use->known = listed && snapshot->swarm.state != LISTING_FAILED;
	use->images = mem_zalloc(snapshot->n_images, sizeof(*use->images));
	use->parents = mem_zalloc(snapshot->n_images, sizeof(*use->parents));
	for (size_t i = 0; i < snapshot->n_images; i++)
		use->images[i] = TIME_UNKNOWN;
	mark_parents(use, snapshot);
	holders_find(snapshot->arena, snapshot, &use->holders);
	for (size_t i = 0; listed && i < snapshot->n_containers; i++)
		use_image(use, snapshot, &snapshot->containers[i], now);
}

void use_clear(struct use *use)
{
	free(use->images);
	free(use->parents);
	*use = (struct use){ 0 };
}
