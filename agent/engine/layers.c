#include "engine/layers.h"

#include <string.h>

#define SEPARATOR '/'

static const char *diff_of(const char *id)
{
	const char *separator = strchr(id, SEPARATOR);

	return separator ? separator + 1 : id;
}

/* A chain's ID is "17/sha256:…": the number of the chain below, in the order of first sight,
 * and the diff ID. So each is short, and equal only where all below is equal. */
static void chain(struct intern *chains, struct image *image)
{
	size_t below = 0;

	for (size_t i = 0; i < image->n_layers; i++) {
		_cleanup_free_ char *id =
			mem_printf("%zu%c%s", below, SEPARATOR, diff_of(image->layers[i].id));
		struct interned *interned = intern_get(chains, id, strlen(id));

		image->layers[i].id = interned->text;
		below = interned->number + 1;
	}
}

/* ---- what containerd keeps packed beside the layers' files ---- */

static size_t number_of(struct intern *chains, const struct layer *layer)
{
	return intern_get(chains, layer->id, strlen(layer->id))->number;
}

/* The size of an image less those of its layers, -1 if that is not known. */
static int64_t packed_of(const struct image *image)
{
	int64_t left = image->size;

	for (size_t i = 0; i < image->n_layers; i++) {
		if (image->layers[i].size < 0 || image->layers[i].size > left)
			return -1;
		left -= image->layers[i].size;
	}
	return image->layered == FACT_KNOWN ? left : -1;
}

/* A run of layers that only has one number has it in shares by size. */
static void share(struct layer *layers, size_t n, int64_t packed)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)layers[i].size;
	for (size_t i = 0; packed > 0 && sum > 0 && i < n; i++)
		layers[i].packed = (int64_t)((double)packed * (double)layers[i].size / sum);
}

/* Where a chain is an image of its own, what is packed of it is known, and of what lies on it
 * the difference. */
static void spread(struct intern *chains, struct image *image, const int64_t *packed)
{
	int64_t below = 0;
	size_t start = 0;

	if (packed_of(image) < 0)
		return;
	for (size_t i = 0; i < image->n_layers; i++) {
		int64_t here = packed[number_of(chains, &image->layers[i])];

		if (here < 0)
			continue;
		share(&image->layers[start], i + 1 - start, here - below);
		below = here;
		start = i + 1;
	}
}

static void spread_all(struct intern *chains, struct snapshot *snapshot)
{
	_cleanup_free_ int64_t *packed = NULL;
	size_t n = 0;

	for (size_t i = 0; i < snapshot->n_images; i++)
		n += snapshot->images[i].n_layers;
	packed = mem_zalloc(n + 1, sizeof(*packed));
	for (size_t i = 0; i < n; i++)
		packed[i] = -1;
	for (size_t i = 0; i < snapshot->n_images; i++) {
		const struct image *image = &snapshot->images[i];

		if (image->n_layers > 0 && packed_of(image) >= 0)
			packed[number_of(chains, &image->layers[image->n_layers - 1])] =
				packed_of(image);
	}
	for (size_t i = 0; i < snapshot->n_images; i++)
		spread(chains, &snapshot->images[i], packed);
}

void layers_chain(struct snapshot *snapshot)
{
	_cleanup_(intern_freep) struct intern *chains = intern_new(snapshot->arena);

	for (size_t i = 0; i < snapshot->n_images; i++)
		chain(chains, &snapshot->images[i]);
	if (snapshot->engine.in_containerd)
		spread_all(chains, snapshot);
}

/* Builders write an entry for each instruction. Those that only change the image's
 * configuration make no layer: the classic builder marks them, BuildKit's are known by their
 * word. */
static bool may_be_layer(const struct history_entry *entry)
{
	static const char *const makes_layer[] = { "RUN ",   "COPY ", "ADD ",	  "WORKDIR ",
						   " COPY ", " ADD ", " WORKDIR " };

	if (entry->size > 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(makes_layer); i++)
		if (strstr(entry->created_by, makes_layer[i]))
			return true;
	return !strstr(entry->created_by, "#(nop)") &&
	       strncmp(entry->created_by, "/bin/sh -c ", strlen("/bin/sh -c ")) == 0;
}

static bool has_bytes(const struct history_entry *entry)
{
	return entry->size > 0;
}

static bool any(const struct history_entry *entry _unused_)
{
	return true;
}

void layers_set_sizes(struct image *image, const struct history_entry *history, size_t n)
{
	static bool (*const readings[])(const struct history_entry *) = { has_bytes,
									  may_be_layer, any };

	/* A reading of the history is right if it gives as many layers as there are. */
	for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
		size_t layer = 0;

		for (size_t j = 0; j < n; j++)
			layer += readings[i](&history[j]);
		if (layer != image->n_layers)
			continue;
		for (size_t j = 0; j < n; j++)
			if (readings[i](&history[j]))
				image->layers[--layer].size = history[j].size;
		return;
	}
}
