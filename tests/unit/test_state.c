#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "model/snapshot.h"
#include "state/state.h"

#define HOUR 3600
#define DAY (24 * HOUR)
#define START ((int64_t)1790000000)

/* A folder of its own for each test, with the path of a state in it. */
struct place {
	char *folder, *path;
};

static int shell(const char *format, ...) _printf_(1, 2);

static int shell(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

static int place_setup(void **state)
{
	struct place *place = mem_zalloc(1, sizeof(*place));

	place->folder = folder_make();
	place->path = mem_printf("%s/run-docker.sock.sqlite", place->folder);
	*state = place;
	return 0;
}

static int place_teardown(void **state)
{
	struct place *place = *state;

	folder_remove(place->folder);
	free(place->path);
	free(place);
	return 0;
}

/* ---- small worlds ---- */

static struct snapshot *world(size_t containers, size_t images)
{
	struct snapshot *snapshot = snapshot_new();

	snapshot->listing[KIND_CONTAINER] = LISTING_READ;
	snapshot->listing[KIND_IMAGE] = LISTING_READ;
	snapshot->containers =
		arena_array(snapshot->arena, containers, sizeof(struct container));
	snapshot->images = arena_array(snapshot->arena, images, sizeof(struct image));
	return snapshot;
}

static struct image *add_image(struct snapshot *snapshot, const char *id, const char *tag,
			       const char *other_tag)
{
	struct image *image = &snapshot->images[snapshot->n_images++];

	image->id = id;
	image->tags = arena_array(snapshot->arena, 2, sizeof(*image->tags));
	if (tag)
		assert_true(
			reference_parse(snapshot->arena, tag, &image->tags[image->n_tags++]));
	if (other_tag)
		assert_true(reference_parse(snapshot->arena, other_tag,
					    &image->tags[image->n_tags++]));
	return image;
}

static struct container *add_container(struct snapshot *snapshot, const char *id,
				       enum container_state status, const char *image_id)
{
	struct container *container = &snapshot->containers[snapshot->n_containers++];

	container->id = id;
	container->state = status;
	container->image_id = image_id;
	container->started = container->finished = TIME_UNKNOWN;
	return container;
}

static void add_volume(struct snapshot *snapshot, const char *name, int64_t created)
{
	snapshot->listing[KIND_VOLUME] = LISTING_READ;
	snapshot->volumes = arena_array(snapshot->arena, 1, sizeof(struct volume));
	snapshot->volumes[0].name = name;
	snapshot->volumes[0].created = created;
	snapshot->n_volumes = 1;
}

/* ---- look, as a run does ---- */

static void observe(const struct place *place, struct snapshot *snapshot, int64_t now)
{
	_cleanup_(state_closep) struct state *state = NULL;
	struct err err;

	snapshot_seal(snapshot);
	if (state_open(place->path, 1, &state, &err) < 0)
		fail_msg("%s", err.text);
	if (state_observe(state, snapshot, now, &err) < 0)
		fail_msg("%s", err.text);
	snapshot_free(snapshot);
}

static void recall(const struct place *place, struct snapshot *snapshot, int64_t now)
{
	_cleanup_(state_closep) struct state *state = NULL;
	struct err err;

	snapshot_seal(snapshot);
	if (state_open(place->path, 0, &state, &err) < 0)
		fail_msg("%s", err.text);
	assert_non_null(state);
	if (state_recall(state, snapshot, now, &err) < 0)
		fail_msg("%s", err.text);
}

static struct snapshot *one_image(const char *id, const char *tag)
{
	struct snapshot *snapshot = world(0, 1);

	add_image(snapshot, id, tag, NULL);
	return snapshot;
}

static void assert_nothing_remembered(const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_images; i++) {
		assert_int_equal(snapshot->images[i].memory.first_seen, TIME_UNKNOWN);
		assert_int_equal(snapshot->images[i].memory.untagged_since, TIME_UNKNOWN);
		assert_int_equal(snapshot->images[i].memory.last_used, TIME_UNKNOWN);
		assert_int_equal(snapshot->images[i].memory.names.n, 0);
	}
}

static size_t count_entries(const char *folder)
{
	DIR *entries = opendir(folder);
	size_t n = 0;

	assert_non_null(entries);
	while (readdir(entries))
		n++;
	closedir(entries);
	return n - 2;
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void write_file(const char *path, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
}

/* ---- what is remembered ---- */

static void nothing_is_known_before_the_first_look(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);

	recall(place, snapshot, START);
	assert_true(snapshot->remembers);
	assert_true(snapshot->first_look);
	assert_nothing_remembered(snapshot);
	assert_int_equal(count_entries(place->folder), 0);
}

static void without_a_state_nothing_is_remembered(void **state _unused_)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);
	struct err err;

	snapshot_seal(snapshot);
	assert_int_equal(state_recall(NULL, snapshot, START, &err), 0);
	assert_false(snapshot->remembers);
	assert_false(snapshot->first_look);
	assert_nothing_remembered(snapshot);
}

