#pragma once

#include "base/arena.h"
#include "model/snapshot.h"

/* What an image has of the disk. Both are -1 if the layers of one image are not known: nobody
 * can say then that it does not have them as well. */
struct share {
	int64_t unique; /* bytes of the layers that no other image has */
	int64_t shared; /* of those that others have, too */
};

/* Per image of the sealed snapshot, in the arena. */
struct share *shares_of(struct arena *arena, const struct snapshot *snapshot);
