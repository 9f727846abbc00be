#pragma once

#include "state/sql.h"

/* Which image each service ran, and when last. */

_must_check_ int runs_recall(const struct state *state, struct snapshot *snapshot,
			     struct err *err);

/* Adds what the containers of the snapshot show, and forgets runs of images that are gone. */
_must_check_ int runs_observe(const struct state *state, const struct snapshot *snapshot,
			      int64_t now, struct err *err);
