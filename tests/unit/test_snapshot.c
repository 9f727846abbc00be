#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "engine/engine.h"
#include "engine/mounts.h"
#include "server.h"

/* A whole look at an engine made of canned answers. */

#define C1 "1111111111111111111111111111111111111111111111111111111111111111"
#define C2 "2222222222222222222222222222222222222222222222222222222222222222"
#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define V "/v1.41"

#define PING(more)                                                                             \
	{ "GET /_ping", "200 OK", "OK", "Api-Version: 1.41\r\n" more, ALWAYS },                \
	{                                                                                      \
		"GET /version", "200 OK",                                                      \
			"{\"Version\":\"20.10\",\"MinAPIVersion\":\"1.12\"}", NULL, ALWAYS     \
	}
#define INFO(text)                                                                             \
	{                                                                                      \
		"GET " V "/info", "200 OK", text, NULL, ALWAYS                                 \
	}
#define DOCKER_INFO                                                                            \
	INFO("{\"ID\":\"X\",\"Driver\":\"overlay2\",\"DockerRootDir\":\"/var/lib/docker\","    \
	     "\"DriverStatus\":[[\"Backing Filesystem\",\"extfs\"]]}")
#define CONTAINERS(text)                                                                       \
	{                                                                                      \
		"GET " V "/containers/json?all=1", "200 OK", text, NULL, ALWAYS                \
	}
#define IMAGES(text)                                                                           \
	{                                                                                      \
		"GET " V "/images/json?all=1", "200 OK", text, NULL, ALWAYS                    \
	}
#define PODMANS(text)                                                                          \
	{                                                                                      \
		"GET /v4.3.1/libpod/containers/json?all=true&external=true", "200 OK", text,   \
			NULL, ALWAYS                                                           \
	}
#define MANIFESTS(text)                                                                        \
	{                                                                                      \
		"GET /v4.3.1/libpod/images/json?all=true&filters="                             \
		"%7B%22manifest%22:%5B%22true%22%5D%7D",                                       \
			"200 OK", text, NULL, ALWAYS                                           \
	}
#define CONTAINER(id, image)                                                                   \
	"{\"Id\":\"" id "\",\"Names\":[\"/x\"],\"Image\":\"" image "\",\"ImageID\":\"" A       \
	"\",\"State\":\"exited\",\"Created\":1,\"Labels\":null}"
#define IMAGE                                                                                  \
	"{\"Id\":\"" A                                                                         \
	"\",\"RepoTags\":[\"a:1\"],\"RepoDigests\":[],\"Created\":1,\"Size\":1,"               \
	"\"Labels\":null}"
#define COPY                                                                                   \
	"{\"Id\":\"" A                                                                         \
	"\",\"RepoTags\":[\"a:1\"],\"RepoDigests\":[],\"Created\":1,\"Size\":1,"               \
	"\"Labels\":null,\"ReadOnly\":true}"
#define ENTRY_IN(id, infra, pod)                                                               \
	"{\"Id\":\"" id "\",\"Names\":[\"y\"],\"Image\":\"a:1\",\"ImageID\":\"" A              \
	"\",\"State\":\"exited\",\"IsInfra\":" infra ",\"Pod\":\"" pod "\"}"
#define ENTRY(id, infra) ENTRY_IN(id, infra, "")

struct world {
	struct server *server;
	struct engine *engine;
	struct snapshot *snapshot;
	struct err err;
	int result;
};

static struct world look(const struct answer *answers, size_t n)
{
	struct world world = { .server = server_start(answers, n), .snapshot = snapshot_new() };

	if (engine_open(server_socket(world.server), 0, 1, &world.engine, &world.err) < 0)
		fail_msg("%s", world.err.text);
	world.result = engine_snapshot(world.engine, world.snapshot, 0, NULL, &world.err);
	return world;
}

static void world_free(struct world *world)
{
	engine_close(world->engine);
	snapshot_free(world->snapshot);
	server_stop(world->server);
}
#define _cleanup_world_ _cleanup_(world_free)

