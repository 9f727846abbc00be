#include "state/state.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_FOLDER "/var/lib/reclaimd"

/* Longer names are cut, so that with a hash and SQLite's suffixes they fit a folder's entry. */
#define NAME_LENGTH_MAX ((size_t)180)

static bool is_absolute(const char *path)
{
	return path && path[0] == '/';
}

/* systemd puts several folders there, separated by colons. */
static char *unit_folder(void)
{
	const char *folders = getenv("STATE_DIRECTORY");

	if (!is_absolute(folders))
		return NULL;
	return mem_printf("%.*s", (int)strcspn(folders, ":"), folders);
}

static char *user_folder(void)
{
	const char *state_home = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const struct passwd *user;

	if (is_absolute(state_home))
		return mem_printf("%s/reclaimd", state_home);
	if (!is_absolute(home)) {
		user = getpwuid(geteuid());
		home = user && is_absolute(user->pw_dir) ? user->pw_dir : "/nonexistent";
	}
	return mem_printf("%s/.local/state/reclaimd", home);
}

/* A user who may ask root's engine sees what root's runs remember. */
static bool is_system(const char *socket_path)
{
	struct stat status;

	return geteuid() == 0 || (stat(socket_path, &status) == 0 && status.st_uid == 0);
}

static char *folder(const char *socket_path)
{
	char *path = unit_folder();

	if (path)
		return path;
	return is_system(socket_path) ? mem_strdup(SYSTEM_FOLDER) : user_folder();
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_';
}

/* FNV-1a, 64 bits. */
static uint64_t hash(const char *text)
{
	uint64_t value = 14695981039346656037U;

	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 1099511628211U;
	return value;
}

/* "/run/docker.sock" is "run-docker.sock"; no two paths share a name. */
static char *file_name(const char *socket_path)
{
	static const char hex[] = "0123456789ABCDEF";
	char *name = mem_zalloc(strlen(socket_path) + 1, 3), *end = name;

	for (const char *c = socket_path + strspn(socket_path, "/"); *c; c++) {
		if (is_plain(*c)) {
			*end++ = *c;
		} else if (*c == '/') {
			*end++ = '-';
		} else {
			*end++ = '%';
			*end++ = hex[(unsigned char)*c >> 4];
			*end++ = hex[(unsigned char)*c & 15];
		}
	}
	return name;
}

char *state_path(const char *socket_path)
{
	_cleanup_free_ char *resolved = realpath(socket_path, NULL);
	const char *path = resolved ? resolved : socket_path;
	_cleanup_free_ char *place = folder(path), *name = file_name(path);

	if (strlen(name) <= NAME_LENGTH_MAX)
		return mem_printf("%s/%s.sqlite", place, name);
	return mem_printf("%s/%.*s+%016llx.sqlite", place, (int)NAME_LENGTH_MAX, name,
			  (unsigned long long)hash(path));
}
