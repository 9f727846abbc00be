#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "state/watch.h"

/* What the watcher leaves in the state, and what a run makes of it. */

#define HOUR 3600
#define START ((int64_t)1790000000)

struct place {
	char *folder, *path;
};

static int setup(void **state)
{
	struct place *place = mem_zalloc(1, sizeof(*place));

	place->folder = folder_make();
	place->path = mem_printf("%s/run-docker.sock.sqlite", place->folder);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	folder_remove(place->folder);
	free(place->path);
	free(place);
	return 0;
}

static struct watch *open_watch(const struct place *place)
{
	struct watch *watch;
	struct err err;

	if (watch_open(place->path, &watch, &err) < 0)
		fail_msg("%s", err.text);
	return watch;
}

static void flush(struct watch *watch, int64_t now)
{
	struct err err;

	if (watch_flush(watch, now, &err) < 0)
		fail_msg("%s", err.text);
}

static struct snapshot *world(const char *tag)
{
	struct snapshot *snapshot = snapshot_new();
	struct image *image = arena_alloc(snapshot->arena, sizeof(*image));

	snapshot->listing[KIND_CONTAINER] = snapshot->listing[KIND_IMAGE] = LISTING_READ;
	snapshot->images = image;
	snapshot->n_images = 1;
	image->id = "sha256:a";
	if (tag) {
		image->tags = arena_alloc(snapshot->arena, sizeof(*image->tags));
		image->n_tags = 1;
		assert_true(reference_parse(snapshot->arena, tag, image->tags));
	}
	snapshot_seal(snapshot);
	return snapshot;
}

/* As a run remembers at that time. */
static struct snapshot *recall(const struct place *place, const char *tag, int64_t now)
{
	_cleanup_(state_closep) struct state *state = NULL;
	struct snapshot *snapshot = world(tag);
	struct err err;

	if (state_open(place->path, 0, &state, &err) < 0 ||
	    state_recall(state, snapshot, now, &err) < 0)
		fail_msg("%s", err.text);
	return snapshot;
}

