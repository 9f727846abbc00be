#pragma once

#include <stdio.h>

#include "model/snapshot.h"
#include "model/usage.h"

/* The ledger of a file system, for the person whose disk it is. */

/* A table, the largest first, and beside each the one thing to do about it; small ones of a
 * kind are one row unless all. width 0: as wide as it gets. */
void report_where(const struct snapshot *snapshot, const struct disk_ledger *usage, bool all,
		  unsigned width, FILE *out);

/* One versioned object, every row. */
void report_where_json(const struct snapshot *snapshot, const struct disk_ledger *usage,
		       FILE *out);
