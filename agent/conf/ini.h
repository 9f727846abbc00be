#pragma once

#include "base/err.h"
#include "conf/rule.h"

/* A strict reader over inih. inih (55, Debian 12) cuts long section names, parses the rest of a
 * long line as a line of its own, takes indented keys for continuations, ignores what follows
 * "]", and says nothing; so each line is checked before inih sees it, and refused instead. */

/* What inih 55 holds of a line, without its end. */
#define INI_LINE_LENGTH 198

struct ini_handler {
	/* A section begins. Returns false to have its keys passed over (the reason was told).
	 */
	bool (*section)(void *data, const char *name, struct origin at);
	/* The value may be empty. */
	void (*key)(void *data, const char *name, const char *value, struct origin at);
	/* A line of the section was refused: what it was to say is not known. May be NULL. */
	void (*refused)(void *data);
	void *data;
};

/* Reads the file whole. Every mistake becomes a line of problems, "FILE:LINE: …". The path
 * given to the handler in origin.file is `path` itself, not a copy. As root, the file and the
 * folder that it lies in (of a link: those of its target as well) must be root's and nobody
 * else's to write. */
void ini_read(const char *path, const struct ini_handler *handler, struct problems *problems);
