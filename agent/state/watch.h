#pragma once

#include "state/state.h"

/* What the watcher sees goes into the state in small batches, and with them of what time it saw
 * everything: an interval that grows with each batch. What lies between two intervals nobody
 * saw; it counts as use. */

/* As often it writes at least, also if nothing happens. */
#define WATCH_HEARTBEAT_SEC 30

struct watch;

enum sighting {
	SEEN_IMAGE_USED,   /* what: the image's ID */
	SEEN_IMAGE_PULLED, /* what: the image's ID */
	SEEN_IMAGE_NAMED,  /* what: the image's ID, other: the tag that others lose by it */
	SEEN_RUN,	   /* what: the image's ID, other: the service */
	SEEN_VOLUME_USED,  /* what: the volume's name */
	SEEN_VOLUME_GONE,
};

/* Opens the state at that path for writing, as state_open() does, and takes the place of the
 * engine's one watcher; -EWOULDBLOCK: another one has it. Closing writes nothing. */
_must_check_ int watch_open(const char *path, struct watch **ret, struct err *err);
void watch_close(struct watch *watch);
DEFINE_CLEANUP(struct watch *, watch_close, watch_close)

/* The state itself, for state_observe(). */
struct state *watch_state(const struct watch *watch);

/* Where the last interval, of whatever process, ended, and the last event seen in it (its
 * nanoseconds): what the engine must still remember for another to continue it. TIME_UNKNOWN
 * and 0: there is none. */
_must_check_ int watch_last(const struct watch *watch, int64_t *ret_until,
			    int64_t *ret_event_nsec, struct err *err);

/* From now on everything is seen: the last interval goes on, or a new one begins at since. */
void watch_continue(struct watch *watch);
void watch_begin(struct watch *watch, int64_t since);

/* Something escaped: the interval ends where it was written last, the next one begins with the
 * next flush. */
void watch_break(struct watch *watch);

/* Notes what was seen until the next flush. `at` is its time; event_nsec that of the event that
 * showed it. */
void watch_note(struct watch *watch, enum sighting kind, const char *what, const char *other,
		int64_t at);
void watch_note_event(struct watch *watch, int64_t event_nsec);

/* How many notes, or a break, wait to be written. */
size_t watch_waiting(const struct watch *watch);

/* Whether somebody else wrote the state since this was asked last: a run, which wants to know
 * what was seen until then. */
bool watch_is_asked(struct watch *watch);

/* Writes notes and interval, that reaches until now then, in one transaction. On failure both
 * are kept for the next time; of too many notes none is kept, and the interval breaks.
 * -ESTALE: the file at that path is another one by now; to be opened anew. */
_must_check_ int watch_flush(struct watch *watch, int64_t now, struct err *err);

/* Nothing is seen any more, from the last flush on. */
_must_check_ int watch_end(struct watch *watch, struct err *err);
