#include "plan/heap.h"

#include <stdlib.h>

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
	if (a->first != b->first)
		return a->first < b->first;
	if (a->second != b->second)
		return a->second < b->second;
	return a->object < b->object;
}

static void swap(struct heap_entry *a, struct heap_entry *b)
{
	struct heap_entry old = *a;

	*a = *b;
	*b = old;
}

void heap_push(struct heap *heap, struct heap_entry entry)
{
	size_t at = heap->n;

	heap->v = mem_grow(heap->v, heap->n, sizeof(*heap->v));
	heap->v[heap->n++] = entry;
	for (; at > 0 && before(&heap->v[at], &heap->v[(at - 1) / 2]); at = (at - 1) / 2)
		swap(&heap->v[at], &heap->v[(at - 1) / 2]);
}

bool heap_pop(struct heap *heap, struct heap_entry *ret)
{
	size_t at = 0;

	if (heap->n == 0)
		return false;
	*ret = heap->v[0];
	heap->v[0] = heap->v[--heap->n];
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < heap->n && before(&heap->v[child + 1], &heap->v[child]))
			child++;
		if (child >= heap->n || !before(&heap->v[child], &heap->v[at]))
			return true;
		swap(&heap->v[child], &heap->v[at]);
		at = child;
	}
}

void heap_clear(struct heap *heap)
{
	free(heap->v);
	*heap = (struct heap){ 0 };
}
