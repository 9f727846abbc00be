#pragma once

#include "conf/aliases.h"
#include "conf/quadlet.h"
#include "conf/unitfile.h"

/* What the files of Quadlet share among themselves; nobody else includes this. */

struct unit {
	const char *folder, *name; /* "/etc/containers/systemd", "web.container" */
	const char *path;
	const char *type; /* "container" */
	struct assignments assignments;
};

struct quadlets {
	struct arena *arena;
	const char *root;
	const struct quadlet_user *user;
	struct strings folders; /* real paths, most important first */
	struct unit *units;
	size_t n_units;
	struct aliases aliases;

	struct pinned *pinned;
	struct problems *problems;
};

/* Adds what the unit names; all units are loaded. */
void quadlet_names(struct quadlets *quadlets, const struct unit *unit);
