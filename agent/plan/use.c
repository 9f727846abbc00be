#include "plan/use.h"

#include <stdlib.h>
#include <string.h>

/* Containers by the image they use, and by the name they were created from. */

struct use {
	const char *key;
	const struct container *container;
};

struct users {
	struct use *by_id, *by_name;
	size_t n_ids, n_names;
	const struct container **mounting; /* images */
	size_t n_mounting;
};

static int compare_uses(const void *a, const void *b)
{
	const struct use *left = a, *right = b;
	int r = strcmp(left->key, right->key);

	/* Among several users the first by ID is named, whatever order the list came in. */
	return r != 0 ? r : strcmp(left->container->id, right->container->id);
}

static void sort(struct use *uses, size_t n)
{
	if (n > 1)
		qsort(uses, n, sizeof(*uses), compare_uses);
}

struct users *users_new(struct arena *arena, const struct snapshot *snapshot,
			bool (*leaves)(const struct container *container, void *data),
			void *data)
{
	struct users *users = arena_alloc(arena, sizeof(*users));

	users->by_id = arena_array(arena, snapshot->n_containers, sizeof(*users->by_id));
	users->by_name = arena_array(arena, snapshot->n_containers, sizeof(*users->by_name));
	users->mounting = arena_array(arena, snapshot->n_containers, sizeof(*users->mounting));
	for (size_t i = 0; i < snapshot->n_containers; i++) {
		const struct container *container = &snapshot->containers[i];

		if (container->mounted.n > 0)
			users->mounting[users->n_mounting++] = container;
		if (leaves && leaves(container, data))
			continue;
		if (container->image_id)
			users->by_id[users->n_ids++] =
				(struct use){ container->image_id, container };
		if (container->image_name)
			users->by_name[users->n_names++] =
				(struct use){ container->image_name->full, container };
	}
	sort(users->by_id, users->n_ids);
	sort(users->by_name, users->n_names);
	return users;
}

/* Index of the first use of the key, or of where it would be. */
static size_t lower_bound(const struct use *uses, size_t n, const char *key)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(uses[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct container *find(const struct use *uses, size_t n, const char *key)
{
	size_t i = lower_bound(uses, n, key);

	return i < n && strcmp(uses[i].key, key) == 0 ? uses[i].container : NULL;
}

/* By a name or an ID. */
static const struct container *find_mounting(const struct users *users, const char *key)
{
	for (size_t i = 0; i < users->n_mounting; i++)
		if (pins_find(&users->mounting[i]->mounted, &key, 1))
			return users->mounting[i];
	return NULL;
}

const struct container *users_of_image(const struct users *users, const struct image *image)
{
	const struct container *user = find(users->by_id, users->n_ids, image->id);

	return user ? user : find_mounting(users, image->id);
}

const struct container *users_of_name(const struct users *users, const struct reference *name)
{
	const struct container *user = find(users->by_name, users->n_names, name->full);

	return user ? user : find_mounting(users, name->full);
}

const struct container *users_of_any(const struct users *users, const struct image *image)
{
	const struct container *user = users_of_image(users, image);

	for (size_t i = 0; !user && i < image->n_tags; i++)
		user = users_of_name(users, &image->tags[i]);
	for (size_t i = 0; !user && i < image->n_digests; i++)
		user = users_of_name(users, &image->digests[i]);
	return user;
}

size_t users_count(const struct users *users, const struct image *image)
{
	size_t first = lower_bound(users->by_id, users->n_ids, image->id), i = first;

	while (i < users->n_ids && strcmp(users->by_id[i].key, image->id) == 0)
		i++;
	return i - first;
}

static const char *hex_of(const char *id)
{
	const char *colon = strchr(id, ':');

	return colon ? colon + 1 : id;
}

/* An ID may be short. */
static const char *named_by_id(const struct swarm *swarm, const struct image *image)
{
	const char *hex = hex_of(image->id);

	for (size_t i = 0; i < swarm->image_ids.n; i++) {
		const char *wanted = hex_of(swarm->image_ids.v[i].name);

		if (strncmp(hex, wanted, strlen(wanted)) == 0)
			return swarm->image_ids.v[i].by;
	}
	return NULL;
}

const char *users_in_swarm(const struct swarm *swarm, const struct image *image,
			   const struct reference *name)
{
	const char *user = named_by_id(swarm, image);

	if (!user && name)
		user = swarm_user(&swarm->images, name->full);
	for (size_t i = 0; !user && !name && i < image->n_tags; i++)
		user = swarm_user(&swarm->images, image->tags[i].full);
	for (size_t i = 0; !user && i < image->n_digests; i++)
		user = swarm_user(&swarm->images, image->digests[i].full);
	return user;
}
