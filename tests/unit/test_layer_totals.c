#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/layers.h"
#include "plan/layers.h"
#include "random.h"

/* What the sizes of images tell of their layers: random forests, seen twice. One snapshot knows
 * the size of each layer, the other those of images and what must be asked for beside them;
 * whatever is removed, both free the same. RECLAIMD_SEED names one world. */

#define WORLDS 5000
#define IMAGES 10
#define LAYERS 24

struct view {
	struct snapshot *snapshot;
	struct layer *layers[LAYERS];
	struct image images[IMAGES];
};

struct world {
	uint64_t seed;
	struct random random;
	struct view whole, totals;
	int64_t sizes[LAYERS];
};

static void add_layer(struct view *view, size_t i, size_t below)
{
	char diff[16];

	snprintf(diff, sizeof(diff), "%zu", i);
	view->layers[i] =
		layer_get(view->snapshot, below > 0 ? view->layers[below - 1] : NULL, diff);
}

static void add_layers(struct world *world)
{
	for (size_t i = 0; i < LAYERS; i++) {
		size_t below =
			chance(&world->random, 50) ? i : pick(&world->random, (unsigned)i + 1);

		add_layer(&world->whole, i, below);
		add_layer(&world->totals, i, below);
		world->sizes[i] = pick(&world->random, 5);
		layer_tell_size(world->whole.layers[i], world->sizes[i], false);
	}
}

static int64_t sum(const struct layer *top)
{
	return top ? top->size + sum(top->below) : 0;
}

static void add_image(struct world *world, size_t i)
{
	struct image *whole = &world->whole.images[i], *totals = &world->totals.images[i];
	size_t top = pick(&world->random, LAYERS);

	if (chance(&world->random, 5))
		return;
	whole->top = world->whole.layers[top];
	totals->top = world->totals.layers[top];
	totals->size = chance(&world->random, 90) ? sum(whole->top) : -1;
}

static void add_images(struct world *world)
{
	size_t n = pick(&world->random, IMAGES) + 1;

	for (size_t i = 0; i < n; i++) {
		world->totals.images[i].inspected = FACT_KNOWN;
		add_image(world, i);
	}
	world->whole.snapshot->n_images = world->totals.snapshot->n_images = n;
}

static void tell_history(struct world *world, size_t i)
{
	for (struct layer *layer = world->totals.images[i].top; layer; layer = layer->below)
		layer_tell_size(layer, world->sizes[atoi(layer->diff)], false);
	world->totals.images[i].layered = FACT_KNOWN;
}

static void tell(struct world *world)
{
	struct snapshot *snapshot = world->totals.snapshot;
	unsigned facts[IMAGES];

	for (size_t i = 0; i < snapshot->n_images; i++) {
		facts[i] = chance(&world->random, 70) ? NEED_LAYERS : 0;
		if (chance(&world->random, 10))
			tell_history(world, i);
	}
	layers_tell_by_totals(snapshot, facts);
	for (size_t i = 0; i < snapshot->n_images; i++)
		if (snapshot->images[i].layered != FACT_KNOWN)
			tell_history(world, i);
}

static void begin(struct world *world, uint64_t seed)
{
	*world = (struct world){ .seed = seed, .random = { seed * 7919 + 1 } };
	world->whole.snapshot = snapshot_new();
	world->totals.snapshot = snapshot_new();
	add_layers(world);
	add_images(world);
	world->whole.snapshot->images = world->whole.images;
	world->totals.snapshot->images = world->totals.images;
	tell(world);
}

static void compare(struct world *world)
{
	struct snapshot *whole = world->whole.snapshot, *totals = world->totals.snapshot;
	struct layer_graph *ours = layers_new(totals->arena, totals, NULL);
	struct layer_graph *theirs = layers_new(whole->arena, whole, NULL);

	for (size_t i = 0; i < whole->n_images; i++)
		check(world, layers_total(ours, i) == layers_total(theirs, i));
	for (size_t i = 0; i < whole->n_images; i++) {
		struct freed freed;

		if (chance(&world->random, 40))
			continue;
		freed = layers_release(ours, i);
		check(world, !freed.unknown);
		check(world, freed.bytes == layers_release(theirs, i).bytes);
	}
}

static void try_world(uint64_t seed)
{
	struct world world;

	begin(&world, seed);
	compare(&world);
	snapshot_free(world.whole.snapshot);
	snapshot_free(world.totals.snapshot);
}

static void what_images_share_is_told_by_their_sizes(void **state _unused_)
{
	try_seeds(WORLDS, try_world);
}