static void a_docker_engine_is_read(void **state _unused_)
{
	static const struct answer answers[] = {
		PING(""),
		DOCKER_INFO,
		CONTAINERS("[" CONTAINER(C2, "a:1") "," CONTAINER(C1, "a:1") "]"),
		IMAGES("[" IMAGE "]"),
	};
	_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));
	const struct snapshot *snapshot = world.snapshot;

	assert_int_equal(world.result, 0);
	assert_int_equal(snapshot->problems.n, 0);
	assert_string_equal(snapshot->engine.name, "Docker");
	assert_string_equal(snapshot->engine.version, "20.10");
	assert_string_equal(snapshot->engine.api, "1.41");
	assert_string_equal(snapshot->engine.id, "X");
	assert_string_equal(snapshot->engine.storage_driver, "overlay2");
	assert_string_equal(snapshot->engine.data_root, "/var/lib/docker");
	assert_string_equal(snapshot->engine.socket, server_socket(world.server));
	assert_true(snapshot->cache_may_hold_layers);
	assert_int_equal(snapshot->n_containers, 2);
	assert_string_equal(snapshot->containers[0].id, C1);
	assert_int_equal(snapshot->n_images, 1);
	assert_int_equal(snapshot->listing[KIND_CONTAINER], LISTING_READ);
	assert_int_equal(snapshot->listing[KIND_IMAGE], LISTING_READ);
	assert_int_equal(snapshot->listing[KIND_VOLUME], LISTING_NOT_READ);
	assert_int_equal(server_count(world.server, ""), 5);
}

static void the_containerd_store_has_no_known_root(void **state _unused_)
{
	static const struct answer answers[] = {
		PING(""),
		INFO("{\"Driver\":\"overlayfs\",\"DockerRootDir\":\"/var/lib/docker\","
		     "\"DriverStatus\":[[\"driver-type\",\"io.containerd.snapshotter.v1\"]]}"),
		CONTAINERS("[]"),
		IMAGES("[]"),
	};
	_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct disk disk;

	assert_null(world.snapshot->engine.data_root);
	engine_disk(&world.snapshot->engine, NULL, arena, &disk);
	assert_int_equal(disk.state, FACT_UNAVAILABLE);
	assert_non_null(strstr(disk.why, "data-root"));
}

static void a_list_fails_as_a_whole(void **state _unused_)
{
	static const char *const broken[] = {
		"[" CONTAINER(C1, "a:1") ",{\"Id\":1}]",
		"[" CONTAINER(C1, "a:1") "",
		"[" CONTAINER(C1, "a:1") "," CONTAINER(C1, "a:1") "]",
		"{\"message\":\"hello\"}",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		const struct answer answers[] = {
			PING(""),
			DOCKER_INFO,
			CONTAINERS(broken[i]),
			IMAGES("[" IMAGE "]"),
		};
		_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));

		assert_int_equal(world.result, 0);
		assert_int_equal(world.snapshot->listing[KIND_CONTAINER], LISTING_FAILED);
		assert_int_equal(world.snapshot->listing[KIND_IMAGE], LISTING_READ);
		assert_int_equal(world.snapshot->problems.n, 1);
	}
}

static void nothing_at_all_is_an_error(void **state _unused_)
{
	static const struct answer answers[] = { PING("") };
	_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));

	assert_int_equal(world.result, -EIO);
	/* The info, what hangs on it, and two lists. */
	assert_int_equal(world.snapshot->problems.n, 4);
	assert_int_equal(world.snapshot->swarm.state, LISTING_FAILED);
}

#define MANAGER                                                                                \
	INFO("{\"ID\":\"X\",\"Swarm\":{\"NodeID\":\"n\",\"LocalNodeState\":\"active\","        \
	     "\"ControlAvailable\":true}}")
