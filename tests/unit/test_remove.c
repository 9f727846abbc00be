#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/dialect.h"
#include "engine/engine.h"
#include "server.h"

/* Removals against canned answers: what is asked, in which order, and what is made of it. */

#define C1 "1111111111111111111111111111111111111111111111111111111111111111"
#define C2 "2222222222222222222222222222222222222222222222222222222222222222"
#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define A "sha256:" HEX_A
#define B "sha256:" HEX_B
#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"

#define V "/v1.41"
#define GET_C(id) "GET " V "/containers/" id "/json"
#define DEL_C(id) "DELETE " V "/containers/" id
#define GET_I(id) "GET " V "/images/" id "/json"
#define USERS_I(hex)                                                                           \
	{                                                                                      \
		"GET " V "/containers/json?all=1&filters=%7B%22ancestor%22:%5B%22" hex         \
		"%22%5D%7D",                                                                   \
			"200 OK", "[]", NULL, ONCE                                             \
	}
#define DEL_I(name) "DELETE " V "/images/" name "?noprune=1"
#define DEL_P(name) "DELETE /v4.3.1/libpod/images/remove?images=" name "&noprune=true"

#define PING(more)                                                                             \
	{ "GET /_ping", "200 OK", "OK", "Api-Version: 1.41\r\n" more, ALWAYS },                \
	{                                                                                      \
		"GET /version", "200 OK", "{\"Version\":\"1\",\"MinAPIVersion\":\"1.12\"}",    \
			NULL, ALWAYS                                                           \
	}
#define DOCKER PING("")
#define PODMAN PING("Libpod-API-Version: 4.3.1\r\n")

#define C_NOW(id, name, state, finished, policy)                                               \
	"{\"Id\":\"" id "\",\"Name\":\"/" name "\",\"State\":{\"Status\":\"" state             \
	"\",\"StartedAt\":\"2026-11-24T10:00:00Z\",\"FinishedAt\":\"" finished                 \
	"\",\"ExitCode\":0},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"" policy             \
	"\"}},\"Config\":{\"Image\":\"a:1\"}}"
#define RETRIES(n) "on-failure\",\"MaximumRetryCount\":" n ",\"x\":\""
#define FINISHED "2026-11-24T10:00:10Z"
#define I_NOW(id, tags, digests)                                                               \
	"{\"Id\":\"" id "\",\"RepoTags\":[" tags "],\"RepoDigests\":[" digests "]}"
#define DELETED(hex) "[{\"Deleted\":\"" hex "\"}]"
#define UNTAGGED "[{\"Untagged\":\"x\"}]"

struct world {
	struct server *server;
	struct engine *engine;
	struct arena *arena;
	struct container containers[2];
	struct image images[3];
	struct removal removals[3];
	enum outcome references[3][4];
};

static void world_start(struct world *world, const struct answer *answers, size_t n)
{
	struct err err = { 0 };

	*world = (struct world){ .server = server_start(answers, n), .arena = arena_new() };
	if (engine_open(server_socket(world->server), 4, 1, &world->engine, &err) < 0)
		fail_msg("%s", err.text);
}

static void world_free(struct world *world)
{
	engine_close(world->engine);
	server_stop(world->server);
	arena_free(world->arena);
}
#define _cleanup_world_ _cleanup_(world_free)

static void add_container(struct world *world, size_t i, const char *id)
{
	static const char *names[] = { "web" };

	world->containers[i] = (struct container){
		.id = id,
		.names = { names, 1 },
		.state = STATE_EXITED,
		.inspected = FACT_KNOWN,
		.started = 1795514400,
		.finished = 1795514410,
		.restart_policy = "no",
	};
	world->removals[i].container = &world->containers[i];
}

