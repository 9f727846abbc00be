#pragma once

#include "base/mem.h"

/* What kinds of objects there are, with the names that policies, JSON and the journal use. */

enum kind {
	KIND_CONTAINER,
	KIND_IMAGE, /* an untagged image, or an image as a whole */
	KIND_TAG,   /* one reference of a tagged image; a row of a plan, never a section */
	KIND_VOLUME,
	KIND_NETWORK,
	KIND_BUILD_CACHE,
	KIND_MAX_,
} _byte_;

/* "container", "image", "tag", "volume", "network", "build-cache". */
const char *kind_to_string(enum kind kind);

/* The name of a policy's section and of totals: "containers", "images", "tags", …,
 * "build-cache". */
const char *kind_to_plural(enum kind kind);

/* One of them in a sentence, to which an "s" may be put: "build cache record". */
const char *kind_to_words(enum kind kind);

/* By plural; -1 if it is none. "tags" is none: no section has that name. */
int kind_from_section(const char *name);

/* Docker's words, with Podman's mapped to them (its "stopped" is STATE_EXITED, "initialized"
 * STATE_CREATED, "stopping" STATE_RUNNING). A state that no table knows is STATE_OTHER and such
 * a container is never touched. */
enum container_state {
	STATE_CREATED,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_RESTARTING,
	STATE_REMOVING,
	STATE_EXITED,
	STATE_DEAD,
	STATE_OTHER,
	STATE_MAX_,
} _byte_;

const char *container_state_to_string(enum container_state state);
enum container_state container_state_from_string(const char *name);
