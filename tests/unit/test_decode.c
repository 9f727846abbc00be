#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "engine/decode.h"
#include "engine/json.h"
#include "engine/layers.h"

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define IMAGE_ID "sha256:" ID64

#define CONTAINER_WITH(names, image, image_id, state, created, labels)                         \
	"{\"Id\":\"" ID64 "\",\"Names\":" names ",\"Image\":" image ",\"ImageID\":" image_id   \
	",\"State\":" state ",\"Created\":" created ",\"Labels\":" labels "}"
#define IMAGE_WITH(tags, digests, created, size, labels, more)                                 \
	"{\"Id\":\"" IMAGE_ID "\",\"RepoTags\":" tags ",\"RepoDigests\":" digests              \
	",\"Created\":" created ",\"Size\":" size ",\"Labels\":" labels more "}"

struct world {
	struct arena *arena;
	struct intern *intern;
	struct decoder decoder;
	struct snapshot *snapshot; /* that layers go into */
	struct json_object *object;
	struct err err;
};

static struct world world_new(void)
{
	struct world world = { .arena = arena_new(), .snapshot = snapshot_new() };

	world.intern = intern_new(world.arena);
	world.decoder = (struct decoder){ .arena = world.arena, .intern = world.intern };
	return world;
}

static void world_free(struct world *world)
{
	json_object_put(world->object);
	intern_free(world->intern);
	snapshot_free(world->snapshot);
	arena_free(world->arena);
}
#define _cleanup_world_ _cleanup_(world_free)

static struct json_object *parse(struct world *world, const char *text)
{
	json_object_put(world->object);
	world->object = json_tokener_parse(text);
	assert_non_null(world->object);
	return world->object;
}

static int container(struct world *world, const char *text, struct container *ret)
{
	return decode_container(&world->decoder, parse(world, text), ret, &world->err);
}

static int image(struct world *world, const char *text, struct image *ret)
{
	return decode_image(&world->decoder, parse(world, text), ret, &world->err);
}

static void a_docker_container_is_read(void **state _unused_)
{
	_cleanup_world_ struct world world = world_new();
	struct container c;

	assert_int_equal(
		container(
			&world,
			"{\"Id\":\"" ID64 "\",\"Names\":[\"/web\",\"/other/alias\"],"
			"\"Image\":\"bb:1\",\"ImageID\":\"" IMAGE_ID "\",\"State\":\"exited\","
			"\"Created\":1795517541,\"Labels\":{\"b\":\"2\",\"a\":\"1\"},"
			"\"HostConfig\":{\"NetworkMode\":\"back\"},\"NetworkSettings\":{\"Networks\":"
			"{\"back\":{\"NetworkID\":\"n1\"},\"front\":{\"NetworkID\":\"\"}}},"
			"\"Mounts\":[{\"Type\":\"volume\",\"Name\":\"data\",\"Source\":\"/v\"},"
			"{\"Type\":\"bind\",\"Source\":\"/srv\"}]}",
			&c),
		0);
	assert_string_equal(c.id, ID64);
	assert_int_equal(c.names.n, 2);
	assert_string_equal(c.names.v[0], "web");
	assert_string_equal(c.names.v[1], "other/alias");
	assert_string_equal(c.image, "bb:1");
	assert_string_equal(c.image_name->full, "docker.io/library/bb:1");
	assert_string_equal(c.image_id, IMAGE_ID);
	assert_int_equal(c.state, STATE_EXITED);
	assert_int_equal(c.created, 1795517541);
	assert_string_equal(c.labels.v[0].key, "a");
	assert_string_equal(labels_get(&c.labels, "b"), "2");
	assert_true(c.volumes.n == 1 && strcmp(c.volumes.v[0], "data") == 0);
	assert_true(c.binds.n == 1 && strcmp(c.binds.v[0], "/srv") == 0);
	assert_true(strings_contain(&c.networks, "back") &&
		    strings_contain(&c.networks, "n1") &&
		    strings_contain(&c.networks, "front"));
	assert_int_equal(c.networks.n, 3);
	assert_int_equal(c.inspected, FACT_NOT_ASKED);
}

