#include "engine/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/text.h"

/* An engine makes a folder first and notes whose it is some time later. */
#define YOUNG_SECONDS 3600

/* Of names that are not to be orphans: the driver's own short names. */
static const char links[] = "l";

int ledger_add_driver_folder(void *data, int folder, const char *name)
{
	struct ledger *ledger = data;
	struct driver_folder *added;
	struct stat file;

	if (fstatat(folder, name, &file, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	ledger->folders =
		mem_grow(ledger->folders, ledger->n_folders, sizeof(*ledger->folders));
	added = &ledger->folders[ledger->n_folders++];
	*added = (struct driver_folder){ .name = arena_strdup(ledger->usage->arena, name),
					 .changed = file.st_mtime };
	added->bytes = ledger_size(ledger, folder, name, &added->why);
	return 0;
}

void ledger_end(struct ledger *ledger)
{
	walk_end(&ledger->walk);
	walk_close(ledger->root);
	free(ledger->folders);
}

/* ---- BuildKit's books ---- */

struct book {
	char *text;
	size_t length;
};

struct books {
	struct book *v;
	size_t n;
};

static int add_book(void *data, int folder, const char *name)
{
	struct books *books = data;
	size_t length = strlen(name);
	_cleanup_(walk_closep) int fd = -1;
	struct stat file;
	void *text;

	if (length < 3 || strcmp(name + length - 3, ".db") != 0)
		return 0;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &file) < 0)
		return -errno;
	if (!S_ISREG(file.st_mode) || file.st_size == 0)
		return 0;
	/* These files never shrink, so that no page goes away under the reader. */
	text = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (text == MAP_FAILED)
		return -errno;
	books->v = mem_grow(books->v, books->n, sizeof(*books->v));
	books->v[books->n++] = (struct book){ .text = text, .length = (size_t)file.st_size };
	return 0;
}

static void close_books(struct books *books)
{
	for (size_t i = 0; i < books->n; i++)
		munmap(books->v[i].text, books->v[i].length);
	free(books->v);
}

/* Its databases hold names of snapshots as they are. One that it no longer needs may stand in a
 * page not written anew since: that errs on the side of the build cache. */
static bool books_name(const struct books *books, const char *name)
{
	for (size_t i = 0; i < books->n; i++)
		if (memmem(books->v[i].text, books->v[i].length, name, strlen(name)))
			return true;
	return false;
}

/* ---- what a folder is ---- */

static void add_to(int64_t *sum, const char **sum_why, int64_t bytes, const char *why)
{
	*sum = bytes < 0 || *sum < 0 ? -1 : *sum + bytes;
	*sum_why = why ? why : *sum_why;
}