static void observe(const struct place *place, const char *tag, int64_t now)
{
	_cleanup_(state_closep) struct state *state = NULL;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = world(tag);
	struct err err;

	if (state_open(place->path, 1, &state, &err) < 0 ||
	    state_observe(state, snapshot, now, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_watched(const struct place *place, int64_t now, int64_t from, int64_t before)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = recall(place, "app:1", now);
	_cleanup_(state_closep) struct state *state = NULL;
	struct err err;

	assert_int_equal(snapshot->watched_from, from);
	assert_int_equal(snapshot->unwatched_from, before);
	assert_int_equal(state_open(place->path, 0, &state, &err), 0);
	assert_int_equal(state_watched_from(state, now, NULL), from);
}

static void an_interval_grows_with_each_flush(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);

	flush(watch, START);
	assert_watched(place, START, TIME_UNKNOWN, TIME_UNKNOWN);
	watch_begin(watch, START);
	assert_watched(place, START, TIME_UNKNOWN, TIME_UNKNOWN);
	for (int64_t now = START + 1; now < START + HOUR; now += WATCH_HEARTBEAT_SEC) {
		flush(watch, now);
		assert_watched(place, now + 1, START, TIME_UNKNOWN);
	}
}

static void nobody_watches_once_the_watcher_is_silent_or_gone(void **state)
{
	const struct place *place = *state;
	struct watch *watch = open_watch(place);
	struct err err;

	watch_begin(watch, START);
	flush(watch, START);
	assert_watched(place, START + (int64_t)3 * WATCH_HEARTBEAT_SEC, START, TIME_UNKNOWN);
	assert_watched(place, START + (int64_t)3 * WATCH_HEARTBEAT_SEC + 1, TIME_UNKNOWN,
		       TIME_UNKNOWN);
	assert_int_equal(watch_end(watch, &err), 0);
	assert_watched(place, START, TIME_UNKNOWN, TIME_UNKNOWN);
	watch_continue(watch);
	flush(watch, START + 1);
	assert_watched(place, START + 1, START, TIME_UNKNOWN);
	/* As if it were killed: nothing says that it ended. */
	watch_close(watch);
	assert_watched(place, START + 1, TIME_UNKNOWN, TIME_UNKNOWN);
}

static void what_lies_between_two_intervals_is_a_gap(void **state)
{
	const struct place *place = *state;
	struct watch *watch = open_watch(place);
	int64_t until, event;
	struct err err;

	assert_int_equal(watch_last(watch, &until, &event, &err), 0);
	assert_int_equal(until, TIME_UNKNOWN);
	watch_begin(watch, START);
	watch_note_event(watch, 77);
	watch_note_event(watch, 76);
	flush(watch, START + HOUR);
	watch_close(watch);

	watch = open_watch(place);
	assert_int_equal(watch_last(watch, &until, &event, &err), 0);
	assert_int_equal(until, START + HOUR);
	assert_int_equal(event, 77);
	watch_begin(watch, START + 2 * HOUR);
	flush(watch, START + 2 * HOUR + 1);
	assert_watched(place, START + 3 * HOUR, TIME_UNKNOWN, TIME_UNKNOWN);
	flush(watch, START + 3 * HOUR);
	assert_watched(place, START + 3 * HOUR, START + 2 * HOUR, START + HOUR);
	watch_close(watch);
}

static void a_gap_that_was_filled_is_none(void **state)
{
	const struct place *place = *state;
	struct watch *watch = open_watch(place);

	watch_begin(watch, START);
	flush(watch, START + HOUR);
	watch_close(watch);
	watch = open_watch(place);
	watch_continue(watch);
	flush(watch, START + HOUR + 60);
	assert_watched(place, START + HOUR + 60, START, TIME_UNKNOWN);
	watch_close(watch);
}

static void a_break_ends_the_interval_at_the_last_flush(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);

	watch_begin(watch, START);
	flush(watch, START + 10);
	assert_int_equal(watch_waiting(watch), 0);
	watch_break(watch);
	assert_int_equal(watch_waiting(watch), 1);
	assert_watched(place, START + 20, START, TIME_UNKNOWN);
	flush(watch, START + 30);
	assert_watched(place, START + 30, START + 30, START + 10);
	flush(watch, START + 40);
	assert_watched(place, START + 40, START + 30, START + 10);
	/* Also before it is decided whether the last one goes on. */
	watch_break(watch);
	watch_continue(watch);
	flush(watch, START + 50);
	assert_watched(place, START + 50, START + 50, START + 40);
}

static void a_start_ahead_of_the_clock_counts_as_now(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);

	watch_begin(watch, START + HOUR);
	flush(watch, START + HOUR);
	assert_watched(place, START, START, TIME_UNKNOWN);
}

static void only_one_watches(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *first = open_watch(place), *second = NULL;
	struct err err;

	assert_int_equal(watch_open(place->path, &second, &err), -EWOULDBLOCK);
	assert_null(second);
	watch_close(take(first));
	assert_int_equal(watch_open(place->path, &second, &err), 0);
}

static void what_was_seen_is_remembered(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL, *later = NULL;

	observe(place, "app:1", START);
	watch_note(watch, SEEN_IMAGE_USED, "sha256:a", NULL, START + 20);
	watch_note(watch, SEEN_IMAGE_USED, "sha256:a", NULL, START + 10);
	watch_note(watch, SEEN_IMAGE_PULLED, "sha256:a", NULL, START + 5);
	watch_note(watch, SEEN_RUN, "sha256:a", "shop/web", START + 20);
	flush(watch, START + 30);
	snapshot = recall(place, "app:1", START + 30);
	assert_int_equal(snapshot->images[0].memory.first_seen, START);
	assert_int_equal(snapshot->images[0].memory.last_used, START + 20);
	assert_int_equal(snapshot->images[0].memory.pulled, START + 5);
	assert_int_equal(snapshot->n_runs, 1);
	assert_string_equal(snapshot->runs[0].service, "shop/web");
	assert_int_equal(snapshot->runs[0].at, START + 20);
	/* A look that a run has keeps it. */
	observe(place, NULL, START + HOUR);
	later = recall(place, NULL, START + HOUR);
	assert_int_equal(later->images[0].memory.last_used, START + 20);
	assert_int_equal(later->images[0].memory.pulled, START + 5);
}