#define TEMPLATE                                                                               \
	"{\"ContainerSpec\":{\"Image\":\"redis:7@" A "\",\"Mounts\":["                         \
	"{\"Type\":\"volume\",\"Source\":\"data\",\"Target\":\"/data\"},"                      \
	"{\"Type\":\"volume\",\"Target\":\"/nameless\"},"                                      \
	"{\"Type\":\"tmpfs\",\"Target\":\"/tmp\"},"                                            \
	"{\"Type\":\"bind\",\"Source\":\"/srv\",\"Target\":\"/srv\"}]},"                       \
	"\"Networks\":[{\"Target\":\"front\",\"Aliases\":[\"x\"]}]}"

static void a_manager_tells_what_services_use(void **state _unused_)
{
	static const struct answer answers[] = {
		PING(""),
		MANAGER,
		CONTAINERS("[]"),
		IMAGES("[]"),
		{ "GET " V "/services", "200 OK",
		  "[{\"ID\":\"s1\",\"Spec\":{\"Name\":\"web\",\"TaskTemplate\":" TEMPLATE
		  ",\"Networks\":[{\"Target\":\"old\"}]},"
		  "\"Endpoint\":{\"VirtualIPs\":[{\"NetworkID\":\"ingress\"}]}}]",
		  NULL, ALWAYS },
		{ "GET " V "/tasks", "200 OK",
		  "[{\"ID\":\"t1\",\"ServiceID\":\"s1\",\"Spec\":" TEMPLATE
		  ",\"NetworksAttachments\":[{\"Network\":{\"ID\":\"given\"}}]}]",
		  NULL, ALWAYS },
	};
	_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));
	const struct swarm *swarm = &world.snapshot->swarm;

	assert_int_equal(world.result, 0);
	assert_int_equal(world.snapshot->problems.n, 0);
	assert_int_equal(swarm->state, LISTING_READ);
	assert_int_equal(swarm->images.n, 2);
	assert_string_equal(swarm_user(&swarm->images, "docker.io/library/redis:7"),
			    "service web");
	assert_string_equal(swarm_user(&swarm->images, "docker.io/library/redis@" A),
			    "service web");
	assert_null(swarm_user(&swarm->images, "docker.io/library/redis:8"));
	assert_int_equal(swarm->volumes.n, 1);
	assert_string_equal(swarm_user(&swarm->volumes, "data"), "service web");
	assert_int_equal(swarm->networks.n, 4);
	assert_string_equal(swarm_user(&swarm->networks, "front"), "service web");
	assert_string_equal(swarm_user(&swarm->networks, "old"), "service web");
	assert_string_equal(swarm_user(&swarm->networks, "ingress"), "service web");
	assert_string_equal(swarm_user(&swarm->networks, "given"), "task of service web");
}

static void podmans_own_list_tells_who_is_in_a_pod(void **state _unused_)
{
	static const struct answer answers[] = {
		PING("Libpod-API-Version: 4.3.1\r\n"),
		DOCKER_INFO,
		CONTAINERS("[" CONTAINER(C1, "a:1") "," CONTAINER(C2, "a:1") "]"),
		IMAGES("[]"),
		PODMANS("[" ENTRY_IN(C1, "false", "p") "," ENTRY(C2, "false") "]"),
		MANIFESTS("[]"),
	};
	_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));

	assert_int_equal(world.snapshot->n_containers, 2);
	assert_string_equal(world.snapshot->containers[0].pod, "p");
	assert_null(world.snapshot->containers[1].pod);
}