static bool is_there(const struct ledger *ledger, const char *name)
{
	_cleanup_free_ char *path =
		mem_printf("%s/%s", ledger->snapshot->engine.storage_driver, name);
	struct stat file;

	return fstatat(ledger->root, path, &file, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_record(const struct ledger *ledger, const char *name)
{
	for (size_t i = 0; i < ledger->snapshot->n_cache; i++)
		if (strcmp(ledger->snapshot->cache[i].id, name) == 0)
			return true;
	return false;
}

/* books NULL: they could not be read. */
static void add_unknown_folder(struct ledger *ledger, const struct layerdb *db,
			       const struct books *books, const struct driver_folder *folder)
{
	struct usage_row row = { .id = folder->name,
				 .name = folder->name,
				 .bytes = folder->bytes,
				 .why = folder->why };
	const char *doubt = NULL;

	if (!is_there(ledger, folder->name))
		return;
	if (db->writing || ledger->now - folder->changed < YOUNG_SECONDS)
		doubt = "may be a layer that is being made";
	else if (!books)
		doubt = "BuildKit's records could not be read";
	row.kind = doubt ? USAGE_UNATTRIBUTED : USAGE_ORPHAN;
	row.why = row.why ? row.why : doubt;
	usage_add(ledger->usage, &row);
}

static void add_folder(struct ledger *ledger, const struct layerdb *db,
		       const struct books *books, const struct driver_folder *folder)
{
	const struct layerdb_owner *owner = layerdb_owner(db, folder->name);

	if (owner && owner->layer) {
		owner->layer->bytes = folder->bytes;
		owner->layer->why = folder->why;
	} else if (owner) {
		add_to(&owner->mount->bytes, &owner->mount->why, folder->bytes, folder->why);
	} else if (strcmp(folder->name, links) == 0) {
		add_to(&ledger->records.bytes, &ledger->records.why, folder->bytes,
		       folder->why);
	} else if (is_record(ledger, folder->name) ||
		   (books && books_name(books, folder->name))) {
		add_to(&ledger->cache.bytes, &ledger->cache.why, folder->bytes, folder->why);
	} else {
		add_unknown_folder(ledger, db, books, folder);
	}
}

/* ---- whose layers ---- */

static void hold(void *data _unused_, struct stored_layer *layer)
{
	layer->images++;
}

struct sum {
	int64_t unique, shared;
	const char *why;
};

static void add_layer(void *data, struct stored_layer *layer)
{
	struct sum *sum = data;

	add_to(layer->images > 1 ? &sum->shared : &sum->unique, &sum->why, layer->bytes,
	       layer->why);
	layer->counted = layer->counted || layer->images == 1;
}

/* Whether each image's layers are known. */
static bool add_images(struct ledger *ledger, const struct layerdb *db)
{
	const struct snapshot *snapshot = ledger->snapshot;
	bool all = snapshot->listing[KIND_IMAGE] == LISTING_READ;

	for (size_t i = 0; i < snapshot->n_images; i++)
		all = layerdb_image(db, &snapshot->images[i], hold, NULL) && all;
	for (size_t i = 0; i < snapshot->n_images; i++) {
		const struct image *image = &snapshot->images[i];
		struct sum sum = { 0 };

		if (!layerdb_image(db, image, add_layer, &sum))
			sum = (struct sum){ -1, -1, "its layers are not known" };
		usage_add(ledger->usage,
			  &(struct usage_row){ .kind = USAGE_IMAGE,
					       .id = image->id,
					       .name = usage_image_name(ledger->usage, image),
					       .bytes = sum.unique,
					       .shared = sum.shared,
					       .why = sum.why });
	}
	return all;
}

static void add_other_layers(struct ledger *ledger, const struct layerdb *db, bool all_images)
{
	struct usage_row shared = { .kind = USAGE_SHARED },
			 container = { .kind = USAGE_CONTAINER,
				       .name = "images removed since" },
			 unknown = { .kind = USAGE_UNATTRIBUTED,
				     .name = "layers that no image has" },
			 *row;

	layerdb_mark_containers(db);
	for (size_t i = 0; i < db->n_layers; i++) {
		const struct stored_layer *layer = db->layers[i];

		if (layer->counted)
			continue;
		if (layer->images > 1)
			row = &shared;
		else if (!all_images)
			row = &unknown;
		else if (layer->in_container)
			row = &container;
		else
			row = ledger->snapshot->n_cache > 0 ? &ledger->cache : &unknown;
		add_to(&row->bytes, &row->why, layer->bytes, layer->why);
	}
	if (!all_images && !unknown.why)
		unknown.why = "not all images could be read";
	for (size_t i = 0; i < 3; i++) {
		row = (struct usage_row *[]){ &shared, &container, &unknown }[i];
		if (row->bytes != 0)
			usage_add(ledger->usage, row);
	}
}

static void add_containers(struct ledger *ledger, const struct layerdb *db)
{
	for (size_t i = 0; i < db->n_mounts; i++) {
		const struct stored_mount *mount = db->mounts[i];

		usage_add(ledger->usage,
			  &(struct usage_row){ .kind = USAGE_CONTAINER,
					       .id = mount->container,
					       .name = usage_container_name(ledger->usage,
									    ledger->snapshot,
									    mount->container),
					       .bytes = mount->bytes,
					       .why = mount->why });
	}
}

/* Without the store of layers nothing says whose a folder is. */
static void add_all_unattributed(struct ledger *ledger, const char *why)
{
	struct usage_row row = { .kind = USAGE_UNATTRIBUTED,
				 .name = "layers and containers' files",
				 .why = why };

	for (size_t i = 0; i < ledger->n_folders; i++)
		add_to(&row.bytes, &row.why, ledger->folders[i].bytes, ledger->folders[i].why);
	usage_add(ledger->usage, &row);
}

void ledger_attribute(struct ledger *ledger)
{
	struct books books = { 0 };
	struct layerdb db;
	bool readable;
	int r = layerdb_read(ledger->root, ledger->snapshot->engine.storage_driver,
			     ledger->usage->arena, &db);

	if (r < 0) {
		add_all_unattributed(ledger, strerror(-r));
		layerdb_end(&db);
		return;
	}
	r = walk_names(ledger->root, "buildkit", add_book, &books);
	readable = r >= 0 || r == -ENOENT;
	for (size_t i = 0; i < ledger->n_folders; i++)
		add_folder(ledger, &db, readable ? &books : NULL, &ledger->folders[i]);
	add_other_layers(ledger, &db, add_images(ledger, &db));
	add_containers(ledger, &db);
	close_books(&books);
	layerdb_end(&db);
}
