#pragma once

#include "base/intern.h"
#include "model/snapshot.h"

/* What Docker's own store of layers has on disk (image/DRIVER/layerdb): which folder of the
 * storage driver is which layer, and which is a container's. */

struct stored_layer {
	const char *chain, *parent, *diff, *folder; /* parent "" at the bottom */
	int64_t bytes;				    /* the caller's; -1 unknown */
	const char *why;			    /* unknown */
	size_t images;				    /* that have it */
	bool counted, in_container;
};

struct stored_mount {
	const char *container, *folder, *init_folder, *parent; /* "" where there is none */
	int64_t bytes;					       /* the caller's */
	const char *why;
};

struct layerdb {
	struct arena *arena;
	struct intern *folders; /* value: struct layerdb_owner */
	struct intern *chains;	/* "PARENT DIFF", value: struct stored_layer */
	struct intern *by_chain;
	struct stored_layer **layers;
	size_t n_layers;
	struct stored_mount **mounts;
	size_t n_mounts;
	bool writing; /* layers are being made, or were when the engine was killed */
};

/* Who a folder belongs to: one of the two. */
struct layerdb_owner {
	struct stored_layer *layer;
	struct stored_mount *mount;
};

/* Reads the store in the data root. A store that cannot be read whole is none: -errno. */
_must_check_ int layerdb_read(int data_root, const char *driver, struct arena *arena,
			      struct layerdb *ret);
void layerdb_end(struct layerdb *db);

/* NULL: nothing in the store refers to the folder. */
const struct layerdb_owner *layerdb_owner(const struct layerdb *db, const char *folder);

/* Calls each() for the image's layers, from the bottom. False: the store does not have them
 * all, or the image was not inspected. */
bool layerdb_image(const struct layerdb *db, const struct image *image,
		   void (*each)(void *data, struct stored_layer *layer), void *data);

/* Marks the layers that containers were made from. */
void layerdb_mark_containers(const struct layerdb *db);
