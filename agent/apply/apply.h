#pragma once

#include "engine/engine.h"
#include "plan/plan.h"

/* Walks a plan's new names and removals. It decides nothing; it only refrains. */

struct result {
	enum outcome *outcomes; /* per verdict of the plan */
	const char **
		details; /* per verdict: what the engine said, or why it was skipped; or NULL */
	size_t n_failed;
	struct totals removed; /* what really went */
	size_t n_tagged;       /* images that really got a name */
	bool interrupted;
};

/* Gives images their names, removes containers, reads the list of containers again, removes the
 * images, volumes and networks that are still unused, then build cache. An image whose
 * container did not go stays. If the list cannot be read again nothing but containers goes.
 * Once control->stop is set no further POST or DELETE starts and what is left is skipped;
 * control may be NULL. The plan must be final (no needs) and its brake not pulled. Everything
 * returned lies in the arena. */
struct result *apply_plan(struct arena *arena, const struct plan *plan, struct engine *engine,
			  const struct removal_control *control);
