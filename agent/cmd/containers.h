#pragma once

#include "model/snapshot.h"

/* Which image each container is of, so that it is known when the container ends and is gone. */

struct containers;

struct containers *containers_new(void);
void containers_free(struct containers *containers);

/* Whether the container is known; image NULL: it is of none that is known. The string lives
 * until the next change. */
bool containers_find(const struct containers *containers, const char *id,
		     const char **ret_image);

/* The container must not be known yet; image may be NULL. */
void containers_add(struct containers *containers, const char *id, const char *image);
void containers_remove(struct containers *containers, const char *id);

/* Adds those of a list of containers. Forgets those that are neither in it nor were in the last
 * one, nor came since: of them nothing more is told. */
void containers_take(struct containers *containers, const struct snapshot *snapshot);
