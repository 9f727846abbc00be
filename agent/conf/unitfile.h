#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

/* Files as systemd writes them, read as Quadlet reads them: [SECTION], KEY=VALUE, comments of
 * "#" and ";", a "\" at the end of a line that goes on in the next. */

struct assignment {
	const char *section, *key;
	const char *value; /* without blanks around it, lines joined; "" takes back */
	const char *where; /* "FILE:LINE" */
};

struct assignments {
	struct assignment *v; /* to be freed */
	size_t n;
};

/* Appends what the file assigns. Without resets an empty assignment takes nothing back and is
 * left out. A link to /dev/null assigns nothing. A negative errno value with "FILE:LINE: …" if
 * it cannot be read or has a line that is nothing of the above; then nothing is appended. */
_must_check_ int unitfile_read(struct arena *arena, const char *path, bool resets,
			       struct assignments *assignments, struct err *err);

/* The word that text begins with, as systemd splits a command line: blanks between, quotes and
 * "\" taken off; moves text behind it. What a "\" escape stands for is left open: the word has
 * a "%?" there. NULL at the end. */
const char *unitfile_word(struct arena *arena, const char **text);