static void an_untagged_image_counts_from_its_first_look(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);

	observe(place, one_image("sha256:a", NULL), START);
	observe(place, one_image("sha256:a", NULL), START + HOUR);
	recall(place, snapshot, START + DAY);
	assert_false(snapshot->first_look);
	assert_int_equal(snapshot->images[0].memory.first_seen, START);
	assert_int_equal(snapshot->images[0].memory.untagged_since, START);
	assert_false(snapshot->images[0].memory.seen_tagged);
}

static void a_tag_in_between_starts_the_time_anew(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);
	_cleanup_(snapshot_freep) struct snapshot *tagged = one_image("sha256:a", "app:1");

	observe(place, one_image("sha256:a", NULL), START);
	recall(place, tagged, START + 1);
	assert_int_equal(tagged->images[0].memory.untagged_since, TIME_UNKNOWN);
	observe(place, one_image("sha256:a", "app:1"), START + HOUR);
	recall(place, snapshot, START + 2 * HOUR);
	assert_int_equal(snapshot->images[0].memory.first_seen, START);
	assert_int_equal(snapshot->images[0].memory.untagged_since, TIME_UNKNOWN);
	assert_true(snapshot->images[0].memory.seen_tagged);
	observe(place, one_image("sha256:a", NULL), START + 3 * HOUR);
	recall(place, snapshot, START + 4 * HOUR);
	assert_int_equal(snapshot->images[0].memory.untagged_since, START + 3 * HOUR);
}

static void preserve(const struct place *place, const struct preserved_name *names, size_t n,
		     int64_t now)
{
	_cleanup_(state_closep) struct state *state = NULL;
	struct err err;

	assert_int_equal(state_open(place->path, 1, &state, &err), 0);
	assert_int_equal(state_preserve(state, names, n, now, &err), 0);
}

static void assert_memory(const struct place *place, const char *tag, int64_t now,
			  int64_t untagged_since, int64_t preserved_at)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", tag);
	const struct memory *memory = &snapshot->images[0].memory;

	recall(place, snapshot, now);
	assert_int_equal(memory->untagged_since, untagged_since);
	assert_int_equal(memory->preserved_at, preserved_at);
	for (size_t i = 0; tag && preserved_at != TIME_UNKNOWN && i < memory->names.n; i++)
		assert_string_equal(memory->names.v[i], "app:1");
}

#define OLD "app:old-1"

static void a_name_that_was_given_leaves_it_untagged(void **state)
{
	static const struct preserved_name given = { "sha256:a", "docker.io/library/" OLD, true,
						     TIME_UNKNOWN };
	struct place *place = *state;

	observe(place, one_image("sha256:a", "app:1"), START);
	observe(place, one_image("sha256:a", NULL), START + HOUR);
	preserve(place, &given, 1, START + HOUR);
	assert_memory(place, NULL, START + HOUR, START + HOUR, TIME_UNKNOWN);
	assert_memory(place, OLD, START + HOUR, START + HOUR, START + HOUR);
	observe(place, one_image("sha256:a", OLD), START + 2 * HOUR);
	assert_memory(place, OLD, START + DAY, START + HOUR, START + HOUR);
	/* Any other name, alone or beside it, is a name. */
	assert_memory(place, "app:1", START + DAY, TIME_UNKNOWN, TIME_UNKNOWN);
	observe(place, one_image("sha256:a", "app:1"), START + 3 * HOUR);
	observe(place, one_image("sha256:a", OLD), START + 4 * HOUR);
	assert_memory(place, OLD, START + DAY, START + 4 * HOUR, START + HOUR);
}

static void a_second_name_makes_it_tagged(void **state)
{
	static const struct preserved_name given = { "sha256:a", "docker.io/library/" OLD, true,
						     TIME_UNKNOWN };
	struct place *place = *state;
	struct snapshot *both = world(0, 1);

	observe(place, one_image("sha256:a", NULL), START);
	preserve(place, &given, 1, START);
	add_image(both, "sha256:a", OLD, "app:1");
	observe(place, both, START + HOUR);
	assert_memory(place, OLD, START + DAY, TIME_UNKNOWN, START);
}

static void the_time_of_a_name_is_that_of_its_last_giving(void **state)
{
	static const struct preserved_name seen = { "sha256:a", "docker.io/library/" OLD, false,
						    TIME_UNKNOWN };
	static const struct preserved_name given = { "sha256:a", "docker.io/library/" OLD, true,
						     START + 60 };
	struct place *place = *state;

	observe(place, one_image("sha256:a", NULL), START);
	preserve(place, &seen, 1, START);
	preserve(place, &seen, 1, START + HOUR);
	assert_memory(place, OLD, START + DAY, START, START);
	/* What the engine forgets is kept. */
	preserve(place, &given, 1, START + 2 * HOUR);
	assert_memory(place, OLD, START + DAY, START + 60, START + 2 * HOUR);
	observe(place, one_image("sha256:b", NULL), START + 3 * HOUR);
	observe(place, one_image("sha256:a", NULL), START + 4 * HOUR);
	assert_memory(place, OLD, START + DAY, TIME_UNKNOWN, TIME_UNKNOWN);
}

