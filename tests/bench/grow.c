#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "plan/plan.h"

/* grow SETTINGS POLICY SHAPE N: plans a world of N objects of that shape, all facts known. How
 * the instructions of plan_build() grow with N is measured from outside. */

#define NOW 1700000000
#define LAYERS 127

struct world {
	struct arena *arena;
	struct snapshot *snapshot;
	uint64_t random;
};

/* splitmix64: the same world each time. */
static uint64_t random_next(struct world *world)
{
	uint64_t x = world->random += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static const char *random_id(struct world *world)
{
	return arena_printf(world->arena, "sha256:%016jx%016jx%016jx%016jx",
			    (uintmax_t)random_next(world), (uintmax_t)random_next(world),
			    (uintmax_t)random_next(world), (uintmax_t)random_next(world));
}

static int64_t random_time(struct world *world)
{
	return NOW - (int64_t)(random_next(world) % (90 * 86400));
}

static struct memory memory_at(int64_t at)
{
	return (struct memory){ .first_seen = at,
				.untagged_since = at,
				.last_used = TIME_UNKNOWN,
				.seen_tagged = true };
}

static struct image *add_image(struct world *world)
{
	struct image *image = &world->snapshot->images[world->snapshot->n_images++];
	int64_t at = random_time(world);

	*image = (struct image){
		.id = random_id(world),
		.created = at,
		.size = 1000,
		.containers = -1,
		.inspected = FACT_KNOWN,
		.last_tagged = at,
		.layered = FACT_KNOWN,
		.memory = memory_at(at),
	};
	return image;
}

static void add_tags(struct world *world, struct image *image, size_t n, size_t repository)
{
	image->tags = arena_array(world->arena, n, sizeof(*image->tags));
	for (size_t i = 0; i < n; i++) {
		const char *name = arena_printf(
			world->arena, "registry.example.com/team/app-%zu:1.%u.%zu", repository,
			(unsigned)random_next(world) % 100, world->snapshot->n_images + i);

		if (!reference_parse(world->arena, name, &image->tags[image->n_tags++]))
			abort();
	}
	image->n_tags = reference_sort(image->tags, image->n_tags);
}

static void add_container(struct world *world, const struct image *image)
{
	struct container *container =
		&world->snapshot->containers[world->snapshot->n_containers++];
	int64_t at = random_time(world);

	*container = (struct container){
		.id = random_id(world) + strlen("sha256:"),
		.image_id = image->id,
		.image = image->n_tags > 0 ? image->tags[0].raw : image->id,
		.image_name = image->n_tags > 0 ? &image->tags[0] : NULL,
		.state = STATE_EXITED,
		.state_name = "exited",
		.created = at,
		.inspected = FACT_KNOWN,
		.started = at,
		.finished = at,
		.restart_policy = "no",
		.sized = FACT_KNOWN,
		.size = 10,
		.memory = memory_at(at),
	};
}

/* Half images, a fifth of them without a name, half containers. */
static void usual(struct world *world, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct image *image = add_image(world);

		if (i % 5 > 0)
			add_tags(world, image, 1, (size_t)random_next(world) % (n / 50 + 1));
	}
	for (size_t i = 0; i < n / 2; i++)
		add_container(world, &world->snapshot->images[random_next(world) % (n / 2)]);
}

/* Each image was run once, by the same service. */
static void one_service(struct world *world, size_t n)
{
	static struct label labels[] = { { "com.docker.compose.project", "shop" },
					 { "com.docker.compose.service", "web" } };

	for (size_t i = 0; i < n / 2; i++) {
		struct image *image = add_image(world);

		add_tags(world, image, 1, i);
		add_container(world, image);
		world->snapshot->containers[i].labels =
			(struct labels){ labels, ARRAY_SIZE(labels) };
	}
}

static void one_group(struct world *world, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_tags(world, add_image(world), 1, 0);
}

static void own_groups(struct world *world, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_tags(world, add_image(world), 1, i);
}

static void tags_of_one(struct world *world, size_t n)
{
	add_tags(world, add_image(world), n, 0);
}

static void parents(struct world *world, size_t n)
{
	const char *parent = NULL;

	for (size_t i = 0; i < n; i++) {
		struct image *image = add_image(world);

		image->parent = parent;
		parent = image->id;
	}
}

static void shared_layers(struct world *world, size_t n)
{
	struct layer *top = NULL;

	for (size_t i = 0; i < LAYERS; i++) {
		top = layer_get(world->snapshot, top, random_id(world));
		layer_tell_size(top, 100, false);
	}
	for (size_t i = 0; i < n; i++) {
		struct image *image = add_image(world);

		image->top = top;
		add_tags(world, image, 1, i);
	}
}

static const struct {
	const char *name;
	void (*fill)(struct world *world, size_t n);
} shapes[] = {
	{ "usual", usual },
	{ "one-service", one_service },
	{ "one-group", one_group },
	{ "own-groups", own_groups },
	{ "tags-of-one", tags_of_one },
	{ "parents", parents },
	{ "shared-layers", shared_layers },
};

static void fill(struct world *world, const char *shape, size_t n)
{
	struct snapshot *snapshot = world->snapshot;

	snapshot->containers = arena_array(world->arena, n, sizeof(*snapshot->containers));
	snapshot->images = arena_array(world->arena, n, sizeof(*snapshot->images));
	snapshot->listing[KIND_CONTAINER] = snapshot->listing[KIND_IMAGE] =
		snapshot->listing[KIND_TAG] = LISTING_READ;
	snapshot->remembers = true;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		if (strcmp(shapes[i].name, shape) == 0)
			shapes[i].fill(world, n);
	snapshot_seal(snapshot);
}

static int load(struct arena *arena, const char *settings, const char *policy,
		struct conf *conf)
{
	const struct conf_request request = { .config_file = settings,
					      .policies = &policy,
					      .n_policies = 1 };
	struct problems problems = { 0 };
	int r = conf_load(arena, &request, conf, &problems);

	for (size_t i = 0; i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.texts[i]);
	problems_clear(&problems);
	return r;
}

int main(int argc, char **argv)
{
	struct world world = { .arena = arena_new(), .snapshot = snapshot_new() };
	struct conf conf = { 0 };
	const struct plan *plan;

	if (argc != 5 || load(world.arena, argv[1], argv[2], &conf) < 0)
		return 2;
	fill(&world, argv[3], strtoul(argv[4], NULL, 10));
	plan = plan_build(world.arena, &(struct plan_input){ .rules = &conf.rules,
							     .settings = &conf.settings,
							     .snapshot = world.snapshot,
							     .now = NOW });
	printf("%zu rows, %zu go, %zu facts are missing\n", plan->n, plan->n_removals,
	       plan->n_needs);
	snapshot_free(world.snapshot);
	arena_free(world.arena);
	return 0;
}
