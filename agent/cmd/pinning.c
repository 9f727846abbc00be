#include "cmd/pinning.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/quadlet.h"

/* The environment is about who runs this. */
static const char *environment(uid_t uid, const char *name)
{
	const char *value = uid == geteuid() ? getenv(name) : NULL;

	return value && *value == '/' ? value : NULL;
}

static const char *home_of(struct arena *arena, uid_t uid)
{
	const char *home = environment(uid, "HOME");
	const struct passwd *entry = home ? NULL : getpwuid(uid);

	return arena_strdup(arena, home ? home : entry ? entry->pw_dir : NULL);
}

static void add_base(struct strings *bases, const char *base)
{
	if (base)
		bases->v[bases->n++] = base;
}

/* The variables may be others where the engine's units are made: the usual places count too. */
static void find_bases(struct arena *arena, struct quadlet_user *user)
{
	const char *usual = arena_printf(arena, "/run/user/%u", (unsigned)user->uid);

	user->runtime = environment(user->uid, "XDG_RUNTIME_DIR");
	user->bases.v = arena_array(arena, 4, sizeof(*user->bases.v));
	add_base(&user->bases, user->runtime);
	add_base(&user->bases, usual);
	add_base(&user->bases, environment(user->uid, "XDG_CONFIG_HOME"));
	if (user->home)
		add_base(&user->bases, arena_printf(arena, "%s/.config", user->home));
	if (!user->runtime)
		user->runtime = usual;
}

static void read_quadlets_of(uid_t uid, struct snapshot *snapshot, struct problems *problems)
{
	struct quadlet_user user = {
		.uid = uid,
		.home = home_of(snapshot->arena, uid),
		.runtime = "/run",
	};

	if (uid != 0)
		find_bases(snapshot->arena, &user);
	quadlet_load(snapshot->arena, "", &user, &snapshot->pinned, problems);
}

static void read_quadlets(struct snapshot *snapshot, struct problems *problems)
{
	struct stat info;

	if (stat(snapshot->engine.socket, &info) < 0) {
		problems_add(problems, "%s: %s", snapshot->engine.socket, strerror(errno));
		return;
	}
	/* The system's engine may listen on a socket that it gave to a user. */
	if (info.st_uid == 0 || !snapshot->engine.rootless)
		read_quadlets_of(0, snapshot, problems);
	if (info.st_uid != 0)
		read_quadlets_of(info.st_uid, snapshot, problems);
}

void pinning_apply(const struct pinned *pinned, struct snapshot *snapshot)
{
	struct arena *arena = snapshot->arena;
	struct problems problems = { 0 };

	pins_append(arena, &snapshot->pinned.images, &pinned->images);
	pins_append(arena, &snapshot->pinned.volumes, &pinned->volumes);
	pins_append(arena, &snapshot->pinned.networks, &pinned->networks);
	if (snapshot->engine.quadlet)
		read_quadlets(snapshot, &problems);
	for (size_t i = 0; i < problems.n; i++)
		problems_add(&snapshot->problems, "%s; no image, volume or network goes",
			     problems.texts[i]);
	if (problems.n > 0)
		snapshot->pinned_unknown = arena_strdup(arena, problems.texts[0]);
	problems_clear(&problems);
}
