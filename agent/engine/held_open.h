#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"

/* Deleted files that a process still holds open: their blocks are freed when it closes them. */

struct held_open {
	pid_t pid;
	const char *process; /* its name, as it says; in the arena */
	int64_t bytes;
	size_t files;
};

/* Looks through /proc (the folder is `proc`) for files on the device, or on an overlay whose
 * upper layer lies below `upper` (a container's); each file counts for the first process that
 * has it. *ret is to be freed. Returns how many processes could not be looked into, or -errno.
 */
_must_check_ int held_open_find(const char *proc, dev_t device, const char *upper,
				struct arena *arena, struct held_open **ret, size_t *ret_n);
