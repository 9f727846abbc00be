#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "cmd/cmd.h"

/* "removing 120 of 400 (35/s, 8s left)" on stderr, where that is a terminal, rewritten in
 * place. */

struct progress {
	bool shown;
	size_t done, of;
	struct timespec started, last;
};

void progress_start(struct progress *progress, size_t of, const struct options *options);

/* One more is done; data is the struct progress. */
void progress_step(void *data);

/* "12000 files looked at", where nobody knows of how many; data is the struct progress. */
void progress_count(void *data);

/* Takes the line away. */
void progress_end(struct progress *progress);
