#pragma once

#include "model/snapshot.h"
#include "model/usage.h"

/* Whether files tell whose they are: Docker's overlay2, on a disk that is known. */
bool engine_usage_walks(const struct snapshot *snapshot);

/* Counts what takes the space on the file system of snapshot->disk: how engines lay out their
 * data. Of Docker's overlay2 every file is counted; of other stores the rows are what the
 * engine says, in snapshot, and one row names what nobody attributes. Images are inspected
 * (NEED_INSPECT), elsewhere than on overlay2 sizes are known too. step, which may be NULL, is
 * called for each file. Not closed: usage_close(). */
void engine_usage(const struct snapshot *snapshot, void (*step)(void *data), void *data,
		  struct disk_ledger *usage);
