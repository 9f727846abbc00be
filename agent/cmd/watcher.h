#pragma once

#include "engine/events.h"
#include "state/watch.h"

/* One engine's events become notes in the state. Lives as long as the process; connections come
 * and go. */

struct watcher;

struct watcher_control {
	const volatile int *stop;	 /* once set the following ends */
	void (*alive)(void);		 /* called at least every second or so */
	void (*watching)(int64_t since); /* all is seen from now on */
};

/* Borrows watch and control. */
struct watcher *watcher_new(struct watch *watch, const struct watcher_control *control);
void watcher_free(struct watcher *watcher);
DEFINE_CLEANUP(struct watcher *, watcher_free, watcher_free)

/* Follows the engine. 0: *control->stop was set; negative: the engine or the connection ended,
 * or (-ESTALE) the state is not where it was. What was seen is written then, and that nothing
 * is seen any more. */
_must_check_ int watcher_follow(struct watcher *watcher, struct engine *engine,
				struct err *err);
