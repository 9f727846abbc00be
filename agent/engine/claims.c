#include <stdlib.h>
#include <string.h>

#include "engine/ledger.h"

/* The ledger where nobody can tell from the files whose they are: sizes as the engine says. */

static void add(int64_t *sum, int64_t bytes)
{
	*sum = bytes < 0 || *sum < 0 || bytes > INT64_MAX - *sum ? -1 : *sum + bytes;
}

/* images: how many have a layer, by its number. */
static void add_image(struct ledger *ledger, const size_t *images, const struct image *image)
{
	struct usage_row row = { .kind = USAGE_IMAGE,
				 .id = image->id,
				 .name = usage_image_name(ledger->usage, image) };

	for (const struct layer *layer = image->top; layer; layer = layer->below)
		add(images[layer->number] > 1 ? &row.shared : &row.bytes, layer_bytes(layer));
	if (image->layered != FACT_KNOWN)
		row.bytes = row.shared = -1;
	if (row.bytes < 0)
		row.why = "the engine does not tell the sizes of its layers";
	usage_add(ledger->usage, &row);
}

static void add_images(struct ledger *ledger)
{
	const struct snapshot *snapshot = ledger->snapshot;
	_cleanup_free_ size_t *images = mem_zalloc(snapshot->n_layers + 1, sizeof(*images));
	struct usage_row shared = { .kind = USAGE_SHARED };

	for (size_t i = 0; i < snapshot->n_images; i++)
		for (const struct layer *layer = snapshot->images[i].top; layer;
		     layer = layer->below)
			if (++images[layer->number] == 2)
				add(&shared.bytes, layer_bytes(layer));
	for (size_t i = 0; i < snapshot->n_images; i++)
		add_image(ledger, images, &snapshot->images[i]);
	usage_add(ledger->usage, &shared);
}

static void add_containers(struct ledger *ledger)
{
	const struct snapshot *snapshot = ledger->snapshot;

	for (size_t i = 0; i < snapshot->n_containers; i++) {
		const struct container *container = &snapshot->containers[i];
		bool known = container->sized == FACT_KNOWN && container->size >= 0;

		usage_add(ledger->usage,
			  &(struct usage_row){
				  .kind = USAGE_CONTAINER,
				  .id = container->id,
				  .name = container_name(container),
				  .bytes = known ? container->size : -1,
				  .why = known ? NULL : "the engine does not tell its size" });
	}
}

/* Volumes elsewhere are no part of this file system. */
static bool lies_here(const struct ledger *ledger, const struct volume *volume)
{
	struct stat root, file;

	if (!volume->mountpoint || !*volume->mountpoint)
		return false;
	if (ledger->snapshot->disk.state != FACT_KNOWN ||
	    stat(ledger->snapshot->disk.path, &root) < 0 || stat(volume->mountpoint, &file) < 0)
		return true;
	return root.st_dev == file.st_dev;
}

static void add_volumes(struct ledger *ledger)
{
	const struct snapshot *snapshot = ledger->snapshot;

	for (size_t i = 0; i < snapshot->n_volumes; i++) {
		const struct volume *volume = &snapshot->volumes[i];
		bool known = volume->sized == FACT_KNOWN && volume->size >= 0;

		if (!lies_here(ledger, volume))
			continue;
		usage_add(ledger->usage,
			  &(struct usage_row){
				  .kind = USAGE_VOLUME,
				  .id = volume->name,
				  .name = volume->name,
				  .bytes = known ? volume->size : -1,
				  .why = known ? NULL : "the engine does not tell its size" });
	}
}

static void add_cache(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->snapshot->n_cache; i++)
		if (!ledger->snapshot->cache[i].shared)
			add(&ledger->cache.bytes, ledger->snapshot->cache[i].size);
	if (ledger->cache.bytes < 0)
		ledger->cache.why = "the engine does not tell the sizes of its records";
	usage_add(ledger->usage, &ledger->cache);
}

void ledger_add_claims(struct ledger *ledger)
{
	add_images(ledger);
	add_containers(ledger);
	add_volumes(ledger);
	add_cache(ledger);
}
