#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The layers of all images of a snapshot, each once: an image is its topmost layer and all that
 * lie below. So what images share takes no memory for each. */

struct snapshot;

struct layer {
	struct layer *below; /* NULL: it is the lowest */
	const char *diff;    /* the engine's ID for what it adds; others may have the same */
	size_t number;	     /* below snapshot->n_layers */
	int64_t size;	     /* bytes; -1: nobody tells, or images disagree */
	int64_t packed; /* bytes of the blob that containerd keeps beside it, an estimate */
	bool disputed;	/* images disagree */
	bool stands;	/* size is that of a run of layers, which one of them stands for */
};

/* The layer of that diff ID upon the one below; made if it is new. */
struct layer *layer_get(struct snapshot *snapshot, struct layer *below, const char *diff);

/* Notes the size that an image tells, -1 for none. Of two that differ none is true. Of
 * estimates the largest counts: what is promised too much is made up for by another round, what
 * is taken too much by nothing. */
void layer_tell_size(struct layer *layer, int64_t size, bool estimate);

/* Notes that the layers from top down to the one before end take so many bytes together, unless
 * their sizes are told. None of them goes without the others. */
void layer_stand_for(struct layer *top, const struct layer *end, int64_t size);

/* With what is packed; -1 unknown. */
int64_t layer_bytes(const struct layer *layer);
