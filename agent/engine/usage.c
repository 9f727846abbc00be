#include "engine/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "engine/held_open.h"
#include "engine/ledger.h"

static const char driver_overlay2[] = "overlay2";

/* ---- names ---- */

const char *usage_image_name(struct disk_ledger *usage, const struct image *image)
{
	const char *digits = strchr(image->id, ':');

	if (image->n_tags > 0)
		return image->tags[0].raw;
	return arena_printf(usage->arena, "<none> %.12s", digits ? digits + 1 : image->id);
}

const char *usage_container_name(struct disk_ledger *usage, const struct snapshot *snapshot,
				 const char *id)
{
	const struct container *container = snapshot_container(snapshot, id);

	return container ? container_name(container)
			 : arena_printf(usage->arena, "%.12s (not in the engine's list)", id);
}

/* ---- the data root of Docker ---- */

int64_t ledger_size(struct ledger *ledger, int folder, const char *name, const char **why)
{
	int64_t bytes;
	int r = walk_size(&ledger->walk, folder, name, &bytes);

	*why = r < 0 ? strerror(-r) : NULL;
	return bytes;
}

static void add_bytes(struct usage_row *row, int64_t bytes, const char *why)
{
	row->bytes = bytes < 0 || row->bytes < 0 ? -1 : row->bytes + bytes;
	row->why = why ? why : row->why;
}

/* A row of the ledger's kind for all of an entry. */
static int add_whole(struct ledger *ledger, int folder, const char *name)
{
	struct usage_row row = { .kind = ledger->kind, .id = name, .name = name };

	row.bytes = ledger_size(ledger, folder, name, &row.why);
	usage_add(ledger->usage, &row);
	return 0;
}

/* Beside the volumes it keeps notes about them. */
static int add_volume(void *data, int folder, const char *name)
{
	struct ledger *ledger = data;
	const char *why;
	int64_t bytes;

	ledger->kind = USAGE_VOLUME;
	if (strcmp(name, "metadata.db") != 0 && strcmp(name, "backingFsBlockDev") != 0)
		return add_whole(ledger, folder, name);
	bytes = ledger_size(ledger, folder, name, &why);
	add_bytes(&ledger->records, bytes, why);
	return 0;
}

/* ---- containers: logs ---- */

struct container_folder {
	struct ledger *ledger;
	const char *id;
	struct usage_row log, records;
};

static bool is_log(const char *id, const char *name)
{
	size_t length = strlen(id);

	return strcmp(name, "local-logs") == 0 ||
	       (strncmp(name, id, length) == 0 && text_starts_with(name + length, "-json.log"));
}

static int add_container_file(void *data, int folder, const char *name)
{
	struct container_folder *of = data;
	const char *why;
	int64_t bytes = ledger_size(of->ledger, folder, name, &why);

	add_bytes(is_log(of->id, name) ? &of->log : &of->records, bytes, why);
	return 0;
}

static int add_container(void *data, int folder, const char *id)
{
	struct ledger *ledger = data;
	struct container_folder of = {
		.ledger = ledger,
		.id = id,
		.log = { .kind = USAGE_LOG, .id = id },
		.records = { .kind = USAGE_RECORDS },
	};
	int r = walk_names(folder, id, add_container_file, &of);

	if (r == -ENOTDIR || r == -ENOENT)
		return 0;
	if (r < 0)
		add_bytes(&of.log, -1, strerror(-r));
	if (of.log.bytes != 0) {
		of.log.name = usage_container_name(ledger->usage, ledger->snapshot, id);
		usage_add(ledger->usage, &of.log);
	}
	add_bytes(&ledger->records, of.records.bytes, of.records.why);
	return 0;
}

/* ---- the folders of the data root ---- */

static const struct place {
	const char *name;
	enum usage_kind kind;
	int (*each)(void *data, int folder, const char *name); /* NULL: one row, or none */
} places[] = {
	{ driver_overlay2, USAGE_MAX_, ledger_add_driver_folder },
	{ "containers", USAGE_MAX_, add_container },
	{ "volumes", USAGE_VOLUME, add_volume },
	{ "buildkit", USAGE_CACHE, NULL },
	{ "tmp", USAGE_DOWNLOAD, NULL },
	{ "image", USAGE_RECORDS, NULL },
	{ "network", USAGE_RECORDS, NULL },
	{ "plugins", USAGE_RECORDS, NULL },
	{ "swarm", USAGE_RECORDS, NULL },
	{ "runtimes", USAGE_RECORDS, NULL },
	{ "trust", USAGE_RECORDS, NULL },
	{ "containerd", USAGE_RECORDS, NULL },
	{ "builder", USAGE_RECORDS, NULL },
	{ "engine-id", USAGE_RECORDS, NULL },
};

