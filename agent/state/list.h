#pragma once

#include "model/snapshot.h"

/* The snapshot's lists of what has a memory, seen alike. */

struct list {
	enum kind kind;
	enum listing_state state;
	char *items;
	size_t n, size, memory_offset;
};

#define LISTS 4

/* What is remembered of an object that was never seen. */
extern const struct memory memory_nothing;

/* In the order containers, images, volumes, networks. */
struct list list_get(const struct snapshot *snapshot, size_t index);

const char *list_id(const struct list *list, size_t index);
struct memory *list_memory(const struct list *list, size_t index);

/* The index of the object with that ID; n if there is none. */
size_t list_find(const struct list *list, const char *id);

/* NULL if the list is none of volumes. */
struct volume *list_volume(const struct list *list, size_t index);

/* What tells an object from an earlier one of the same ID: a volume's time of creation, since
 * its ID is just a name. TIME_UNKNOWN for other kinds. */
int64_t list_created(const struct list *list, size_t index);
