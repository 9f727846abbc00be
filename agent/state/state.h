#pragma once

#include <stdint.h>

#include "base/err.h"
#include "model/snapshot.h"

/* What the engine forgets: when an object was first seen, since when it is without tag, which
 * names it had, when it was last used. SQLite with a rollback journal (a WAL database cannot
 * even be read on a full disk), one file per engine socket. */

struct state;

/* The file for an engine's socket. Its folder: $STATE_DIRECTORY (its first entry), else
 * /var/lib/reclaimd for root and for everybody who looks at root's socket, else
 * $XDG_STATE_HOME/reclaimd or ~/.local/state/reclaimd. Its name comes from the socket's
 * resolved path. To be freed. */
char *state_path(const char *socket_path);

/* Opens for reading (writable 0) or for reading and writing; the folder and the file are made
 * when missing, but never while reading only: then *ret is a state that knows nothing. Broken,
 * of a newer schema, a folder, not ours to write or others' to write too, no room to make it:
 * negative, err has one line that names the file, *ret NULL; the run goes on without. Nothing
 * that was there is ever replaced. Reading only writes nothing at all, beside the file neither;
 * so one that a killed run left half written has to wait for the next writer: an error too. */
_must_check_ int state_open(const char *path, int writable, struct state **ret,
			    struct err *err);
void state_close(struct state *state);
DEFINE_CLEANUP(struct state *, state_close, state_close)

/* Fills the memory of every object of the sealed snapshot, and remembers/first_look. To be
 * called in any case: without state (NULL, it could not be opened) or when it fails (negative),
 * nothing is remembered, and everything counts from now. Times that lie ahead of now count as
 * now. */
_must_check_ int state_recall(struct state *state, struct snapshot *snapshot, int64_t now,
			      struct err *err);

/* Writes what this look showed, in one transaction: first seen, untagged since, names, last use
 * (an image that a container in the snapshot uses is used now, or until its container
 * finished), and forgets objects that are in no list any more. Kinds whose list was not read
 * are left alone. Volumes and networks are without user only if the list of containers was read
 * and shows none. A clock that went back is not believed: what is new counts from the last look
 * before. Of another engine than the one that was seen last nothing is known of its objects. */
_must_check_ int state_observe(struct state *state, const struct snapshot *snapshot,
			       int64_t now, struct err *err);

/* A name that preserve-as gave. */
struct preserved_name {
	const char *image, *name; /* ID; full: repository and tag */
	bool now;	     /* is about to be given; else it is there and was given before */
	int64_t last_tagged; /* what the engine forgets when it gives it; TIME_UNKNOWN */
};

/* Writes down which names are preserve-as's, in one transaction: before they are given, so that
 * no run that is killed leaves one that nobody knows of. An image with no other name than such
 * a one is still without tag to state_observe(), which is to be called afterwards and forgets
 * those of images that are in no list any more. */
_must_check_ int state_preserve(struct state *state, const struct preserved_name *names,
				size_t n, int64_t now, struct err *err);

/* When a use of the volume or image was last seen or, of an image, a pull, by now;
 * TIME_UNKNOWN: never. Its name, its ID. */
_must_check_ int state_last_use(const struct state *state, enum kind kind, const char *key,
				int64_t *ret, struct err *err);

/* Since when the watcher has seen every use without a break until now; TIME_UNKNOWN: nobody
 * watches, or the state (NULL is fine) does not tell. *ret_until, unless NULL: until when it
 * has written that it did. It writes within a second or two once somebody else wrote. */
int64_t state_watched_from(const struct state *state, int64_t now, int64_t *ret_until);