static void podmans_own_list_completes_the_other(void **state _unused_)
{
	static const struct answer answers[] = {
		PING("Libpod-API-Version: 4.3.1\r\n"),
		DOCKER_INFO,
		CONTAINERS("[" CONTAINER(C1, "a:1") "]"),
		IMAGES("[]"),
		PODMANS("[" ENTRY(C1, "true") "," ENTRY(C2, "false") "]"),
		MANIFESTS("[]"),
	};
	_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));
	const struct snapshot *snapshot = world.snapshot;

	assert_string_equal(snapshot->engine.name, "Podman");
	assert_false(snapshot->cache_may_hold_layers);
	assert_int_equal(snapshot->n_containers, 2);
	assert_string_equal(snapshot->containers[0].not_ours, "pod infra container");
	assert_int_equal(snapshot->containers[0].state, STATE_EXITED);
	assert_string_equal(snapshot->containers[1].not_ours, "container of another program");
	assert_int_equal(snapshot->containers[1].state, STATE_OTHER);
	assert_string_equal(snapshot->containers[1].image_id, A);
}

/* In either order; what is no copy spoils the list still. */
static void a_copy_in_a_read_only_store_is_the_same_image(void **state _unused_)
{
	static const struct {
		const char *images;
		size_t n;
	} lists[] = {
		{ "[" IMAGE "," COPY "]", 1 },
		{ "[" COPY "," IMAGE "]", 1 },
		{ "[" COPY "]", 1 },
		{ "[" IMAGE "," IMAGE "]", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct answer answers[] = {
			PING("Libpod-API-Version: 4.3.1\r\n"),
			DOCKER_INFO,
			CONTAINERS("[]"),
			IMAGES(lists[i].images),
			PODMANS("[]"),
			MANIFESTS("[]"),
		};
		_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));
		const struct snapshot *snapshot = world.snapshot;

		if (lists[i].n == 0) {
			assert_int_equal(snapshot->listing[KIND_IMAGE], LISTING_FAILED);
			continue;
		}
		assert_int_equal(snapshot->listing[KIND_IMAGE], LISTING_READ);
		assert_int_equal(snapshot->n_images, lists[i].n);
		assert_string_equal(snapshot->images[0].not_ours, "in a read-only store");
	}
}

#define MEMBER                                                                                 \
	"{\"Id\":\"" A                                                                         \
	"\",\"RepoTags\":null,\"RepoDigests\":[],\"Created\":1,\"Size\":1,\"Labels\":null,"    \
	"\"Digest\":\"sha256:1\"}"
#define LIST(id) "{\"Id\":\"" id "\",\"Names\":[\"localhost/m:1\"]}"
#define CONTENT(id, status, text)                                                              \
	{                                                                                      \
		"GET /v4.3.1/libpod/manifests/" id "/json", status, text, NULL, ALWAYS         \
	}

/* A list without contents, one that is gone by then, one that cannot be read. */
static void what_a_manifest_list_names_is_part_of_it(void **state _unused_)
{
	static const struct {
		const char *status, *content, *not_ours;
		enum listing_state images;
	} lists[] = {
		{ "200 OK",
		  "{\"manifests\":[{\"digest\":\"sha256:2\"},{\"digest\":\"sha256:1\"}]}",
		  "part of the manifest list localhost/m:1", LISTING_READ },
		{ "200 OK", "{\"manifests\":[{\"digest\":\"sha256:2\"}]}", NULL, LISTING_READ },
		{ "200 OK", "{\"manifests\":null}", NULL, LISTING_READ },
		{ "404 Not Found", "{\"message\":\"no\"}", NULL, LISTING_READ },
		{ "500 No", "{\"message\":\"no\"}", NULL, LISTING_FAILED },
		{ "200 OK", "{\"manifests\":[{}]}", NULL, LISTING_FAILED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct answer answers[] = {
			PING("Libpod-API-Version: 4.3.1\r\n"),
			DOCKER_INFO,
			CONTAINERS("[]"),
			IMAGES("[" MEMBER "]"),
			PODMANS("[]"),
			MANIFESTS("[" LIST(C1) "]"),
			CONTENT(C1, lists[i].status, lists[i].content),
		};
		_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));
		const struct snapshot *snapshot = world.snapshot;

		assert_int_equal(snapshot->listing[KIND_IMAGE], lists[i].images);
		if (lists[i].not_ours)
			assert_string_equal(snapshot->images[0].not_ours, lists[i].not_ours);
		else if (snapshot->n_images > 0)
			assert_null(snapshot->images[0].not_ours);
	}
}