static void times_ahead_of_the_clock_count_as_now(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;

	watch_note(watch, SEEN_IMAGE_USED, "sha256:a", NULL, START + HOUR);
	flush(watch, START);
	snapshot = recall(place, "app:1", START + 2 * HOUR);
	assert_int_equal(snapshot->images[0].memory.last_used, START);
}

/* At boot, before the clock was set; image b comes then. */
static void times_of_a_clock_behind_the_last_look_count_as_that(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;

	observe(place, "app:1", START);
	watch_note(watch, SEEN_IMAGE_PULLED, "sha256:a", NULL, 1000);
	watch_note(watch, SEEN_IMAGE_USED, "sha256:b", NULL, 1000);
	flush(watch, 1001);
	snapshot = recall(place, "app:1", START + HOUR);
	assert_int_equal(snapshot->images[0].memory.pulled, START);
	snapshot_free(snapshot);
	snapshot = world("app:1");
	snapshot->images[0].id = "sha256:b";
	assert_int_equal(
		state_recall(watch_state(watch), snapshot, START + HOUR, &(struct err){ 0 }),
		0);
	assert_int_equal(snapshot->images[0].memory.first_seen, START);
	assert_int_equal(snapshot->images[0].memory.last_used, START);
}

static void a_name_is_lost_to_who_gets_it(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL, *later = NULL;
	const struct strings *names;

	watch_note(watch, SEEN_IMAGE_NAMED, "sha256:a", "app:1", START);
	watch_note(watch, SEEN_IMAGE_NAMED, "sha256:b", "app:1", START + 10);
	flush(watch, START + 20);
	snapshot = recall(place, NULL, START + 20);
	names = &snapshot->images[0].memory.names;
	assert_true(snapshot->images[0].memory.seen_tagged);
	assert_int_equal(names->n, 1);
	assert_string_equal(names->v[0], "app:1");
	/* Untagged it is only since somebody saw it so. */
	assert_int_equal(snapshot->images[0].memory.untagged_since, TIME_UNKNOWN);
	assert_null(snapshot->images[0].memory.named);
	/* It gets it back. */
	watch_note(watch, SEEN_IMAGE_NAMED, "sha256:a", "app:1", START + 30);
	flush(watch, START + 35);
	later = recall(place, "app:1", START + 40);
	assert_int_equal(later->images[0].memory.first_seen, START + 20);
	assert_int_equal(later->images[0].memory.named[0], START + 35);
}

static void a_name_that_came_back_starts_the_time_anew(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;

	observe(place, NULL, START);
	watch_note(watch, SEEN_IMAGE_NAMED, "sha256:a", "app:1", START + 10);
	watch_note(watch, SEEN_IMAGE_NAMED, "sha256:b", "app:1", START + 20);
	flush(watch, START + 20);
	observe(place, NULL, START + 30);
	snapshot = recall(place, NULL, START + 30);
	assert_int_equal(snapshot->images[0].memory.untagged_since, START + 30);
}

/* What preserve-as gives is no name of the image's own: its time goes on. */
static void a_name_that_preserve_as_gave_starts_no_time_anew(void **state)
{
	const struct place *place = *state;
	static const char name[] = "app:superseded-1";
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL, *renamed = NULL;
	const struct preserved_name preserved = { .image = "sha256:a",
						  .name = "docker.io/library/app:superseded-1",
						  .now = true,
						  .last_tagged = TIME_UNKNOWN };
	struct err err;

	observe(place, NULL, START);
	assert_int_equal(state_preserve(watch_state(watch), &preserved, 1, START + 5, &err), 0);
	watch_note(watch, SEEN_IMAGE_NAMED, "sha256:a", name, START + 10);
	flush(watch, START + 20);
	snapshot = recall(place, name, START + 30);
	assert_int_equal(snapshot->images[0].memory.untagged_since, START);
	watch_note(watch, SEEN_IMAGE_NAMED, "sha256:a", "app:1", START + 40);
	flush(watch, START + 40);
	renamed = recall(place, NULL, START + 50);
	assert_int_equal(renamed->images[0].memory.untagged_since, TIME_UNKNOWN);
}

