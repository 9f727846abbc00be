#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "conf/settings.h"

/* Which engine: --host, else the setting, else $DOCKER_HOST, else the first of Docker's and
 * Podman's sockets that exists (as a user the user's own before the system's). Gives the
 * socket's path, in the arena. -EINVAL: the host is no local socket; -ENOENT: there is no
 * socket in any of the places. */
_must_check_ int host_find(struct arena *arena, const char *option,
			   const struct settings *settings, const char **ret_path,
			   struct err *err);

/* Whether that engine's socket is the own one of a user who is not root. */
bool host_is_users(const char *option, const struct settings *settings);
