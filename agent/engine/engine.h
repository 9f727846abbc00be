#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/snapshot.h"

/* The only place that talks to an engine, and the only one that knows how engines differ. Local
 * unix sockets only. */

struct engine;

/* Whether something that must not be started would be, by connecting to the socket: asks
 * systemd over its bus whether a socket unit listens on that path whose service is inactive,
 * and is not Podman's. 1: it would be (say "engine is not running; not started"); 0: connect.
 * Without systemd or without such a unit: 0. */
_must_check_ int engine_would_start(const char *socket_path, struct err *err);

/* Connects, finds out what it is and which API version to speak. -ENOENT, -ECONNREFUSED,
 * -EACCES, -EPROTO (not an engine), -EPROTONOSUPPORT (too old or too new), -ETIMEDOUT; err has
 * one line that names the socket and what to do. connections 0: 8 for containers, 4 for images.
 */
_must_check_ int engine_open(const char *socket_path, int connections, int timeout_sec,
			     struct engine **ret, struct err *err);
void engine_close(struct engine *engine);
DEFINE_CLEANUP(struct engine *, engine_close, engine_close)

/* Has tick() called at least every second while something waits for the engine's answer. */
void engine_set_tick(struct engine *engine, void (*tick)(void));

/* Reads info alone, into snapshot->engine; what it does not tell stays NULL, with a line in
 * snapshot->problems where the answer failed. */
void engine_info(struct engine *engine, struct snapshot *snapshot);

/* Reads version, info, and the lists of containers and images (all=1) into the snapshot, on a
 * manager of a swarm also those of services and tasks, and seals it; with kinds, a bit per enum
 * kind, those of volumes, networks and build cache too. labels tells which ones of the labels
 * of containers and images are kept; NULL: all. A list that cannot be read or decoded whole
 * becomes LISTING_FAILED with a line in snapshot->problems; the call itself only fails
 * (negative) when nothing at all could be read.
 */
_must_check_ int engine_snapshot(struct engine *engine, struct snapshot *snapshot,
				 unsigned kinds, const struct label_filter *labels,
				 struct err *err);

/* Fetches facts, `containers[i]` (NEED_…) for container i of the snapshot, `images[i]` for
 * image i, over parallel connections; each ends FACT_KNOWN or, with a line in
 * snapshot->problems, FACT_UNAVAILABLE. A 404 is unavailable without a line: the object went
 * meanwhile. Either may be NULL. */
void engine_fetch(struct engine *engine, struct snapshot *snapshot, const unsigned *containers,
		  const unsigned *images);

/* Reads the list of containers anew into a snapshot of its own (for the check between the
 * removal of containers and that of images), with the name each was created from: where the
 * list shows a bare ID, by inspect. What swarm services use likewise, if engine_snapshot()
 * found this node to be a manager. */
_must_check_ int engine_containers(struct engine *engine, struct snapshot *ret,
				   struct err *err);

enum outcome {
	OUTCOME_NONE, /* not tried */
	OUTCOME_REMOVED,
	OUTCOME_TAGGED,
	OUTCOME_GONE,	 /* 404: already gone */
	OUTCOME_IN_USE,	 /* 409: kept */
	OUTCOME_CHANGED, /* not what the snapshot showed: kept */
	OUTCOME_SKIPPED, /* not tried, because of something else: detail says what */
	OUTCOME_FAILED,
	OUTCOME_MAX_,
};

/* "removed", "tagged", "gone", "in-use", "changed", "skipped", "failed"; NULL for OUTCOME_NONE.
 */
const char *outcome_to_string(enum outcome outcome);

/* One thing to remove and how it ended. */
struct removal {
	enum kind kind; /* KIND_IMAGE: with all of its references */
	union {
		const struct container *container;
		const struct image *image;
		const struct volume *volume;
		const struct network *network;
		const struct cache_record *cache;
	};
	int64_t unused_for;	  /* build cache: seconds, what the engine checks again */
	bool by_use;		  /* images: the rule judges by the last use */
	enum outcome outcome;	  /* of the whole */
	enum outcome *references; /* images: per image->tags[i] how it ended; n_tags long */
	char detail[768];	  /* what the engine said */
};

/* How removals are watched and ended; each member may be NULL. */
struct removal_control {
	const volatile int *stop; /* read between requests: once set no further DELETE starts */
	void (*ended)(void *data); /* called after each removal that was tried */
	void *data;
	/* If set there is one removal at a time, and it is called before each is looked up. */
	void (*wait)(void *data);
	/* Called after that: may give the removal an outcome, and it is not tried any more. */
	void (*last_word)(void *data, struct removal *removal);
};

/* Whether no further request may start; control may be NULL. */
static inline bool removal_stopped(const struct removal_control *control)
{
	return control && control->stop && *control->stop;
}

/* Removes containers, volumes or networks over parallel connections; those that already have an
 * outcome are left alone. Directly before each DELETE the object is looked up again: a
 * container must still have the state, the finish time and the names that the snapshot has, a
 * volume its driver and time of creation, a network its name, else OUTCOME_CHANGED; and no
 * container may have the network by now. DELETE without force, without v. control may be NULL.
 */
void engine_remove_objects(struct engine *engine, struct removal *removals, size_t n,
			   const struct removal_control *control);

/* Removes records of the build cache one after another, in the order given (child before
 * parent): the engine takes one only if no other is built on it, nothing uses it, and it was
 * not used for unused_for seconds; else it is OUTCOME_IN_USE. */
void engine_remove_cache(struct engine *engine, struct removal *removals, size_t n,
			 const struct removal_control *control);

/* Removes images, in the order given where order matters (removals[i] before removals[j] if j
 * is i's parent), several at a time otherwise. Before the first reference of an image goes, its
 * tags and digests must equal the snapshot's; before each further one, those less the ones
 * removed; otherwise what is left of it is OUTCOME_CHANGED. No container may have it by now
 * where the engine itself would not mind. The last reference goes by ID, so that what has taken
 * it since the look keeps it. Always noprune=1, never force. An
 * untagged image with several digest references loses them one at a time. A removal that
 * already has an outcome is left alone and counts as an image that stays: its parents are
 * OUTCOME_SKIPPED. references may be NULL where the image has no tags. */
void engine_remove_images(struct engine *engine, struct removal *removals, size_t n,
			  const struct removal_control *control);

/* An untagged image that is to get a name. */
struct tagging {
	const struct image *image;
	const struct reference *name; /* raw is what the engine is asked for */
	enum outcome outcome;
	char detail[768];
};

/* Tags images, one after the other. Directly before, each is looked up: it must be there, else
 * OUTCOME_GONE, and without tag, else OUTCOME_CHANGED; then its name is, which no other image
 * may have: OUTCOME_SKIPPED, as engines take a name away from its owner without complaint. Once
 * control->stop is set the rest is left alone. control may be NULL. */
void engine_tag_images(struct engine *engine, struct tagging *taggings, size_t n,
		       const struct removal_control *control);

/* Free space of the file system that holds the engine's data (info's DockerRootDir, Podman's
 * graphRoot, or data_root if not NULL), into *disk; strings lie in the arena. Checked: the
 * device against /proc/self/mountinfo, the storage driver's folder must be there. What cannot
 * be checked is FACT_UNAVAILABLE with disk->why. */
void engine_disk(const struct engine_info *info, const char *data_root, struct arena *arena,
		 struct disk *disk);
