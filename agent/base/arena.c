#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define CHUNK_SIZE ((size_t)0)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHUNK_SIZE ((size_t)0)
#endif
#endif
#ifndef CHUNK_SIZE
#define CHUNK_SIZE ((size_t)64 * 1024)
#endif

struct chunk {
	struct chunk *next;
	size_t used, size;
	alignas(max_align_t) char data[];
};

struct adopted {
	struct adopted *next;
	void *items;
};

struct arena {
	struct chunk *chunks;
	struct adopted *adopted; /* lie in the chunks */
};

struct arena *arena_new(void)
{
	return mem_zalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
	struct chunk *next;

	if (!arena)
		return;
	for (struct adopted *adopted = arena->adopted; adopted; adopted = adopted->next)
		free(adopted->items);
	for (struct chunk *chunk = arena->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(arena);
}

static struct chunk *chunk_add(struct arena *arena, size_t size)
{
	struct chunk *chunk;

	if (size > SIZE_MAX - sizeof(*chunk))
		mem_die();
	chunk = mem_zalloc(1, sizeof(*chunk) + size);
	chunk->size = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

static void *chunk_take(struct arena *arena, size_t size, size_t alignment)
{
	struct chunk *chunk = arena->chunks;
	size_t start = chunk ? (chunk->used + alignment - 1) & ~(alignment - 1) : 0;

	if (!chunk || start > chunk->size || size > chunk->size - start) {
		chunk = chunk_add(arena, size > CHUNK_SIZE ? size : CHUNK_SIZE);
		start = 0;
	}
	chunk->used = start + size;
	return chunk->data + start;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return chunk_take(arena, size, alignof(max_align_t));
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size > 0 && count > SIZE_MAX / size)
		mem_die();
	return arena_alloc(arena, count * size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = chunk_take(arena, length + 1, 1);

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = mem_vprintf(format, args);
	va_end(args);
	return arena_strdup(arena, text);
}

void *arena_adopt(struct arena *arena, void *items, size_t n, size_t size)
{
	struct adopted *adopted;
	void *trimmed;

	if (n == 0) {
		free(items);
		return NULL;
	}
	trimmed = realloc(items, n * size);
	if (!trimmed)
		mem_die();
	adopted = arena_alloc(arena, sizeof(*adopted));
	*adopted = (struct adopted){ arena->adopted, trimmed };
	arena->adopted = adopted;
	return trimmed;
}
