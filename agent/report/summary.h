#pragma once

#include "plan/plan.h"

/* "first look at this engine: 17 ages unknown; they go from Tuesday 10:00 on", to be freed, or
 * NULL if it is none or all ages are known. */
char *summary_first_look(const struct plan *plan);

/* "the disk is 75% full, 12.1GB free", to be freed. */
char *summary_disk(const struct disk *disk);
