#include "base/intern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_AT_FIRST 64

struct intern {
	struct arena *arena;
	struct arena *entries;
	struct interned **slots; /* open addressing; a power of two, at most half full */
	size_t n_slots, n;
};

struct intern *intern_new(struct arena *arena)
{
	struct intern *intern = mem_zalloc(1, sizeof(*intern));

	intern->arena = arena;
	intern->entries = arena_new();
	intern->n_slots = SLOTS_AT_FIRST;
	intern->slots = mem_zalloc(intern->n_slots, sizeof(struct interned *));
	return intern;
}

void intern_free(struct intern *intern)
{
	if (!intern)
		return;
	arena_free(intern->entries);
	free(intern->slots);
	free(intern);
}

static uint64_t hash(const char *text, size_t length)
{
	uint64_t value = 0xcbf29ce484222325; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		value = (value ^ (unsigned char)text[i]) * 0x100000001b3;
	return value;
}

static struct interned **slot_for(struct intern *intern, const char *text, size_t length)
{
	size_t i = (size_t)hash(text, length) & (intern->n_slots - 1);

	while (intern->slots[i] && (intern->slots[i]->length != length ||
				    memcmp(intern->slots[i]->text, text, length) != 0))
		i = (i + 1) & (intern->n_slots - 1);
	return &intern->slots[i];
}

static void grow(struct intern *intern)
{
	struct interned **before = intern->slots;
	size_t n_before = intern->n_slots;

	intern->n_slots *= 2;
	intern->slots = mem_zalloc(intern->n_slots, sizeof(struct interned *));
	for (size_t i = 0; i < n_before; i++)
		if (before[i])
			*slot_for(intern, before[i]->text, before[i]->length) = before[i];
	free(before);
}

struct interned *intern_get(struct intern *intern, const char *text, size_t length)
{
	struct interned **slot = slot_for(intern, text, length), *entry = *slot;

	if (entry)
		return entry;
	entry = arena_alloc(intern->entries, sizeof(*entry));
	entry->text = arena_strndup(intern->arena, text, length);
	entry->length = length;
	entry->number = intern->n++;
	*slot = entry;
	if (intern->n * 2 > intern->n_slots)
		grow(intern);
	return entry;
}

const char *intern_text(struct intern *intern, const char *text)
{
	return intern_get(intern, text, strlen(text))->text;
}