static void a_name_that_only_looks_given_is_one_like_any_other(void **state)
{
	static const struct preserved_name others[] = {
		{ "sha256:b", "docker.io/library/" OLD, true, TIME_UNKNOWN },
		{ "sha256:a", "docker.io/other/" OLD, true, TIME_UNKNOWN },
	};
	struct place *place = *state;

	observe(place, one_image("sha256:a", NULL), START);
	preserve(place, others, ARRAY_SIZE(others), START);
	assert_memory(place, OLD, START + DAY, TIME_UNKNOWN, TIME_UNKNOWN);
	observe(place, one_image("sha256:a", OLD), START + HOUR);
	assert_memory(place, NULL, START + DAY, TIME_UNKNOWN, TIME_UNKNOWN);
}

static void names_are_kept_newest_first(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);
	struct snapshot *both = world(0, 2);
	const struct strings *names = &snapshot->images[0].memory.names;

	add_image(both, "sha256:b", "other:1", NULL);
	add_image(both, "sha256:a", "app:1", "docker.io/library/app:latest");
	observe(place, both, START);
	observe(place, one_image("sha256:a", "app:1"), START + HOUR);
	observe(place, one_image("sha256:a", "new:2"), START + 2 * HOUR);
	recall(place, snapshot, START + 3 * HOUR);
	assert_int_equal(names->n, 3);
	assert_string_equal(names->v[0], "new:2");
	assert_string_equal(names->v[1], "app:1");
	assert_string_equal(names->v[2], "docker.io/library/app:latest");
	observe(place, one_image("sha256:a", "app:1"), START + 4 * HOUR);
	recall(place, snapshot, START + 5 * HOUR);
	assert_int_equal(names->n, 3);
	assert_string_equal(names->v[0], "app:1");
	assert_string_equal(names->v[1], "new:2");
}

static void what_is_gone_is_forgotten(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);

	observe(place, one_image("sha256:a", "app:1"), START);
	observe(place, world(0, 0), START + HOUR);
	recall(place, snapshot, START + DAY);
	assert_false(snapshot->first_look);
	assert_nothing_remembered(snapshot);
	assert_false(snapshot->images[0].memory.seen_tagged);
}

static void a_list_that_was_not_read_is_left_alone(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);
	struct snapshot *failed = world(0, 0), *nothing = world(0, 0);

	observe(place, one_image("sha256:a", NULL), START);
	failed->listing[KIND_IMAGE] = LISTING_FAILED;
	observe(place, failed, START + HOUR);
	nothing->listing[KIND_CONTAINER] = nothing->listing[KIND_IMAGE] = LISTING_FAILED;
	observe(place, nothing, START + HOUR);
	recall(place, snapshot, START + DAY);
	assert_int_equal(snapshot->images[0].memory.untagged_since, START);
}

static int64_t last_use(struct place *place, enum container_state status, enum fact inspected,
			int64_t finished)
{
	_cleanup_(snapshot_freep) struct snapshot *later = one_image("sha256:a", NULL);
	struct snapshot *snapshot = world(1, 1);
	struct container *container = add_container(snapshot, "c", status, "sha256:a");

	add_image(snapshot, "sha256:a", NULL, NULL);
	container->inspected = inspected;
	container->finished = finished;
	unlink(place->path);
	observe(place, snapshot, START);
	recall(place, later, START + DAY);
	return later->images[0].memory.last_used;
}

static void a_container_uses_its_image_until_its_end(void **state)
{
	struct place *place = *state;

	assert_int_equal(last_use(place, STATE_RUNNING, FACT_NOT_ASKED, 0), START);
	assert_int_equal(last_use(place, STATE_PAUSED, FACT_KNOWN, START - 9), START);
	assert_int_equal(last_use(place, STATE_CREATED, FACT_KNOWN, TIME_UNKNOWN), START);
	assert_int_equal(last_use(place, STATE_EXITED, FACT_KNOWN, START - DAY), START - DAY);
	assert_int_equal(last_use(place, STATE_DEAD, FACT_KNOWN, START - DAY), START - DAY);
	assert_int_equal(last_use(place, STATE_EXITED, FACT_NOT_ASKED, START - DAY), START);
	assert_int_equal(last_use(place, STATE_EXITED, FACT_UNAVAILABLE, START - DAY), START);
	assert_int_equal(last_use(place, STATE_EXITED, FACT_KNOWN, TIME_UNKNOWN), START);
	assert_int_equal(last_use(place, STATE_EXITED, FACT_KNOWN, START + DAY), START);
}

/* A service's run needs a time; one that the engine does not tell must not cost the whole look.
 */
static void a_run_without_any_time_is_remembered(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *later = one_image("sha256:a", NULL);
	static struct label labels[] = { { "com.docker.compose.project", "shop" },
					 { "com.docker.compose.service", "web" } };
	struct snapshot *snapshot = world(1, 1);
	struct container *container = add_container(snapshot, "c", STATE_EXITED, "sha256:a");

	add_image(snapshot, "sha256:a", NULL, NULL);
	container->created = TIME_UNKNOWN;
	container->labels = (struct labels){ labels, ARRAY_SIZE(labels) };
	observe(place, snapshot, START);
	recall(place, later, START + DAY);
	assert_int_equal(later->images[0].memory.first_seen, START);
	assert_int_equal(later->n_runs, 1);
	assert_int_equal(later->runs[0].at, START);
}

