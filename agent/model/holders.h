#pragma once

#include "model/snapshot.h"

/* Which containers have which volumes and networks, in whatever state they are: a stopped one
 * cannot start without them. */

struct holder {
	const struct container *first; /* in the snapshot's order; NULL: nobody has it */
	size_t n;
};

struct holders {
	struct holder *volumes, *networks; /* per object of the snapshot's list */
};

/* A bind mount of a volume's mountpoint, or of something below it, has the volume like a mount
 * by its name. All lies in the arena; the snapshot is sealed. */
void holders_find(struct arena *arena, const struct snapshot *snapshot, struct holders *ret);
