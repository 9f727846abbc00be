#include "model/layer.h"

#include <string.h>

#include "model/snapshot.h"

struct layer *layer_get(struct snapshot *snapshot, struct layer *below, const char *diff)
{
	_cleanup_free_ char *key = mem_printf("%zu/%s", below ? below->number + 1 : 0, diff);
	struct interned *interned = intern_get(snapshot->layers, key, strlen(key));
	struct layer *layer = interned->value;

	if (layer)
		return layer;
	layer = arena_alloc(snapshot->arena, sizeof(*layer));
	*layer = (struct layer){
		.below = below,
		.diff = interned->text + interned->length - strlen(diff),
		.number = snapshot->n_layers++,
		.size = -1,
	};
	interned->value = layer;
	return layer;
}

void layer_tell_size(struct layer *layer, int64_t size, bool estimate)
{
	if (size < 0 || layer->disputed)
		return;
	if (layer->stands)
		layer->size = -1;
	layer->stands = false;
	layer->disputed = layer->size >= 0 && layer->size != size && !estimate;
	if (layer->disputed)
		layer->size = -1;
	else if (size > layer->size)
		layer->size = size;
}

void layer_stand_for(struct layer *top, const struct layer *end, int64_t size)
{
	for (struct layer *layer = top; layer != end; layer = layer->below) {
		if (layer->disputed || layer->size >= 0)
			return;
		layer->size = layer == top ? size : 0;
		layer->stands = true;
	}
}

int64_t layer_bytes(const struct layer *layer)
{
	if (layer->size < 0 || layer->packed > INT64_MAX - layer->size)
		return -1;
	return layer->size + layer->packed;
}
