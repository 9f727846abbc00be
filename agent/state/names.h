#pragma once

#include "state/sql.h"

/* Writes which names the snapshot's images have, and which they have lost. */
_must_check_ int names_observe(const struct state *state, const struct snapshot *snapshot,
			       int64_t now, struct err *err);
