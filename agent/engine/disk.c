#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/mounts.h"

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}
DEFINE_CLEANUP(int, close_fd, close_fd)

static void unavailable(struct disk *disk, struct arena *arena, const char *format, ...)
	_printf_(3, 4);

static void unavailable(struct disk *disk, struct arena *arena, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		mem_die();
	va_end(args);
	disk->state = FACT_UNAVAILABLE;
	disk->why = arena_strdup(arena, text);
}

/* In a sandbox an empty folder may lie over the engine's: then what we see is not the engine's
 * file system, and only what is missing in it shows that. */
static int find_driver(int root, const char *driver)
{
	_cleanup_free_ char *in_containerd =
		mem_printf("io.containerd.snapshotter.v1.%s", driver);
	const char *const names[] = { driver, in_containerd };
	struct stat stat_buffer;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (fstatat(root, names[i], &stat_buffer, 0) == 0)
			return S_ISDIR(stat_buffer.st_mode) ? 0 : -ENOTDIR;
		if (errno != ENOENT)
			return -errno;
	}
	return -ENOENT;
}

static bool check(int root, const char *driver, struct arena *arena, struct disk *disk)
{
	struct stat stat_buffer;
	int r;

	if (!driver) {
		unavailable(disk, arena, "the engine does not name its storage driver");
		return false;
	}
	r = find_driver(root, driver);
	if (r < 0) {
		unavailable(disk, arena,
			    "%s: the folder of the storage driver %s is not seen: %s",
			    disk->path, driver, strerror(-r));
		return false;
	}
	if (fstat(root, &stat_buffer) < 0 || !mount_is_device(disk->path, stat_buffer.st_dev)) {
		unavailable(disk, arena, "%s is not on the file system that is mounted there",
			    disk->path);
		return false;
	}
	return true;
}

static void fill(struct disk *disk, const struct statvfs *fs)
{
	int64_t block = (int64_t)fs->f_frsize;

	disk->state = FACT_KNOWN;
	disk->total = (int64_t)fs->f_blocks * block;
	disk->available = (int64_t)fs->f_bavail * block;
	disk->used = (int64_t)(fs->f_blocks - fs->f_bfree) * block;
	disk->inodes = (int64_t)fs->f_files;
	disk->inodes_available = (int64_t)fs->f_favail;
	disk->inodes_used = (int64_t)(fs->f_files - fs->f_ffree);
}

void engine_disk(const struct engine_info *info, const char *data_root, struct arena *arena,
		 struct disk *disk)
{
	const char *path = data_root ? data_root : info->data_root;
	_cleanup_(close_fdp) int root = -1;
	_cleanup_free_ char *resolved = NULL;
	struct statvfs fs;

	*disk = (struct disk){ .path = arena_strdup(arena, path) };
	if (!path) {
		unavailable(disk, arena,
			    "the engine does not tell where its data lies (with the "
			    "containerd image store, in containerd's root): set data-root");
		return;
	}
	resolved = realpath(path, NULL);
	/* No more rights than the search for it: the folder is root's. */
	if (resolved)
		root = open(resolved, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		unavailable(disk, arena, "%s: %s", path, strerror(errno));
		return;
	}
	disk->path = arena_strdup(arena, resolved);
	if (!check(root, info->storage_driver, arena, disk))
		return;
	if (fstatvfs(root, &fs) < 0)
		unavailable(disk, arena, "%s: %s", path, strerror(errno));
	else
		fill(disk, &fs);
}