static void an_older_use_never_replaces_a_newer_one(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *later = one_image("sha256:a", NULL);
	struct snapshot *running = world(1, 1), *exited = world(1, 1);

	add_container(running, "c", STATE_RUNNING, "sha256:a");
	add_image(running, "sha256:a", NULL, NULL);
	observe(place, running, START);
	add_image(exited, "sha256:a", NULL, NULL);
	*add_container(exited, "d", STATE_EXITED, "sha256:a") = (struct container){
		.id = "d",
		.image_id = "sha256:a",
		.state = STATE_EXITED,
		.inspected = FACT_KNOWN,
		.finished = START - DAY,
	};
	observe(place, exited, START + HOUR);
	recall(place, later, START + DAY);
	assert_int_equal(later->images[0].memory.last_used, START);
}

static struct snapshot *volume_world(bool used, int64_t created)
{
	struct snapshot *snapshot = world(1, 0);
	static const char *names[] = { "data" };

	add_volume(snapshot, "data", created);
	snapshot->volumes[0].announced = TIME_UNKNOWN;
	if (used)
		add_container(snapshot, "c", STATE_EXITED, NULL)->volumes =
			(struct strings){ names, 1 };
	return snapshot;
}

static void a_volume_is_unused_since_no_container_had_it(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = volume_world(false, 7);
	struct snapshot *blind = volume_world(false, 7);
	const struct memory *memory = &snapshot->volumes[0].memory;

	observe(place, volume_world(true, 7), START);
	recall(place, snapshot, START + 1);
	assert_int_equal(memory->first_seen, START);
	assert_int_equal(memory->untagged_since, TIME_UNKNOWN);
	/* Who cannot see the containers cannot say that none has it. */
	blind->listing[KIND_CONTAINER] = LISTING_FAILED;
	observe(place, blind, START + HOUR);
	recall(place, snapshot, START + HOUR);
	assert_int_equal(memory->untagged_since, TIME_UNKNOWN);
	observe(place, volume_world(false, 7), START + 2 * HOUR);
	recall(place, snapshot, START + DAY);
	assert_int_equal(memory->untagged_since, START + 2 * HOUR);
}

static void a_service_has_its_volume_without_a_container(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = volume_world(false, 7);
	struct snapshot *swarm = volume_world(false, 7), *blind = volume_world(false, 7);
	struct swarm_use use = { "data", "service web" };
	const struct memory *memory = &snapshot->volumes[0].memory;

	swarm->swarm.state = LISTING_READ;
	swarm->swarm.volumes = (struct swarm_uses){ &use, 1 };
	observe(place, swarm, START);
	recall(place, snapshot, START + 1);
	assert_int_equal(memory->untagged_since, TIME_UNKNOWN);
	blind->swarm.state = LISTING_FAILED;
	observe(place, blind, START + HOUR);
	recall(place, snapshot, START + HOUR);
	assert_int_equal(memory->untagged_since, TIME_UNKNOWN);
	observe(place, volume_world(false, 7), START + 2 * HOUR);
	recall(place, snapshot, START + DAY);
	assert_int_equal(memory->untagged_since, START + 2 * HOUR);
}

static void a_volume_made_anew_is_another_one(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *anew = volume_world(false, START + HOUR);

	observe(place, volume_world(false, 7), START);
	recall(place, anew, START + DAY);
	assert_int_equal(anew->volumes[0].memory.first_seen, TIME_UNKNOWN);
	assert_int_equal(anew->volumes[0].memory.untagged_since, TIME_UNKNOWN);
	observe(place, volume_world(false, START + HOUR), START + DAY);
	recall(place, anew, START + 2 * DAY);
	assert_int_equal(anew->volumes[0].memory.first_seen, START + DAY);
}

static struct snapshot *network_world(const char *container_network)
{
	struct snapshot *snapshot = world(1, 0);

	snapshot->listing[KIND_NETWORK] = LISTING_READ;
	snapshot->networks = arena_array(snapshot->arena, 1, sizeof(struct network));
	snapshot->networks[0].id = "abc";
	snapshot->networks[0].name = "front";
	snapshot->n_networks = 1;
	if (container_network) {
		struct strings *networks =
			&add_container(snapshot, "c", STATE_EXITED, NULL)->networks;

		networks->v = arena_array(snapshot->arena, 1, sizeof(*networks->v));
		networks->v[networks->n++] = container_network;
	}
	return snapshot;
}

static void a_network_is_used_by_name_or_id(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = network_world(NULL);
	const struct memory *memory = &snapshot->networks[0].memory;

	observe(place, network_world("front"), START);
	observe(place, network_world("abc"), START + HOUR);
	recall(place, snapshot, START + DAY);
	assert_int_equal(memory->first_seen, START);
	assert_int_equal(memory->untagged_since, TIME_UNKNOWN);
	observe(place, network_world(NULL), START + DAY);
	recall(place, snapshot, START + DAY);
	assert_int_equal(memory->untagged_since, START + DAY);
}

/* ---- clocks ---- */

static void times_ahead_of_the_clock_count_as_now(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);

	observe(place, one_image("sha256:a", NULL), START + 400 * DAY);
	recall(place, snapshot, START);
	assert_int_equal(snapshot->images[0].memory.first_seen, START);
	assert_int_equal(snapshot->images[0].memory.untagged_since, START);
	assert_int_equal(snapshot->problems.n, 1);
	assert_non_null(strstr(snapshot->problems.texts[0], "ahead of the clock"));
}

