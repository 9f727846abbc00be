#include "model/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* Every object starts with the string that identifies it, so one comparison serves all lists.
 */
_Static_assert(offsetof(struct container, id) == 0 && offsetof(struct image, id) == 0 &&
		       offsetof(struct volume, name) == 0 &&
		       offsetof(struct network, id) == 0 &&
		       offsetof(struct cache_record, id) == 0 &&
		       offsetof(struct swarm_use, name) == 0,
	       "the key comes first");

struct snapshot *snapshot_new(void)
{
	struct arena *arena = arena_new();
	struct snapshot *snapshot = arena_alloc(arena, sizeof(*snapshot));

	snapshot->arena = arena;
	snapshot->layers = intern_new(arena);
	snapshot->watched_from = snapshot->unwatched_from = TIME_UNKNOWN;
	return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	problems_clear(&snapshot->problems);
	intern_free(snapshot->layers);
	arena_free(snapshot->arena);
}

static const char *key_of(const void *object)
{
	return *(const char *const *)object;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(key_of(a), key_of(b));
}

static void sort(void *items, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	if (n > 1)
		qsort(items, n, size, compare);
}

static void seal_list(struct snapshot *snapshot, enum kind kind, void *items, size_t n,
		      size_t size)
{
	const char *bytes = items;

	sort(items, n, size, compare_keys);
	for (size_t i = 1; i < n; i++) {
		if (compare_keys(bytes + (i - 1) * size, bytes + i * size) != 0)
			continue;
		snapshot->listing[kind] = LISTING_FAILED;
		problems_add(&snapshot->problems, "the list of %s has the ID %s twice",
			     kind_to_plural(kind), key_of(bytes + i * size));
		return;
	}
}

static int compare_uses(const void *a, const void *b)
{
	const struct swarm_use *left = a, *right = b;
	int r = strcmp(left->name, right->name);

	return r != 0 ? r : strcmp(left->by, right->by);
}

static void seal_uses(struct swarm_uses *uses)
{
	size_t kept = 0;

	sort(uses->v, uses->n, sizeof(*uses->v), compare_uses);
	for (size_t i = 0; i < uses->n; i++)
		if (kept == 0 || strcmp(uses->v[kept - 1].name, uses->v[i].name) != 0)
			uses->v[kept++] = uses->v[i];
	uses->n = kept;
}

void snapshot_seal(struct snapshot *snapshot)
{
	seal_uses(&snapshot->swarm.images);
	seal_uses(&snapshot->swarm.image_ids);
	seal_uses(&snapshot->swarm.volumes);
	seal_uses(&snapshot->swarm.networks);
	for (size_t i = 0; i < snapshot->n_images; i++) {
		struct image *image = &snapshot->images[i];

		image->n_tags = reference_sort(image->tags, image->n_tags);
		image->n_digests = reference_sort(image->digests, image->n_digests);
	}
	seal_list(snapshot, KIND_CONTAINER, snapshot->containers, snapshot->n_containers,
		  sizeof(*snapshot->containers));
	seal_list(snapshot, KIND_IMAGE, snapshot->images, snapshot->n_images,
		  sizeof(*snapshot->images));
	seal_list(snapshot, KIND_VOLUME, snapshot->volumes, snapshot->n_volumes,
		  sizeof(*snapshot->volumes));
	seal_list(snapshot, KIND_NETWORK, snapshot->networks, snapshot->n_networks,
		  sizeof(*snapshot->networks));
	seal_list(snapshot, KIND_BUILD_CACHE, snapshot->cache, snapshot->n_cache,
		  sizeof(*snapshot->cache));
}

static void *find(const char *key, void *items, size_t n, size_t size)
{
	return n > 0 ? bsearch(&key, items, n, size, compare_keys) : NULL;
}

struct container *snapshot_container(const struct snapshot *snapshot, const char *id)
{
	return find(id, snapshot->containers, snapshot->n_containers, sizeof(struct container));
}

struct image *snapshot_image(const struct snapshot *snapshot, const char *id)
{
	return find(id, snapshot->images, snapshot->n_images, sizeof(struct image));
}

struct volume *snapshot_volume(const struct snapshot *snapshot, const char *name)
{
	return find(name, snapshot->volumes, snapshot->n_volumes, sizeof(struct volume));
}

struct network *snapshot_network(const struct snapshot *snapshot, const char *id)
{
	return find(id, snapshot->networks, snapshot->n_networks, sizeof(struct network));
}

const char *swarm_user(const struct swarm_uses *uses, const char *name)
{
	const struct swarm_use *use = find(name, uses->v, uses->n, sizeof(*uses->v));

	return use ? use->by : NULL;
}

const char *container_name(const struct container *container)
{
	return container->names.n > 0 ? container->names.v[0] : container->id;
}

bool strings_contain(const struct strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->n; i++)
		if (strcmp(strings->v[i], text) == 0)
			return true;
	return false;
}
