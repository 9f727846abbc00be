#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "model/pin.h"
#include "model/snapshot.h"

/* What counts as in use whether or not a container is there: pinned.d/NAME.list, a line each:
 * IMAGE (what `docker compose config --images` prints), "image IMAGE", "volume NAME" or
 * "network NAME", empty lines and # comments between. */

/* Adds what the lists of all places (DESIGN section 3) name. A name that is none, or a file
 * that cannot be read, becomes a line of problems. */
void pinned_load(struct arena *arena, const struct strings *places, struct pinned *pinned,
		 struct problems *problems);
