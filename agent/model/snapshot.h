#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/intern.h"
#include "base/units.h"
#include "model/kind.h"
#include "model/label.h"
#include "model/layer.h"
#include "model/pin.h"
#include "model/reference.h"

/* What one look at the engine showed, with what the state remembers about it: plain data.
 * engine/ and state/ fill it, cmd/ has missing facts fetched, everything after that reads it
 * only. All memory is the arena's. */

/* A fact that costs a request. Unavailable: it was asked for and the engine failed to tell;
 * what hangs on it is kept. */
enum fact { FACT_NOT_ASKED, FACT_KNOWN, FACT_UNAVAILABLE } _byte_;

/* Facts that plan/ may ask for, as bits. */
enum {
	NEED_INSPECT = 1 << 0, /* GET /containers/ID/json, /images/ID/json */
	NEED_SIZE = 1 << 1,    /* containers: GET /containers/json?size=1 */
	NEED_LAYERS = 1 << 2,  /* images: /images/ID/json, and often /images/ID/history */
};

struct strings {
	const char **v;
	size_t n;
};

/* What the state knows of an object; TIME_UNKNOWN where it does not. */
struct memory {
	int64_t first_seen;	/* when a run (or the watcher) first saw the object */
	int64_t untagged_since; /* since when it is seen without tag or user, without a break */
	int64_t last_used;	/* when a container was last seen using it */
	int64_t preserved_at;	/* when the only tag of an image was made by preserve-as */
	int64_t pulled;		/* when the watcher last saw a pull of it */
	bool seen_tagged;	/* an image that was seen with a tag in an earlier look */
	struct strings
		names; /* references the image had, newest first, as the engine spelt them */
	/* Of an image that was seen before, per tag since when it is seen with it; else NULL.
	 */
	int64_t *named;
};

struct container {
	const char *id;
	struct strings names;		    /* without the leading slash */
	const char *image;		    /* the list's Image: a name or an ID */
	const struct reference *image_name; /* that it was created from; NULL: not known */
	const char *image_id;
	enum container_state state;
	enum fact inspected, sized;
	int exit_code;		/* known with inspected, as are the times below */
	const char *state_name; /* as the engine says it */
	int64_t created;
	struct labels labels;	 /* those that were asked for */
	struct strings volumes;	 /* names of the volumes it mounts */
	struct strings binds;	 /* host paths that it mounts */
	struct strings networks; /* names and IDs */
	struct strings joined; /* IDs of containers whose network or, known with inspected, PID
				* or IPC namespace it shares */
	struct pins mounted;   /* images that it mounts, not the one that it was created from */
	const char
		*not_ours; /* why the engine itself owns it ("pod infra container"), or NULL */
	const char *pod;   /* Podman: ID of the pod it is in, or NULL */

	bool gone; /* it was not there any more when it was inspected */

	/* The next seven are known with inspected. */
	struct strings volumes_from; /* containers: "NAME" or "ID", or with ":ro" */
	int64_t started, finished;   /* TIME_UNKNOWN: never */
	const char *restart_policy;  /* "no", "always", "on-failure", "unless-stopped" */
	int retries, max_retries;    /* of on-failure: done, and at most; 0: without an end */
	const char *
		config_image; /* Config.Image: the name it was created from, never a later ID */

	int64_t size; /* bytes of its written layer; known with sized */

	struct memory memory;
};

struct image {
	const char *id;		/* with algorithm: "sha256:…" */
	const char *parent;	/* NULL: none or not told */
	struct reference *tags; /* sorted by full */
	size_t n_tags;
	struct reference *digests; /* repo@digest, sorted by full */
	size_t n_digests;
	struct strings history; /* Podman's History: names it had, as spelt */
	int64_t created;	/* build date; TIME_UNKNOWN when the engine says 0 or less */
	int64_t size;		/* bytes, -1 unknown */
	int64_t containers;	/* the engine's own count of users, -1 not counted */
	const char *not_ours;	/* why it is no object of ours, or NULL */
	struct labels labels;	/* those that were asked for */

	enum fact inspected; /* the next three are known with it, and the layers */
	enum fact layered;   /* the sizes of layers are known with this */
	int64_t last_tagged; /* Metadata.LastTagTime */
	const char *os, *architecture;
	struct layer *top; /* NULL: it has none */

	struct memory memory;
};

struct volume {
	const char *name, *driver, *mountpoint;
	int64_t created;
	bool anonymous;	      /* the engine made up its name */
	const char *not_ours; /* why it is no object of ours, or NULL */
	struct labels labels;
	enum fact sized;
	int64_t size;
	int64_t announced; /* when its removal was announced; TIME_UNKNOWN: not yet */
	struct memory memory;
};

struct network {
	const char *id, *name;
	int64_t created;
	const char *config_from; /* the config-only network that it was made from, or NULL */
	const char *not_ours;	 /* why it is no object of ours ("built-in"), or NULL */
	struct labels labels;
	struct memory memory;
};

