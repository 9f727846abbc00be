#include <stdlib.h>
#include <string.h>

#include "engine/ledger.h"

/* The ledger where nobody can tell from the files whose they are: sizes as the engine says. */

struct claimed_layer {
	int64_t bytes;
	size_t images;
};

/* Unpacked and, in containerd, packed. */
static int64_t size_of(const struct layer *layer)
{
	return layer->size < 0 || layer->packed > INT64_MAX - layer->size
		       ? -1
		       : layer->size + layer->packed;
}

static struct claimed_layer *claimed(struct ledger *ledger, struct intern *layers,
				     const struct layer *layer)
{
	struct interned *interned = intern_get(layers, layer->id, strlen(layer->id));

	if (!interned->value) {
		struct claimed_layer *added = arena_alloc(ledger->usage->arena, sizeof(*added));

		added->bytes = size_of(layer);
		interned->value = added;
	}
	return interned->value;
}

static void add(int64_t *sum, int64_t bytes)
{
	*sum = bytes < 0 || *sum < 0 || bytes > INT64_MAX - *sum ? -1 : *sum + bytes;
}

static void add_image(struct ledger *ledger, struct intern *layers, const struct image *image)
{
	struct usage_row row = { .kind = USAGE_IMAGE,
				 .id = image->id,
				 .name = usage_image_name(ledger->usage, image) };

	for (size_t i = 0; i < image->n_layers; i++) {
		struct claimed_layer *layer = claimed(ledger, layers, &image->layers[i]);

		add(layer->images > 1 ? &row.shared : &row.bytes, layer->bytes);
	}
	if (image->layered != FACT_KNOWN)
		row.bytes = row.shared = -1;
	if (row.bytes < 0)
		row.why = "the engine does not tell the sizes of its layers";
	usage_add(ledger->usage, &row);
}

static void add_images(struct ledger *ledger)
{
	const struct snapshot *snapshot = ledger->snapshot;
	_cleanup_(intern_freep) struct intern *layers = intern_new(ledger->usage->arena);
	struct usage_row shared = { .kind = USAGE_SHARED };

	for (size_t i = 0; i < snapshot->n_images; i++)
		for (size_t j = 0; j < snapshot->images[i].n_layers; j++) {
			struct claimed_layer *layer =
				claimed(ledger, layers, &snapshot->images[i].layers[j]);

			if (++layer->images == 2)
				add(&shared.bytes, layer->bytes);
		}
	for (size_t i = 0; i < snapshot->n_images; i++)
		add_image(ledger, layers, &snapshot->images[i]);
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