static void without_podmans_own_list_there_is_none(void **state _unused_)
{
	static const struct answer answers[] = {
		PING("Libpod-API-Version: 4.3.1\r\n"),
		DOCKER_INFO,
		CONTAINERS("[" CONTAINER(C1, "a:1") "]"),
		IMAGES("[]"),
	};
	_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));

	assert_int_equal(world.snapshot->listing[KIND_CONTAINER], LISTING_FAILED);
	assert_int_equal(world.snapshot->n_containers, 0);
}

#define FACTS(id)                                                                               \
	"{\"Id\":\"" id "\",\"State\":{\"StartedAt\":\"2026-11-24T10:00:00Z\",\"FinishedAt\":"  \
	"\"2026-11-24T10:00:10Z\",\"ExitCode\":1},\"HostConfig\":{\"RestartPolicy\":{\"Name\":" \
	"\"no\"}},\"Config\":{\"Image\":\"a:1\"}}"
#define SIZES                                                                                  \
	"GET " V "/containers/json?all=1&size=1&filters=%7B%22id%22:%5B%22" C1 "%22%2C%22" C2  \
	"%22%5D%7D"

static void facts_are_known_or_unavailable(void **state _unused_)
{
	static const struct answer answers[] = {
		PING(""),
		DOCKER_INFO,
		CONTAINERS("[" CONTAINER(C1, "a:1") "," CONTAINER(C2, "a:1") "]"),
		IMAGES("[" IMAGE "]"),
		{ "GET " V "/containers/" C1 "/json", "200 OK", FACTS(C1), NULL, ONCE },
		{ "GET " V "/containers/" C2 "/json", "500 No", "{\"message\":\"busy\"}", NULL,
		  ONCE },
		{ SIZES, "200 OK", "[{\"Id\":\"" C1 "\"}]", NULL, ONCE },
		{ "GET " V "/images/" A "/json", "200 OK",
		  "{\"Id\":\"" A "\",\"RepoTags\":[],\"RepoDigests\":[],"
		  "\"RootFS\":{\"Layers\":[\"sha256:1\"]}}",
		  NULL, ONCE },
	};
	_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));
	struct snapshot *snapshot = world.snapshot;
	const unsigned both[] = { NEED_INSPECT | NEED_SIZE, NEED_INSPECT | NEED_SIZE };
	const unsigned layers[] = { NEED_LAYERS };

	engine_fetch(world.engine, snapshot, both, NULL);
	assert_int_equal(snapshot->containers[0].inspected, FACT_KNOWN);
	assert_int_equal(snapshot->containers[0].exit_code, 1);
	assert_int_equal(snapshot->containers[0].sized, FACT_KNOWN);
	assert_int_equal(snapshot->containers[0].size, 0);
	assert_int_equal(snapshot->containers[1].inspected, FACT_UNAVAILABLE);
	assert_int_equal(snapshot->containers[1].sized, FACT_UNAVAILABLE);
	assert_int_equal(snapshot->problems.n, 1);
	engine_fetch(world.engine, snapshot, NULL, layers);
	assert_int_equal(snapshot->images[0].inspected, FACT_KNOWN);
	assert_int_equal(snapshot->images[0].layered, FACT_KNOWN);
	assert_int_equal(snapshot->images[0].top->size, 1);
	assert_int_equal(snapshot->problems.n, 1);
}

