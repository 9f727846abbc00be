#pragma once

#include "model/snapshot.h"

/* Puts into the snapshot what pinned.d names, and where the engine is one that Quadlet files
 * are for, what those of the engine's user name: that is the socket's owner, and root too as
 * long as the engine does not say that it is a user's. What cannot be found out becomes
 * snapshot->pinned_unknown, with a line of problems each. */
void pinning_apply(const struct pinned *pinned, struct snapshot *snapshot);