static void odd_containers_are_read(void **state _unused_)
{
	static const struct {
		const char *text;
		enum container_state state;
		const char *full; /* of the image's name */
		bool image_known;
	} odd[] = {
		{ CONTAINER_WITH("null", "\"" IMAGE_ID "\"", "\"" IMAGE_ID "\"", "\"dead\"",
				 "1", "null"),
		  STATE_DEAD, NULL, true },
		{ CONTAINER_WITH("[]", "\"0123456789ab\"", "\"" ID64 "\"", "\"stopped\"", "0",
				 "{}"),
		  STATE_EXITED, NULL, true },
		{ CONTAINER_WITH("[\"/x\"]", "\"\"", "\"\"", "\"initialized\"", "-62135596800",
				 "{}"),
		  STATE_CREATED, NULL, false },
		{ CONTAINER_WITH("[\"x\"]", "\"docker.io/library/bb\"", "\"" ID64 "\"",
				 "\"thinking\"", "1", "null"),
		  STATE_OTHER, "docker.io/library/bb:latest", true },
	};
	_cleanup_world_ struct world world = world_new();
	struct container c;

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		assert_int_equal(container(&world, odd[i].text, &c), 0);
		assert_int_equal(c.state, odd[i].state);
		assert_int_equal(c.image_name != NULL, odd[i].full != NULL);
		if (odd[i].full)
			assert_string_equal(c.image_name->full, odd[i].full);
		assert_int_equal(c.image_id != NULL, odd[i].image_known);
		if (c.image_id)
			assert_string_equal(c.image_id, IMAGE_ID);
		assert_true(c.created == TIME_UNKNOWN || c.created == 1);
	}
}

static void a_container_that_is_not_understood_is_refused(void **state _unused_)
{
	static const char *const hostile[] = {
		"{}",
		"[]",
		CONTAINER_WITH("\"/a\"", "\"b\"", "\"\"", "\"exited\"", "1", "{}"),
		CONTAINER_WITH("[1]", "\"b\"", "\"\"", "\"exited\"", "1", "{}"),
		CONTAINER_WITH("[null]", "\"b\"", "\"\"", "\"exited\"", "1", "{}"),
		CONTAINER_WITH("[]", "null", "\"\"", "\"exited\"", "1", "{}"),
		CONTAINER_WITH("[]", "1", "\"\"", "\"exited\"", "1", "{}"),
		CONTAINER_WITH("[]", "\"b\"", "null", "\"exited\"", "1", "{}"),
		CONTAINER_WITH("[]", "\"b\"", "\"latest\"", "\"exited\"", "1", "{}"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "null", "1", "{}"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "5", "1", "{}"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "\"2024-05-01T10:00:00Z\"",
			       "{}"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "\"12x\"", "{}"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "1.5", "{}"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "null", "{}"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "99999999999999999999",
			       "{}"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "1", "[]"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "1", "{\"a\":1}"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "1", "{\"a\":null}"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "1",
			       "{},\"Mounts\":[\"/a\"]"),
		CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "1",
			       "{},\"NetworkSettings\":[]"),
		"{\"Id\":\"" ID64 "\",\"Image\":\"b\",\"ImageID\":\"\",\"State\":\"exited\","
		"\"Created\":1,\"Labels\":{}}", /* no Names */
		"{\"Id\":\"" ID64 "\",\"Names\":[],\"Image\":\"b\",\"ImageID\":\"\","
		"\"State\":\"exited\",\"Created\":1}", /* no Labels: a pin would be lost */
		"{\"Id\":\"../images\",\"Names\":[],\"Image\":\"b\",\"ImageID\":\"\","
		"\"State\":\"exited\",\"Created\":1,\"Labels\":{}}",
		"{\"Id\":\"\",\"Names\":[],\"Image\":\"b\",\"ImageID\":\"\","
		"\"State\":\"exited\",\"Created\":1,\"Labels\":{}}",
	};
	_cleanup_world_ struct world world = world_new();
	struct container c;

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		if (container(&world, hostile[i], &c) != -EBADMSG)
			fail_msg("accepted: %s", hostile[i]);
}

