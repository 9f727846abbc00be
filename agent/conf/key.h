#pragma once

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "conf/rule.h"

/* One row per key drives parsing, show-config and the man page. */

enum key_type {
	KEY_DURATION, /* int64_t, seconds */
	KEY_NUMBER,   /* int64_t */
	KEY_BYTES,    /* int64_t */
	KEY_FLAG,     /* bool: yes, no */
	KEY_CHOICE,   /* an enum: index into choices */
	KEY_GROUP,    /* enum group_by; label:KEY fills the const char * behind it */
	KEY_STATES,   /* unsigned, a bit per enum container_state */
	KEY_PATTERNS, /* struct patterns */
	KEY_LABELS,   /* struct patterns over labels */
	KEY_RANGES,   /* struct ranges */
	KEY_LIMIT,    /* struct limit */
	KEY_USAGE,    /* struct usage */
	KEY_HOST,     /* const char *, unix:///PATH */
	KEY_PATH,     /* const char *, absolute */
	KEY_TEMPLATE, /* const char *, as template_check() wants it */
};

struct key {
	const char *name;
	enum key_type type;
	size_t offset;		    /* of the field in the struct that the table fills */
	int64_t min, max;	    /* numbers, durations, sizes; max of choices: a bit
				     * for each that may be written, 0: all may */
	const char *const *choices; /* NULL-terminated */
	const char *fallback;	    /* the default, in file syntax; NULL: none, the text says */
	unsigned kinds;		    /* policies: a bit per enum kind that takes it */
	const char *doc;
};

/* Parses text into the field of base. Types that hold lists append. */
_must_check_ int key_parse(const struct key *key, void *base, const char *text,
			   struct arena *arena, struct err *err);

/* Whether repeating the key in one section adds to its list. */
bool key_is_list(const struct key *key);

/* The field's value in file syntax: key_parse() reads it back. Nothing for an empty list. */
void key_format(const struct key *key, const void *base, FILE *out);

/* The field as "NAME = VALUE" in lines that a file may have: a long list in several. */
void key_dump(const struct key *key, const void *base, FILE *out);

/* The row with that name, or NULL. */
const struct key *key_find(const struct key *keys, size_t n, const char *name);

/* The row that an unknown name was meant to be, or NULL, among the keys that one of these kinds
 * takes (a bit per enum kind); keys that have no kinds are always among them. */
const struct key *key_nearest(const struct key *keys, size_t n, unsigned kinds,
			      const char *name);

/* "unknown key 'keep-lasst' (did you mean 'keep-last'?)"; nearest may be NULL. To be freed. */
char *key_unknown(const char *name, const struct key *nearest);

/* One entry of the man page (roff). */
void key_document(const struct key *key, FILE *out);
