#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "model/snapshot.h"

/* Images that count as in use whether or not a container is there: pinned.d/NAME.list, one
 * reference a line (what `docker compose config --images` prints), empty lines and # comments
 * between. */

/* Reads the lists of all places (DESIGN section 3). A name that is none, or a file that cannot
 * be read, becomes a line of problems. */
void pinned_load(struct arena *arena, const struct strings *places, struct strings *ret,
		 struct problems *problems);

/* Puts the names into the snapshot, before it is planned with. A name with tag and digest pins
 * both. */
void pinned_apply(const struct strings *names, struct snapshot *snapshot);
