#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* The same numbers for the same seed, everywhere. */

struct random {
	uint64_t state;
};

static inline _unused_ unsigned pick(struct random *random, unsigned below)
{
	random->state = random->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random->state >> 33) % below;
}

static inline _unused_ bool chance(struct random *random, unsigned percent)
{
	return pick(random, 100) < percent;
}
