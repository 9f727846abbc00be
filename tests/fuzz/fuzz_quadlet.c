#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/quadlet.h"
#define FUZZER "quadlet"
#include "fuzz.h"

/* Any bytes as a Quadlet file and as the YAML of one: nothing breaks, a problem is plain text,
 * and a name beside those bytes is found, or something is said. */

#define SENTINEL "quay.io/sentinel"

static char root[PATH_MAX];

static char *path_of(const char *name)
{
	return mem_printf("%s%s%s", root, *name ? "/etc/containers/systemd/" : "", name);
}

static void remove_folders(void)
{
	static const char *const names[] = { "etc/containers/systemd/a.container",
					     "etc/containers/systemd/a.kube",
					     "etc/containers/systemd/a.yml",
					     "etc/containers/systemd",
					     "etc/containers",
					     "etc",
					     "" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = mem_printf("%s/%s", root, names[i]);

		remove(path);
	}
}

static void make_folders(void)
{
	static const char *const names[] = { "etc", "etc/containers",
					     "etc/containers/systemd" };
	const char *parent = getenv("RECLAIMD_TEST_FOLDER");

	snprintf(root, sizeof(root), "%s/rcl-fuzz-XXXXXX", parent ? parent : "/tmp");
	if (!mkdtemp(root))
		fail("mkdtemp", root);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = mem_printf("%s/%s", root, names[i]);

		mkdir(path, 0755);
	}
}

static void put(const char *name, const char *before, const uint8_t *bytes, size_t size,
		const char *after)
{
	_cleanup_free_ char *path = path_of(name);
	FILE *file = fopen(path, "w");

	if (!file)
		fail("cannot be written", path);
	fputs(before, file);
	if (size > 0)
		fwrite(bytes, 1, size, file);
	fputs(after, file);
	fclose(file);
}

static void check_problems(const struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		const char *text = problems->texts[i];

		if (!text_is_utf8(text))
			fail("not plain", text);
		for (; *text; text++)
			if ((unsigned char)*text < ' ')
				fail("not plain", problems->texts[i]);
	}
}

static void check_pins(const struct pins *pins)
{
	for (size_t i = 0; i < pins->n; i++)
		if (!*pins->v[i].glob || !text_starts_with(pins->v[i].where, root))
			fail("no pin", pins->v[i].where);
}

static void check(bool sentinel)
{
	struct arena *arena = arena_new();
	const struct quadlet_user user = { .home = "/root", .runtime = "/run" };
	const char *name = SENTINEL ":latest";
	struct problems problems = { 0 };
	struct pinned pinned = { 0 };

	quadlet_load(arena, root, &user, &pinned, &problems);
	check_problems(&problems);
	check_pins(&pinned.images);
	check_pins(&pinned.volumes);
	check_pins(&pinned.networks);
	if (sentinel && problems.n == 0 && !pins_find(&pinned.images, &name, 1))
		fail("a name is missed", "");
	problems_clear(&problems);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	_cleanup_free_ char *container = NULL;

	make_folders();
	container = path_of("a.container");
	put("a.container", "[Container]\nImage=" SENTINEL "\n", bytes, size, "");
	check(!memmem(bytes, size, "Image", 5));
	unlink(container);
	put("a.kube", "[Kube]\nYaml=a.yml\n", NULL, 0, "");
	put("a.yml", "", bytes, size, "\nimage: " SENTINEL "\n");
	check(true);
	/* Not at the end: the fuzzer's engine does not come to that. */
	remove_folders();
	return 0;
}