static void an_object_that_went_is_unavailable_without_a_word(void **state _unused_)
{
	static const struct answer answers[] = {
		PING(""),
		DOCKER_INFO,
		CONTAINERS("[" CONTAINER(C1, "a:1") "]"),
		IMAGES("[" IMAGE "]"),
	};
	_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));
	const unsigned facts[] = { NEED_INSPECT };
	const unsigned layers[] = { NEED_LAYERS };

	engine_fetch(world.engine, world.snapshot, facts, layers);
	assert_int_equal(world.snapshot->containers[0].inspected, FACT_UNAVAILABLE);
	assert_int_equal(world.snapshot->images[0].inspected, FACT_UNAVAILABLE);
	assert_int_equal(world.snapshot->images[0].layered, FACT_UNAVAILABLE);
	assert_int_equal(world.snapshot->problems.n, 0);
}

static void the_second_look_knows_every_name(void **state _unused_)
{
	static const struct answer answers[] = {
		PING(""),
		DOCKER_INFO,
		CONTAINERS("[" CONTAINER(C1, A) "," CONTAINER(C2, "b:1") "]"),
		IMAGES("[]"),
		{ "GET " V "/containers/" C1 "/json", "200 OK", FACTS(C1), NULL, ONCE },
		{ "GET " V "/containers/" C1 "/json", "500 No", "", NULL, ONCE },
	};
	_cleanup_world_ struct world world = look(answers, ARRAY_SIZE(answers));
	_cleanup_(snapshot_freep) struct snapshot *again = snapshot_new();
	_cleanup_(snapshot_freep) struct snapshot *failing = snapshot_new();

	assert_int_equal(engine_containers(world.engine, again, &world.err), 0);
	assert_string_equal(again->containers[0].image_name->full, "docker.io/library/a:1");
	assert_string_equal(again->containers[1].image_name->full, "docker.io/library/b:1");
	assert_true(engine_containers(world.engine, failing, &world.err) < 0);
}

static void the_mount_that_holds_a_path_is_found(void **state _unused_)
{
	static const char mountinfo[] =
		"21 1 254:0 / / rw - ext4 /dev/vda rw\n"
		"22 21 0:5 / /var rw shared:1 - tmpfs tmpfs rw\n"
		"23 22 8:1 / /var/lib rw - ext4 /dev/sda1 rw\n"
		"24 23 8:2 / /var/lib/with\\040blank rw - ext4 /dev/sdb1 rw\n"
		"25 23 0:9 / /srv rw - ext4 /dev/x rw\n"
		"26 23 0:31 / /srv rw - btrfs /dev/y rw\n";

	assert_true(mountinfo_is_device(mountinfo, "/etc", makedev(254, 0)));
	assert_true(mountinfo_is_device(mountinfo, "/var/lib/docker", makedev(8, 1)));
	assert_true(mountinfo_is_device(mountinfo, "/var/library", makedev(0, 5)));
	assert_true(mountinfo_is_device(mountinfo, "/var/lib/with blank/x", makedev(8, 2)));
	assert_false(mountinfo_is_device(mountinfo, "/var/lib/docker", makedev(254, 0)));
	/* Of two mounts in one place the later counts; a subvolume has a device of its own. */
	assert_true(mountinfo_is_device(mountinfo, "/srv/docker", makedev(0, 77)));
	assert_false(mountinfo_is_device("", "/", makedev(254, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_docker_engine_is_read),
		cmocka_unit_test(the_containerd_store_has_no_known_root),
		cmocka_unit_test(a_list_fails_as_a_whole),
		cmocka_unit_test(nothing_at_all_is_an_error),
		cmocka_unit_test(a_manager_tells_what_services_use),
		cmocka_unit_test(podmans_own_list_completes_the_other),
		cmocka_unit_test(podmans_own_list_tells_who_is_in_a_pod),
		cmocka_unit_test(a_copy_in_a_read_only_store_is_the_same_image),
		cmocka_unit_test(what_a_manifest_list_names_is_part_of_it),
		cmocka_unit_test(without_podmans_own_list_there_is_none),
		cmocka_unit_test(facts_are_known_or_unavailable),
		cmocka_unit_test(an_object_that_went_is_unavailable_without_a_word),
		cmocka_unit_test(the_second_look_knows_every_name),
		cmocka_unit_test(the_mount_that_holds_a_path_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
