#pragma once

#include "base/arena.h"
#include "base/err.h"

/* Names of images without a registry that containers-registries.conf(5) gives another meaning:
 * the [aliases] of registries.conf, its drop-ins and the engine's own notes. */

struct alias {
	const char *name, *meaning; /* "podman", "quay.io/podman/stable" */
};

struct aliases {
	struct alias *v; /* to be freed */
	size_t n;
};

/* Appends those of FOLDER/registries.conf and FOLDER/registries.conf.d, or of one file.
 * What is not there has none; what cannot be read becomes a line of problems. */
void aliases_read_folder(struct arena *arena, const char *folder, struct aliases *aliases,
			 struct problems *problems);
void aliases_read_file(struct arena *arena, const char *path, struct aliases *aliases,
		       struct problems *problems);