/* names: tags and digests, ended by NULL, sorted. */
static void add_image(struct world *world, size_t i, const char *id, const char *parent,
		      const char *const *names)
{
	struct image *image = &world->images[i];

	*image = (struct image){ .id = id, .parent = parent };
	image->tags = arena_array(world->arena, 4, sizeof(*image->tags));
	image->digests = arena_array(world->arena, 4, sizeof(*image->digests));
	for (; *names; names++) {
		struct reference reference;

		assert_true(reference_parse(world->arena, *names, &reference));
		if (reference.digest)
			image->digests[image->n_digests++] = reference;
		else
			image->tags[image->n_tags++] = reference;
	}
	world->removals[i].kind = KIND_IMAGE;
	world->removals[i].image = image;
	world->removals[i].references = world->references[i];
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static enum outcome remove_container(const struct answer *answers, size_t n, size_t deletes,
				     const volatile int *stop)
{
	const struct removal_control control = { .stop = stop };
	_cleanup_world_ struct world world;

	world_start(&world, answers, n);
	add_container(&world, 0, C1);
	engine_remove_objects(world.engine, world.removals, 1, &control);
	assert_int_equal(server_count(world.server, "DELETE"), deletes);
	return world.removals[0].outcome;
}

static void a_container_goes_only_if_it_is_as_it_was(void **state _unused_)
{
	static const struct {
		const char *now;
		enum outcome outcome;
	} rows[] = {
		{ C_NOW(C1, "web", "exited", FINISHED, "no"), OUTCOME_REMOVED },
		{ C_NOW(C1, "web", "exited", FINISHED, ""), OUTCOME_REMOVED },
		{ C_NOW(C1, "web", "stopped", FINISHED, ""), OUTCOME_REMOVED },
		{ C_NOW(C1, "web", "running", FINISHED, "no"), OUTCOME_CHANGED },
		{ C_NOW(C1, "web", "created", FINISHED, "no"), OUTCOME_CHANGED },
		{ C_NOW(C1, "web", "thinking", FINISHED, "no"), OUTCOME_CHANGED },
		{ C_NOW(C1, "web", "exited", "2026-11-24T10:00:11Z", "no"), OUTCOME_CHANGED },
		{ C_NOW(C1, "web", "exited", "0001-01-01T00:00:00Z", "no"), OUTCOME_CHANGED },
		{ C_NOW(C1, "mine", "exited", FINISHED, "no"), OUTCOME_CHANGED },
		{ C_NOW(C1, "web", "exited", FINISHED, "always"), OUTCOME_CHANGED },
		{ C_NOW(C2, "web", "exited", FINISHED, "no"), OUTCOME_CHANGED },
		{ "{}", OUTCOME_FAILED },
		{ C_NOW(C1, "web", "exited", FINISHED, "no") "x", OUTCOME_FAILED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct answer answers[] = {
			DOCKER,
			{ GET_C(C1), "200 OK", rows[i].now, NULL, ONCE },
			{ DEL_C(C1), "204 No Content", "", NULL, ONCE },
		};
		enum outcome outcome = remove_container(
			answers, ARRAY_SIZE(answers), rows[i].outcome == OUTCOME_REMOVED, NULL);

		if (outcome != rows[i].outcome)
			fail_msg("row %zu: %s", i, outcome_to_string(outcome));
	}
}

static void a_container_with_new_retries_stays(void **state _unused_)
{
	static const struct {
		const char *now;
		enum outcome outcome;
	} rows[] = {
		{ C_NOW(C1, "web", "exited", FINISHED, RETRIES("3")), OUTCOME_REMOVED },
		{ C_NOW(C1, "web", "exited", FINISHED, RETRIES("4")), OUTCOME_CHANGED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct answer answers[] = {
			DOCKER,
			{ GET_C(C1), "200 OK", rows[i].now, NULL, ONCE },
			{ DEL_C(C1), "204 No Content", "", NULL, ONCE },
		};
		_cleanup_world_ struct world world;

		world_start(&world, answers, ARRAY_SIZE(answers));
		add_container(&world, 0, C1);
		world.containers[0].restart_policy = "on-failure";
		world.containers[0].retries = world.containers[0].max_retries = 3;
		engine_remove_objects(world.engine, world.removals, 1, NULL);
		assert_int_equal(world.removals[0].outcome, rows[i].outcome);
	}
}

#define AS_IT_WAS C_NOW(C1, "web", "exited", FINISHED, "no")

static void what_the_engine_says_to_a_delete_is_understood(void **state _unused_)
{
	static const struct {
		struct answer delete;
		struct answer then;
		enum outcome outcome;
	} rows[] = {
		{ { DEL_C(C1), "204 No Content", "", NULL, ONCE }, { 0 }, OUTCOME_REMOVED },
		{ { DEL_C(C1), "404 No", "{\"message\":\"No such container\"}", NULL, ONCE },
		  { 0 },
		  OUTCOME_GONE },
		{ { DEL_C(C1), "409 No", "{\"message\":\"running\"}", NULL, ONCE },
		  { 0 },
		  OUTCOME_IN_USE },
		{ { DEL_C(C1), "409 No",
		    "{\"message\":\"removal of container x is already in progress\"}", NULL,
		    ONCE },
		  { 0 },
		  OUTCOME_CHANGED },
		{ { DEL_C(C1), "500 No", "{\"message\":\"busy\"}", NULL, ONCE },
		  { 0 },
		  OUTCOME_FAILED },
		/* Not answered: one more look tells. */
		{ { DEL_C(C1), "204 No Content", "", NULL, HANG },
		  { GET_C(C1), "404 No", "{}", NULL, ONCE },
		  OUTCOME_REMOVED },
		{ { DEL_C(C1), "204 No Content", "", NULL, HANG },
		  { GET_C(C1), "200 OK", AS_IT_WAS, NULL, ONCE },
		  OUTCOME_FAILED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct answer answers[] = {
			DOCKER,
			{ GET_C(C1), "200 OK", AS_IT_WAS, NULL, ONCE },
			rows[i].delete,
			rows[i].then,
		};
		size_t n = rows[i].then.request ? 5 : 4;
		enum outcome outcome = remove_container(answers, n, 1, NULL);

		if (outcome != rows[i].outcome)
			fail_msg("row %zu: %s", i, outcome_to_string(outcome));
	}
}

static void a_container_that_went_is_not_deleted(void **state _unused_)
{
	static const struct answer answers[] = { DOCKER };

	assert_int_equal(remove_container(answers, ARRAY_SIZE(answers), 0, NULL), OUTCOME_GONE);
}

static void after_a_signal_nothing_starts(void **state _unused_)
{
	static const struct answer answers[] = {
		DOCKER,
		{ GET_C(C1), "200 OK", AS_IT_WAS, NULL, ONCE },
	};
	volatile int stop = 1;

	assert_int_equal(remove_container(answers, ARRAY_SIZE(answers), 0, &stop),
			 OUTCOME_SKIPPED);
}

static void podmans_words_for_in_use_are_known(void **state _unused_)
{
	static const struct {
		long status;
		const char *words;
		enum outcome outcome;
	} rows[] = {
		{ 500,
		  "cannot remove container 5a5c as it is running - running or paused containers cannot be removed without force: container state improper",
		  OUTCOME_IN_USE },
		{ 500,
		  "image used by 5a5c: image is in use by a container: consider listing external containers and force-removing image",
		  OUTCOME_IN_USE },
		{ 500,
		  "unable to delete image \"x\" by ID with more than one tag ([a b]): please force removal",
		  OUTCOME_IN_USE },
		{ 500,
		  "container 1 has dependent containers which must be removed before it: 2: container already exists",
		  OUTCOME_IN_USE },
		{ 500, "docker.io/a:1: image not known", OUTCOME_GONE },
		{ 409, "whatever", OUTCOME_IN_USE },
		{ 500, "no space left on device", OUTCOME_FAILED },
		{ 403, "", OUTCOME_FAILED },
		{ 204, "", OUTCOME_REMOVED },
		{ 404, "", OUTCOME_GONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			dialect_outcome(&dialect_podman, rows[i].status, rows[i].words),
			rows[i].outcome);
	assert_int_equal(dialect_outcome(&dialect_docker, 500, "image is in use"),
			 OUTCOME_FAILED);
}

/* Images. */

static void the_names_of_an_image_go_one_at_a_time(void **state _unused_)
{
	static const struct answer answers[] = {
		DOCKER,
		{ GET_I(A), "200 OK", I_NOW(A, "\"a:2\",\"a:1\"", "\"a@" D1 "\""), NULL, ONCE },
		USERS_I(HEX_A),
		{ DEL_I("a:1"), "200 OK", UNTAGGED, NULL, ONCE },
		{ GET_I(A), "200 OK", I_NOW(A, "\"a:2\"", "\"a@" D1 "\""), NULL, ONCE },
		{ DEL_I(A), "200 OK", "[{\"Untagged\":\"a:2\"},{\"Deleted\":\"" A "\"}]", NULL,
		  ONCE },
	};
	_cleanup_world_ struct world world;

	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, A, NULL, NAMES("a:1", "a:2", "a@" D1));
	engine_remove_images(world.engine, world.removals, 1, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_REMOVED);
	assert_int_equal(world.references[0][0], OUTCOME_REMOVED);
	assert_int_equal(world.references[0][1], OUTCOME_REMOVED);
	assert_int_equal(server_count(world.server, "DELETE"), 2);
	assert_int_equal(server_count(world.server, "GET " V "/images"), 2);
}

static void an_image_with_other_names_stays(void **state _unused_)
{
	static const char *const now[] = {
		I_NOW(A, "\"a:1\",\"a:2\",\"b:1\"", "\"a@" D1 "\""), /* one more */
		I_NOW(A, "\"a:1\"", "\"a@" D1 "\""),		     /* one less */
		I_NOW(A, "\"a:1\",\"a:3\"", "\"a@" D1 "\""),	     /* another */
		I_NOW(A, "", "\"a@" D1 "\""),
		I_NOW(A, "\"a:1\",\"a:2\"", "\"a@" D1 "\",\"b@" D1 "\""),
		I_NOW(A, "\"a:1\",\"a:2\"", "\"a@" D2 "\""),
		I_NOW(A, "\"a:1\",\"a:2\"", ""),
		I_NOW(B, "\"a:1\",\"a:2\"", "\"a@" D1 "\""),
	};

	for (size_t i = 0; i < ARRAY_SIZE(now); i++) {
		const struct answer answers[] = {
			DOCKER,
			{ GET_I(A), "200 OK", now[i], NULL, ONCE },
		};
		_cleanup_world_ struct world world;

		world_start(&world, answers, ARRAY_SIZE(answers));
		add_image(&world, 0, A, NULL, NAMES("a:1", "a:2", "a@" D1));
		engine_remove_images(world.engine, world.removals, 1, NULL);
		if (world.removals[0].outcome != OUTCOME_CHANGED)
			fail_msg("row %zu: %s", i,
				 outcome_to_string(world.removals[0].outcome));
		assert_int_equal(world.references[0][1], OUTCOME_CHANGED);
		assert_int_equal(server_count(world.server, "DELETE"), 0);
	}
}

static void a_name_that_comes_between_keeps_what_is_left(void **state _unused_)
{
	static const struct answer answers[] = {
		DOCKER,
		{ GET_I(A), "200 OK", I_NOW(A, "\"a:1\",\"a:2\"", ""), NULL, ONCE },
		USERS_I(HEX_A),
		{ DEL_I("a:1"), "200 OK", UNTAGGED, NULL, ONCE },
		{ GET_I(A), "200 OK", I_NOW(A, "\"a:2\",\"z:1\"", ""), NULL, ONCE },
	};
	_cleanup_world_ struct world world;

	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, A, NULL, NAMES("a:1", "a:2"));
	engine_remove_images(world.engine, world.removals, 1, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_CHANGED);
	assert_int_equal(world.references[0][0], OUTCOME_REMOVED);
	assert_int_equal(world.references[0][1], OUTCOME_CHANGED);
}

static void a_refusal_after_untagging_is_told_as_it_is(void **state _unused_)
{
	static const struct answer answers[] = {
		DOCKER,
		{ GET_I(A), "200 OK", I_NOW(A, "\"a:1\"", ""), NULL, ONCE },
		{ DEL_I(A), "409 No", "{\"message\":\"has dependent child images\"}", NULL,
		  ONCE },
		{ GET_I(A), "200 OK", I_NOW(A, "", ""), NULL, ONCE },
	};
	_cleanup_world_ struct world world;

	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, A, NULL, NAMES("a:1"));
	engine_remove_images(world.engine, world.removals, 1, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_IN_USE);
	assert_int_equal(world.references[0][0], OUTCOME_REMOVED);
	assert_string_equal(world.removals[0].detail, "has dependent child images");
}

static void an_untagged_image_goes_by_id_or_digest_by_digest(void **state _unused_)
{
	static const struct answer answers[] = {
		DOCKER,
		{ GET_I(A), "200 OK", I_NOW(A, "\"<none>:<none>\"", "\"<none>@<none>\""), NULL,
		  ONCE },
		{ DEL_I(A), "200 OK", DELETED(A), NULL, ONCE },
		{ GET_I(B), "200 OK", I_NOW(B, "", "\"b@" D2 "\",\"a@" D1 "\""), NULL, ONCE },
		USERS_I(HEX_B),
		{ DEL_I("a@" D1), "200 OK", UNTAGGED, NULL, ONCE },
		{ GET_I(B), "200 OK", I_NOW(B, "", "\"b@" D2 "\""), NULL, ONCE },
		{ DEL_I("b@" D2), "200 OK", DELETED(B), NULL, ONCE },
	};
	_cleanup_world_ struct world world;

	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, A, NULL, NAMES());
	add_image(&world, 1, B, NULL, NAMES("a@" D1, "b@" D2));
	engine_remove_images(world.engine, world.removals, 2, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_REMOVED);
	assert_int_equal(world.removals[1].outcome, OUTCOME_REMOVED);
	assert_int_equal(server_count(world.server, "DELETE"), 3);
}

static void an_image_that_does_not_go_ends(void **state _unused_)
{
	static const struct answer answers[] = {
		DOCKER,
		{ GET_I(A), "200 OK", I_NOW(A, "", ""), NULL, ALWAYS },
		{ DEL_I(A), "200 OK", "[]", NULL, ALWAYS },
	};
	_cleanup_world_ struct world world;

	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, A, NULL, NAMES());
	engine_remove_images(world.engine, world.removals, 1, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_FAILED);
	assert_int_equal(server_count(world.server, "DELETE"), 1);
}

