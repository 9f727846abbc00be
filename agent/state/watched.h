#pragma once

#include "state/sql.h"

/* What the watcher left behind. */

/* Since when it watches, and the last use of volumes. */
_must_check_ int watched_recall(const struct state *state, struct snapshot *snapshot,
				int64_t now, struct err *err);

/* Forgets volumes that are not among the objects any more. */
_must_check_ int watched_forget_volumes(const struct state *state, struct err *err);

/* Takes the place of the one watcher beside that state: 0 and a file descriptor, -EWOULDBLOCK
 * if it is taken. It goes with the process, however it ends. */
_must_check_ int watched_lock(const char *path, int *ret_fd, struct err *err);
