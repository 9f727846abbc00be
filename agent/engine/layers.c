#include "engine/layers.h"

#include <string.h>

/* ---- what containerd keeps packed beside the layers' files ---- */

/* The size of an image less those of its layers, -1 if that is not known. */
static int64_t packed_of(const struct image *image)
{
	int64_t left = image->size;

	for (const struct layer *layer = image->top; layer; layer = layer->below) {
		if (layer->size < 0 || layer->size > left)
			return -1;
		left -= layer->size;
	}
	return image->layered == FACT_KNOWN ? left : -1;
}

/* A run of layers, down to the one before end, that only has one number has it in shares by
 * size. Runs may share layers: of estimates the largest. */
static void share(struct layer *top, const struct layer *end, int64_t packed)
{
	double sum = 0;

	for (const struct layer *layer = top; layer != end; layer = layer->below)
		sum += (double)layer->size;
	for (struct layer *layer = top; packed > 0 && sum > 0 && layer != end;
	     layer = layer->below) {
		int64_t part = (int64_t)((double)packed * (double)layer->size / sum);

		if (part > layer->packed)
			layer->packed = part;
	}
}

/* Where a chain is an image of its own, what is packed of it is known, and of what lies on it
 * the difference. */
static void spread(struct layer *top, const int64_t *packed)
{
	const struct layer *end = top->below;

	while (end && packed[end->number] < 0)
		end = end->below;
	share(top, end, packed[top->number] - (end ? packed[end->number] : 0));
}

void layers_share_packed(struct snapshot *snapshot)
{
	_cleanup_free_ int64_t *packed = mem_zalloc(snapshot->n_layers + 1, sizeof(*packed));

	for (size_t i = 0; i < snapshot->n_layers; i++)
		packed[i] = -1;
	for (size_t i = 0; i < snapshot->n_images; i++) {
		const struct image *image = &snapshot->images[i];

		for (struct layer *layer = image->top; layer; layer = layer->below)
			layer->packed = 0;
		if (image->top && packed_of(image) >= 0)
			packed[image->top->number] = packed_of(image);
	}
	for (size_t i = 0; i < snapshot->n_images; i++) {
		struct layer *top = snapshot->images[i].top;

		if (top && packed[top->number] >= 0)
			spread(top, packed);
	}
}

/* ---- what an image's history tells ---- */

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

void layers_set_sizes(struct image *image, const struct history_entry *history, size_t n,
		      bool estimates)
{
	static bool (*const readings[])(const struct history_entry *) = { has_bytes,
									  may_be_layer, any };
	size_t n_layers = 0;

	for (const struct layer *layer = image->top; layer; layer = layer->below)
		n_layers++;
	/* A reading of the history is right if it gives as many layers as there are. */
	for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
		struct layer *layer = image->top;
		size_t found = 0;

		for (size_t j = 0; j < n; j++)
			found += readings[i](&history[j]);
		if (found != n_layers)
			continue;
		for (size_t j = 0; j < n; j++) {
			if (!readings[i](&history[j]))
				continue;
			layer_tell_size(layer, history[j].size, estimates);
			layer = layer->below;
		}
		return;
	}
}
