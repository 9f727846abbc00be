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

static void use_volumes(struct use *use, const struct snapshot *snapshot,
			const struct container *container)
{
	for (size_t i = 0; i < container->volumes.n; i++) {
		const struct volume *volume =
			snapshot_volume(snapshot, container->volumes.v[i]);

		if (volume)
			use->volumes[volume - snapshot->volumes] = true;
	}
}

static void use_networks(struct use *use, const struct snapshot *snapshot,
			 const struct container *container)
{
	for (size_t i = 0; i < snapshot->n_networks; i++) {
		const struct network *network = &snapshot->networks[i];

		if (strings_contain(&container->networks, network->id) ||
		    (network->name && strings_contain(&container->networks, network->name)))
			use->networks[i] = true;
	}
}

/* A service without a container here has them all the same. */
static void use_by_swarm(struct use *use, const struct snapshot *snapshot)
{
	const struct swarm *swarm = &snapshot->swarm;

	for (size_t i = 0; i < snapshot->n_volumes; i++)
		if (swarm_user(&swarm->volumes, snapshot->volumes[i].name))
			use->volumes[i] = true;
	for (size_t i = 0; i < snapshot->n_networks; i++)
		if (swarm_user(&swarm->networks, snapshot->networks[i].id) ||
		    (snapshot->networks[i].name &&
		     swarm_user(&swarm->networks, snapshot->networks[i].name)))
			use->networks[i] = true;
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
	use->volumes = mem_zalloc(snapshot->n_volumes, sizeof(*use->volumes));
	use->networks = mem_zalloc(snapshot->n_networks, sizeof(*use->networks));
	use->parents = mem_zalloc(snapshot->n_images, sizeof(*use->parents));
	for (size_t i = 0; i < snapshot->n_images; i++)
		use->images[i] = TIME_UNKNOWN;
	mark_parents(use, snapshot);
	use_by_swarm(use, snapshot);
	for (size_t i = 0; listed && i < snapshot->n_containers; i++) {
		use_image(use, snapshot, &snapshot->containers[i], now);
		use_volumes(use, snapshot, &snapshot->containers[i]);
		use_networks(use, snapshot, &snapshot->containers[i]);
	}
}

void use_clear(struct use *use)
{
	free(use->images);
	free(use->parents);
	free(use->volumes);
	free(use->networks);
	*use = (struct use){ 0 };
}
