#pragma once

#include <json.h>
#include <stdbool.h>

#include "engine/internal.h"

/* Podman's manifest lists. Images that one names may have no name of their own and look as if
 * they were superseded, but who runs or pushes the list needs them. */

struct manifests;

/* Asks for all lists, beside other requests. Never NULL. */
struct manifests *manifests_new(struct engine *engine, struct snapshot *snapshot);

/* NULL is fine. */
void manifests_free(struct manifests *manifests);
DEFINE_CLEANUP(struct manifests *, manifests_free, manifests_free)

/* An entry of the list of images, each in turn: its digest is what lists name. */
_must_check_ int manifests_note(struct manifests *manifests, struct json_object *entry,
				struct err *err);

/* When all requests are done: marks those of the images, in the order in which they were noted,
 * that a list names. False if not all lists could be read; then problems has a line. */
_must_check_ bool manifests_mark(const struct manifests *manifests, struct image *images);