static void a_child_goes_before_its_parent(void **state _unused_)
{
	static const struct answer answers[] = {
		DOCKER,
		{ GET_I(A), "200 OK", I_NOW(A, "", ""), NULL, ONCE },
		{ DEL_I(A), "200 OK", DELETED(A), NULL, ONCE },
		{ GET_I(B), "200 OK", I_NOW(B, "", ""), NULL, ONCE },
		{ DEL_I(B), "200 OK", DELETED(B), NULL, ONCE },
	};
	_cleanup_world_ struct world world;

	/* The parent stands first, as no caller should have it: it waits all the same. */
	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, A, NULL, NAMES());
	add_image(&world, 1, B, A, NAMES());
	engine_remove_images(world.engine, world.removals, 2, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_REMOVED);
	assert_int_equal(world.removals[1].outcome, OUTCOME_REMOVED);
	assert_true(server_place(world.server, DEL_I(B)) <
		    server_place(world.server, GET_I(A)));
}

static void a_parent_stays_with_its_child(void **state _unused_)
{
	static const struct answer answers[] = {
		DOCKER,
		{ GET_I(B), "200 OK", I_NOW(B, "\"new:1\"", ""), NULL, ONCE },
	};
	_cleanup_world_ struct world world;

	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, B, A, NAMES());
	add_image(&world, 1, A, D1, NAMES());
	add_image(&world, 2, D1, NULL, NAMES("base:1"));
	engine_remove_images(world.engine, world.removals, 3, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_CHANGED);
	assert_int_equal(world.removals[1].outcome, OUTCOME_SKIPPED);
	assert_int_equal(world.removals[2].outcome, OUTCOME_SKIPPED);
	assert_int_equal(world.references[2][0], OUTCOME_SKIPPED);
	assert_non_null(strstr(world.removals[1].detail, B));
	assert_int_equal(server_count(world.server, "DELETE"), 0);
	assert_int_equal(server_count(world.server, "GET " V "/images"), 1);
}