static void strange_text_is_kept_whole(void **state _unused_)
{
	_cleanup_world_ struct world world = world_new();
	_cleanup_free_ char *huge = mem_zalloc(61441, 1), *text = NULL;
	struct container c;

	memset(huge, 'x', 61440);
	text = mem_printf(
		"{\"Id\":\"" ID64 "\",\"Names\":[\"/a\\u0000b\\n\"],\"Image\":\"b\","
		"\"ImageID\":\"\",\"State\":\"exited\",\"Created\":1,\"Labels\":"
		"{\"huge\":\"%s\",\"nul\":\"x\\u0000\\u0000y\",\"esc\":\"\\u001b[31m\"}}",
		huge);
	assert_int_equal(container(&world, text, &c), 0);
	assert_string_equal(c.names.v[0], "a\xef\xbf\xbd"
					  "b\n");
	assert_string_equal(labels_get(&c.labels, "huge"), huge);
	assert_string_equal(labels_get(&c.labels, "nul"), "x\xef\xbf\xbd\xef\xbf\xbdy");
	assert_string_equal(labels_get(&c.labels, "esc"), "\x1b[31m");
}

static bool is_after(const void *data, const char *key)
{
	return strcmp(key, data) > 0;
}

static void labels_that_nobody_wants_are_checked_and_left_out(void **state _unused_)
{
	static const struct label_filter after_b = { is_after, "b" };
	_cleanup_world_ struct world world = world_new();
	struct image i;

	world.decoder.labels = &after_b;
	assert_int_equal(image(&world,
			       IMAGE_WITH("[]", "[]", "1", "1",
					  "{\"d\":\"1\",\"a\":\"2\",\"c\":\"3\"}", ""),
			       &i),
			 0);
	assert_int_equal(i.labels.n, 2);
	assert_string_equal(labels_get(&i.labels, "c"), "3");
	assert_string_equal(labels_get(&i.labels, "d"), "1");
	assert_null(labels_get(&i.labels, "a"));
	assert_int_equal(
		image(&world, IMAGE_WITH("[]", "[]", "1", "1", "{\"a\":\"2\"}", ""), &i), 0);
	assert_int_equal(i.labels.n, 0);
	assert_int_equal(image(&world, IMAGE_WITH("[]", "[]", "1", "1", "{\"a\":2}", ""), &i),
			 -EBADMSG);
}

static void untagged_images_look_alike_on_all_engines(void **state _unused_)
{
	static const char *const untagged[] = {
		IMAGE_WITH("[\"<none>:<none>\"]", "[\"<none>@<none>\"]", "1", "1", "null", ""),
		IMAGE_WITH("[]", "[]", "1", "1", "{}", ""),
		IMAGE_WITH("null", "[]", "1", "1", "null", ",\"Dangling\":true"),
		IMAGE_WITH("null", "null", "1", "1", "null", ""),
		IMAGE_WITH("[]", "[\"<none>@" IMAGE_ID "\"]", "1", "1", "null", ""),
		IMAGE_WITH("[\"app:<none>\"]", "[]", "1", "1", "null", ""),
	};
	_cleanup_world_ struct world world = world_new();
	struct image m;

	for (size_t i = 0; i < ARRAY_SIZE(untagged); i++) {
		assert_int_equal(image(&world, untagged[i], &m), 0);
		assert_int_equal(m.n_tags, 0);
		assert_int_equal(m.n_digests, 0);
	}
}

static void names_of_images_are_sorted_by_what_they_are(void **state _unused_)
{
	_cleanup_world_ struct world world = world_new();
	struct image m;

	assert_int_equal(image(&world,
			       IMAGE_WITH("[\"app:2\",\"app:1\",\"localhost:5000/a/b:x\"]",
					  "[\"app@" IMAGE_ID "\"]", "7", "42", "{\"k\":\"v\"}",
					  ",\"ParentId\":\"" ID64
					  "\",\"Containers\":3,\"History\":[\"old:1\"]"),
			       &m),
			 0);
	assert_int_equal(m.n_tags, 3);
	assert_string_equal(m.tags[0].raw, "app:2");
	assert_string_equal(m.tags[2].full, "localhost:5000/a/b:x");
	assert_int_equal(m.n_digests, 1);
	assert_string_equal(m.digests[0].full, "docker.io/library/app@" IMAGE_ID);
	assert_string_equal(m.parent, IMAGE_ID);
	assert_int_equal(m.containers, 3);
	assert_int_equal(m.size, 42);
	assert_int_equal(m.created, 7);
	assert_string_equal(m.history.v[0], "old:1");
	assert_int_equal(image(&world,
			       IMAGE_WITH("[\"app@" IMAGE_ID "\"]", "[]", "0", "-1", "null",
					  ",\"ParentId\":\"\",\"Containers\":-1"),
			       &m),
			 0);
	assert_int_equal(m.n_tags, 0);
	assert_int_equal(m.n_digests, 1);
	assert_null(m.parent);
	assert_int_equal(m.created, TIME_UNKNOWN);
	assert_int_equal(m.size, -1);
	assert_int_equal(m.containers, -1);
}

