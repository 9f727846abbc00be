#include "engine/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* st_blocks counts these, whatever the file system's blocks. */
#define BLOCK 512

/* Each level is an open folder. */
#define MAX_DEPTH 400

void walk_init(struct walk *walk, dev_t device)
{
	*walk = (struct walk){ .device = device };
}

void walk_end(struct walk *walk)
{
	free(walk->linked.v);
	*walk = (struct walk){ 0 };
}

static size_t slot(const struct walk *walk, ino_t inode)
{
	size_t mask = walk->linked.size - 1, at = (size_t)(inode * 0x9e3779b97f4a7c15u) & mask;

	while (walk->linked.v[at] != 0 && walk->linked.v[at] != inode)
		at = (at + 1) & mask;
	return at;
}

static void make_room(struct walk *walk)
{
	ino_t *old = walk->linked.v;
	size_t size = walk->linked.size;

	if (2 * (walk->linked.n + 1) <= size)
		return;
	walk->linked.size = size > 0 ? 2 * size : 1024;
	walk->linked.v = mem_zalloc(walk->linked.size, sizeof(*walk->linked.v));
	for (size_t i = 0; i < size; i++)
		if (old[i] != 0)
			walk->linked.v[slot(walk, old[i])] = old[i];
	free(old);
}

static bool is_counted(struct walk *walk, const struct stat *file)
{
	size_t at;

	if (file->st_nlink < 2 || S_ISDIR(file->st_mode))
		return false;
	make_room(walk);
	at = slot(walk, file->st_ino);
	if (walk->linked.v[at] == file->st_ino)
		return true;
	walk->linked.v[at] = file->st_ino;
	walk->linked.n++;
	return false;
}

int walk_open(int folder, const char *path)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd = openat(folder, path, flags | O_NOATIME);

	/* Only a file's owner and root may keep the access time. */
	if (fd < 0 && errno == EPERM)
		fd = openat(folder, path, flags);
	return fd < 0 ? -errno : fd;
}

static void close_folder(DIR *folder)
{
	if (folder)
		closedir(folder);
}
DEFINE_CLEANUP(DIR *, close_folder, close_folder)

int walk_names(int folder, const char *path,
	       int (*each)(void *data, int folder, const char *name), void *data)
{
	_cleanup_(close_folderp) DIR *open_folder = NULL;
	const struct dirent *entry;
	int r = 0, fd = walk_open(folder, path);

	if (fd < 0)
		return fd;
	open_folder = fdopendir(fd);
	if (!open_folder) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r >= 0) {
		errno = 0;
		entry = readdir(open_folder);
		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = each(data, fd, entry->d_name);
	}
	return r;
}

struct level {
	struct walk *walk;
	int64_t bytes;
	unsigned depth;
};

static int count(void *data, int folder, const char *name)
{
	struct level *level = data;
	struct level below = { .walk = level->walk, .depth = level->depth + 1 };
	struct stat file;
	int r = 0;

	if (fstatat(folder, name, &file, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (level->walk->step)
		level->walk->step(level->walk->data);
	if (file.st_dev != level->walk->device || is_counted(level->walk, &file))
		return 0;
	level->bytes += (int64_t)file.st_blocks * BLOCK;
	if (!S_ISDIR(file.st_mode))
		return 0;
	if (below.depth > MAX_DEPTH)
		return -ELOOP;
	r = walk_names(folder, name, count, &below);
	level->bytes += below.bytes;
	return r == -ENOENT ? 0 : r;
}

int walk_size(struct walk *walk, int folder, const char *name, int64_t *ret)
{
	struct level level = { .walk = walk };
	int r = count(&level, folder, name);

	*ret = r < 0 ? -1 : level.bytes;
	return r;
}