static void what_is_settled_already_is_left_alone(void **state _unused_)
{
	static const struct answer answers[] = { DOCKER };
	_cleanup_world_ struct world world;

	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, B, A, NAMES("b:1"));
	add_image(&world, 1, A, NULL, NAMES());
	world.removals[0].outcome = OUTCOME_IN_USE;
	engine_remove_images(world.engine, world.removals, 2, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_IN_USE);
	assert_int_equal(world.removals[1].outcome, OUTCOME_SKIPPED);
	assert_int_equal(server_count(world.server, "GET " V "/images"), 0);
}

static void parents_in_a_circle_stay(void **state _unused_)
{
	static const struct answer answers[] = { DOCKER };
	_cleanup_world_ struct world world;

	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, A, B, NAMES());
	add_image(&world, 1, B, A, NAMES());
	engine_remove_images(world.engine, world.removals, 2, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_SKIPPED);
	assert_int_equal(server_count(world.server, "DELETE"), 0);
}

static void podman_is_asked_in_its_own_way(void **state _unused_)
{
	static const struct answer answers[] = {
		PODMAN,
		{ GET_I(A), "200 OK", I_NOW(A, "\"docker.io/a/b:1\"", ""), NULL, ONCE },
		{ DEL_P(A), "200 OK",
		  "{\"Deleted\":[\"" HEX_A "\"],\"Untagged\":null,\"Errors\":null}", NULL,
		  ONCE },
		{ GET_I(B), "200 OK", I_NOW(B, "", ""), NULL, ALWAYS },
		{ DEL_P(B), "200 OK",
		  "{\"ExitCode\":2,\"Errors\":[\"image used by 1: image is in use by a container\"]}",
		  NULL, ONCE },
	};
	_cleanup_world_ struct world world;

	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, A, NULL, NAMES("docker.io/a/b:1"));
	add_image(&world, 1, B, NULL, NAMES());
	engine_remove_images(world.engine, world.removals, 2, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_REMOVED);
	assert_int_equal(world.removals[1].outcome, OUTCOME_IN_USE);
}

