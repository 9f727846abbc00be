#pragma once

#include "engine/decode.h"

/* Tells each of the image's layers its size, from its history, newest entry first; estimates:
 * that is what they are. A history that does not show which entries made layers tells nothing.
 */
void layers_set_sizes(struct image *image, const struct history_entry *history, size_t n,
		      bool estimates);

/* Where images lie in containerd: gives the layers their share of the packed blobs. May be
 * called again when more is known; all shares are then made anew. */
void layers_share_packed(struct snapshot *snapshot);
