#pragma once

#include "model/holders.h"

/* What the containers of a snapshot, and services of a swarm, say about images, volumes and
 * networks. */

struct use {
	bool known;		/* the lists of all users were read */
	int64_t *images;	/* per image: last used, TIME_UNKNOWN if by none */
	bool *parents;		/* per image: whether another one is built on it */
	struct holders holders; /* of volumes and networks */
};

/* Finish times that lie ahead of now count as now. */
void use_collect(struct use *use, const struct snapshot *snapshot, int64_t now);
void use_clear(struct use *use);
static inline _unused_ void use_clearp(struct use *use)
{
	use_clear(use);
}