static struct snapshot *with_volume(const struct place *place, const char *name,
				    int64_t created, int64_t now)
{
	_cleanup_(state_closep) struct state *state = NULL;
	struct snapshot *snapshot = world("app:1");
	struct err err;

	snapshot->listing[KIND_VOLUME] = LISTING_READ;
	snapshot->volumes = arena_alloc(snapshot->arena, sizeof(struct volume));
	snapshot->volumes[0] = (struct volume){ .name = name, .created = created };
	snapshot->n_volumes = 1;
	if (state_open(place->path, 1, &state, &err) < 0 ||
	    state_observe(state, snapshot, now, &err) < 0 ||
	    state_recall(state, snapshot, now, &err) < 0)
		fail_msg("%s", err.text);
	return snapshot;
}

static void a_volume_is_used_though_no_run_saw_it(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);
	_cleanup_(snapshot_freep) struct snapshot *same = NULL, *written = NULL, *other = NULL,
						  *back = NULL;

	watch_note(watch, SEEN_VOLUME_USED, "data", NULL, START + 20);
	watch_note(watch, SEEN_VOLUME_USED, "data", NULL, START + 10);
	flush(watch, START + 30);
	same = with_volume(place, "data", START, START + 30);
	assert_int_equal(same->volumes[0].memory.last_used, START + 20);
	written = with_volume(place, "data", START + 25, START + 30);
	assert_int_equal(written->volumes[0].memory.last_used, START + 20);
	/* Gone volumes are forgotten. */
	other = with_volume(place, "other", START, START + 30);
	assert_int_equal(other->volumes[0].memory.last_used, TIME_UNKNOWN);
	back = with_volume(place, "data", START, START + 30);
	assert_int_equal(back->volumes[0].memory.last_used, TIME_UNKNOWN);
}

static void what_cannot_be_written_waits(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);
	_cleanup_free_ char *away = mem_printf("%s.away", place->path);
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	struct err err;

	watch_begin(watch, START);
	flush(watch, START);
	watch_note(watch, SEEN_IMAGE_USED, "sha256:a", NULL, START + 1);
	assert_int_equal(rename(place->path, away), 0);
	assert_int_equal(watch_flush(watch, START + 1, &err), -ESTALE);
	assert_int_equal(watch_waiting(watch), 1);
	assert_int_equal(rename(away, place->path), 0);
	flush(watch, START + 2);
	snapshot = recall(place, "app:1", START + 2);
	assert_int_equal(snapshot->images[0].memory.last_used, START + 1);
	assert_int_equal(snapshot->watched_from, START);
}

static void too_much_that_waits_is_dropped_and_leaves_a_gap(void **state)
{
	const struct place *place = *state;
	_cleanup_(watch_closep) struct watch *watch = open_watch(place);

	watch_begin(watch, START);
	flush(watch, START + 1);
	for (int i = 0; i < 50001; i++)
		watch_note(watch, SEEN_IMAGE_USED, "sha256:a", NULL, START + 1);
	assert_true(watch_waiting(watch) < 10);
	flush(watch, START + 60);
	assert_watched(place, START + 60, START + 60, START + 1);
}

#define in_place(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(an_interval_grows_with_each_flush),
		in_place(nobody_watches_once_the_watcher_is_silent_or_gone),
		in_place(what_lies_between_two_intervals_is_a_gap),
		in_place(a_gap_that_was_filled_is_none),
		in_place(a_break_ends_the_interval_at_the_last_flush),
		in_place(a_start_ahead_of_the_clock_counts_as_now),
		in_place(only_one_watches),
		in_place(what_was_seen_is_remembered),
		in_place(times_ahead_of_the_clock_count_as_now),
		in_place(times_of_a_clock_behind_the_last_look_count_as_that),
		in_place(a_name_is_lost_to_who_gets_it),
		in_place(a_name_that_came_back_starts_the_time_anew),
		in_place(a_name_that_preserve_as_gave_starts_no_time_anew),
		in_place(a_volume_is_used_though_no_run_saw_it),
		in_place(what_cannot_be_written_waits),
		in_place(too_much_that_waits_is_dropped_and_leaves_a_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
