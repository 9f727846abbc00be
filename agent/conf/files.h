#pragma once

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/snapshot.h"

/* Which files hold settings and policies, found as systemd finds its own (UAPI.6): files sorted
 * by name over all places, an earlier place hides the same name in a later one, an empty file
 * or a link to /dev/null switches the name off.
 *
 * As root, a folder that is searched must be root's and nobody else's to write, even if nothing
 * lies in it: who may write there could hide a rule that keeps, or add one that removes. */

/* Whether all of these folders that exist are root's alone to write; each that is not becomes a
 * line of problems. Always true but for root. */
_must_check_ bool files_are_roots(const struct strings *folders, struct problems *problems);

/* The files with that suffix in PLACE/subfolder of all places, sorted by name, the most
 * important place's of each name. A folder that is not there holds none; one that cannot be
 * read whole, or as root is not root's alone to write, becomes a line of problems. */
void files_find(struct arena *arena, const struct strings *places, const char *subfolder,
		const char *suffix, struct strings *ret, struct problems *problems);

/* The same of what lies there and is not found, because its name does not end so, though
 * nothing says that it is meant to be passed over: it is not hidden, no README, and not the
 * name of a file with something behind it, as exited.ini.disabled, exited.ini~ and
 * exited.ini.dpkg-old are. */
void files_find_misnamed(struct arena *arena, const struct strings *places,
			 const char *subfolder, const char *suffix, struct strings *ret,
			 struct problems *problems);

/* The first PLACE/name that exists; NULL if none does or it is switched off. */
const char *files_find_one(struct arena *arena, const struct strings *places, const char *name,
			   struct problems *problems);

/* Opens a regular file for reading; NULL with a problem if it is none or cannot be read, or if
 * as root it, or the folder it lies in, is not root's or others' to write. */
FILE *files_open(const char *path, struct problems *problems);

/* 1: a folder, 0: something else, -1 with a problem: not there. */
int files_is_folder(const char *path, struct problems *problems);

/* Reads a regular file whole, whoever owns it; *ret is to be freed. 1; 0 for /dev/null, which
 * switches a file off; a negative errno value with "PATH: why" if it cannot be read, is bigger
 * than max bytes, or has NUL bytes and so is no text. */
_must_check_ int files_read(const char *path, size_t max, char **ret, struct err *err);
