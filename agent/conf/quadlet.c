#include "conf/quadlet.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/quadlet_unit.h"

static const char *const types[] = { "container", "image", "volume", "network",
				     "pod",	  "kube",  "build" };

static const char *type_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(types); i++)
		if (strcmp(dot + 1, types[i]) == 0)
			return types[i];
	return NULL;
}

static void add_string(struct strings *strings, const char *text)
{
	strings->v = mem_grow(strings->v, strings->n, sizeof(*strings->v));
	strings->v[strings->n++] = text;
}

/* ---- folders ---- */

/* Which folders below a place are somebody else's. */
typedef bool foreign(const struct quadlets *quadlets, const char *name);

static bool is_users(const struct quadlets *quadlets _unused_, const char *name)
{
	return strcmp(name, "users") == 0;
}

static bool is_other_users(const struct quadlets *quadlets, const char *name)
{
	_cleanup_free_ char *own = mem_printf("%u", (unsigned)quadlets->user->uid);

	return name[strspn(name, "0123456789")] == '\0' && strcmp(name, own) != 0;
}

static void add_unit(struct quadlets *quadlets, const char *folder, const char *name)
{
	quadlets->units =
		mem_grow(quadlets->units, quadlets->n_units, sizeof(*quadlets->units));
	quadlets->units[quadlets->n_units++] = (struct unit){
		.folder = folder,
		.name = arena_strdup(quadlets->arena, name),
		.path = arena_printf(quadlets->arena, "%s/%s", folder, name),
		.type = type_of(name),
	};
}

static bool was_visited(const struct quadlets *quadlets, const char *path)
{
	for (size_t i = 0; i < quadlets->folders.n; i++)
		if (strcmp(quadlets->folders.v[i], path) == 0)
			return true;
	return false;
}

static void walk(struct quadlets *quadlets, const char *path, foreign *is_foreign);

