#pragma once

#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "plan/plan.h"

/* A world for the plan, built by hand: all facts are known, nothing is young, the state has
 * seen everything long ago. A test changes what it is about. */

#define NOW 1700000000
#define HOUR 3600
#define DAY (24 * HOUR)
#define LONG_AGO (NOW - 100 * DAY)

#define MAX_OBJECTS 256

struct world {
	struct arena *arena;
	struct snapshot *snapshot;
	struct container containers[MAX_OBJECTS];
	struct image images[MAX_OBJECTS];
	struct volume volumes[MAX_OBJECTS];
	struct network networks[MAX_OBJECTS];
	struct cache_record cache[MAX_OBJECTS];
	struct rule rules[8];
	size_t n_rules;
	struct settings settings;
	struct strings *approved;
	int64_t need_free;
};

struct world *world_new(void);
void world_free(struct world *world);

/* Exited with status 0 long ago; image_name as the engine's list shows it. */
struct container *world_container(struct world *world, const char *id, const char *image_id,
				  const char *image_name);
/* What a container was created from. */
const struct reference *world_name(struct world *world, const char *name);
/* tags: comma-separated, NULL for an untagged image. */
struct image *world_image(struct world *world, const char *id, const char *tags);
/* Without user since long ago, watched since then too. */
struct volume *world_volume(struct world *world, const char *name, bool anonymous);
struct network *world_network(struct world *world, const char *id, const char *name);
/* parent: NULL for none. */
struct cache_record *world_cache(struct world *world, const char *id, const char *parent);
struct strings world_strings(struct world *world, const char *text);
void world_digest(struct world *world, struct image *image, const char *reference);
struct labels world_label(struct world *world, const char *key, const char *value);
struct patterns world_patterns(struct world *world, const char *text, bool labels);

/* A rule for all exited containers, or all untagged (tagged) images, without any keeper. */
struct rule *world_rule(struct world *world, enum kind kind, enum dangling dangling);
void rule_set_key(struct rule *rule, enum rule_key key);

/* Plans; needs are resolved as unavailable when nothing else is left to do. */
struct plan *world_plan(struct world *world);

/* The verdict on an object, or on one reference of an image (full name). */
const struct verdict *verdict_on(const struct plan *plan, const char *id);
const struct verdict *verdict_on_tag(const struct plan *plan, const char *full);
