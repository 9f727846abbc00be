#include "apply/lock.h"

#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *lock_folder(void)
{
	const char *runtime = getenv("RUNTIME_DIRECTORY"), *user = getenv("XDG_RUNTIME_DIR");

	if (runtime && *runtime)
		return mem_printf("%.*s", (int)strcspn(runtime, ":"), runtime);
	if (geteuid() == 0)
		return mem_strdup("/run/reclaimd/lock");
	if (user && *user)
		return mem_printf("%s/reclaimd/lock", user);
	return mem_printf("/tmp/reclaimd-%u/lock", (unsigned)geteuid());
}

static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int r;

		*slash = '\0';
		r = mkdir(path, 0755);
		*slash = '/';
		if (r < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* A name that two sockets never share: '/' becomes '-', and '-' and '%' are escaped. */
static char *lock_name(const char *folder, const char *socket_path)
{
	_cleanup_free_ char *resolved = realpath(socket_path, NULL);
	const char *path = resolved ? resolved : socket_path;
	_cleanup_free_ char *name = mem_zalloc(strlen(path) * 3 + 1, 1);
	char *end = name;

	for (; *path; path++) {
		if (*path == '-' || *path == '%')
			end += sprintf(end, "%%%02x", (unsigned)*path);
		else
			*end++ = *path == '/' ? '-' : *path;
	}
	return mem_printf("%s/%s.lock", folder, name);
}

int lock_take(const char *socket_path, int *ret_fd, struct err *err)
{
	_cleanup_free_ char *folder = lock_folder();
	_cleanup_free_ char *path = lock_name(folder, socket_path);
	int fd, r = make_folders(folder);

	if (r < 0)
		return err_set(err, r, "%s: %s", folder, strerror(-r));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
		close(fd);
		return err_set(err, r,
			       r == -EWOULDBLOCK ? "another run for %s holds the lock"
						 : "%s: lock",
			       socket_path);
	}
	*ret_fd = fd;
	return 0;
}