static void look_at(struct quadlets *quadlets, const char *folder, const char *name)
{
	_cleanup_free_ char *path = mem_printf("%s/%s", folder, name);
	struct stat info;

	/* What is gone meanwhile is not there; a link that leads nowhere is. */
	if (stat(path, &info) < 0) {
		int error = errno;

		if (error != ENOENT || lstat(path, &info) == 0)
			problems_add(quadlets->problems, "%s: %s", path, strerror(error));
	} else if (S_ISDIR(info.st_mode)) {
		walk(quadlets, path, NULL);
	} else if (type_of(name)) {
		add_unit(quadlets, folder, name);
	}
}

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void walk(struct quadlets *quadlets, const char *path, foreign *is_foreign)
{
	_cleanup_free_ char *resolved = realpath(path, NULL);
	struct dirent **entries;
	const char *folder;
	struct stat info;
	int n;

	if (!resolved && errno == ENOENT && lstat(path, &info) < 0 && errno == ENOENT)
		return;
	if (resolved && was_visited(quadlets, resolved))
		return;
	n = resolved ? scandir(resolved, &entries, is_entry, alphasort) : -1;
	if (n < 0) {
		problems_add(quadlets->problems, "%s: %s", path, strerror(errno));
		return;
	}
	folder = arena_strdup(quadlets->arena, resolved);
	add_string(&quadlets->folders, folder);
	for (int i = 0; i < n; i++) {
		if (!is_foreign || !is_foreign(quadlets, entries[i]->d_name))
			look_at(quadlets, folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

/* Root's Podman makes /run/containers for root alone. What lies below is as closed to the
 * systemd of a user, who makes no units of it. */
static bool is_out_of_reach(const struct quadlet_user *user, const char *path)
{
	struct stat info;

	return user->uid != 0 && user->uid == geteuid() && lstat(path, &info) < 0 &&
	       errno == EACCES;
}

static void walk_places(struct quadlets *quadlets)
{
	static const char *const system[] = { "/run", "/etc", "/usr/share" };
	const struct quadlet_user *user = quadlets->user;
	bool rootful = user->uid == 0;

	if (!rootful && !user->home)
		problems_add(quadlets->problems,
			     "the home of user %u, where its Quadlet files are, is not known",
			     (unsigned)user->uid);
	for (size_t i = 0; !rootful && i < user->bases.n; i++) {
		_cleanup_free_ char *path =
			mem_printf("%s/containers/systemd", user->bases.v[i]);

		walk(quadlets, path, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(system); i++) {
		_cleanup_free_ char *path =
			mem_printf("%s%s/containers/systemd%s", quadlets->root, system[i],
				   rootful ? "" : "/users");

		if (!is_out_of_reach(user, path))
			walk(quadlets, path, rootful ? is_users : is_other_users);
	}
}

/* ---- aliases ---- */

static void read_aliases(struct quadlets *quadlets)
{
	static const char *const system[] = { "/etc", "/usr/share" };
	const struct quadlet_user *user = quadlets->user;
	struct arena *arena = quadlets->arena;
	const char *cache = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(system); i++)
		aliases_read_folder(
			arena,
			arena_printf(arena, "%s%s/containers", quadlets->root, system[i]),
			&quadlets->aliases, quadlets->problems);
	for (size_t i = 0; user->uid != 0 && i < user->bases.n; i++)
		aliases_read_folder(arena,
				    arena_printf(arena, "%s/containers", user->bases.v[i]),
				    &quadlets->aliases, quadlets->problems);
	if (user->uid == 0)
		cache = arena_printf(arena, "%s/var/cache", quadlets->root);
	else if (user->home)
		cache = arena_printf(arena, "%s/.cache", user->home);
	if (cache)
		aliases_read_file(
			arena,
			arena_printf(arena, "%s/containers/short-name-aliases.conf", cache),
			&quadlets->aliases, quadlets->problems);
}

/* ---- drop-ins ---- */

struct drop_in {
	const char *name, *path;
	bool own; /* of this unit alone */
};

struct drop_ins {
	struct drop_in *v;
	size_t n;
};

static void add_drop_ins(struct quadlets *quadlets, const char *folder, const char *subfolder,
			 bool own, struct drop_ins *drop_ins)
{
	_cleanup_free_ char *path = mem_printf("%s/%s", folder, subfolder);
	struct dirent **entries;
	int n = scandir(path, &entries, is_entry, alphasort);

	if (n < 0 && errno != ENOENT)
		problems_add(quadlets->problems, "%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name, *dot = strrchr(name, '.');

		if (dot && strcmp(dot, ".conf") == 0) {
			drop_ins->v = mem_grow(drop_ins->v, drop_ins->n, sizeof(*drop_ins->v));
			drop_ins->v[drop_ins->n++] = (struct drop_in){
				arena_strdup(quadlets->arena, name),
				arena_printf(quadlets->arena, "%s/%s", path, name), own
			};
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* "a-b@c.container": "container.d", "a-.container.d", "a-@.container.d", "a-b@.container.d",
 * "a-b@c.container.d". */
static void name_drop_ins(struct quadlets *quadlets, const struct unit *unit,
			  struct strings *ret)
{
	struct arena *arena = quadlets->arena;
	const char *at = strchr(unit->name, '@'), *dot = strrchr(unit->name, '.');
	const char *end = at ? at : dot;

	add_string(ret, arena_printf(arena, "%s.d", unit->type));
	for (const char *c = unit->name; c < end; c++) {
		int length = (int)(c + 1 - unit->name);

		if (*c != '-')
			continue;
		add_string(ret,
			   arena_printf(arena, "%.*s.%s.d", length, unit->name, unit->type));
		if (at)
			add_string(ret, arena_printf(arena, "%.*s@.%s.d", length, unit->name,
						     unit->type));
	}
	if (at && at + 1 < dot)
		add_string(ret, arena_printf(arena, "%.*s@.%s.d", (int)(at - unit->name),
					     unit->name, unit->type));
	add_string(ret, arena_printf(arena, "%s.d", unit->name));
}

static int compare_drop_ins(const void *a, const void *b)
{
	const struct drop_in *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void find_drop_ins(struct quadlets *quadlets, const struct unit *unit,
			  struct drop_ins *ret)
{
	struct strings names = { 0 };

	name_drop_ins(quadlets, unit, &names);
	for (size_t i = 0; i < names.n; i++)
		for (size_t k = 0; k < quadlets->folders.n; k++)
			add_drop_ins(quadlets, quadlets->folders.v[k], names.v[i],
				     i + 1 == names.n, ret);
	free(names.v);
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_drop_ins);
}

/* Which of several drop-ins of one name counts, and whether those that are not of this unit
 * alone do, differs from version to version: such a one may add, but takes nothing back. */
static bool may_reset(const struct drop_ins *drop_ins, size_t i)
{
	const struct drop_in *all = drop_ins->v;

	return all[i].own && (i == 0 || strcmp(all[i - 1].name, all[i].name) != 0) &&
	       (i + 1 == drop_ins->n || strcmp(all[i + 1].name, all[i].name) != 0);
}

static void read_file(struct quadlets *quadlets, struct unit *unit, const char *path,
		      bool resets)
{
	struct err err;

	if (unitfile_read(quadlets->arena, path, resets, &unit->assignments, &err) < 0)
		problems_add(quadlets->problems, "%s", err.text);
}

static void read_unit(struct quadlets *quadlets, struct unit *unit)
{
	struct drop_ins drop_ins = { 0 };

	read_file(quadlets, unit, unit->path, true);
	find_drop_ins(quadlets, unit, &drop_ins);
	for (size_t i = 0; i < drop_ins.n; i++)
		read_file(quadlets, unit, drop_ins.v[i].path, may_reset(&drop_ins, i));
	free(drop_ins.v);
}

/* Names of files are whatever they are. */
static void clean(struct problems *problems, size_t from)
{
	for (size_t i = from; i < problems->n; i++) {
		char *plain = text_clean(problems->texts[i]);

		free(problems->texts[i]);
		problems->texts[i] = plain;
	}
}

void quadlet_load(struct arena *arena, const char *root, const struct quadlet_user *user,
		  struct pinned *pinned, struct problems *problems)
{
	struct quadlets quadlets = {
		.arena = arena,
		.root = root,
		.user = user,
		.pinned = pinned,
		.problems = problems,
	};
	size_t known_problems = problems->n;

	walk_places(&quadlets);
	if (quadlets.n_units > 0)
		read_aliases(&quadlets);
	for (size_t i = 0; i < quadlets.n_units; i++)
		read_unit(&quadlets, &quadlets.units[i]);
	for (size_t i = 0; i < quadlets.n_units; i++)
		quadlet_names(&quadlets, &quadlets.units[i]);
	for (size_t i = 0; i < quadlets.n_units; i++)
		free(quadlets.units[i].assignments.v);
	free(quadlets.units);
	free(quadlets.aliases.v);
	free(quadlets.folders.v);
	clean(problems, known_problems);
}
