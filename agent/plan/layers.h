#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/snapshot.h"

/* Who holds which layer, and what a set of removals frees: each layer goes with the last of its
 * holders. A holder is an image, or several that can only go together. */

struct layer_graph;

/* The graph of all images whose layers are known. holder_of[i] is the holder that image i
 * belongs to, an index below the number of images; NULL: each is its own. In the arena. */
struct layer_graph *layers_new(struct arena *arena, const struct snapshot *snapshot,
			       const size_t *holder_of);

struct freed {
	int64_t bytes;
	size_t unknown; /* and so many layers whose sizes nobody tells or images dispute */
};

/* Lets go of the holder's layers, or takes hold of them again: what that frees, or what it
 * takes back. Called in turn. */
struct freed layers_release(struct layer_graph *graph, size_t holder);
struct freed layers_hold(struct layer_graph *graph, size_t holder);

/* What releasing the holder would free now. It is kept up to date as others are released. */
struct freed layers_marginal(const struct layer_graph *graph, size_t holder);

/* What all of the holder's layers take, those of others too. -1: unknown. */
int64_t layers_total(const struct layer_graph *graph, size_t holder);

/* Calls changed() when releasing a holder has made another one the last to hold layers. */
void layers_watch(struct layer_graph *graph, void (*changed)(void *data, size_t holder),
		  void *data);

/* Whether a layer of the holder has a size that nobody tells. */
bool layers_unknown(const struct layer_graph *graph, size_t holder);
