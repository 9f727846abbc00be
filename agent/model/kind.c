#include "model/kind.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

static const struct {
	const char *one, *many, *words;
} kinds[] = {
	[KIND_CONTAINER] = { "container", "containers", "container" },
	[KIND_IMAGE] = { "image", "images", "image" },
	[KIND_TAG] = { "tag", "tags", "tag" },
	[KIND_VOLUME] = { "volume", "volumes", "volume" },
	[KIND_NETWORK] = { "network", "networks", "network" },
	[KIND_BUILD_CACHE] = { "build-cache", "build-cache", "build cache record" },
};
static_assert(ARRAY_SIZE(kinds) == KIND_MAX_, "a row per kind");

static const char *const states[] = {
	[STATE_CREATED] = "created",   [STATE_RUNNING] = "running",
	[STATE_PAUSED] = "paused",     [STATE_RESTARTING] = "restarting",
	[STATE_REMOVING] = "removing", [STATE_EXITED] = "exited",
	[STATE_DEAD] = "dead",	       [STATE_OTHER] = "other",
};
static_assert(ARRAY_SIZE(states) == STATE_MAX_, "a row per state");

/* Podman's own words: libpod/define/containerstate.go. */
static const struct {
	const char *name;
	enum container_state state;
} podman_states[] = {
	{ "stopped", STATE_EXITED },
	{ "stopping", STATE_RUNNING },
	{ "initialized", STATE_CREATED },
	{ "configured", STATE_CREATED },
};

const char *kind_to_string(enum kind kind)
{
	return kinds[kind].one;
}

const char *kind_to_plural(enum kind kind)
{
	return kinds[kind].many;
}

const char *kind_to_words(enum kind kind)
{
	return kinds[kind].words;
}

int kind_from_section(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (i != KIND_TAG && strcmp(kinds[i].many, name) == 0)
			return (int)i;
	return -1;
}

const char *container_state_to_string(enum container_state state)
{
	return states[state];
}

enum container_state container_state_from_string(const char *name)
{
	for (size_t i = 0; i < STATE_OTHER; i++)
		if (strcmp(states[i], name) == 0)
			return (enum container_state)i;
	for (size_t i = 0; i < ARRAY_SIZE(podman_states); i++)
		if (strcmp(podman_states[i].name, name) == 0)
			return podman_states[i].state;
	return STATE_OTHER;
}
