#include "state/list.h"

#include <string.h>

const struct memory memory_nothing = {
	.first_seen = TIME_UNKNOWN,
	.untagged_since = TIME_UNKNOWN,
	.last_used = TIME_UNKNOWN,
	.preserved_at = TIME_UNKNOWN,
	.pulled = TIME_UNKNOWN,
};

static const struct {
	enum kind kind;
	size_t items, n, size, memory;
} lists[] = {
	{ KIND_CONTAINER, offsetof(struct snapshot, containers),
	  offsetof(struct snapshot, n_containers), sizeof(struct container),
	  offsetof(struct container, memory) },
	{ KIND_IMAGE, offsetof(struct snapshot, images), offsetof(struct snapshot, n_images),
	  sizeof(struct image), offsetof(struct image, memory) },
	{ KIND_VOLUME, offsetof(struct snapshot, volumes), offsetof(struct snapshot, n_volumes),
	  sizeof(struct volume), offsetof(struct volume, memory) },
	{ KIND_NETWORK, offsetof(struct snapshot, networks),
	  offsetof(struct snapshot, n_networks), sizeof(struct network),
	  offsetof(struct network, memory) },
};
_Static_assert(ARRAY_SIZE(lists) == LISTS, "a row per kind with a memory");

struct list list_get(const struct snapshot *snapshot, size_t index)
{
	const char *bytes = (const char *)snapshot;
	struct list list = {
		.kind = lists[index].kind,
		.state = snapshot->listing[lists[index].kind],
		.size = lists[index].size,
		.memory_offset = lists[index].memory,
	};

	memcpy(&list.items, bytes + lists[index].items, sizeof(list.items));
	memcpy(&list.n, bytes + lists[index].n, sizeof(list.n));
	return list;
}

/* Every object starts with the string that identifies it: model/snapshot.c asserts it. */
const char *list_id(const struct list *list, size_t index)
{
	const char *id;

	memcpy(&id, list->items + index * list->size, sizeof(id));
	return id;
}

struct memory *list_memory(const struct list *list, size_t index)
{
	return (struct memory *)(void *)(list->items + index * list->size +
					 list->memory_offset);
}

size_t list_find(const struct list *list, const char *id)
{
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = strcmp(list_id(list, middle), id);

		if (r == 0)
			return middle;
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return list->n;
}

struct volume *list_volume(const struct list *list, size_t index)
{
	if (list->kind != KIND_VOLUME)
		return NULL;
	return &((struct volume *)(void *)list->items)[index];
}

int64_t list_created(const struct list *list, size_t index)
{
	const struct volume *volume = list_volume(list, index);

	return volume ? volume->created : TIME_UNKNOWN;
}
