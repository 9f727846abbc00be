#include "cmd/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static int from_url(struct arena *arena, const char *url, const char *where,
		    const char **ret_path, struct err *err)
{
	_cleanup_free_ char *shown = text_escape(url);

	if (!text_starts_with(url, "unix:///") || !url[strlen("unix:///")])
		return err_set(
			err, -EINVAL,
			"%s: '%s' is not unix:///PATH: reclaimd speaks to local unix sockets "
			"only, a remote host runs its own reclaimd",
			where, shown);
	*ret_path = arena_strdup(arena, url + strlen("unix://"));
	return 0;
}

static int try_socket(struct arena *arena, const char *folder, const char *name,
		      const char **ret_path)
{
	const char *path;

	if (!folder || !*folder)
		return -ENOENT;
	path = arena_printf(arena, "%s/%s", folder, name);
	if (access(path, F_OK) < 0)
		return -ENOENT;
	*ret_path = path;
	return 0;
}

static const char *usual_places(struct arena *arena, const char *user)
{
	if (geteuid() == 0)
		return "/run";
	if (!user || !*user)
		return "/run ($XDG_RUNTIME_DIR is not set)";
	return arena_printf(arena, "%s or /run", user);
}

static int from_usual_places(struct arena *arena, const char **ret_path, struct err *err)
{
	static const char *const names[] = { "docker.sock", "podman/podman.sock" };
	const char *user = geteuid() == 0 ? NULL : getenv("XDG_RUNTIME_DIR");
	const char *folders[] = { user, "/run", "/var/run" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			if (try_socket(arena, folders[i], names[k], ret_path) == 0)
				return 0;
	return err_set(err, -ENOENT,
		       "no engine found: neither docker.sock nor podman/podman.sock is in %s; "
		       "start one, or name its socket with --host unix:///PATH",
		       usual_places(arena, user));
}

int host_find(struct arena *arena, const char *option, const struct settings *settings,
	      const char **ret_path, struct err *err)
{
	const char *environment = getenv("DOCKER_HOST");

	if (option)
		return from_url(arena, option, "--host", ret_path, err);
	if (settings->host)
		return from_url(arena, settings->host, "host", ret_path, err);
	if (environment && *environment)
		return from_url(arena, environment, "$DOCKER_HOST", ret_path, err);
	return from_usual_places(arena, ret_path, err);
}

bool host_is_users(const char *option, const struct settings *settings)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *path;
	struct stat info;
	struct err err;

	return geteuid() != 0 && host_find(arena, option, settings, &path, &err) == 0 &&
	       stat(path, &info) == 0 && info.st_uid == geteuid();
}