/* A board without a battery boots in 1970: what it sees there must not look 50 years old. */
static void a_clock_that_went_back_makes_nothing_old(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = world(0, 2);
	struct snapshot *both = world(0, 2);

	observe(place, one_image("sha256:a", NULL), START);
	add_image(both, "sha256:a", NULL, NULL);
	add_image(both, "sha256:b", NULL, NULL);
	observe(place, both, 100);
	add_image(snapshot, "sha256:a", NULL, NULL);
	add_image(snapshot, "sha256:b", NULL, NULL);
	recall(place, snapshot, START + HOUR);
	assert_int_equal(snapshot->images[0].memory.first_seen, START);
	assert_int_equal(snapshot->images[1].memory.first_seen, START);
	assert_int_equal(snapshot->images[1].memory.untagged_since, START);
	assert_int_equal(snapshot->problems.n, 0);
}

/* Else a quarantine would be over the moment that the clock is put right. */
static void an_announcement_by_a_clock_that_went_back_is_new(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = volume_world(false, 7);
	struct snapshot *announces = volume_world(false, 7), *same = volume_world(false, 7);

	observe(place, volume_world(false, 7), START);
	announces->volumes[0].announced = START - 30 * DAY;
	observe(place, announces, START - 30 * DAY);
	recall(place, snapshot, START + HOUR);
	assert_int_equal(snapshot->volumes[0].announced, START);
	same->volumes[0].announced = START;
	observe(place, same, START + 2 * HOUR);
	recall(place, snapshot, START + 3 * HOUR);
	assert_int_equal(snapshot->volumes[0].announced, START);
}

/* ---- whose it is ---- */

static struct snapshot *one_image_of(const struct engine_info *engine)
{
	struct snapshot *snapshot = one_image("sha256:a", NULL);

	snapshot->engine = *engine;
	return snapshot;
}

/* Seen at the start by the first, an hour later by the second. */
static void the_memory_is_of_one_engine(void **state)
{
	const struct engine_info docker = {
		.name = "Docker", .id = "A", .storage_driver = "overlay2", .data_root = "/d"
	};
	struct engine_info podman = docker, restarted = docker, moved = docker;
	struct engine_info containerd = docker, unknown = { .name = "Docker" };
	const struct {
		const struct engine_info *first, *second;
		bool same;
	} pairs[] = {
		{ &docker, &docker, true },	 { &docker, &podman, false },
		{ &docker, &restarted, true },	 { &docker, &moved, false },
		{ &docker, &containerd, false }, { &containerd, &containerd, true },
		{ &docker, &unknown, true },	 { &unknown, &docker, true },
	};
	struct place *place = *state;

	podman.name = "Podman";
	restarted.id = "B";
	moved.data_root = "/e";
	containerd.data_root = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct snapshot *before = one_image_of(pairs[i].second);
		struct snapshot *after = one_image_of(pairs[i].second);

		unlink(place->path);
		observe(place, one_image_of(pairs[i].first), START);
		recall(place, before, START + HOUR);
		assert_int_equal(before->images[0].memory.first_seen,
				 pairs[i].same ? START : TIME_UNKNOWN);
		assert_int_equal(before->first_look, !pairs[i].same);
		observe(place, one_image_of(pairs[i].second), START + HOUR);
		recall(place, after, START + 2 * HOUR);
		assert_int_equal(after->images[0].memory.first_seen,
				 pairs[i].same ? START : START + HOUR);
		assert_false(after->first_look);
		snapshot_free(before);
		snapshot_free(after);
	}
}

static void an_older_file_is_brought_up_to_date_and_still_known(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);

	observe(place, one_image("sha256:a", NULL), START);
	run_sql(place->path, "ALTER TABLE looks DROP COLUMN engine; PRAGMA user_version = 1");
	observe(place, one_image("sha256:a", NULL), START + HOUR);
	recall(place, snapshot, START + 2 * HOUR);
	assert_int_equal(snapshot->images[0].memory.first_seen, START);
}

/* ---- files that are not right ---- */

static void assert_refused(const char *path, int writable, int error, const char *word)
{
	_cleanup_(state_closep) struct state *state = NULL;
	struct err err = { 0 };

	if (state_open(path, writable, &state, &err) != error)
		fail_msg("%s: %d %s", word, err.code, err.text);
	assert_null(state);
	assert_non_null(strstr(err.text, word));
	assert_null(strchr(err.text, '\n'));
}

static void assert_refused_untouched(const char *path, int error, const char *word)
{
	assert_int_equal(shell("cp -a %s %s.before", path, path), 0);
	assert_refused(path, 0, error, word);
	assert_refused(path, 1, error, word);
	assert_int_equal(shell("cmp -s %s %s.before", path, path), 0);
}

static void garbage_is_refused_and_kept(void **state)
{
	struct place *place = *state;
	static const char garbage[] = "this is not a database, and longer than SQLite's header "
				      "of one hundred bytes, so that it reads as one at first";

	write_file(place->path, garbage, sizeof(garbage));
	assert_refused_untouched(place->path, -EBADMSG, "broken");
	write_file(place->path, garbage, 10);
	assert_refused_untouched(place->path, -EBADMSG, "broken");
}

