#pragma once

#include <stddef.h>

#include "base/mem.h"

/* Memory that lives until the whole run is over: snapshot, policies, plan. One free for all of
 * it. Under AddressSanitizer every object is an allocation of its own, so that an overrun is
 * seen. */

struct arena;

struct arena *arena_new(void);

/* Releases the arena and everything in it; NULL is fine. */
void arena_free(struct arena *arena);
DEFINE_CLEANUP(struct arena *, arena_free, arena_free)

/* Zeroed, aligned for any type, never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);

/* Copies into the arena. arena_strdup(NULL) is NULL. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) _printf_(2, 3);

/* An array that grew by mem_grow() moves into the arena; items is freed. Returns NULL for n ==
 * 0. */
void *arena_adopt(struct arena *arena, void *items, size_t n, size_t size);
