#include "cmd/watcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "cmd/containers.h"
#include "model/service.h"

/* As many notes are written without waiting for the second to end. */
#define BATCH 512

/* So long the engine has to show that it remembers the last event that was seen before. */
#define ANCHOR_WAIT_SEC 2

/* Longer ago nothing is asked for: Podman remembers all it ever told. */
#define ANCHOR_AGE_MAX ((int64_t)3600)

/* A name that means an image now meant the same one so long ago. */
#define NAME_HOLDS_SEC 5

/* A look at everything follows a change of names, but takes at most one part in 50 of the time.
 */
#define LOOK_PAUSE_SEC 60
#define LOOK_SHARE 50

#define CLOCK_TOLERANCE 5

/* Docker drops events of a listener who leaves too many of them unread (1024, and what the
 * socket holds), and does not say so. */
#define ABSENCE_MAX_SEC 5
#define BACKLOG_MAX 64

struct sight {
	enum event_type type;
	const char *id, *name, *service;
	int64_t at, at_nsec;
};

struct watcher {
	struct watch *watch;
	const struct watcher_control *control;
	struct containers *containers;
	int64_t clock_offset; /* wall clock less the time since boot */
	bool state_failed;    /* has been said */

	/* of one connection */
	struct engine *engine;
	struct arena *arena; /* of the queue */
	struct sight *queue;
	size_t n_queue;
	int64_t since;	      /* when it began */
	int64_t anchor;	      /* nanoseconds of the event that is waited for, 0: none */
	bool opened, decided; /* whether time counts as watched is decided */
	bool look_wanted, stale;
	bool said_not_understood;
	int64_t deadline, next_look, last_flush, last_tick; /* seconds since boot */
	int64_t asked; /* when a run was seen to wait for what is seen; 0: none does */
	struct err err;
};

static int64_t seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec;
}

static int64_t since_boot(void)
{
	return seconds(CLOCK_BOOTTIME);
}

struct watcher *watcher_new(struct watch *watch, const struct watcher_control *control)
{
	struct watcher *watcher = mem_zalloc(1, sizeof(*watcher));

	watcher->watch = watch;
	watcher->control = control;
	watcher->containers = containers_new();
	watcher->clock_offset = time(NULL) - since_boot();
	return watcher;
}

void watcher_free(struct watcher *watcher)
{
	if (!watcher)
		return;
	containers_free(watcher->containers);
	arena_free(watcher->arena);
	free(watcher->queue);
	free(watcher);
}

/* ---- what an event means ---- */

static void say_escaped(struct watcher *watcher, const char *what)
{
	watch_break(watcher->watch);
	log_line(LOG_NOTICE, "%s: all use until now counts as unknown", what);
}

/* The name may mean another image by now than it did then. */
static bool still_means(const struct image *image, const struct sight *sight)
{
	if (reference_is_id(sight->name))
		return true;
	if (image->last_tagged != TIME_UNKNOWN)
		return image->last_tagged < sight->at;
	return time(NULL) - sight->at <= NAME_HOLDS_SEC;
}

static const char *image_by_name(struct watcher *watcher, const struct sight *sight)
{
	_cleanup_free_ char *what = mem_printf("container %.12s was gone before its image "
					       "'%s' could be looked up",
					       sight->id, sight->name);
	struct image image;
	struct err err;
	int r = *sight->name ? engine_image(watcher->engine, watcher->arena, sight->name,
					    &image, &err)
			     : 0;

	if (r <= 0 || !still_means(&image, sight))
		say_escaped(watcher, what);
	return r > 0 ? image.id : NULL;
}

/* NULL: not known, or of none. */
static const char *image_of(struct watcher *watcher, const struct sight *sight)
{
	const char *image = NULL;
	struct err err;
	int r;

	if (containers_find(watcher->containers, sight->id, &image))
		return image;
	r = engine_image_of(watcher->engine, watcher->arena, sight->id, &image, &err);
	if (r < 0)
		say_escaped(watcher, err.text);
	else if (r == 0)
		image = image_by_name(watcher, sight);
	if (r > 0 || (r == 0 && sight->type <= EVENT_CONTAINER_STARTED))
		containers_add(watcher->containers, sight->id, image);
	return image;
}

static void on_container(struct watcher *watcher, const struct sight *sight)
{
	const char *image = image_of(watcher, sight);

	if (image)
		watch_note(watcher->watch, SEEN_IMAGE_USED, image, NULL, sight->at);
	if (image && sight->service &&
	    (sight->type == EVENT_CONTAINER_STARTED || sight->type == EVENT_CONTAINER_ENDED))
		watch_note(watcher->watch, SEEN_RUN, image, sight->service, sight->at);
	if (sight->type == EVENT_CONTAINER_GONE)
		containers_remove(watcher->containers, sight->id);
}