static void make_big(struct place *place)
{
	struct snapshot *snapshot = world(0, 2000);

	for (size_t i = 0; i < 2000; i++)
		add_image(snapshot, arena_printf(snapshot->arena, "sha256:%064zu", i),
			  arena_printf(snapshot->arena, "app:%zu", i), NULL);
	observe(place, snapshot, START);
}

static void a_truncated_file_is_refused_and_kept(void **state)
{
	struct place *place = *state;
	struct stat status;

	make_big(place);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(truncate(place->path, status.st_size / 2), 0);
	assert_refused_untouched(place->path, -EBADMSG, "broken");
	assert_int_equal(truncate(place->path, 1000), 0);
	assert_refused_untouched(place->path, -EBADMSG, "broken");
}

static void a_damaged_page_is_refused_and_kept(void **state)
{
	struct place *place = *state;
	unsigned char noise[4096];
	int fd;

	make_big(place);
	memset(noise, 0xa5, sizeof(noise));
	fd = open(place->path, O_WRONLY);
	assert_int_equal(pwrite(fd, noise, sizeof(noise), 4096), sizeof(noise));
	close(fd);
	assert_refused_untouched(place->path, -EBADMSG, "broken");
}

static void a_newer_schema_is_refused_and_kept(void **state)
{
	struct place *place = *state;

	observe(place, world(0, 0), START);
	run_sql(place->path, "PRAGMA user_version = 99");
	assert_refused_untouched(place->path, -ENOTSUP, "version 99");
}

static void missing_tables_are_refused(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);
	_cleanup_(state_closep) struct state *opened = NULL;
	struct err err;

	observe(place, one_image("sha256:a", NULL), START);
	run_sql(place->path, "DROP TABLE image_names");
	snapshot_seal(snapshot);
	assert_int_equal(state_open(place->path, 1, &opened, &err), 0);
	assert_int_equal(state_recall(opened, snapshot, START, &err), -EBADMSG);
	assert_false(snapshot->remembers);
	assert_nothing_remembered(snapshot);
	assert_int_equal(state_observe(opened, snapshot, START, &err), -EBADMSG);
}

static void another_programs_file_is_refused_and_kept(void **state)
{
	struct place *place = *state;

	run_sql(place->path, "CREATE TABLE treasure (gold)");
	assert_refused_untouched(place->path, -EBADMSG, "not reclaimd's");
}

static void a_file_in_wal_mode_is_refused(void **state)
{
	struct place *place = *state;

	observe(place, world(0, 0), START);
	run_sql(place->path, "PRAGMA journal_mode = WAL");
	assert_refused_untouched(place->path, -EBADMSG, "not reclaimd's");
	assert_int_equal(count_entries(place->folder), 2);
}

static void what_is_no_file_is_refused(void **state)
{
	struct place *place = *state;
	_cleanup_free_ char *target = mem_printf("%s/target", place->folder),
			    *below = mem_printf("%s/x/y", place->path);

	assert_int_equal(mkdir(place->path, 0755), 0);
	assert_refused(place->path, 0, -EISDIR, "not a file");
	assert_refused(place->path, 1, -EISDIR, "not a file");
	rmdir(place->path);
	assert_int_equal(mkfifo(place->path, 0644), 0);
	assert_refused(place->path, 0, -EINVAL, "not a file");
	assert_refused(place->path, 1, -EINVAL, "not a file");
	unlink(place->path);
	assert_int_equal(symlink(target, place->path), 0);
	assert_refused(place->path, 1, -EINVAL, "not a file");
	assert_refused(below, 1, -ENOENT, place->path);
}

static void what_others_may_write_is_refused(void **state)
{
	struct place *place = *state;

	observe(place, world(0, 0), START);
	chmod(place->path, 0666);
	assert_refused(place->path, 0, -EPERM, "others may write it");
	chmod(place->path, 0644);
	chmod(place->folder, 0777);
	assert_refused(place->path, 1, -EPERM, "others may write this folder");
	chmod(place->folder, 0700);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(place->path, 65534, 65534), 0);
	assert_refused(place->path, 1, -EPERM, "own it");
}

