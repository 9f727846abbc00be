#include "conf/files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static bool is_roots_alone(const struct stat *info)
{
	return info->st_uid == 0 && (info->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static void refuse(const char *path, struct problems *problems)
{
	problems_add(problems,
		     "%s: is not root's alone to write; do 'chown root %s' and 'chmod go-w %s'",
		     path, path, path);
}

/* Who may rename a folder above a linked one could put another in its place. In a folder with
 * the sticky bit, as /tmp, nobody but root can. */
static bool is_safe_above(char *resolved)
{
	for (;;) {
		char *slash = strrchr(resolved, '/');
		struct stat info;

		if (!slash || !resolved[1])
			return true;
		slash[slash == resolved] = '\0';
		if (stat(resolved, &info) < 0 || info.st_uid != 0 ||
		    ((info.st_mode & (S_IWGRP | S_IWOTH)) && !(info.st_mode & S_ISVTX)))
			return false;
	}
}

static bool check_link(const char *path, struct problems *problems)
{
	_cleanup_free_ char *resolved = NULL;
	struct stat link;

	if (lstat(path, &link) == 0 && !S_ISLNK(link.st_mode))
		return true;
	resolved = realpath(path, NULL);
	if (!resolved)
		problems_add(problems, "%s: %s", path, strerror(errno));
	else if (is_safe_above(resolved))
		return true;
	else
		problems_add(
			problems,
			"%s: is a link that leads through %s, which is not root's alone to "
			"write; link to another place, or to none",
			path, resolved);
	return false;
}

/* Of a link, what it leads to. */
static bool check_searched(const char *folder, const struct stat *info,
			   struct problems *problems)
{
	if (geteuid() != 0)
		return true;
	if (is_roots_alone(info))
		return check_link(folder, problems);
	refuse(folder, problems);
	return false;
}

bool files_are_roots(const struct strings *folders, struct problems *problems)
{
	size_t before = problems->n;
	struct stat info;

	if (geteuid() != 0)
		return true;
	for (size_t i = 0; i < folders->n; i++)
		if (stat(folders->v[i], &info) == 0)
			check_searched(folders->v[i], &info, problems);
		else if (errno != ENOENT || lstat(folders->v[i], &info) == 0)
			problems_add(problems, "%s: %s", folders->v[i], strerror(errno));
	return problems->n == before;
}

/* A folder with the sticky bit, as /tmp, is meant to be as it is. */
static char *remedy(const char *folder, mode_t mode)
{
	if (mode & S_ISVTX)
		return mem_strdup("put it elsewhere, for example below /root");
	return mem_printf("do 'chown root %s' and 'chmod go-w %s'", folder, folder);
}

static bool check_folder(const char *path, struct problems *problems)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder =
		slash ? mem_printf("%.*s", (int)(slash == path ? 1 : slash - path), path)
		      : mem_strdup(".");
	_cleanup_free_ char *what_to_do = NULL;
	struct stat info = { 0 };

	if (stat(folder, &info) == 0 && is_roots_alone(&info))
		return true;
	what_to_do = remedy(folder, info.st_mode);
	problems_add(problems, "%s: the folder %s is not root's alone to write; %s", path,
		     folder, what_to_do);
	return false;
}

/* A policy decides what root deletes: nobody else may have a hand in it. */
static bool check_owner(const char *path, const struct stat *info, struct problems *problems)
{
	_cleanup_free_ char *resolved = realpath(path, NULL);

	if (geteuid() != 0)
		return true;
	if (!is_roots_alone(info)) {
		refuse(path, problems);
		return false;
	}
	return check_folder(path, problems) &&
	       (!resolved || strcmp(resolved, path) == 0 || check_folder(resolved, problems)) &&
	       check_link(path, problems);
}

FILE *files_open(const char *path, struct problems *problems)
{
	/* Without O_NONBLOCK a FIFO would be waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat info;
	FILE *file = NULL;

	if (fd < 0) {
		problems_add(problems, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (fstat(fd, &info) < 0)
		problems_add(problems, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(info.st_mode))
		problems_add(problems, "%s: is no regular file", path);
	else if (check_owner(path, &info, problems))
		file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}

static int check_readable(int fd, const char *path, size_t max, struct err *err)
{
	struct stat info, null;

	if (fstat(fd, &info) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (S_ISCHR(info.st_mode) && stat("/dev/null", &null) == 0 &&
	    info.st_rdev == null.st_rdev)
		return 0;
	if (!S_ISREG(info.st_mode))
		return err_set(err, -EINVAL, "%s: is no regular file", path);
	if (info.st_size > (off_t)max)
		return err_set(err, -EFBIG, "%s: is bigger than %zu bytes", path, max);
	return 1;
}

/* One byte more than max is read, so that a file that grows meanwhile is noticed. */
static int read_text(int fd, const char *path, size_t max, char **ret, struct err *err)
{
	_cleanup_free_ char *text = mem_zalloc(max + 2, 1);
	size_t length = 0;
	ssize_t n;

	do {
		n = read(fd, text + length, max + 1 - length);
		if (n < 0 && errno != EINTR)
			return err_set(err, -errno, "%s: %s", path, strerror(errno));
		length += n > 0 ? (size_t)n : 0;
	} while (n != 0 && length <= max);
	if (length > max)
		return err_set(err, -EFBIG, "%s: is bigger than %zu bytes", path, max);
	if (memchr(text, '\0', length))
		return err_set(err, -EINVAL, "%s: has NUL bytes, so it is no text", path);
	*ret = mem_strdup(text);
	return 1;
}

int files_read(const char *path, size_t max, char **ret, struct err *err)
{
	/* Without O_NONBLOCK a FIFO would be waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	r = check_readable(fd, path, max, err);
	if (r > 0)
		r = read_text(fd, path, max, ret, err);
	close(fd);
	return r;
}

int files_is_folder(const char *path, struct problems *problems)
{
	struct stat info;

	if (stat(path, &info) == 0)
		return S_ISDIR(info.st_mode);
	problems_add(problems, "%s: %s", path, strerror(errno));
	return -1;
}

static bool is_switched_off(const char *path)
{
	_cleanup_free_ char *resolved = realpath(path, NULL);
	struct stat info;

	if (resolved && strcmp(resolved, "/dev/null") == 0)
		return true;
	return stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0;
}

static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(base_name(*(const char *const *)a), base_name(*(const char *const *)b));
}

static bool has_name(const struct strings *files, const char *name)
{
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(base_name(files->v[i]), name) == 0)
			return true;
	return false;
}

static bool is_wanted(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return name[0] != '.' && length > end && strcmp(name + length - end, suffix) == 0;
}

static bool is_misnamed(const char *name, const char *suffix)
{
	const char *end = strstr(name, suffix);

	return name[0] != '.' && !text_starts_with(name, "README") &&
	       (!end || isalnum((unsigned char)end[strlen(suffix)])) &&
	       !is_wanted(name, suffix);
}

struct search {
	struct arena *arena;
	bool (*wants)(const char *name, const char *suffix);
	const char *suffix;
	struct strings found;
	struct problems *problems;
};

static void add_files(struct search *search, DIR *dir, const char *folder)
{
	struct strings *files = &search->found;
	const struct dirent *entry;

	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		if (!search->wants(entry->d_name, search->suffix) ||
		    has_name(files, entry->d_name))
			continue;
		files->v = mem_grow(files->v, files->n, sizeof(*files->v));
		files->v[files->n++] =
			arena_printf(search->arena, "%s/%s", folder, entry->d_name);
	}
	if (errno != 0)
		problems_add(search->problems, "%s: %s", folder, strerror(errno));
}

static void add_folder(struct search *search, const char *folder)
{
	DIR *dir = opendir(folder);
	struct stat info;

	if (!dir) {
		int error = errno;

		if (error != ENOENT || lstat(folder, &info) == 0)
			problems_add(search->problems, "%s: %s", folder, strerror(error));
		return;
	}
	if (fstat(dirfd(dir), &info) < 0)
		problems_add(search->problems, "%s: %s", folder, strerror(errno));
	else if (check_searched(folder, &info, search->problems))
		add_files(search, dir, folder);
	closedir(dir);
}

static void find(struct search *search, const struct strings *places, const char *subfolder,
		 struct strings *ret)
{
	struct arena *arena = search->arena;
	struct strings *found = &search->found;

	for (size_t i = 0; i < places->n; i++)
		add_folder(search,
			   *subfolder ? arena_printf(arena, "%s/%s", places->v[i], subfolder)
				      : places->v[i]);
	if (found->n > 1)
		qsort(found->v, found->n, sizeof(*found->v), compare_names);
	*ret = (struct strings){ .v = arena_array(arena, found->n, sizeof(*ret->v)) };
	for (size_t i = 0; i < found->n; i++)
		if (!is_switched_off(found->v[i]))
			ret->v[ret->n++] = found->v[i];
	free(found->v);
}

void files_find(struct arena *arena, const struct strings *places, const char *subfolder,
		const char *suffix, struct strings *ret, struct problems *problems)
{
	struct search search = { arena, is_wanted, suffix, { 0 }, problems };

	find(&search, places, subfolder, ret);
}

void files_find_misnamed(struct arena *arena, const struct strings *places,
			 const char *subfolder, const char *suffix, struct strings *ret,
			 struct problems *problems)
{
	struct search search = { arena, is_misnamed, suffix, { 0 }, problems };

	find(&search, places, subfolder, ret);
}

const char *files_find_one(struct arena *arena, const struct strings *places, const char *name,
			   struct problems *problems)
{
	for (size_t i = 0; i < places->n; i++) {
		const char *path = arena_printf(arena, "%s/%s", places->v[i], name);
		struct stat info;

		if (lstat(path, &info) == 0)
			return is_switched_off(path) ? NULL : path;
		if (errno != ENOENT && errno != ENOTDIR)
			problems_add(problems, "%s: %s", path, strerror(errno));
	}
	return NULL;
}
