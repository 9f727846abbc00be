#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* The name of an image, taken apart as distribution's reference grammar has it. */
struct reference {
	const char *raw;	/* as the engine spells it: what a request must name */
	const char *repository; /* full: "docker.io/library/redis", "localhost:5000/app" */
	const char *familiar;	/* short: "redis", "localhost:5000/app" */
	const char *tag;	/* NULL if there is none */
	const char *digest;	/* "sha256:…", NULL if there is none */
	const char *full;	/* repository with tag and digest */
	const char *short_name; /* familiar with tag and digest */
};

/* Takes raw apart; all strings lie in the arena. "redis", "library/redis" and
 * "docker.io/library/redis" give the same repository. With neither tag nor digest the tag stays
 * NULL. False if raw is no reference: an ID ("sha256:…" or 64 hex digits) or against the
 * grammar. */
bool reference_parse(struct arena *arena, const char *raw, struct reference *ret);

/* Like reference_parse(), but without tag and digest the tag is "latest": what the name of a
 * container's image means. */
bool reference_parse_default(struct arena *arena, const char *raw, struct reference *ret);

/* Same repository, tag and digest. */
bool reference_equal(const struct reference *a, const struct reference *b);

/* Sorts by full name and drops what stands there twice (Podman names a digest among the tags
 * and among the digests); returns how many are left. */
size_t reference_sort(struct reference *references, size_t n);

/* Whether one of those is the same; they are sorted as reference_sort() does. */
bool reference_is_among(const struct reference *references, size_t n,
			const struct reference *reference);

/* "sha256:…" (or any algorithm), or 12 to 64 hex digits and nothing else. */
bool reference_is_id(const char *raw);