/* An image that is gone again needs no note. */
static void on_arrival(struct watcher *watcher, const struct sight *sight)
{
	struct image image;
	struct err err;
	int r = engine_image(watcher->engine, watcher->arena, sight->id, &image, &err);

	watcher->look_wanted = true;
	if (r < 0)
		say_escaped(watcher, err.text);
	if (r <= 0)
		return;
	for (size_t i = 0; i < image.n_tags; i++)
		watch_note(watcher->watch, SEEN_IMAGE_NAMED, image.id, image.tags[i].raw,
			   sight->at);
	if (sight->type == EVENT_IMAGE_PULLED)
		watch_note(watcher->watch, SEEN_IMAGE_PULLED, image.id, NULL, sight->at);
}

static void on_tag(struct watcher *watcher, const struct sight *sight)
{
	watcher->look_wanted = true;
	if (*sight->name && !reference_is_id(sight->name))
		watch_note(watcher->watch, SEEN_IMAGE_NAMED, sight->id, sight->name, sight->at);
}

static void on_change(struct watcher *watcher, const struct sight *sight _unused_)
{
	watcher->look_wanted = true;
}

static void on_volume(struct watcher *watcher, const struct sight *sight)
{
	watch_note(watcher->watch,
		   sight->type == EVENT_VOLUME_GONE ? SEEN_VOLUME_GONE : SEEN_VOLUME_USED,
		   sight->id, NULL, sight->at);
}

static void on_riddle(struct watcher *watcher, const struct sight *sight _unused_)
{
	watch_break(watcher->watch);
	if (!watcher->said_not_understood)
		log_line(LOG_WARNING, "the engine tells events that are not understood: all "
				      "use until now counts as unknown");
	watcher->said_not_understood = true;
}

static void (*const handlers[])(struct watcher *watcher, const struct sight *sight) = {
	[EVENT_CONTAINER_CREATED] = on_container, [EVENT_CONTAINER_STARTED] = on_container,
	[EVENT_CONTAINER_ENDED] = on_container,	  [EVENT_CONTAINER_GONE] = on_container,
	[EVENT_IMAGE_PULLED] = on_arrival,	  [EVENT_IMAGE_TAGGED] = on_tag,
	[EVENT_IMAGE_BUILT] = on_arrival,	  [EVENT_IMAGE_CHANGED] = on_change,
	[EVENT_VOLUME_USED] = on_volume,	  [EVENT_VOLUME_GONE] = on_volume,
	[EVENT_NOT_UNDERSTOOD] = on_riddle,
};

/* ---- the queue: what is to be asked is asked between events, not while they are read ---- */

static void on_event(void *data, const struct event *event)
{
	struct watcher *watcher = data;
	const char *service = service_of(watcher->arena, &event->labels);

	watcher->queue = mem_grow(watcher->queue, watcher->n_queue, sizeof(*watcher->queue));
	watcher->queue[watcher->n_queue++] = (struct sight){
		.type = event->type,
		.id = arena_strdup(watcher->arena, event->id),
		.name = arena_strdup(watcher->arena, event->name),
		.service = arena_strdup(watcher->arena, service),
		.at = event->at,
		.at_nsec = event->at_nsec,
	};
}

static void empty_queue(struct watcher *watcher)
{
	arena_free(watcher->arena);
	watcher->arena = arena_new();
	free(take(watcher->queue));
	watcher->n_queue = 0;
}

static void work_off(struct watcher *watcher)
{
	for (size_t i = 0; i < watcher->n_queue; i++) {
		const struct sight *sight = &watcher->queue[i];

		handlers[sight->type](watcher, sight);
		watch_note_event(watcher->watch, sight->at_nsec);
		if (sight->at_nsec == watcher->anchor && !watcher->decided &&
		    watcher->anchor != 0) {
			watcher->decided = true;
			watch_continue(watcher->watch);
		}
	}
	if (watcher->n_queue > 0)
		empty_queue(watcher);
}

/* ---- writing ---- */

static void flush(struct watcher *watcher)
{
	int64_t now = time(NULL);
	struct err err;
	int r = watch_flush(watcher->watch, now, &err);

	watcher->last_flush = since_boot();
	if (r == 0 && now != watcher->asked)
		watcher->asked = 0;
	if (r == -ESTALE)
		watcher->err = err;
	watcher->stale = watcher->stale || r == -ESTALE;
	if (r < 0 && r != -ESTALE && !watcher->state_failed)
		log_line(LOG_WARNING, "%s; what is seen waits to be written", err.text);
	watcher->state_failed = r < 0;
}

/* In the second of the question it is none yet: what is written then may have been before. */
static bool is_answer_due(struct watcher *watcher)
{
	int64_t now = time(NULL);

	if (watch_is_asked(watcher->watch))
		watcher->asked = now;
	return watcher->asked != 0 && watcher->asked != now;
}

static void flush_when_due(struct watcher *watcher)
{
	int64_t pause = since_boot() - watcher->last_flush;
	size_t waiting = watch_waiting(watcher->watch);

	if ((is_answer_due(watcher) && !watcher->state_failed) ||
	    (waiting >= BATCH && !watcher->state_failed) || (waiting > 0 && pause >= 1) ||
	    pause >= WATCH_HEARTBEAT_SEC)
		flush(watcher);
}

