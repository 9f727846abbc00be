#pragma once

#include "engine/engine.h"

/* What an engine tells about itself while it goes on, and the questions that its short words
 * leave open. */

enum event_type {
	EVENT_CONTAINER_CREATED,
	EVENT_CONTAINER_STARTED,
	EVENT_CONTAINER_ENDED,
	EVENT_CONTAINER_GONE,
	EVENT_IMAGE_PULLED,
	EVENT_IMAGE_TAGGED,
	EVENT_IMAGE_BUILT,   /* Podman tells the image, but not its name */
	EVENT_IMAGE_CHANGED, /* untagged or gone; engines do not tell which reliably */
	EVENT_VOLUME_USED,   /* Docker only */
	EVENT_VOLUME_GONE,
	EVENT_NOT_UNDERSTOOD, /* anything may have happened */
};

struct event {
	enum event_type type;
	const char *id;	      /* the container's or the image's; pulled: the image's name; the
				 volume's       name */
	const char *name;     /* containers: name or ID that the image was given by, maybe "";
				 EVENT_IMAGE_TAGGED: the tag as the engine spells it */
	struct labels labels; /* containers: also what else the engine says of them */
	int64_t at;	      /* Unix seconds */
	int64_t at_nsec;      /* the same in nanoseconds; 0: not understood */
};

struct event_sink {
	/* The engine listens to us: from here on nothing is missed. Called once. */
	void (*opened)(void *data);
	void (*event)(void *data, const struct event *event); /* it lives while this runs */
	/* At least every second. What it returns other than 0 ends the following. */
	int (*tick)(void *data);
	void *data;
};

/* Follows the engine's events, from those on that it remembers since that time (Unix seconds).
 * Requests to the engine are for tick() to make, not for the other two. 0: tick() ended it;
 * negative: the engine did, or the connection broke, err says how. */
_must_check_ int engine_follow(struct engine *engine, int64_t since,
			       const struct event_sink *sink, struct err *err);

/* The full ID of the image that a container was made of, in the arena. 1: found; 0: there is no
 * such container; negative: the engine failed to tell. */
_must_check_ int engine_image_of(struct engine *engine, struct arena *arena,
				 const char *container, const char **ret, struct err *err);

/* The image that a reference or an ID means now: id, tags, digests and last_tagged of *ret, in
 * the arena. Returns as engine_image_of(). */
_must_check_ int engine_image(struct engine *engine, struct arena *arena, const char *reference,
			      struct image *ret, struct err *err);
