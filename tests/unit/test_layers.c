#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "plan/layers.h"
#include "random.h"

/* Who holds which layer: random forests of layers and random holders, against plain loops that
 * share nothing with the graph. RECLAIMD_SEED names one world, to look at a failure. */

#define WORLDS 5000
#define IMAGES 10
#define LAYERS 24
#define STEPS 30

struct world {
	uint64_t seed;
	struct random random;
	struct snapshot *snapshot;
	struct layer *layers[LAYERS];
	struct image images[IMAGES];
	size_t holder_of[IMAGES];
	struct layer_graph *graph;
	bool released[IMAGES];
	struct freed
		told[IMAGES]; /* what each would free when it was last said to have changed */
	size_t n_told[IMAGES];
};

static void on_change(void *data, size_t holder)
{
	struct world *world = data;

	world->told[holder] = layers_marginal(world->graph, holder);
	world->n_told[holder]++;
}

/* Long trunks and many branches alike. */
static void add_layers(struct world *world)
{
	size_t n = pick(&world->random, LAYERS) + 1;

	for (size_t i = 0; i < n; i++) {
		size_t below = chance(&world->random, 50) ? i : pick(&world->random, LAYERS);
		char diff[16];

		snprintf(diff, sizeof(diff), "%zu", i);
		world->layers[i] = layer_get(
			world->snapshot,
			below > 0 && below <= i ? world->layers[below - 1] : NULL, diff);
		if (chance(&world->random, 80))
			layer_tell_size(world->layers[i], pick(&world->random, 5), false);
	}
	check(world, world->snapshot->n_layers == n);
}

static void add_images(struct world *world)
{
	unsigned n = pick(&world->random, IMAGES) + 1, n_holders = pick(&world->random, n) + 1;

	for (size_t i = 0; i < n; i++) {
		if (chance(&world->random, 90))
			world->images[i].top = world->layers[pick(
				&world->random, (unsigned)world->snapshot->n_layers)];
		world->holder_of[i] = pick(&world->random, (unsigned)n_holders);
	}
	world->snapshot->images = world->images;
	world->snapshot->n_images = n;
}

static void begin(struct world *world, uint64_t seed)
{
	bool alone;

	*world = (struct world){
		.seed = seed,
		.random = { seed * 7919 + 1 },
		.snapshot = snapshot_new(),
	};
	add_layers(world);
	add_images(world);
	alone = chance(&world->random, 30);
	for (size_t i = 0; alone && i < IMAGES; i++)
		world->holder_of[i] = i;
	world->graph = layers_new(world->snapshot->arena, world->snapshot,
				  alone ? NULL : world->holder_of);
	layers_watch(world->graph, on_change, world);
}

/* ---- plain loops ---- */

static bool has(const struct world *world, size_t holder, const struct layer *layer)
{
	for (size_t i = 0; i < world->snapshot->n_images; i++)
		for (const struct layer *of = world->images[i].top; of; of = of->below)
			if (world->holder_of[i] == holder && of == layer)
				return true;
	return false;
}

static bool others_hold(const struct world *world, size_t holder, const struct layer *layer)
{
	for (size_t i = 0; i < world->snapshot->n_images; i++)
		if (i != holder && !world->released[i] && has(world, i, layer))
			return true;
	return false;
}

struct sum {
	struct freed freed;
	size_t n;
};

static struct sum sum_of(const struct world *world, size_t holder, bool alone)
{
	struct sum sum = { 0 };

	for (size_t i = 0; i < world->snapshot->n_layers; i++) {
		const struct layer *layer = world->layers[i];

		if (!has(world, holder, layer) || (alone && others_hold(world, holder, layer)))
			continue;
		sum.n++;
		if (layer->size < 0)
			sum.freed.unknown++;
		else
			sum.freed.bytes += layer->size;
	}
	return sum;
}

static bool is(struct freed a, struct freed b)
{
	return a.bytes == b.bytes && a.unknown == b.unknown;
}

/* ---- what must hold ---- */

