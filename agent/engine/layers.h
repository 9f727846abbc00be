#pragma once

#include "engine/decode.h"

/* Tells each of the image's layers its size, from its history, newest entry first; estimates:
 * that is what they are. A history that does not show which entries made layers tells nothing.
 */
void layers_set_sizes(struct image *image, const struct history_entry *history, size_t n,
		      bool estimates);

/* Where an image's size is the sum of its layers': tells the layers of the images with
 * NEED_LAYERS in facts what the sizes of all images tell of them, and sets layered. An image of
 * which that is not all needs its history, and so does each while one is not inspected yet. */
void layers_tell_by_totals(struct snapshot *snapshot, const unsigned *facts);

/* Where images lie in containerd: gives the layers their share of the packed blobs. May be
 * called again when more is known; all shares are then made anew. */
void layers_share_packed(struct snapshot *snapshot);