/* base of 10, left and right of 5 and 7 more, told so far by nobody */
struct small {
	struct snapshot *snapshot;
	struct layer *base, *middle;
	struct image images[3];
};

static void small_begin(struct small *small)
{
	*small = (struct small){ .snapshot = snapshot_new() };
	small->base = layer_get(small->snapshot, NULL, "base");
	small->middle = layer_get(small->snapshot, small->base, "middle");
	small->images[0].top = layer_get(small->snapshot, small->middle, "left");
	small->images[0].size = 15;
	small->images[1].top = layer_get(small->snapshot, small->middle, "right");
	small->images[1].size = 17;
	small->images[2].top = small->middle;
	small->images[2].size = 10;
	small->snapshot->images = small->images;
	small->snapshot->n_images = 3;
	for (size_t i = 0; i < 3; i++)
		small->images[i].inspected = FACT_KNOWN;
}

static const unsigned all[] = { NEED_LAYERS, NEED_LAYERS, NEED_LAYERS };

static void only_what_the_sizes_tell_needs_no_history(void **state _unused_)
{
	static const struct {
		size_t n;	      /* images */
		int64_t left, middle; /* sizes */
		enum fact third;      /* inspected */
		enum fact is[3];      /* layered */
	} rows[] = {
		{ 3, 15, 10, FACT_KNOWN, { FACT_KNOWN, FACT_KNOWN, FACT_KNOWN } },
		/* where the two part there is no image */
		{ 2, 15, 10, FACT_KNOWN, { FACT_NOT_ASKED, FACT_NOT_ASKED, FACT_NOT_ASKED } },
		{ 1, 15, 10, FACT_KNOWN, { FACT_KNOWN, FACT_NOT_ASKED, FACT_NOT_ASKED } },
		/* smaller than what it is built on */
		{ 3, 9, 10, FACT_KNOWN, { FACT_NOT_ASKED, FACT_KNOWN, FACT_KNOWN } },
		{ 3, -1, 10, FACT_KNOWN, { FACT_NOT_ASKED, FACT_KNOWN, FACT_KNOWN } },
		{ 3, 15, -1, FACT_KNOWN, { FACT_NOT_ASKED, FACT_NOT_ASKED, FACT_NOT_ASKED } },
		/* one that was not looked at may part from them anywhere */
		{ 3,
		  15,
		  10,
		  FACT_NOT_ASKED,
		  { FACT_NOT_ASKED, FACT_NOT_ASKED, FACT_NOT_ASKED } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct small small;

		small_begin(&small);
		small.snapshot->n_images = rows[i].n;
		small.images[0].size = rows[i].left;
		small.images[2].size = rows[i].middle;
		small.images[2].inspected = rows[i].third;
		layers_tell_by_totals(small.snapshot, all);
		for (size_t k = 0; k < 3; k++)
			if (small.images[k].layered != rows[i].is[k])
				fail_msg("row %zu, image %zu", i, k);
		snapshot_free(small.snapshot);
	}
}

static void two_images_of_the_same_layers_must_agree(void **state _unused_)
{
	struct small small;

	small_begin(&small);
	small.images[1].top = small.images[0].top;
	layers_tell_by_totals(small.snapshot, all);
	assert_int_equal(small.images[0].layered, FACT_NOT_ASKED);
	assert_int_equal(small.images[1].layered, FACT_NOT_ASKED);
	snapshot_free(small.snapshot);
}

static void what_a_history_tells_goes_before_sums(void **state _unused_)
{
	struct small small;

	small_begin(&small);
	layers_tell_by_totals(small.snapshot, all);
	assert_int_equal(small.middle->size + small.base->size, 10);
	layer_tell_size(small.middle, 3, false);
	layer_tell_size(small.base, 7, false);
	assert_int_equal(small.middle->size, 3);
	assert_int_equal(small.base->size, 7);
	assert_false(small.base->disputed);
	layer_stand_for(small.middle, NULL, 10);
	assert_int_equal(small.middle->size, 3);
	layer_tell_size(small.base, 8, false);
	assert_true(small.base->disputed);
	layer_stand_for(small.base, NULL, 10);
	assert_int_equal(small.base->size, -1);
	snapshot_free(small.snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_images_share_is_told_by_their_sizes),
		cmocka_unit_test(only_what_the_sizes_tell_needs_no_history),
		cmocka_unit_test(two_images_of_the_same_layers_must_agree),
		cmocka_unit_test(what_a_history_tells_goes_before_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
