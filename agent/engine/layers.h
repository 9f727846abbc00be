#pragma once

#include "engine/decode.h"

/* Gives each of the image's layers its size, from its history, newest entry first. An image
 * whose history does not tell which entries made layers keeps sizes of -1. */
void layers_set_sizes(struct image *image, const struct history_entry *history, size_t n);

/* Turns the diff IDs of all images' layers into chain IDs: within the snapshot equal means the
 * same diff ID on the same chain, and no two chains can collide. May be called again when more
 * images were inspected; all IDs are then made anew. Where images lie in containerd, the layers
 * get their share of the packed blobs, too. */
void layers_chain(struct snapshot *snapshot);
