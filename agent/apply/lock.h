#pragma once

#include "base/err.h"

/* One run at a time per engine, keyed by the resolved path of its socket (Podman's engine ID
 * changes with every call). The lock goes with the process, however it ends. */

/* Takes the lock without waiting: 0 and a file descriptor in *ret_fd, -EWOULDBLOCK if another
 * run holds it, or another negative errno value. The folder: $RUNTIME_DIRECTORY, else
 * /run/reclaimd/lock as root, else $XDG_RUNTIME_DIR/reclaimd/lock. */
_must_check_ int lock_take(const char *socket_path, int *ret_fd, struct err *err);