/* What is there, as a run sees it: the containers, and names that no event tells. */
static int look(struct watcher *watcher, struct err *err)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	int64_t now = time(NULL);
	int r = engine_snapshot(watcher->engine, snapshot, 0, NULL, err);

	if (r < 0)
		return r;
	containers_take(watcher->containers, snapshot);
	r = state_observe(watch_state(watcher->watch), snapshot, now, err);
	if (r == 0 && snapshot->problems.n > 0)
		return err_set(err, -EIO, "%s", snapshot->problems.texts[0]);
	return r;
}

static void look_when_due(struct watcher *watcher)
{
	int64_t start = since_boot();
	struct err err;

	if (!watcher->opened || !watcher->look_wanted || start < watcher->next_look)
		return;
	/* Older than what the look shows. */
	flush(watcher);
	watcher->look_wanted = look(watcher, &err) < 0;
	if (watcher->look_wanted)
		log_line(LOG_WARNING, "%s", err.text);
	watcher->next_look =
		since_boot() + LOOK_PAUSE_SEC + (since_boot() - start) * (LOOK_SHARE - 1);
}

/* ---- what time counts as watched ---- */

static void say_gap(const struct watcher *watcher)
{
	char from[UNITS_SIZE], until[UNITS_SIZE];
	int64_t last, event_nsec;
	struct err err;

	if (watch_last(watcher->watch, &last, &event_nsec, &err) < 0 || last == TIME_UNKNOWN)
		return;
	log_line(LOG_NOTICE,
		 "nobody watched between %s and %s, and the engine does not remember: that "
		 "counts as use",
		 units_format_time(from, last, watcher->since),
		 units_format_time(until, watcher->since, watcher->since));
}

static void decide(struct watcher *watcher)
{
	bool waits = watcher->anchor != 0 && since_boot() < watcher->deadline;

	if (!watcher->opened || (!watcher->decided && waits))
		return;
	if (!watcher->decided) {
		say_gap(watcher);
		watch_begin(watcher->watch, watcher->since);
	}
	watcher->decided = true;
	watcher->anchor = 0;
	watcher->deadline = INT64_MAX;
	flush(watcher);
	watcher->control->watching(watcher->since);
}

/* A wrong clock would make time look watched that never passed. */
static void check_clock(struct watcher *watcher)
{
	int64_t offset = time(NULL) - since_boot(), step = offset - watcher->clock_offset;

	if (step >= -CLOCK_TOLERANCE && step <= CLOCK_TOLERANCE)
		return;
	watcher->clock_offset = offset;
	say_escaped(watcher, "the clock was set");
}

static void check_backlog(struct watcher *watcher)
{
	int64_t now = since_boot();

	if (now - watcher->last_tick > ABSENCE_MAX_SEC && watcher->n_queue > BACKLOG_MAX)
		say_escaped(watcher, "the watcher was held up");
	watcher->last_tick = now;
}

static void on_opened(void *data)
{
	struct watcher *watcher = data;

	watcher->opened = true;
	watcher->look_wanted = true;
	watcher->next_look = 0;
	watcher->deadline = since_boot() + ANCHOR_WAIT_SEC;
}

static int on_tick(void *data)
{
	struct watcher *watcher = data;

	watcher->control->alive();
	check_clock(watcher);
	check_backlog(watcher);
	work_off(watcher);
	if (watcher->deadline < INT64_MAX)
		decide(watcher);
	flush_when_due(watcher);
	look_when_due(watcher);
	return *watcher->control->stop || watcher->stale;
}

static void find_anchor(struct watcher *watcher)
{
	int64_t until;
	struct err err;

	watcher->since = time(NULL);
	if (watch_last(watcher->watch, &until, &watcher->anchor, &err) < 0 ||
	    until < watcher->since - ANCHOR_AGE_MAX)
		watcher->anchor = 0;
}

static void begin_connection(struct watcher *watcher, struct engine *engine)
{
	watcher->engine = engine;
	engine_set_tick(engine, watcher->control->alive);
	watcher->opened = watcher->decided = watcher->stale = false;
	watcher->said_not_understood = watcher->look_wanted = false;
	watcher->deadline = 0;
	watcher->last_flush = watcher->last_tick = since_boot();
	empty_queue(watcher);
	find_anchor(watcher);
}

/* What is read but not worked off was after the last flush. */
static void end_connection(struct watcher *watcher)
{
	struct err err;

	work_off(watcher);
	if (!watcher->stale)
		flush(watcher);
	if (!watcher->stale && watch_end(watcher->watch, &err) < 0)
		log_line(LOG_WARNING, "%s", err.text);
}

int watcher_follow(struct watcher *watcher, struct engine *engine, struct err *err)
{
	const struct event_sink sink = { on_opened, on_event, on_tick, watcher };
	int64_t since;
	int r;

	begin_connection(watcher, engine);
	since = watcher->anchor != 0 ? watcher->anchor / 1000000000 : watcher->since;
	r = engine_follow(engine, since, &sink, err);
	end_connection(watcher);
	if (!watcher->stale)
		return r;
	*err = watcher->err;
	return err->code;
}
