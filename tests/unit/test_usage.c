#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/held_open.h"
#include "engine/usage.h"
#include "engine/walk.h"
#include "folder.h"
#include "model/usage.h"
#include "report/where.h"

#define DIGITS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
#define LAYER_BASE "a" DIGITS
#define LAYER_TOP "b" DIGITS
#define LAYER_LOST "c" DIGITS
#define CONTAINER "d" DIGITS
#define ORPHAN "e" DIGITS
#define CACHE "kv0xzdt1o6cpmsqd0yj3v7r2n"
#define OLD (24 * 3600)
#define KB 1024

/* ---- a data root ---- */

static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

static void put(const char *root, const char *name, const char *text)
{
	_cleanup_free_ char *path = mem_printf("%s/%s", root, name);

	make_parents(path);
	free(folder_write_text(root, name, text));
}

static void put_bytes(const char *root, const char *name, size_t bytes)
{
	_cleanup_free_ char *path = mem_printf("%s/%s", root, name);
	_cleanup_free_ char *data = mem_zalloc(bytes, 1);

	memset(data, 'x', bytes);
	make_parents(path);
	free(folder_write(root, name, data, bytes));
}

static void make_old(const char *root, const char *name)
{
	_cleanup_free_ char *path = mem_printf("%s/%s", root, name);
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= OLD;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void put_layer(const char *root, const char *chain, const char *parent,
		      const char *folder, size_t bytes)
{
	_cleanup_free_ char *store = mem_printf("image/overlay2/layerdb/sha256/%s", chain);
	_cleanup_free_ char *cache_id = mem_printf("%s/cache-id", store);
	_cleanup_free_ char *diff = mem_printf("%s/diff", store);
	_cleanup_free_ char *parent_file = mem_printf("%s/parent", store);
	_cleanup_free_ char *diff_id = mem_printf("sha256:diff-%s", chain);
	_cleanup_free_ char *data = mem_printf("overlay2/%s/diff/file", folder);

	put(root, cache_id, folder);
	put(root, diff, diff_id);
	if (parent)
		put(root, parent_file, parent);
	put_bytes(root, data, bytes);
}

struct world {
	char *root;
	struct snapshot *snapshot;
	struct disk_ledger *ledger;
};

/* Two images, the second on the first; one layer of none; one container with a log. */
static void world_make(struct world *world)
{
	char *root = folder_make();
	struct snapshot *snapshot = snapshot_new();

	put_layer(root, "base", NULL, LAYER_BASE, 400 * KB);
	put_layer(root, "top", "sha256:base", LAYER_TOP, 200 * KB);
	put_layer(root, "lost", NULL, LAYER_LOST, 100 * KB);
	put(root, "image/overlay2/layerdb/mounts/" CONTAINER "/mount-id", CONTAINER);
	put(root, "image/overlay2/layerdb/mounts/" CONTAINER "/parent", "sha256:top");
	put_bytes(root, "overlay2/" CONTAINER "/diff/file", 60 * KB);
	put_bytes(root, "containers/" CONTAINER "/" CONTAINER "-json.log", 80 * KB);
	put_bytes(root, "containers/" CONTAINER "/" CONTAINER "-json.log.1", 20 * KB);
	put_bytes(root, "volumes/data/_data/file", 120 * KB);
	put_bytes(root, "overlay2/" ORPHAN "/diff/file", 40 * KB);
	make_old(root, "overlay2/" ORPHAN);
	put_bytes(root, "overlay2/" CACHE "/diff/file", 50 * KB);
	make_old(root, "overlay2/" CACHE);
	put(root, "buildkit/snapshots.db", "\x01\x02 " CACHE " \x03");

	snapshot->engine.storage_driver = "overlay2";
	snapshot->disk = (struct disk){ .state = FACT_KNOWN, .path = root };
	snapshot->listing[KIND_IMAGE] = LISTING_READ;
	snapshot->n_images = 2;
	snapshot->images = arena_array(snapshot->arena, 2, sizeof(*snapshot->images));
	for (size_t i = 0; i < 2; i++)
		snapshot->images[i] =
			(struct image){ .id = arena_printf(snapshot->arena, "sha256:%zu", i),
					.inspected = FACT_KNOWN };
	snapshot->images[0].top = layer_get(snapshot, NULL, "sha256:diff-base");
	snapshot->images[1].top =
		layer_get(snapshot, snapshot->images[0].top, "sha256:diff-top");
	snapshot_seal(snapshot);
	*world = (struct world){ root, snapshot, usage_new() };
}

static void world_end(struct world *world)
{
	usage_free(world->ledger);
	snapshot_free(world->snapshot);
	folder_remove(world->root);
}

static const struct usage_row *row_of(const struct disk_ledger *ledger, enum usage_kind kind,
				      const char *id)
{
	const struct usage_row *found = NULL;

	for (size_t i = 0; i < ledger->n; i++) {
		const struct usage_row *row = &ledger->rows[i];

		if (row->kind != kind || (id && (!row->id || strcmp(row->id, id) != 0)))
			continue;
		assert_null(found);
		found = row;
	}
	return found;
}

#define MISSING (-2)

static int64_t bytes_of(const struct disk_ledger *ledger, enum usage_kind kind, const char *id)
{
	const struct usage_row *row = row_of(ledger, kind, id);

	return row ? row->bytes : MISSING;
}

/* What the files take, and some folders. */
static void assert_about(int64_t bytes, int64_t wanted)
{
	assert_in_range(bytes, wanted, wanted + 40 * KB);
}

static void test_each_in_its_row(void **state _unused_)
{
	struct world world;
	const struct disk_ledger *ledger;

	world_make(&world);
	ledger = world.ledger;
	engine_usage(world.snapshot, NULL, NULL, world.ledger);
	assert_true(ledger->walked);
	/* What others hold open only root may see. */
	for (size_t i = 0; i < ledger->n; i++)
		assert_true(ledger->rows[i].bytes >= 0 ||
			    (ledger->rows[i].kind == USAGE_HELD_OPEN && geteuid() != 0));
	assert_int_equal(bytes_of(ledger, USAGE_IMAGE, "sha256:0"), 0);
	assert_about(bytes_of(ledger, USAGE_IMAGE, "sha256:1"), 200 * KB);
	assert_about(bytes_of(ledger, USAGE_SHARED, NULL), 400 * KB);
	assert_about(bytes_of(ledger, USAGE_CONTAINER, CONTAINER), 60 * KB);
	assert_about(bytes_of(ledger, USAGE_LOG, CONTAINER), 100 * KB);
	assert_about(bytes_of(ledger, USAGE_VOLUME, "data"), 120 * KB);
	assert_about(bytes_of(ledger, USAGE_ORPHAN, ORPHAN), 40 * KB);
	assert_about(bytes_of(ledger, USAGE_CACHE, NULL), 50 * KB);
	assert_about(bytes_of(ledger, USAGE_UNATTRIBUTED, NULL), 100 * KB);
	world_end(&world);
}

/* Without these nobody can say that nothing refers to a folder. */
static void test_orphans_are_certain(void **state _unused_)
{
	static const struct {
		const char *name, *text;
		enum usage_kind kind;
	} rows[] = {
		{ "image/overlay2/layerdb/tmp/write-set-1/diff", "x", USAGE_UNATTRIBUTED },
		{ "buildkit/metadata_v2.db", ORPHAN, USAGE_CACHE },
		{ "buildkit/other", ORPHAN, USAGE_ORPHAN },
		{ "overlay2/" ORPHAN "/now", "x", USAGE_UNATTRIBUTED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world world;

		world_make(&world);
		put(world.root, rows[i].name, rows[i].text);
		engine_usage(world.snapshot, NULL, NULL, world.ledger);
		assert_int_equal(row_of(world.ledger, USAGE_ORPHAN, ORPHAN) != NULL,
				 rows[i].kind == USAGE_ORPHAN);
		assert_int_equal(row_of(world.ledger, USAGE_UNATTRIBUTED, ORPHAN) != NULL,
				 rows[i].kind == USAGE_UNATTRIBUTED);
		world_end(&world);
	}
}

/* An image that nobody could look into may have any layer. */
static void test_unread_images(void **state _unused_)
{
	struct world world;

	world_make(&world);
	world.snapshot->images[1].inspected = FACT_UNAVAILABLE;
	engine_usage(world.snapshot, NULL, NULL, world.ledger);
	assert_int_equal(bytes_of(world.ledger, USAGE_IMAGE, "sha256:1"), -1);
	assert_true(world.ledger->unknown);
	assert_about(bytes_of(world.ledger, USAGE_UNATTRIBUTED, NULL), 300 * KB);
	world_end(&world);
}

/* ---- counting ---- */

static void test_walk(void **state _unused_)
{
	_cleanup_free_ char *from = NULL, *to = NULL, *link = NULL;
	char *root = folder_make();
	struct stat info;
	struct walk walk;
	int64_t once, again, linked;
	int r, fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	put_bytes(root, "tree/file", 100 * KB);
	from = mem_printf("%s/tree/file", root);
	to = mem_printf("%s/other", root);
	link = mem_printf("%s/tree/link", root);
	assert_int_equal(fstat(fd, &info), 0);
	walk_init(&walk, info.st_dev);
	assert_int_equal(walk_size(&walk, fd, "tree", &once), 0);
	assert_in_range(once, 100 * KB, 110 * KB);
	/* What is behind a symbolic link is not in the tree. */
	assert_int_equal(symlink("/", link), 0);
	assert_int_equal(walk_size(&walk, fd, "tree", &again), 0);
	assert_in_range(again, once, once + 4 * KB);
	/* A hard link counts where it is first met. */
	assert_int_equal(linkat(AT_FDCWD, from, AT_FDCWD, to, 0), 0);
	r = walk_size(&walk, fd, "tree", &again);
	assert_int_equal(r, 0);
	assert_int_equal(walk_size(&walk, fd, "other", &linked), 0);
	assert_int_equal(linked, 0);
	assert_int_equal(walk_size(&walk, fd, "missing", &linked), 0);
	assert_int_equal(linked, 0);
	walk_end(&walk);
	/* Another file system is not counted. */
	walk_init(&walk, info.st_dev + 1);
	assert_int_equal(walk_size(&walk, fd, "tree", &again), 0);
	assert_int_equal(again, 0);
	walk_end(&walk);
	close(fd);
	folder_remove(root);
}

static void test_held_open(void **state _unused_)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	char *root = folder_make();
	char *path = folder_write_text(root, "gone", "x");
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct held_open *found;
	struct stat info;
	size_t n, mine = 0;

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fstat(fd, &info), 0);
	assert_true(held_open_find("/proc", info.st_dev, "/nowhere/", arena, &found, &n) >= 0);
	for (size_t i = 0; i < n; i++)
		if (found[i].pid == getpid()) {
			mine++;
			assert_int_equal(found[i].files, 1);
			assert_string_equal(found[i].process, "test_usage");
		}
	assert_int_equal(mine, 1);
	free(found);
	close(fd);
	free(path);
	folder_remove(root);
}