static void check_holders(const struct world *world)
{
	for (size_t i = 0; i < world->snapshot->n_images; i++) {
		struct freed total = sum_of(world, i, false).freed;

		check(world, layers_unknown(world->graph, i) == (total.unknown > 0));
		check(world,
		      layers_total(world->graph, i) == (total.unknown > 0 ? -1 : total.bytes));
		if (!world->released[i])
			check(world, is(layers_marginal(world->graph, i),
					sum_of(world, i, true).freed));
	}
}

/* Those that became the last to hold a layer are told, with all that they would free. */
static void check_told(const struct world *world, const struct sum *before)
{
	for (size_t i = 0; i < world->snapshot->n_images; i++) {
		struct sum now = sum_of(world, i, true);
		bool more = !world->released[i] && now.n > before[i].n;

		check(world, (world->n_told[i] > 0) == more);
		check(world, !more || is(world->told[i], now.freed));
	}
}

static void step(struct world *world)
{
	size_t n = world->snapshot->n_images, holder = pick(&world->random, (unsigned)n);
	struct sum before[IMAGES];
	struct freed freed;

	for (size_t i = 0; i < n; i++) {
		before[i] = sum_of(world, i, true);
		world->n_told[i] = 0;
	}
	world->released[holder] = !world->released[holder];
	freed = (world->released[holder] ? layers_release : layers_hold)(world->graph, holder);
	check(world, is(freed, before[holder].freed));
	check_holders(world);
	check_told(world, before);
}

static void check_world(uint64_t seed)
{
	struct world world;

	begin(&world, seed);
	check_holders(&world);
	for (size_t i = 0; i < STEPS; i++)
		step(&world);
	snapshot_free(world.snapshot);
}

static void each_layer_goes_with_the_last_of_its_holders(void **state _unused_)
{
	try_seeds(WORLDS, check_world);
}

/* Neither their depth nor their number is a matter: with both, walking to the lowest layer for
 * each would never end. */
static void what_stays_shared_is_not_walked(void **state _unused_)
{
	enum { DEPTH = 100000, MANY = 100000 };
	_cleanup_(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	struct layer_graph *graph;
	struct layer *top = NULL;

	for (size_t i = 0; i < DEPTH; i++) {
		top = layer_get(snapshot, top, "x");
		layer_tell_size(top, 1, false);
	}
	snapshot->images = arena_array(snapshot->arena, MANY, sizeof(*snapshot->images));
	snapshot->n_images = MANY;
	for (size_t i = 0; i < MANY; i++)
		snapshot->images[i].top = top;
	graph = layers_new(snapshot->arena, snapshot, NULL);
	for (size_t i = 1; i < MANY; i++)
		assert_int_equal(layers_release(graph, i).bytes, 0);
	assert_int_equal(layers_marginal(graph, 0).bytes, DEPTH);
	assert_int_equal(layers_release(graph, 0).bytes, DEPTH);
}

/* What no sum can hold is no number, and stays so whoever goes first. */
static void sums_do_not_overflow(void **state _unused_)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	struct layer *base = layer_get(snapshot, NULL, "base");
	struct layer *top = layer_get(snapshot, base, "top");
	struct image images[] = { { .top = top }, { .top = base } };
	struct layer_graph *graph;

	layer_tell_size(base, INT64_MAX - 1, false);
	layer_tell_size(top, 2, false);
	snapshot->images = images;
	snapshot->n_images = ARRAY_SIZE(images);
	graph = layers_new(snapshot->arena, snapshot, NULL);
	assert_int_equal(layers_total(graph, 0), -1);
	assert_int_equal(layers_release(graph, 1).unknown, 0);
	assert_int_equal(layers_marginal(graph, 0).bytes, 2);
	assert_int_equal(layers_marginal(graph, 0).unknown, 1);
	assert_int_equal(layers_hold(graph, 1).bytes, 0);
	assert_int_equal(layers_marginal(graph, 0).bytes, 2);
	assert_int_equal(layers_marginal(graph, 0).unknown, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_layer_goes_with_the_last_of_its_holders),
		cmocka_unit_test(what_stays_shared_is_not_walked),
		cmocka_unit_test(sums_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
