#include "model/holders.h"

#include <stdlib.h>
#include <string.h>

static void hold(struct holder *holder, const char *by)
{
	if (!by)
		return;
	if (!holder->by)
		holder->by = by;
	holder->n++;
}

/* ---- volumes ---- */

struct mountpoint {
	const char *path;
	struct holder *holder;
};

struct mountpoints {
	struct mountpoint *v; /* sorted by path */
	size_t n;
};

static int compare_mountpoints(const void *a, const void *b)
{
	return strcmp(((const struct mountpoint *)a)->path,
		      ((const struct mountpoint *)b)->path);
}

static struct mountpoints mountpoints_of(struct arena *arena, const struct snapshot *snapshot,
					 struct holder *holders)
{
	struct mountpoints all = { arena_array(arena, snapshot->n_volumes, sizeof(*all.v)), 0 };

	for (size_t i = 0; i < snapshot->n_volumes; i++)
		if (snapshot->volumes[i].mountpoint && *snapshot->volumes[i].mountpoint)
			all.v[all.n++] = (struct mountpoint){ snapshot->volumes[i].mountpoint,
							      &holders[i] };
	if (all.n > 1)
		qsort(all.v, all.n, sizeof(*all.v), compare_mountpoints);
	return all;
}

static struct mountpoint *mountpoint_at(const struct mountpoints *all, const char *path)
{
	const struct mountpoint wanted = { path, NULL };

	return all->n > 0
		       ? bsearch(&wanted, all->v, all->n, sizeof(*all->v), compare_mountpoints)
		       : NULL;
}

/* Engines tell a mountpoint with links resolved, a bind mount as it was written: where the data
 * root is a link, or above it one is, the ends tell that they are the same. */
static void hold_by_end(const struct snapshot *snapshot, struct holder *holders,
			const char *path, const struct container *container)
{
	static const char start[] = "/volumes/", end[] = "/_data";

	for (const char *at = path; (at = strstr(at, start)); at++) {
		const char *name = at + strlen(start), *rest = strchrnul(name, '/');
		_cleanup_free_ char *copy = mem_strdup(name);
		const struct volume *volume;

		copy[rest - name] = '\0';
		volume = snapshot_volume(snapshot, copy);
		if (!volume || strncmp(rest, end, strlen(end)) != 0 ||
		    !strchr("/", rest[strlen(end)]))
			continue;
		hold(&holders[volume - snapshot->volumes], container_name(container));
		return;
	}
}

/* The path itself and each folder above it. */
static bool hold_by_path(const struct mountpoints *all, const char *path,
			 const struct container *container)
{
	_cleanup_free_ char *folder = mem_strdup(path);
	char *end = folder + strlen(folder);

	while (end > folder) {
		struct mountpoint *mountpoint;

		while (end > folder && end[-1] == '/')
			*--end = '\0';
		mountpoint = mountpoint_at(all, folder);
		if (mountpoint) {
			hold(mountpoint->holder, container_name(container));
			return true;
		}
		while (end > folder && end[-1] != '/')
			end--;
	}
	return false;
}

static void hold_volumes(const struct snapshot *snapshot, const struct mountpoints *mountpoints,
			 struct holder *holders, const struct container *container)
{
	for (size_t i = 0; i < container->volumes.n; i++) {
		const struct volume *volume =
			snapshot_volume(snapshot, container->volumes.v[i]);

		if (volume)
			hold(&holders[volume - snapshot->volumes], container_name(container));
	}
	for (size_t i = 0; i < container->binds.n; i++)
		if (!hold_by_path(mountpoints, container->binds.v[i], container))
			hold_by_end(snapshot, holders, container->binds.v[i], container);
}

/* ---- networks ---- */

static bool is_named(const struct network *network, const char *text)
{
	return strcmp(network->id, text) == 0 ||
	       (network->name && strcmp(network->name, text) == 0);
}

/* A container that never ran has a network by what it was created with, which may be the
 * beginning of its ID, unless another one has that for a name. */
static bool is_begun(const struct snapshot *snapshot, const struct network *network,
		     const char *text)
{
	if (!*text || strncmp(network->id, text, strlen(text)) != 0)
		return false;
	for (size_t i = 0; i < snapshot->n_networks; i++)
		if (is_named(&snapshot->networks[i], text))
			return false;
	return true;
}

static bool names_network(const struct snapshot *snapshot, const struct container *container,
			  const struct network *network)
{
	for (size_t i = 0; i < container->networks.n; i++)
		if (is_named(network, container->networks.v[i]) ||
		    is_begun(snapshot, network, container->networks.v[i]))
			return true;
	return false;
}

static void hold_networks(const struct snapshot *snapshot, struct holder *holders,
			  const struct container *container)
{
	for (size_t i = 0; i < snapshot->n_networks; i++)
		if (names_network(snapshot, container, &snapshot->networks[i]))
			hold(&holders[i], container_name(container));
}

/* ---- services ---- */

/* What stands in a spec may be a template, which each task fills in for itself: nobody tells
 * with what. No name has braces. */
static bool fits(const char *template, const char *name)
{
	const char *open = strstr(template, "{{"), *close = strrchr(template, '}');
	const char *end = close ? close + 1 : "";
	size_t start = open ? (size_t)(open - template) : 0;
	size_t length = strlen(name), rest = strlen(end);

	return open && length >= start + rest && strncmp(name, template, start) == 0 &&
	       strcmp(name + length - rest, end) == 0;
}

static const char *user_by_template(const struct swarm_uses *uses, const char *name)
{
	for (size_t i = 0; i < uses->n; i++)
		if (fits(uses->v[i].name, name))
			return uses->v[i].by;
	return NULL;
}

static void hold_by_swarm(const struct snapshot *snapshot, struct holders *holders)
{
	const struct swarm *swarm = &snapshot->swarm;

	for (size_t i = 0; i < snapshot->n_volumes; i++) {
		hold(&holders->volumes[i],
		     swarm_user(&swarm->volumes, snapshot->volumes[i].name));
		hold(&holders->volumes[i],
		     user_by_template(&swarm->volumes, snapshot->volumes[i].name));
	}
	for (size_t i = 0; i < snapshot->n_networks; i++) {
		hold(&holders->networks[i],
		     swarm_user(&swarm->networks, snapshot->networks[i].id));
		if (snapshot->networks[i].name)
			hold(&holders->networks[i],
			     swarm_user(&swarm->networks, snapshot->networks[i].name));
	}
}

void holders_find(struct arena *arena, const struct snapshot *snapshot, struct holders *ret)
{
	struct mountpoints mountpoints;

	ret->volumes = arena_array(arena, snapshot->n_volumes, sizeof(*ret->volumes));
	ret->networks = arena_array(arena, snapshot->n_networks, sizeof(*ret->networks));
	mountpoints = mountpoints_of(arena, snapshot, ret->volumes);
	for (size_t i = 0; i < snapshot->n_containers; i++) {
		hold_volumes(snapshot, &mountpoints, ret->volumes, &snapshot->containers[i]);
		hold_networks(snapshot, ret->networks, &snapshot->containers[i]);
	}
	hold_by_swarm(snapshot, ret);
}