static void a_digest_that_podman_does_not_show_is_no_obstacle(void **state _unused_)
{
	static const struct answer answers[] = {
		PODMAN,
		{ GET_I(A), "200 OK", I_NOW(A, "\"docker.io/a/b:1\"", ""), NULL, ALWAYS },
		{ DEL_P(A), "200 OK",
		  "{\"ExitCode\":125,\"Errors\":[\"unable to delete image \\\"x\\\" by digest with more than one tag ([a b]): please force removal\"]}",
		  NULL, ONCE },
		{ DEL_P("docker.io/a/b:1"), "200 OK",
		  "{\"Deleted\":[\"" HEX_A "\"],\"Untagged\":null,\"Errors\":null}", NULL,
		  ONCE },
	};
	_cleanup_world_ struct world world;

	world_start(&world, answers, ARRAY_SIZE(answers));
	add_image(&world, 0, A, NULL, NAMES("docker.io/a/b:1"));
	engine_remove_images(world.engine, world.removals, 1, NULL);
	assert_int_equal(world.removals[0].outcome, OUTCOME_REMOVED);
	assert_int_equal(world.references[0][0], OUTCOME_REMOVED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_goes_only_if_it_is_as_it_was),
		cmocka_unit_test(a_container_with_new_retries_stays),
		cmocka_unit_test(what_the_engine_says_to_a_delete_is_understood),
		cmocka_unit_test(a_container_that_went_is_not_deleted),
		cmocka_unit_test(after_a_signal_nothing_starts),
		cmocka_unit_test(podmans_words_for_in_use_are_known),
		cmocka_unit_test(the_names_of_an_image_go_one_at_a_time),
		cmocka_unit_test(an_image_with_other_names_stays),
		cmocka_unit_test(a_name_that_comes_between_keeps_what_is_left),
		cmocka_unit_test(a_refusal_after_untagging_is_told_as_it_is),
		cmocka_unit_test(an_untagged_image_goes_by_id_or_digest_by_digest),
		cmocka_unit_test(an_image_that_does_not_go_ends),
		cmocka_unit_test(a_child_goes_before_its_parent),
		cmocka_unit_test(a_parent_stays_with_its_child),
		cmocka_unit_test(what_is_settled_already_is_left_alone),
		cmocka_unit_test(parents_in_a_circle_stay),
		cmocka_unit_test(podman_is_asked_in_its_own_way),
		cmocka_unit_test(a_digest_that_podman_does_not_show_is_no_obstacle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
