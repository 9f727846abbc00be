#pragma once

#include <stdbool.h>

#include "model/snapshot.h"

/* Who uses what: containers by image ID, by the name they were created from and by what they
 * mount, swarm services by what their specs name. Engines untag a
 * name in use without complaint (ENGINES.md), so the name counts like the ID. */

struct users;

/* An index over the snapshot's containers, without those for which `leaves` (may be NULL) says
 * true; but what these mount stays in use as long as they are there. It lies in the arena and
 * points into the snapshot. */
struct users *users_new(struct arena *arena, const struct snapshot *snapshot,
			bool (*leaves)(const struct container *container, void *data),
			void *data);

/* A container that uses or mounts the image by ID, that was created from the name or mounts it,
 * or either for any name of the image; NULL if there is none. */
const struct container *users_of_image(const struct users *users, const struct image *image);
const struct container *users_of_name(const struct users *users, const struct reference *name);
const struct container *users_of_any(const struct users *users, const struct image *image);

/* The swarm service or task ("service web") whose spec names the image: by ID or digest, or by
 * this name; without one by any of its tags. NULL if there is none. */
const char *users_in_swarm(const struct swarm *swarm, const struct image *image,
			   const struct reference *name);

/* How many containers were created from the image, by ID. */
size_t users_count(const struct users *users, const struct image *image);
