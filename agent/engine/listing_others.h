#pragma once

#include "engine/decode.h"
#include "engine/internal.h"

/* The lists that are read only where a rule needs them: volumes, networks, build cache. They go
 * out with the other lists, so this is in steps. */

struct others {
	struct engine *engine;
	struct snapshot *snapshot;
	struct intern *intern;
	unsigned kinds; /* bit per enum kind */
	struct volume_list volumes;
	struct network *networks;
	size_t n_networks;
	struct disk_usage usage;
	bool usage_known;
};

/* Puts the requests into the queue. */
void others_submit(struct others *others, struct engine *engine, struct snapshot *snapshot,
		   struct intern *intern, unsigned kinds);

/* When they are done: moves what came into the snapshot, which is not sealed yet. */
void others_adopt(struct others *others);

/* When it is sealed: the sizes of the volumes. Ends the use of others. */
void others_size(struct others *others);
