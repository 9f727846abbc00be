#pragma once

#include <stdint.h>

#include "base/err.h"
#include "model/snapshot.h"

/* What the engine forgets: when an object was first seen, since when it is without tag, which
 * names it had, when it was last used. SQLite with a rollback journal (a WAL database cannot
 * even be read on a full disk), one file per engine socket. */

struct state;

/* The folder: $STATE_DIRECTORY (its first entry), else /var/lib/reclaimd as root, else
 * $XDG_STATE_HOME/reclaimd or ~/.local/state/reclaimd. The file's name comes from the socket's
 * resolved path. The path is to be freed. */
char *state_path(const char *socket_path);

/* Opens for reading (writable 0) or for reading and writing. Missing while reading only: 0 with
 * *ret NULL, so that "never seen" is the truth. Broken, of a newer schema, a folder, not ours
 * to write, on a full disk: negative, err has one line, *ret NULL; the run goes on without. */
_must_check_ int state_open(const char *path, int writable, struct state **ret,
			    struct err *err);
void state_close(struct state *state);
DEFINE_CLEANUP(struct state *, state_close, state_close)

/* Fills the memory of every object of the sealed snapshot, and remembers/first_look. state may
 * be NULL: nothing is remembered, and everything counts from now. */
_must_check_ int state_recall(struct state *state, struct snapshot *snapshot, struct err *err);

/* Writes what this look showed, in one transaction: first seen, untagged since, names, last use
 * (an image that a container in the snapshot uses is used now, or until its container
 * finished), and forgets objects that are in no list any more. Kinds whose list was not read
 * are left alone. */
_must_check_ int state_observe(struct state *state, const struct snapshot *snapshot,
			       int64_t now, struct err *err);