/* What only a user without root's rights can see happens in a child. */
static int as_nobody(const struct place *place, int (*check)(const struct place *place))
{
	pid_t child;
	int status;

	if (geteuid() == 0) {
		assert_int_equal(chown(place->folder, 65534, 65534), 0);
		assert_int_equal(chown(place->path, 65534, 65534), 0);
	}
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(100);
		_exit(check(place));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int check_read_only(const struct place *place)
{
	struct state *state;
	struct err err;

	if (chmod(place->path, 0444) < 0)
		return 1;
	if (state_open(place->path, 1, &state, &err) != -EROFS || state)
		return 2;
	if (!strstr(err.text, "cannot be written"))
		return 3;
	if (state_open(place->path, 0, &state, &err) != 0)
		return 4;
	state_close(state);
	if (chmod(place->path, 0) < 0 || state_open(place->path, 0, &state, &err) != -EACCES)
		return 5;
	return 0;
}

static void a_read_only_file_can_be_read(void **state)
{
	observe(*state, one_image("sha256:a", NULL), START);
	assert_int_equal(as_nobody(*state, check_read_only), 0);
}

static void reading_writes_nothing(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);
	struct stat before, after;

	observe(place, one_image("sha256:a", NULL), START);
	assert_int_equal(stat(place->path, &before), 0);
	assert_int_equal(before.st_mode & 07777, 0644);
	recall(place, snapshot, START);
	assert_int_equal(stat(place->path, &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	assert_int_equal(count_entries(place->folder), 1);
}

static void an_empty_file_knows_nothing(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);

	write_file(place->path, "", 0);
	recall(place, snapshot, START);
	assert_true(snapshot->first_look);
	observe(place, one_image("sha256:a", NULL), START);
	recall(place, snapshot, START);
	assert_false(snapshot->first_look);
}

static void a_state_opened_for_reading_cannot_observe(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);
	_cleanup_(state_closep) struct state *reader = NULL, *empty = NULL;
	struct err err;

	snapshot_seal(snapshot);
	assert_int_equal(state_open(place->path, 0, &empty, &err), 0);
	assert_int_equal(state_observe(empty, snapshot, START, &err), -EROFS);
	observe(place, one_image("sha256:b", NULL), START);
	assert_int_equal(state_open(place->path, 0, &reader, &err), 0);
	assert_int_equal(state_observe(reader, snapshot, START, &err), -EROFS);
}

/* ---- kill -9 ---- */

/* Ends in the middle of a transaction whose pages have reached the file already. */
static void killed_while_writing(const char *path)
{
	pid_t child = fork();
	sqlite3 *db;

	if (child == 0) {
		sqlite3_open(path, &db);
		sqlite3_exec(db,
			     "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE; "
			     "UPDATE objects SET first_seen = 1, untagged_since = 1;"
			     "UPDATE image_names SET first_seen = 1, lost = 1;",
			     NULL, NULL, NULL);
		kill(getpid(), SIGKILL);
	}
	waitpid(child, NULL, 0);
}

static void a_killed_run_is_rolled_back_by_the_next_writer(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = world(0, 1);
	_cleanup_free_ char *journal = mem_printf("%s-journal", place->path);

	make_big(place);
	killed_while_writing(place->path);
	assert_int_equal(access(journal, F_OK), 0);
	assert_refused(place->path, 0, -EROFS, "the next run repairs it");
	assert_int_equal(access(journal, F_OK), 0);
	add_image(snapshot, arena_printf(snapshot->arena, "sha256:%064d", 7), "app:7", NULL);
	observe(place, one_image(snapshot->images[0].id, "app:7"), START + HOUR);
	assert_int_not_equal(access(journal, F_OK), 0);
	recall(place, snapshot, START + DAY);
	assert_int_equal(snapshot->images[0].memory.first_seen, START);
}

static void reading_works_while_another_writes(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:a", NULL);
	sqlite3 *writer;

	observe(place, one_image("sha256:a", NULL), START);
	sqlite3_open(place->path, &writer);
	sqlite3_exec(writer, "BEGIN IMMEDIATE; UPDATE objects SET first_seen = 5", NULL, NULL,
		     NULL);
	recall(place, snapshot, START + DAY);
	assert_int_equal(snapshot->images[0].memory.first_seen, START);
	sqlite3_close(writer);
}

/* ---- a full disk, as a limit on the size of a file is one ---- */

static int check_full(const struct place *place)
{
	struct rlimit limit = { 8192, 8192 };
	struct snapshot *snapshot = world(0, 2000);
	struct state *state, *reader;
	struct err err;

	for (size_t i = 0; i < 2000; i++)
		add_image(snapshot, arena_printf(snapshot->arena, "sha256:%064zu", i), NULL,
			  NULL);
	snapshot_seal(snapshot);
	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	if (state_open(place->path, 1, &state, &err) < 0)
		return 2;
	if (state_observe(state, snapshot, START + HOUR, &err) >= 0)
		return 3;
	if (state_recall(state, snapshot, START + HOUR, &err) < 0)
		return 4;
	if (snapshot->images[0].memory.first_seen != TIME_UNKNOWN)
		return 5;
	state_close(state);
	if (state_open(place->path, 0, &reader, &err) < 0)
		return 6;
	state_close(reader);
	snapshot_free(snapshot);
	return 0;
}

static int check_full_from_the_start(const struct place *place)
{
	struct rlimit limit = { 1024, 1024 };
	struct state *state;
	struct err err;

	signal(SIGXFSZ, SIG_IGN);
	unlink(place->path);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	if (state_open(place->path, 1, &state, &err) >= 0 || state)
		return 2;
	/* What is left of the attempt is no obstacle. */
	if (state_open(place->path, 0, &state, &err) < 0)
		return 3;
	state_close(state);
	return 0;
}

static void a_full_disk_loses_nothing(void **state)
{
	struct place *place = *state;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = one_image("sha256:x", NULL);

	observe(place, one_image("sha256:x", NULL), START);
	assert_int_equal(as_nobody(place, check_full), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(place->folder, 0, 0) | chown(place->path, 0, 0), 0);
	recall(place, snapshot, START + DAY);
	assert_int_equal(snapshot->images[0].memory.first_seen, START);
}