static int image_facts(struct world *world, const char *text, struct image *image)
{
	return decode_image_facts(&world->decoder, parse(world, text), world->snapshot, image,
				  &world->err);
}

static void an_image_that_is_not_understood_is_refused(void **state _unused_)
{
	static const char *const hostile[] = {
		IMAGE_WITH("\"app:1\"", "[]", "1", "1", "{}", ""),
		IMAGE_WITH("{}", "[]", "1", "1", "{}", ""),
		IMAGE_WITH("[1]", "[]", "1", "1", "{}", ""),
		IMAGE_WITH("[\"App:1\"]", "[]", "1", "1", "{}", ""),
		IMAGE_WITH("[\"app\"]", "[]", "1", "1", "{}", ""),
		IMAGE_WITH("[\"app:1\\u0000\"]", "[]", "1", "1", "{}", ""),
		IMAGE_WITH("[\"a/../app:1\"]", "[]", "1", "1", "{}", ""),
		IMAGE_WITH("[\"app:1?force=1\"]", "[]", "1", "1", "{}", ""),
		IMAGE_WITH("[]", "[\"app@sha256:12\"]", "1", "1", "{}", ""),
		IMAGE_WITH("[]", "[]", "\"1\"", "1", "{}", ""),
		IMAGE_WITH("[]", "[]", "1", "\"1\"", "{}", ""),
		IMAGE_WITH("[]", "[]", "1", "1", "\"\"", ""),
		IMAGE_WITH("[]", "[]", "1", "1", "{}", ",\"ParentId\":1"),
		IMAGE_WITH("[]", "[]", "1", "1", "{}", ",\"ParentId\":\"x\""),
		IMAGE_WITH("[]", "[]", "1", "1", "{}", ",\"Containers\":\"0\""),
		IMAGE_WITH("[]", "[]", "1", "1", "{}", ",\"History\":\"a\""),
		/* without RepoTags: it might have some */
		"{\"Id\":\"" IMAGE_ID
		"\",\"RepoDigests\":[],\"Created\":1,\"Size\":1,\"Labels\":null}",
		"{\"Id\":\"\",\"RepoTags\":[],\"RepoDigests\":[],\"Created\":1,\"Size\":1}",
	};
	_cleanup_world_ struct world world = world_new();
	struct image m;

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		if (image(&world, hostile[i], &m) != -EBADMSG)
			fail_msg("accepted: %s", hostile[i]);
}

#define INSPECT(id, finished, policy, name)                                                    \
	"{\"Id\":\"" id "\",\"Name\":\"/web\",\"State\":{\"Status\":\"exited\",\"StartedAt\":" \
	"\"2026-11-24T10:52:22.33738597Z\",\"FinishedAt\":" finished ",\"ExitCode\":3},"       \
	"\"HostConfig\":{\"RestartPolicy\":{\"Name\":" policy "}},\"Config\":{\"Image\":" name \
	"}}"

static void an_inspect_tells_the_facts(void **state _unused_)
{
	_cleanup_world_ struct world world = world_new();
	struct container c = { .id = ID64, .image = IMAGE_ID };

	assert_int_equal(decode_container_facts(
				 &world.decoder,
				 parse(&world, INSPECT(ID64, "\"2026-11-24T10:52:22.348Z\"",
						       "\"\"", "\"app:1\"")),
				 &c, &world.err),
			 0);
	assert_int_equal(c.inspected, FACT_KNOWN);
	assert_int_equal(c.finished, 1795517542);
	assert_int_equal(c.exit_code, 3);
	assert_string_equal(c.restart_policy, "no");
	assert_string_equal(c.image_name->full, "docker.io/library/app:1");
	assert_int_equal(
		decode_container_facts(&world.decoder,
				       parse(&world, INSPECT(ID64, "\"0001-01-01T00:00:00Z\"",
							     "\"always\"", "\"" IMAGE_ID "\"")),
				       &c, &world.err),
		0);
	assert_int_equal(c.finished, TIME_UNKNOWN);
	assert_string_equal(c.restart_policy, "always");
}

