#include "cmd/containers.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct known {
	const char *id, *image; /* in text */
	char text[];
};

struct containers {
	void *now;    /* a tree: of the last list, and what came since */
	void *before; /* the same at the time of that list */
};

static int compare(const void *a, const void *b)
{
	const struct known *left = a, *right = b;

	return strcmp(left->id, right->id);
}

struct containers *containers_new(void)
{
	return mem_zalloc(1, sizeof(struct containers));
}

void containers_free(struct containers *containers)
{
	if (!containers)
		return;
	tdestroy(containers->now, free);
	tdestroy(containers->before, free);
	free(containers);
}

static struct known *find(void *const *tree, const char *id)
{
	const struct known key = { .id = id };
	void *node = tfind(&key, tree, compare);

	return node ? *(struct known **)node : NULL;
}

bool containers_find(const struct containers *containers, const char *id,
		     const char **ret_image)
{
	const struct known *known = find(&containers->now, id);

	if (!known)
		known = find(&containers->before, id);
	if (known)
		*ret_image = known->image;
	return known != NULL;
}

void containers_add(struct containers *containers, const char *id, const char *image)
{
	size_t length = strlen(id) + 1;
	struct known *known =
		mem_zalloc(1, sizeof(*known) + length + (image ? strlen(image) + 1 : 0));

	known->id = strcpy(known->text, id);
	if (image)
		known->image = strcpy(known->text + length, image);
	if (!tsearch(known, &containers->now, compare))
		mem_die();
}

static void remove_from(void **tree, const char *id)
{
	struct known *known = find(tree, id);

	if (known)
		tdelete(known, tree, compare);
	free(known);
}

void containers_remove(struct containers *containers, const char *id)
{
	remove_from(&containers->now, id);
	remove_from(&containers->before, id);
}

void containers_take(struct containers *containers, const struct snapshot *snapshot)
{
	if (snapshot->listing[KIND_CONTAINER] != LISTING_READ)
		return;
	tdestroy(containers->before, free);
	containers->before = take(containers->now);
	for (size_t i = 0; i < snapshot->n_containers; i++)
		containers_add(containers, snapshot->containers[i].id,
			       snapshot->containers[i].image_id);
}
