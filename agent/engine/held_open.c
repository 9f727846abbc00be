#include "engine/held_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/text.h"
#include "engine/walk.h"

#define BLOCK 512
#define NAME_SIZE 64

struct file {
	dev_t device;
	ino_t inode;
};

struct known_device {
	dev_t device;
	bool ours;
};

struct search {
	const char *proc, *upper;
	dev_t device;
	struct known_device *devices; /* others, once they were met */
	size_t n_devices;
	struct arena *arena;
	struct held_open *found,
		*now; /* now: of the process in hand, within found; NULL: none */
	size_t n;
	struct file *seen;
	size_t n_seen;
	pid_t pid;
	int refused;
};

/* Whether the line of a mountinfo is of an overlay on that device that writes below `upper`. */
static bool is_overlay(const char *line, dev_t device, const char *upper)
{
	const char *option = strstr(line, ",upperdir=");
	unsigned major_number, minor_number;

	return option && strstr(line, " - overlay ") &&
	       sscanf(line, "%*u %*u %u:%u ", &major_number, &minor_number) == 2 &&
	       makedev(major_number, minor_number) == device &&
	       text_starts_with(option + strlen(",upperdir="), upper);
}

static void close_file(FILE *file)
{
	if (file)
		fclose(file);
}
DEFINE_CLEANUP(FILE *, close_file, close_file)

static bool find_overlay(const struct search *search, dev_t device)
{
	_cleanup_free_ char *path = mem_printf("%s/%d/mountinfo", search->proc, search->pid);
	_cleanup_(close_filep) FILE *mountinfo = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (mountinfo && getline(&line, &size, mountinfo) > 0)
		if (is_overlay(line, device, search->upper))
			return true;
	return false;
}

/* A container's file system is a device of its own, which only its processes see mounted. */
static bool is_ours(struct search *search, dev_t device)
{
	bool ours;

	if (device == search->device)
		return true;
	for (size_t i = 0; i < search->n_devices; i++)
		if (search->devices[i].device == device)
			return search->devices[i].ours;
	ours = find_overlay(search, device);
	search->devices =
		mem_grow(search->devices, search->n_devices, sizeof(*search->devices));
	search->devices[search->n_devices++] =
		(struct known_device){ .device = device, .ours = ours };
	return ours;
}

static bool is_seen(struct search *search, const struct stat *file)
{
	for (size_t i = 0; i < search->n_seen; i++)
		if (search->seen[i].device == file->st_dev &&
		    search->seen[i].inode == file->st_ino)
			return true;
	search->seen = mem_grow(search->seen, search->n_seen, sizeof(*search->seen));
	search->seen[search->n_seen++] =
		(struct file){ .device = file->st_dev, .inode = file->st_ino };
	return false;
}

static const char *name_of(const struct search *search, int folder)
{
	_cleanup_(walk_closep) int fd = openat(folder, "../comm", O_RDONLY | O_CLOEXEC);
	char name[NAME_SIZE];
	ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);

	if (n <= 0)
		return "?";
	name[n] = '\0';
	name[strcspn(name, "\n")] = '\0';
	return arena_strdup(search->arena, name);
}

static int look_at_file(void *data, int folder, const char *name)
{
	struct search *search = data;
	struct stat file;

	/* The kernel resolves the link: there is no path to a deleted file. */
	if (fstatat(folder, name, &file, 0) < 0 || file.st_nlink > 0 ||
	    !S_ISREG(file.st_mode) || !is_ours(search, file.st_dev) || is_seen(search, &file))
		return 0;
	if (!search->now) {
		search->found = mem_grow(search->found, search->n, sizeof(*search->found));
		search->now = &search->found[search->n++];
		*search->now = (struct held_open){ .pid = search->pid,
						   .process = name_of(search, folder) };
	}
	search->now->bytes += (int64_t)file.st_blocks * BLOCK;
	search->now->files++;
	return 0;
}

static int look_at_process(void *data, int proc, const char *name)
{
	struct search *search = data;
	_cleanup_free_ char *path = mem_printf("%s/fd", name);
	char *end;
	long pid = strtol(name, &end, 10);
	int r;

	if (*end != '\0' || pid <= 0)
		return 0;
	search->pid = (pid_t)pid;
	search->now = NULL;
	r = walk_names(proc, path, look_at_file, search);
	/* What ended meanwhile holds nothing. */
	if (r < 0 && r != -ENOENT && r != -ESRCH)
		search->refused++;
	return 0;
}

int held_open_find(const char *proc, dev_t device, const char *upper, struct arena *arena,
		   struct held_open **ret, size_t *ret_n)
{
	struct search search = {
		.proc = proc, .upper = upper, .device = device, .arena = arena
	};
	int r = walk_names(AT_FDCWD, proc, look_at_process, &search);

	free(search.seen);
	free(search.devices);
	*ret = search.found;
	*ret_n = search.n;
	return r < 0 ? r : search.refused;
}
