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

/* Looks through /proc (the folder is `proc`) for files on the devices; each file counts for the
 * first process that has it. *ret is to be freed. Returns how many processes could not be
 * looked into, or -errno. */
_must_check_ int held_open_find(const char *proc, const dev_t *devices, size_t n_devices,
				struct arena *arena, struct held_open **ret, size_t *ret_n);
