#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <stdlib.h>

#include "base/mem.h"

/* The same numbers for the same seed, everywhere. */

struct random {
	uint64_t state;
};

/* Fails with the seed of the world, which RECLAIMD_SEED makes again. */
#define check(world, condition)                                                                \
	do {                                                                                   \
		if (!(condition))                                                              \
			fail_msg("RECLAIMD_SEED=%llu: not %s",                                 \
				 (unsigned long long)(world)->seed, #condition);               \
	} while (0)

/* Seeds from 0 on, or the one that RECLAIMD_SEED names, to look at a failure. True if it was
 * all of them. */
static inline _unused_ bool try_seeds(uint64_t n, void (*try_one)(uint64_t seed))
{
	const char *one = getenv("RECLAIMD_SEED");

	if (one)
		try_one(strtoull(one, NULL, 10));
	for (uint64_t seed = 0; seed < n && !one; seed++)
		try_one(seed);
	return !one;
}

static inline _unused_ unsigned pick(struct random *random, unsigned below)
{
	random->state = random->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random->state >> 33) % below;
}

static inline _unused_ bool chance(struct random *random, unsigned percent)
{
	return pick(random, 100) < percent;
}