static void the_list_and_an_inspect_tell_whose_namespaces_it_shares(void **state _unused_)
{
	static const char *const ids[] = { "net", "pid", "ipc" };
	_cleanup_world_ struct world world = world_new();
	struct container c;

	assert_int_equal(
		container(
			&world,
			CONTAINER_WITH("[]", "\"b\"", "\"\"", "\"exited\"", "1",
				       "{},\"HostConfig\":{\"NetworkMode\":\"container:net\"}"),
			&c),
		0);
	assert_int_equal(c.networks.n, 0);
	assert_int_equal(c.joined.n, 1);
	assert_int_equal(
		decode_container_facts(
			&world.decoder,
			parse(&world, INSPECT(ID64, "\"2026-11-24T10:52:22Z\"",
					      "\"no\"},\"PidMode\":\"container:pid\","
					      "\"IpcMode\":\"container:ipc\",\"More\":{",
					      "\"app:1\"")),
			&c, &world.err),
		0);
	assert_int_equal(c.joined.n, ARRAY_SIZE(ids));
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_string_equal(c.joined.v[i], ids[i]);
	assert_int_equal(decode_container_facts(
				 &world.decoder,
				 parse(&world, INSPECT(ID64, "\"2026-11-24T10:52:22Z\"",
						       "\"no\"},\"PidMode\":\"host\","
						       "\"IpcMode\":\"private\",\"More\":{",
						       "\"app:1\"")),
				 &c, &world.err),
			 0);
	assert_int_equal(c.joined.n, ARRAY_SIZE(ids));
}

static void a_wrong_inspect_changes_nothing(void **state _unused_)
{
	static const char *const hostile[] = {
		"{}",
		INSPECT(ID64, "null", "\"no\"", "\"a\""),
		INSPECT(ID64, "0", "\"no\"", "\"a\""),
		INSPECT(ID64, "\"yesterday\"", "\"no\"", "\"a\""),
		INSPECT(ID64, "\"2026-11-24T10:52:22Z\"", "null", "\"a\""),
		INSPECT(ID64, "\"2026-11-24T10:52:22Z\"", "\"no\"", "null"),
		INSPECT("ffffffffffff", "\"2026-11-24T10:52:22Z\"", "\"no\"", "\"a\""),
	};
	_cleanup_world_ struct world world = world_new();
	struct container c = { .id = ID64, .finished = 5 };

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		if (decode_container_facts(&world.decoder, parse(&world, hostile[i]), &c,
					   &world.err) != -EBADMSG)
			fail_msg("accepted: %s", hostile[i]);
		assert_int_equal(c.inspected, FACT_NOT_ASKED);
		assert_int_equal(c.finished, 5);
		assert_string_equal(c.id, ID64);
	}
}

static void tag_times_of_year_one_are_unknown(void **state _unused_)
{
	static const struct {
		const char *more;
		int64_t tagged;
	} rows[] = {
		{ ",\"Metadata\":{\"LastTagTime\":\"0001-01-01T00:00:00Z\"}", TIME_UNKNOWN },
		{ ",\"Metadata\":{\"LastTagTime\":\"2026-11-24T10:52:22+02:00\"}", 1795510342 },
		{ ",\"Metadata\":null", TIME_UNKNOWN },
		{ "", TIME_UNKNOWN },
	};
	_cleanup_world_ struct world world = world_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *text =
			mem_printf("{\"Id\":\"%s\",\"RepoTags\":[],\"RepoDigests\":[]%s}",
				   IMAGE_ID, rows[i].more);
		struct image m = { .id = IMAGE_ID, .last_tagged = TIME_UNKNOWN };

		assert_int_equal(image_facts(&world, text, &m), 0);
		assert_int_equal(m.last_tagged, rows[i].tagged);
		assert_int_equal(m.inspected, FACT_KNOWN);
	}
}

static void a_size_of_nothing_is_left_out(void **state _unused_)
{
	_cleanup_world_ struct world world = world_new();
	struct container_size size;

	assert_int_equal(decode_container_size(&world.decoder,
					       parse(&world, "{\"Id\":\"" ID64 "\"}"), &size,
					       &world.err),
			 0);
	assert_int_equal(size.size, 0);
	assert_int_equal(
		decode_container_size(&world.decoder,
				      parse(&world, "{\"Id\":\"" ID64 "\",\"SizeRw\":4096}"),
				      &size, &world.err),
		0);
	assert_int_equal(size.size, 4096);
}

