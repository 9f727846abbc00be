#include "unit.h"

#include "model/reference.h"
#include "model/snapshot.h"

static const struct {
	const char *raw, *repository, *familiar, *tag, *digest;
} good[] = {
	{ "redis", "docker.io/library/redis", "redis", NULL, NULL },
	{ "library/redis", "docker.io/library/redis", "redis", NULL, NULL },
	{ "docker.io/redis", "docker.io/library/redis", "redis", NULL, NULL },
	{ "docker.io/library/redis:7", "docker.io/library/redis", "redis", "7", NULL },
	{ "index.docker.io/library/redis:7", "docker.io/library/redis", "redis", "7", NULL },
	{ "example/app:1.0", "docker.io/example/app", "example/app", "1.0", NULL },
	{ "library/a/b", "docker.io/library/a/b", "library/a/b", NULL, NULL },
	{ "localhost/app", "localhost/app", "localhost/app", NULL, NULL },
	{ "localhost:5000/app", "localhost:5000/app", "localhost:5000/app", NULL, NULL },
	{ "localhost:5000/app:v1", "localhost:5000/app", "localhost:5000/app", "v1", NULL },
	{ "registry.example.com:443/a/b:c", "registry.example.com:443/a/b",
	  "registry.example.com:443/a/b", "c", NULL },
	{ "[2001:db8::1]:5000/app:1", "[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app", "1",
	  NULL },
	{ "app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	  "docker.io/library/app", "app", NULL,
	  "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
	{ "app:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	  "docker.io/library/app", "app", "1",
	  "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
};

static const char *const bad[] = {
	"",
	":",
	"<none>:<none>",
	"<none>@<none>",
	"App",
	"app:",
	"app@sha256:12",
	"/app",
	"app/",
	"a//b",
	"-app",
	"app:.x",
	"app: x",
	"../app:1",
	".a.b/app:1",
	"a..b/app:1",
	"a.-b/app:1",
	"a.b-/app:1",
	"a.b:x/app:1",
	"a.b:/app:1",
	"[::1/app:1",
	"deadbeefdead",
	"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
};

static void assert_text(const char *got, const char *want)
{
	if (!want)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void names_are_taken_apart(void **state _unused_)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct reference reference;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(reference_parse(arena, good[i].raw, &reference));
		assert_text(reference.repository, good[i].repository);
		assert_text(reference.familiar, good[i].familiar);
		assert_text(reference.tag, good[i].tag);
		assert_text(reference.digest, good[i].digest);
		assert_text(reference.raw, good[i].raw);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (reference_parse(arena, bad[i], &reference))
			fail_msg("'%s' was taken for a name", bad[i]);
}

static void a_bare_name_means_latest(void **state _unused_)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct reference a, b;

	assert_true(reference_parse_default(arena, "redis", &a));
	assert_true(reference_parse(arena, "docker.io/library/redis:latest", &b));
	assert_true(reference_equal(&a, &b));
	assert_string_equal(a.full, "docker.io/library/redis:latest");
	assert_string_equal(a.short_name, "redis:latest");
}

static void states_of_both_engines_are_known(void **state _unused_)
{
	assert_int_equal(container_state_from_string("exited"), STATE_EXITED);
	assert_int_equal(container_state_from_string("stopped"), STATE_EXITED);
	assert_int_equal(container_state_from_string("stopping"), STATE_RUNNING);
	assert_int_equal(container_state_from_string("initialized"), STATE_CREATED);
	assert_int_equal(container_state_from_string("other"), STATE_OTHER);
	assert_int_equal(container_state_from_string("melting"), STATE_OTHER);
}

static void a_sealed_snapshot_is_sorted_and_found(void **state _unused_)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	struct image images[] = { { .id = "c" }, { .id = "a" }, { .id = "b" } };

	snapshot->images = images;
	snapshot->n_images = ARRAY_SIZE(images);
	snapshot->listing[KIND_IMAGE] = LISTING_READ;
	snapshot_seal(snapshot);
	assert_string_equal(snapshot->images[0].id, "a");
	assert_ptr_equal(snapshot_image(snapshot, "b"), &snapshot->images[1]);
	assert_null(snapshot_image(snapshot, "d"));
	assert_null(snapshot_container(snapshot, "a"));
	assert_int_equal(snapshot->listing[KIND_IMAGE], LISTING_READ);
}

static void a_double_id_makes_the_list_unusable(void **state _unused_)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = snapshot_new();
	struct container containers[] = { { .id = "a" }, { .id = "b" }, { .id = "a" } };

	snapshot->containers = containers;
	snapshot->n_containers = ARRAY_SIZE(containers);
	snapshot->listing[KIND_CONTAINER] = LISTING_READ;
	snapshot_seal(snapshot);
	assert_int_equal(snapshot->listing[KIND_CONTAINER], LISTING_FAILED);
	assert_int_equal(snapshot->problems.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_taken_apart),
		cmocka_unit_test(a_bare_name_means_latest),
		cmocka_unit_test(states_of_both_engines_are_known),
		cmocka_unit_test(a_sealed_snapshot_is_sorted_and_found),
		cmocka_unit_test(a_double_id_makes_the_list_unusable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
