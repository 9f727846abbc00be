#include "state/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/schema.h"

/* Whoever may write here decides what is old enough to go. */
static bool is_safe(const struct stat *status)
{
	return (status->st_uid == 0 || status->st_uid == geteuid()) &&
	       (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int fail(const char *path, int error, struct err *err)
{
	return err_set(err, -error, "state %s: %s", path, strerror(error));
}

static int make_one_folder(const char *path)
{
	/* Everybody's `plan` reads it, whatever the umask of the unit. */
	if (mkdir(path, 0755) == 0)
		return chmod(path, 0755);
	return errno == EEXIST ? 0 : -1;
}

static int make_folder(const char *path)
{
	_cleanup_free_ char *copy = mem_strdup(path);

	if (make_one_folder(path) == 0)
		return 0;
	if (errno != ENOENT || make_folder(dirname(copy)) < 0)
		return -1;
	return make_one_folder(path);
}

static int check_folder(const char *path, int writable, struct err *err)
{
	_cleanup_free_ char *copy = mem_strdup(path);
	const char *folder = dirname(copy);
	struct stat status;

	if (writable && make_folder(folder) < 0)
		return fail(folder, errno, err);
	if (stat(folder, &status) < 0)
		return !writable && errno == ENOENT ? 0 : fail(folder, errno, err);
	if (!is_safe(&status))
		return err_set(err, -EPERM, "state %s: others may write this folder", folder);
	return 1;
}

static int make_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0)
		return errno == EEXIST ? 1 : fail(path, errno, err);
	if (fchmod(fd, 0644) < 0) {
		close(fd);
		return fail(path, errno, err);
	}
	close(fd);
	return 1;
}

static unsigned big_endian(const unsigned char *bytes)
{
	return (unsigned)bytes[0] << 24 | (unsigned)bytes[1] << 16 | (unsigned)bytes[2] << 8 |
	       bytes[3];
}

/* SQLite's file format, section 1.3: the database header. */
static int check_header(const char *path, struct err *err)
{
	unsigned char header[100] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t length;

	if (fd < 0)
		return fail(path, errno, err);
	length = read(fd, header, sizeof(header));
	if (length < 0) {
		close(fd);
		return fail(path, errno, err);
	}
	close(fd);
	if (length == 0)
		return 1;
	if (length < (ssize_t)sizeof(header) || memcmp(header, "SQLite format 3", 16) != 0)
		return err_set(err, -EBADMSG, "state %s: it is broken; remove it to start anew",
			       path);
	if (big_endian(header + 68) != SCHEMA_APPLICATION_ID || header[18] != 1 ||
	    header[19] != 1)
		return err_set(err, -EBADMSG, "state %s: it is not reclaimd's", path);
	return 1;
}

static int check_existing(const char *path, const struct stat *status, int writable,
			  struct err *err)
{
	if (!S_ISREG(status->st_mode))
		return err_set(err, S_ISDIR(status->st_mode) ? -EISDIR : -EINVAL,
			       "state %s: not a file", path);
	if (!is_safe(status))
		return err_set(err, -EPERM, "state %s: others may write it, or own it", path);
	if (status->st_size == 0 && !writable)
		return 0;
	return check_header(path, err);
}

int state_file_check(const char *path, int writable, struct err *err)
{
	struct stat status;
	int r = check_folder(path, writable, err);

	if (r <= 0)
		return r;
	if (lstat(path, &status) == 0)
		return check_existing(path, &status, writable, err);
	if (errno != ENOENT)
		return fail(path, errno, err);
	return writable ? make_file(path, err) : 0;
}