static void podmans_list_tells_infra_containers(void **state _unused_)
{
	_cleanup_world_ struct world world = world_new();
	struct podman_entry entry;

	assert_int_equal(
		decode_podman_entry(
			&world.decoder,
			parse(&world, "{\"Id\":\"" ID64 "\",\"Names\":[\"a\"],\"Image\":\"b\","
				      "\"ImageID\":\"" ID64 "\",\"State\":\"running\","
				      "\"IsInfra\":true,\"Pod\":\"p\",\"Created\":\"2026\"}"),
			&entry, &world.err),
		0);
	assert_true(entry.infra);
	assert_string_equal(entry.container.image_id, IMAGE_ID);
	assert_int_equal(decode_podman_entry(&world.decoder,
					     parse(&world, "{\"Id\":\"" ID64 "\"}"), &entry,
					     &world.err),
			 -EBADMSG);
}

/* diffs: the lowest first, separated by spaces. */
static struct layer *chain_of(struct world *world, const char *diffs)
{
	_cleanup_free_ char *copy = mem_strdup(diffs);
	struct layer *top = NULL;
	char *rest;

	for (char *diff = strtok_r(copy, " ", &rest); diff; diff = strtok_r(NULL, " ", &rest))
		top = layer_get(world->snapshot, top, diff);
	return top;
}

static void layers_get_the_sizes_of_the_history(void **state _unused_)
{
	static const struct history_entry classic[] = {
		{ 0, "/bin/sh -c #(nop)  LABEL a=b" },
		{ 0, "/bin/sh -c true" },
		{ 5, "/bin/sh -c #(nop) COPY file:1 in /f " },
		{ 100, "" },
	};
	_cleanup_world_ struct world world = world_new();
	struct image m = { .top = chain_of(&world, "a b") };
	struct layer *a = m.top->below, *b = m.top, *other;

	layers_set_sizes(&m, classic, ARRAY_SIZE(classic), false);
	assert_true(a->size == 100 && b->size == 5);
	m.top = chain_of(&world, "a b c");
	layers_set_sizes(&m, classic, ARRAY_SIZE(classic), false);
	assert_true(a->size == 100 && b->size == 5 && m.top->size == 0);
	other = m.top = chain_of(&world, "other");
	layers_set_sizes(&m, classic, ARRAY_SIZE(classic), false);
	assert_int_equal(other->size, -1);
	m.top = NULL;
	layers_set_sizes(&m, NULL, 0, false);
}

static void a_size_that_images_disagree_about_is_unknown(void **state _unused_)
{
	static const int64_t sizes[] = { 7, 7, -1, 5, 7 };
	_cleanup_world_ struct world world = world_new();
	struct image m = { .top = chain_of(&world, "a") };
	struct image in_containerd = { .top = chain_of(&world, "b") };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct history_entry entry = { sizes[i], "RUN a" };

		layers_set_sizes(&m, &entry, 1, false);
		assert_int_equal(m.top->size, i < 3 ? 7 : -1);
		assert_int_equal(m.top->disputed, i >= 3);
		layers_set_sizes(&in_containerd, &entry, 1, true);
		assert_int_equal(in_containerd.top->size, 7);
	}
}

#define WITH_LAYERS(layers)                                                                    \
	"{\"Id\":\"" IMAGE_ID                                                                  \
	"\",\"RepoTags\":[],\"RepoDigests\":[],\"RootFS\":{\"Layers\":" layers "}}"

static void equal_chains_are_the_same_layers_and_others_are_not(void **state _unused_)
{
	_cleanup_world_ struct world world = world_new();
	struct image image = { .id = IMAGE_ID };

	assert_int_equal(image_facts(&world, WITH_LAYERS("[\"x\",\"y\",\"z\"]"), &image), 0);
	assert_ptr_equal(image.top, chain_of(&world, "x y z"));
	assert_int_equal(world.snapshot->n_layers, 3);
	assert_string_equal(image.top->diff, "z");
	assert_ptr_equal(image.top->below, chain_of(&world, "x y"));
	assert_null(chain_of(&world, "x")->below);
	assert_int_equal(image_facts(&world, WITH_LAYERS("[\"y\",\"x\",\"z\"]"), &image), 0);
	assert_ptr_equal(image.top, chain_of(&world, "y x z"));
	assert_int_equal(world.snapshot->n_layers, 6);
	/* The same again and again is a layer each time. */
	assert_int_equal(image_facts(&world, WITH_LAYERS("[\"x\",\"x\",\"x\"]"), &image), 0);
	assert_int_equal(world.snapshot->n_layers, 8);
	assert_ptr_equal(image.top->below->below, chain_of(&world, "x"));
	assert_int_equal(image_facts(&world, WITH_LAYERS("null"), &image), 0);
	assert_null(image.top);
}

