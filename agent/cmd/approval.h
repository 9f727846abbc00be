#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "model/snapshot.h"

/* Reads a plan that `plan --json` wrote and somebody approved. Gives the keys of its removals
 * (plan_key()), sorted. Refused: a file that is no such plan, of another version, or of another
 * engine: another socket, or on Docker another ID (Podman's changes with every call). */
_must_check_ int approval_read(struct arena *arena, const char *path,
			       const struct engine_info *engine, struct strings *ret,
			       struct err *err);
