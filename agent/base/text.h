#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/mem.h"

/* Names, labels and tags come from strangers. Anything of theirs that is shown goes through
 * here. */

/* A copy, to be freed, in which control characters (C0, DEL, C1), marks that reorder text
 * (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069) and bytes that are not UTF-8 stand as
 * \n, \t, \xNN or \u{NNNN}, and a backslash as \\. */
char *text_escape(const char *text);

/* The same, but a backslash stays itself: for whole lines, in which names are escaped already.
 */
char *text_clean(const char *text);

/* Length in bytes of the UTF-8 character at text, 0 if there is none (invalid, overlong,
 * surrogate or cut short by NUL). ret_code_point may be NULL. */
size_t text_utf8_length(const char *text, unsigned *ret_code_point);

bool text_is_utf8(const char *text);

/* The candidate nearest to word by edit distance, or NULL if none is near enough to be what was
 * meant. */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

/* " (did you mean 'NEAREST'?)", nothing for NULL. To be freed. */
char *text_suggest(const char *nearest);

bool text_starts_with(const char *text, const char *prefix);
