#pragma once

/* The command that empties the cache of a builder in a container, by the name of the volume in
 * which it lies; to be freed. NULL: it is no such volume. `docker buildx create` calls them
 * buildx_buildkit_NAMEn_state, n being the number of the node. */
char *builder_command(const char *volume);