/* ---- adding up ---- */

static void test_rest(void **state _unused_)
{
	struct disk_ledger *ledger = usage_new();

	usage_add(ledger, &(struct usage_row){ .kind = USAGE_LOG, .name = "a", .bytes = 10 });
	usage_add(ledger, &(struct usage_row){ .kind = USAGE_LOG, .name = "b", .bytes = 30 });
	usage_close(ledger, 100);
	assert_string_equal(ledger->rows[1].name, "b");
	assert_int_equal(ledger->rows[0].kind, USAGE_REST);
	assert_int_equal(ledger->rows[0].bytes, 60);
	assert_false(ledger->unknown);
	usage_free(ledger);

	ledger = usage_new();
	usage_add(ledger, &(struct usage_row){ .kind = USAGE_LOG, .name = "a", .bytes = 120 });
	usage_close(ledger, 100);
	assert_int_equal(ledger->over, 20);
	usage_free(ledger);
}

static char *rendered(const struct snapshot *snapshot, const struct disk_ledger *ledger,
		      bool all, unsigned width)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	report_where(snapshot, ledger, all, width, out);
	fclose(out);
	return text;
}

/* Many small rows are a line, and an unknown one stays apart from their sum. */
static void test_one_screen(void **state _unused_)
{
	_cleanup_(usage_freep) struct disk_ledger *ledger = usage_new();
	_cleanup_(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	_cleanup_free_ char *brief = NULL, *all = NULL;

	ledger->walked = true;
	for (int64_t i = 1; i <= 100; i++)
		usage_add(ledger, &(struct usage_row){ .kind = USAGE_VOLUME,
						       .name = "some\x1b",
						       .bytes = i * 1000000 });
	usage_add(ledger, &(struct usage_row){ .kind = USAGE_VOLUME,
					       .name = "secret",
					       .bytes = -1,
					       .why = "Permission denied" });
	usage_close(ledger, INT64_C(6000000000));
	brief = rendered(snapshot, ledger, false, 0);
	all = rendered(snapshot, ledger, true, 0);
	assert_non_null(strstr(brief, "unknown  volume"));
	assert_non_null(strstr(brief, "Permission denied"));
	assert_non_null(strstr(brief, "88 volumes"));
	assert_non_null(strstr(brief, "the unknown, and not the engine's"));
	assert_null(strchr(brief, '\x1b'));
	assert_null(strstr(all, "88 volumes"));
}

/* On a narrow terminal what to do is still there, in lines that fit. */
static void test_narrow(void **state _unused_)
{
	_cleanup_(usage_freep) struct disk_ledger *ledger = usage_new();
	_cleanup_(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	_cleanup_free_ char *text = NULL, *wide = NULL;

	usage_add(ledger, &(struct usage_row){ .kind = USAGE_ORPHAN, .name = "b", .bytes = 1 });
	usage_add(ledger,
		  &(struct usage_row){ .kind = USAGE_VOLUME,
				       .name = "a-name-that-is-longer-than-there-is-room-for",
				       .bytes = 9 });
	usage_close(ledger, 10);
	wide = rendered(snapshot, ledger, false, 0);
	text = rendered(snapshot, ledger, false, 80);
	assert_non_null(strstr(wide, "a [volumes] rule, if no container needs it\n"));
	assert_non_null(strstr(text, "a-name-"));
	assert_null(strstr(text, "room-for"));
	assert_non_null(strstr(text, "needs it\n"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_in_range(strlen(line), 0, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_in_its_row),
		cmocka_unit_test(test_orphans_are_certain),
		cmocka_unit_test(test_unread_images),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_held_open),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_one_screen),
		cmocka_unit_test(test_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
