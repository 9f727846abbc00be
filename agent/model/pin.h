#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* Names that something outside the engine gives to objects, which are in use for that alone:
 * pinned.d, Quadlet files. */

struct pin {
	const char *glob;  /* fnmatch(3) without flags, so that "*" crosses "/" */
	const char *where; /* "FILE:LINE" or "FILE" */
};

struct pins {
	struct pin *v; /* in an arena */
	size_t n;
};

/* What one look at those places gave. */
struct pinned {
	struct pins images; /* of the full reference, or of the ID ("sha256:…*") */
	struct pins volumes, networks;
};

/* Appends; glob and where are the arena's. */
void pins_add(struct arena *arena, struct pins *pins, const char *glob, const char *where);

/* Appends all of more. */
void pins_append(struct arena *arena, struct pins *pins, const struct pins *more);

/* A glob that matches text and nothing else. */
const char *pin_literal(struct arena *arena, const char *text);

/* The globs of an image's name as a container's image may be spelt: the tag is "latest" if
 * there is neither tag nor digest, a name with both pins both. With any_registry a name without
 * one may be of any. False if raw is no reference. */
bool pins_add_image(struct arena *arena, struct pins *images, const char *raw,
		    bool any_registry, const char *where);

/* The same of what may be an ID, whole or its beginning, as well: digits alone may be both.
 * False if raw is neither. */
bool pins_add_image_or_id(struct arena *arena, struct pins *images, const char *raw,
			  const char *where);

/* The first pin that matches one of values, in which NULL is passed over; NULL: none does. */
const struct pin *pins_find(const struct pins *pins, const char *const *values, size_t n);
