#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/mem.h"

/* What files take on one file system, in bytes of blocks, each hard link once. Never follows a
 * symbolic link and never leaves the file system. */

struct walk {
	dev_t device;
	void (*step)(void *data); /* called for each file, may be NULL */
	void *data;
	struct {
		ino_t *v; /* open addressing; 0: empty */
		size_t n, size;
	} linked;
};

/* device: the only one that is counted. */
void walk_init(struct walk *walk, dev_t device);
void walk_end(struct walk *walk);

/* Bytes of name in the folder and all below. -EACCES and the like: something below could not
 * be read, so that no sum is told. What goes away meanwhile is not counted. */
_must_check_ int walk_size(struct walk *walk, int folder, const char *name, int64_t *ret);

/* Calls each() with the names in a folder, until it returns a negative value. -errno. */
_must_check_ int walk_names(int folder, const char *path,
			    int (*each)(void *data, int folder, const char *name), void *data);

/* Opens a folder to be read: no symbolic link, access time kept. -errno. */
_must_check_ int walk_open(int folder, const char *path);

static inline void walk_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
DEFINE_CLEANUP(int, walk_close, walk_close)