struct cache_record {
	const char *id, *type, *description;
	struct strings parents;
	bool in_use;	      /* by a build that is running */
	const char *not_ours; /* why the engine removes it only when forced, or NULL */
	bool shared;	      /* an image has the same layers: removing it frees nothing */
	int64_t size;	      /* bytes, -1 unknown */
	int64_t created, last_used;
};

/* That a service once ran an image, as the state remembers it. */
struct service_run {
	const char *service; /* service_of() */
	const char *image_id;
	int64_t at; /* last seen running, or ended */
};

/* What the specs of swarm services and of their tasks name, whether or not a container is here.
 */
struct swarm_use { /* the key comes first */
	const char
		*name;	/* of an image its full reference or ID, of a network its name or ID */
	const char *by; /* "service web" */
};

struct swarm_uses {
	struct swarm_use *v; /* sorted by name, each name once, when sealed */
	size_t n;
};

/* One list of the engine. */
enum listing_state {
	LISTING_NOT_READ, /* no rule needs it, or the engine has no such kind */
	LISTING_READ,
	LISTING_FAILED, /* nothing of this kind goes, nor what depends on it */
};

struct engine_info {
	const char *name;    /* "Docker", "Podman" */
	const char *version; /* "20.10.24" */
	const char *api;     /* the version spoken in every path: "1.41" */
	const char *id;	     /* the engine's own; changes with every call on Podman */
	const char *socket;  /* path */
	const char *storage_driver;
	const char *data_root; /* NULL: not known */
	bool rootless;	       /* Podman: it says that it runs as a user's */
	bool quadlet;	       /* what its user's Quadlet files name is meant for it */
	bool in_containerd;    /* images lie in containerd, packed as well as unpacked */
};

/* NOT_READ: no swarm, or a worker, which knows its own containers only. FAILED: no image,
 * volume or network goes. */
struct swarm {
	enum listing_state state;
	struct swarm_uses images, image_ids, volumes, networks;
};

/* The file system that holds the engine's data. */
struct disk {
	enum fact state;
	const char *path;
	const char *why;		/* unavailable: the reason */
	int64_t total, available, used; /* bytes: as df counts, available is what a user gets */
	int64_t inodes, inodes_available,
		inodes_used; /* 0 inodes: the file system has no count */
};

struct snapshot {
	struct arena *arena;
	struct engine_info engine;
	struct disk disk;
	bool cache_may_hold_layers; /* build cache exists or cannot be excluded */
	bool tells_volume_use;	    /* its events tell when a volume is mounted */
	bool retries_failed;	    /* what failed and has retries left it starts with itself */
	bool remembers;		    /* the state could be read, so that "never seen" means it */
	bool first_look;	    /* the state knows nothing of this engine yet */

	enum listing_state listing[KIND_MAX_];
	struct container
		*containers; /* each array sorted by id (volumes: by name) once sealed */
	size_t n_containers;
	struct image *images;
	size_t n_images;
	struct intern *layers; /* for layer_get() */
	size_t n_layers;
	struct volume *volumes;
	size_t n_volumes;
	struct network *networks;
	size_t n_networks;
	struct cache_record *cache;
	size_t n_cache;

	/* Images, volumes and networks that something outside the engine names: in use. */
	struct pinned pinned;
	/* What could not be found out about that, as a line for the administrator: no image,
	 * volume or network goes. NULL: all is known. */
	const char *pinned_unknown;

	struct swarm swarm;

	struct service_run *runs;
	size_t n_runs;

	/* Since when the watcher has seen every use, and when it last had before that: between
	 * the two, anything may have been used. TIME_UNKNOWN: nobody watches; nobody did. */
	int64_t watched_from, unwatched_from;

	struct problems problems; /* every failed list and what else went wrong, a line each */
};

/* An empty snapshot in an arena of its own. */
struct snapshot *snapshot_new(void);
void snapshot_free(struct snapshot *snapshot);
DEFINE_CLEANUP(struct snapshot *, snapshot_free, snapshot_free)

/* Sorts every list, so that equal worlds are equal snapshots and the look-ups below work. A
 * double ID (which no engine should send) makes that kind LISTING_FAILED and adds a problem. */
void snapshot_seal(struct snapshot *snapshot);

/* By full ID (volume: name); NULL if there is none. The snapshot is sealed. */
struct container *snapshot_container(const struct snapshot *snapshot, const char *id);
struct image *snapshot_image(const struct snapshot *snapshot, const char *id);
struct volume *snapshot_volume(const struct snapshot *snapshot, const char *name);
struct network *snapshot_network(const struct snapshot *snapshot, const char *id);

/* Who names it, or NULL. The snapshot is sealed. */
const char *swarm_user(const struct swarm_uses *uses, const char *name);

/* One name for people: its first, else its ID. */
const char *container_name(const struct container *container);

bool strings_contain(const struct strings *strings, const char *text);
