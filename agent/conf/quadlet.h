#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/pin.h"
#include "model/snapshot.h"

/* What the Quadlet files of an engine's own user name, whether their units run or not:
 * podman-systemd.unit(5). */

struct quadlet_user {
	uid_t uid;	      /* 0: the system's engine */
	const char *home;     /* what %h is; NULL: not known */
	const char *runtime;  /* what %t is; NULL: not known */
	struct strings bases; /* of a user: configuration and runtime folders */
};

/* Adds what is named. root stands before the system's folders and before absolute paths in the
 * files ("" but in tests). Everything that is named counts: also in a file that another one
 * hides, and what systemd would put in for a specifier or a variable is "*". A folder or file
 * that is there and cannot be read, and a name that cannot be found out, becomes a line of
 * problems ("FILE:LINE: …"); then nothing of the kinds that are named here may go. Folders that
 * are not there name nothing. */
void quadlet_load(struct arena *arena, const char *root, const struct quadlet_user *user,
		  struct pinned *pinned, struct problems *problems);