static void a_full_disk_from_the_start_is_an_error(void **state)
{
	observe(*state, world(0, 0), START);
	assert_int_equal(as_nobody(*state, check_full_from_the_start), 0);
}

/* ---- where it lies ---- */

static void assert_path(const char *socket_path, const char *want)
{
	_cleanup_free_ char *path = state_path(socket_path);

	assert_string_equal(path, want);
}

static void the_path_comes_from_the_socket(void **state _unused_)
{
	_cleanup_free_ char *deep = mem_zalloc(400, 1), *path = NULL;

	setenv("STATE_DIRECTORY", "/var/lib/reclaimd:/var/lib/other", 1);
	assert_path("/nonexistent/docker.sock",
		    "/var/lib/reclaimd/nonexistent-docker.sock.sqlite");
	assert_path("/nonexistent/a-b", "/var/lib/reclaimd/nonexistent-a%2Db.sqlite");
	assert_path("/nonexistent/a/b", "/var/lib/reclaimd/nonexistent-a-b.sqlite");
	memset(deep, '/', 399);
	memset(deep + 1, '-', 300);
	path = state_path(deep);
	assert_true(strlen(path) < 255);
	unsetenv("STATE_DIRECTORY");
}

static int check_user_path(const struct place *place)
{
	_cleanup_free_ char *want =
		mem_printf("%s/reclaimd/nonexistent-x.sqlite", place->folder);

	setenv("XDG_STATE_HOME", place->folder, 1);
	assert_path("/nonexistent/x", want);
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "/home/somebody", 1);
	assert_path("/nonexistent/x",
		    "/home/somebody/.local/state/reclaimd/nonexistent-x.sqlite");
	/* Root's socket: root's memory. */
	assert_path("/usr", "/var/lib/reclaimd/usr.sqlite");
	return 0;
}

static void users_have_a_folder_of_their_own(void **state)
{
	struct place *place = *state;

	write_file(place->path, "", 0);
	assert_int_equal(as_nobody(place, check_user_path), 0);
	if (geteuid() == 0)
		assert_path("/nonexistent/x", "/var/lib/reclaimd/nonexistent-x.sqlite");
}

static void missing_folders_are_made(void **state)
{
	struct place *place = *state;
	struct state *opened;
	struct stat status;
	struct err err;
	_cleanup_free_ char *folder = mem_printf("%s/a/b", place->folder),
			    *path = mem_printf("%s/x.sqlite", folder);
	mode_t mask = umask(0077);

	assert_int_equal(state_open(path, 0, &opened, &err), 0);
	state_close(opened);
	assert_int_equal(count_entries(place->folder), 0);
	assert_int_equal(state_open(path, 1, &opened, &err), 0);
	state_close(opened);
	umask(mask);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	assert_int_equal(stat(folder, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0755);
}

#define in_place(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(nothing_is_known_before_the_first_look),
		in_place(without_a_state_nothing_is_remembered),
		in_place(an_untagged_image_counts_from_its_first_look),
		in_place(a_tag_in_between_starts_the_time_anew),
		in_place(a_name_that_was_given_leaves_it_untagged),
		in_place(a_second_name_makes_it_tagged),
		in_place(the_time_of_a_name_is_that_of_its_last_giving),
		in_place(a_name_that_only_looks_given_is_one_like_any_other),
		in_place(names_are_kept_newest_first),
		in_place(what_is_gone_is_forgotten),
		in_place(a_list_that_was_not_read_is_left_alone),
		in_place(a_container_uses_its_image_until_its_end),
		in_place(a_run_without_any_time_is_remembered),
		in_place(an_older_use_never_replaces_a_newer_one),
		in_place(a_service_has_its_volume_without_a_container),
		in_place(a_volume_is_unused_since_no_container_had_it),
		in_place(a_volume_made_anew_is_another_one),
		in_place(a_network_is_used_by_name_or_id),
		in_place(times_ahead_of_the_clock_count_as_now),
		in_place(a_clock_that_went_back_makes_nothing_old),
		in_place(an_announcement_by_a_clock_that_went_back_is_new),
		in_place(the_memory_is_of_one_engine),
		in_place(an_older_file_is_brought_up_to_date_and_still_known),
		in_place(garbage_is_refused_and_kept),
		in_place(a_truncated_file_is_refused_and_kept),
		in_place(a_damaged_page_is_refused_and_kept),
		in_place(a_newer_schema_is_refused_and_kept),
		in_place(missing_tables_are_refused),
		in_place(another_programs_file_is_refused_and_kept),
		in_place(a_file_in_wal_mode_is_refused),
		in_place(what_is_no_file_is_refused),
		in_place(what_others_may_write_is_refused),
		in_place(a_read_only_file_can_be_read),
		in_place(reading_writes_nothing),
		in_place(an_empty_file_knows_nothing),
		in_place(a_state_opened_for_reading_cannot_observe),
		in_place(a_killed_run_is_rolled_back_by_the_next_writer),
		in_place(reading_works_while_another_writes),
		in_place(a_full_disk_loses_nothing),
		in_place(a_full_disk_from_the_start_is_an_error),
		in_place(the_path_comes_from_the_socket),
		in_place(users_have_a_folder_of_their_own),
		in_place(missing_folders_are_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
