#pragma once

#include "engine/layerdb.h"
#include "engine/walk.h"
#include "model/usage.h"

/* What the files that make the ledger share. */

/* A folder of the storage driver. */
struct driver_folder {
	const char *name;
	int64_t bytes, changed;
	const char *why;
};

struct ledger {
	const struct snapshot *snapshot;
	struct disk_ledger *usage;
	int root;
	struct walk walk;
	void (*step)(void *data);
	void *data;
	int64_t now;
	enum usage_kind kind;
	struct driver_folder *folders;
	size_t n_folders;
	struct usage_row cache, records; /* sums */
};

/* Bytes of an entry and all below, -1 with *why if that is unknown. */
int64_t ledger_size(struct ledger *ledger, int folder, const char *name, const char **why);

/* For walk_names(): notes a folder of the storage driver. data is the ledger. */
int ledger_add_driver_folder(void *data, int folder, const char *name);

/* Adds rows for what was noted: layers by image, containers, build cache, orphans. */
void ledger_attribute(struct ledger *ledger);

/* Adds rows by what the engine says alone. */
void ledger_add_claims(struct ledger *ledger);

void ledger_end(struct ledger *ledger);

/* How people know it; in the ledger's arena. */
const char *usage_image_name(struct disk_ledger *usage, const struct image *image);
const char *usage_container_name(struct disk_ledger *usage, const struct snapshot *snapshot,
				 const char *id);
