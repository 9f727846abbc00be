#pragma once

#include "model/snapshot.h"

/* Who has which volumes and networks: containers, in whatever state they are, since a stopped
 * one cannot start without them; services of a swarm, with or without a container here. */

struct holder {
	const char *by; /* the first of them by name; NULL: nobody has it */
	size_t n;
};

struct holders {
	struct holder *volumes, *networks; /* per object of the snapshot's list */
};

/* A bind mount of a volume's mountpoint, or of something below it, has the volume like a mount
 * by its name. All lies in the arena; the snapshot is sealed. */
void holders_find(struct arena *arena, const struct snapshot *snapshot, struct holders *ret);
