#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether the file system on which /proc/self/mountinfo has path (absolute, resolved) is the
 * device. Those whose files show another device than their mount count as the same. */
bool mount_is_device(const char *path, dev_t device);

/* The same by a text in mountinfo's format. */
bool mountinfo_is_device(const char *mountinfo, const char *path, dev_t device);