static void layers_that_are_not_understood_change_nothing(void **state _unused_)
{
	static const char *const hostile[] = {
		WITH_LAYERS("\"x\""),	       WITH_LAYERS("{\"0\":\"x\"}"),
		WITH_LAYERS("[\"x\",1]"),      WITH_LAYERS("[\"x\",null]"),
		WITH_LAYERS("[\"x\\u0000\"]"),
	};
	_cleanup_world_ struct world world = world_new();
	struct layer *top = chain_of(&world, "a");
	struct image image = { .id = IMAGE_ID, .top = top };

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		if (image_facts(&world, hostile[i], &image) != -EBADMSG)
			fail_msg("accepted: %s", hostile[i]);
		assert_ptr_equal(image.top, top);
		assert_int_equal(image.inspected, FACT_NOT_ASKED);
	}
}

static void packed_blobs_are_spread_by_what_is_known_of_chains(void **state _unused_)
{
	_cleanup_world_ struct world world = world_new();
	struct layer *app = chain_of(&world, "x y z"), *base = app->below;
	struct layer *odd = chain_of(&world, "o"), *beside = chain_of(&world, "x v");
	struct image images[] = {
		{ .top = app, .size = 450 + 200 + 50, .layered = FACT_KNOWN },
		{ .top = base, .size = 400 + 200, .layered = FACT_NOT_ASKED },
		{ .top = odd, .size = 99, .layered = FACT_KNOWN },
		{ .top = beside, .size = 200 + 80, .layered = FACT_KNOWN },
	};

	layer_tell_size(base->below, 100, true);
	layer_tell_size(base, 300, true);
	layer_tell_size(app, 50, true);
	layer_tell_size(odd, 100, true);
	layer_tell_size(beside, 100, true);
	world.snapshot->images = images;
	world.snapshot->n_images = ARRAY_SIZE(images);
	layers_share_packed(world.snapshot);
	assert_int_equal(app->packed, 27);
	assert_int_equal(base->packed, 166);
	assert_int_equal(base->below->packed, 55);
	images[1].layered = FACT_KNOWN;
	for (int i = 0; i < 2; i++) {
		layers_share_packed(world.snapshot);
		assert_int_equal(base->below->packed, 50);
		assert_int_equal(base->packed, 150);
		assert_int_equal(app->packed, 50);
		assert_int_equal(odd->packed, 0);
		assert_int_equal(beside->packed, 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_docker_container_is_read),
		cmocka_unit_test(odd_containers_are_read),
		cmocka_unit_test(a_container_that_is_not_understood_is_refused),
		cmocka_unit_test(strange_text_is_kept_whole),
		cmocka_unit_test(labels_that_nobody_wants_are_checked_and_left_out),
		cmocka_unit_test(untagged_images_look_alike_on_all_engines),
		cmocka_unit_test(names_of_images_are_sorted_by_what_they_are),
		cmocka_unit_test(an_image_that_is_not_understood_is_refused),
		cmocka_unit_test(an_inspect_tells_the_facts),
		cmocka_unit_test(the_list_and_an_inspect_tell_whose_namespaces_it_shares),
		cmocka_unit_test(a_wrong_inspect_changes_nothing),
		cmocka_unit_test(tag_times_of_year_one_are_unknown),
		cmocka_unit_test(a_size_of_nothing_is_left_out),
		cmocka_unit_test(podmans_list_tells_infra_containers),
		cmocka_unit_test(layers_get_the_sizes_of_the_history),
		cmocka_unit_test(packed_blobs_are_spread_by_what_is_known_of_chains),
		cmocka_unit_test(equal_chains_are_the_same_layers_and_others_are_not),
		cmocka_unit_test(layers_that_are_not_understood_change_nothing),
		cmocka_unit_test(a_size_that_images_disagree_about_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
