#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* What may go, the next on top. */

struct heap_entry {
	int64_t first, second; /* the smaller the sooner */
	size_t object;	       /* the same of equals */
	int64_t bytes;	       /* what it freed when it was put here */
};

struct heap {
	struct heap_entry *v;
	size_t n;
};

void heap_push(struct heap *heap, struct heap_entry entry);
bool heap_pop(struct heap *heap, struct heap_entry *ret);
void heap_clear(struct heap *heap);