static const struct place *place_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strcmp(places[i].name, name) == 0)
			return &places[i];
	return NULL;
}

static void add_row_of_place(struct ledger *ledger, const struct place *place, int64_t bytes,
			     const char *why)
{
	struct usage_row row = { .kind = place->kind, .bytes = bytes, .why = why };

	if (place->kind == USAGE_RECORDS)
		add_bytes(&ledger->records, bytes, why);
	else if (place->kind == USAGE_CACHE)
		add_bytes(&ledger->cache, bytes, why);
	else
		usage_add(ledger->usage, &row);
}

static int add_place(void *data, int folder, const char *name)
{
	struct ledger *ledger = data;
	const struct place *place = place_of(name);
	const char *why;
	int64_t bytes;
	int r;

	if (!place) {
		ledger->kind = USAGE_OTHER;
		return add_whole(ledger, folder, name);
	}
	if (!place->each) {
		bytes = ledger_size(ledger, folder, name, &why);
		add_row_of_place(ledger, place, bytes, why);
		return 0;
	}
	r = walk_names(folder, name, place->each, ledger);
	if (r < 0)
		usage_add(ledger->usage, &(struct usage_row){ .kind = USAGE_UNATTRIBUTED,
							      .id = name,
							      .name = name,
							      .bytes = -1,
							      .why = strerror(-r) });
	return 0;
}

/* ---- deleted, still open ---- */

static void add_held_open(struct ledger *ledger)
{
	struct held_open *found = NULL;
	size_t n = 0;
	_cleanup_free_ char *upper =
		mem_printf("%s/%s/", ledger->snapshot->disk.path, driver_overlay2);
	int r = held_open_find("/proc", ledger->walk.device, upper, ledger->usage->arena,
			       &found, &n);

	for (size_t i = 0; i < n; i++)
		usage_add(ledger->usage,
			  &(struct usage_row){
				  .kind = USAGE_HELD_OPEN,
				  .id = arena_printf(ledger->usage->arena, "%d", found[i].pid),
				  .name = arena_printf(
					  ledger->usage->arena, "%s (PID %d), %zu file%s",
					  found[i].process, found[i].pid, found[i].files,
					  found[i].files == 1 ? "" : "s"),
				  .bytes = found[i].bytes });
	free(found);
	if (r != 0)
		usage_add(ledger->usage,
			  &(struct usage_row){
				  .kind = USAGE_HELD_OPEN,
				  .name = r < 0 ? "any process" : "other processes",
				  .bytes = -1,
				  .why = r < 0 ? strerror(-r)
					       : arena_printf(ledger->usage->arena,
							      "%d processes could not be "
							      "looked into",
							      r) });
}

static int count_files(struct ledger *ledger, const char *path)
{
	struct stat root;
	int r;

	ledger->root = walk_open(AT_FDCWD, path);
	if (ledger->root < 0)
		return ledger->root;
	if (fstat(ledger->root, &root) < 0)
		return -errno;
	walk_init(&ledger->walk, root.st_dev);
	ledger->walk.step = ledger->step;
	ledger->walk.data = ledger->data;
	r = walk_names(ledger->root, ".", add_place, ledger);
	if (r < 0)
		return r;
	ledger_attribute(ledger);
	add_held_open(ledger);
	usage_add(ledger->usage, &ledger->cache);
	usage_add(ledger->usage, &ledger->records);
	return 0;
}

bool engine_usage_walks(const struct snapshot *snapshot)
{
	const char *driver = snapshot->engine.storage_driver;

	return snapshot->disk.state == FACT_KNOWN && driver &&
	       strcmp(driver, driver_overlay2) == 0;
}

void engine_usage(const struct snapshot *snapshot, void (*step)(void *data), void *data,
		  struct disk_ledger *usage)
{
	struct ledger ledger = {
		.snapshot = snapshot,
		.usage = usage,
		.root = -1,
		.step = step,
		.data = data,
		.now = time(NULL),
		.cache = { .kind = USAGE_CACHE },
		.records = { .kind = USAGE_RECORDS },
	};
	int r = engine_usage_walks(snapshot) ? count_files(&ledger, snapshot->disk.path) : 1;

	usage->walked = r == 0;
	if (r > 0)
		ledger_add_claims(&ledger);
	else if (r < 0)
		usage_add(usage, &(struct usage_row){ .kind = USAGE_UNATTRIBUTED,
						      .id = snapshot->disk.path,
						      .name = snapshot->disk.path,
						      .bytes = -1,
						      .why = strerror(-r) });
	ledger_end(&ledger);
}
