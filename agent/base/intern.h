#pragma once

#include <stddef.h>

#include "base/arena.h"

/* Equal strings once: image names, label keys, states come a hundred thousand times. */

struct intern;

struct interned {
	const char *text; /* in the arena */
	size_t length;
	void *value;   /* the owner's to set, NULL at first */
	size_t number; /* counts from 0 in the order of first sight */
};

struct intern *intern_new(struct arena *arena);

/* Frees the table; the strings stay in the arena. NULL is fine. */
void intern_free(struct intern *intern);
DEFINE_CLEANUP(struct intern *, intern_free, intern_free)

/* Never NULL; valid as long as the table. */
struct interned *intern_get(struct intern *intern, const char *text, size_t length);

const char *intern_text(struct intern *intern, const char *text);
