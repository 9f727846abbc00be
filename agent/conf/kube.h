#pragma once

#include "base/err.h"

/* The YAML files that `podman kube play` is given, as far as names of images and volumes stand
 * in them. */

/* Calls found for each scalar that is the value of a mapping's key, wherever the mapping
 * stands: value is NULL where it is an alias, a block or has escapes, so that this cannot say
 * what it is. The text is taken apart and changed. -EINVAL with "line N: …" if it is not YAML
 * that this can tell the keys of. */
_must_check_ int kube_scan(char *text,
			   void (*found)(const char *key, const char *value, unsigned line,
					 void *data),
			   void *data, struct err *err);
