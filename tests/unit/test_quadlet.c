#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/quadlet.h"
#include "folder.h"

/* Quadlet files in a root of their own, and what they name. */

#define UID 1000
#define NOBODY 65534
#define ETC "etc/containers/systemd/"
#define USER "home/.config/containers/systemd/"

#define assert_names(world, kind, ...)                                                         \
	assert_named(&(world)->pinned.kind, (const char *[]){ __VA_ARGS__, NULL })
#define assert_no_names(world, kind) assert_int_equal((world)->pinned.kind.n, 0)

struct world {
	char *folder;
	struct arena *arena;
	uid_t uid;
	struct pinned pinned;
	struct problems problems;
};

static int make_world(void **state)
{
	struct world *world = mem_zalloc(1, sizeof(*world));

	world->folder = folder_make();
	world->arena = arena_new();
	*state = world;
	return 0;
}

static int remove_world(void **state)
{
	struct world *world = *state;

	problems_clear(&world->problems);
	arena_free(world->arena);
	folder_remove(world->folder);
	free(world);
	return 0;
}

static const char *path_of(const struct world *world, const char *name)
{
	return arena_printf(world->arena, "%s/%s", world->folder, name);
}

static void make_folders(const struct world *world, const char *name)
{
	for (const char *slash = name; (slash = strchr(slash, '/')); slash++)
		mkdir(arena_printf(world->arena, "%s/%.*s", world->folder, (int)(slash - name),
				   name),
		      0755);
}

static void put(const struct world *world, const char *name, const char *text)
{
	make_folders(world, name);
	free(folder_write_text(world->folder, name, text));
}

static void link_to(const struct world *world, const char *name, const char *target)
{
	make_folders(world, name);
	assert_int_equal(symlink(target, path_of(world, name)), 0);
}

static void load(struct world *world)
{
	const char *bases[] = { path_of(world, "run/user/1000"),
				path_of(world, "home/.config") };
	const struct quadlet_user user = {
		.uid = world->uid,
		.home = path_of(world, "home"),
		.runtime = bases[0],
		.bases = { bases, ARRAY_SIZE(bases) },
	};

	problems_clear(&world->problems);
	world->pinned = (struct pinned){ 0 };
	quadlet_load(world->arena, world->folder, &user, &world->pinned, &world->problems);
}

static void load_without_problems(struct world *world)
{
	load(world);
	for (size_t i = 0; i < world->problems.n; i++)
		print_error("%s\n", world->problems.texts[i]);
	assert_int_equal(world->problems.n, 0);
}

static void assert_problem(struct world *world, const char *file, const char *text)
{
	load(world);
	for (size_t i = 0; i < world->problems.n; i++)
		if (strstr(world->problems.texts[i], file) &&
		    strstr(world->problems.texts[i], text))
			return;
	for (size_t i = 0; i < world->problems.n; i++)
		print_error("%s\n", world->problems.texts[i]);
	fail_msg("no problem with %s: %s", file, text);
}

/* Exactly these globs, each at least once. */
static void assert_named(const struct pins *pins, const char *const *globs)
{
	for (size_t i = 0; i < pins->n; i++) {
		size_t k = 0;

		while (globs[k] && strcmp(globs[k], pins->v[i].glob) != 0)
			k++;
		if (!globs[k])
			fail_msg("'%s' is named by %s", pins->v[i].glob, pins->v[i].where);
	}
	for (size_t k = 0; globs[k]; k++) {
		bool found = false;

		for (size_t i = 0; i < pins->n; i++)
			found = found || strcmp(globs[k], pins->v[i].glob) == 0;
		if (!found)
			fail_msg("'%s' is not named", globs[k]);
	}
}

static bool is_pinned(const struct pins *pins, const char *name)
{
	return pins_find(pins, &name, 1) != NULL;
}

static void places_that_are_not_there_name_nothing(void **state)
{
	struct world *world = *state;

	load_without_problems(world);
	world->uid = UID;
	load_without_problems(world);
	assert_no_names(world, images);
}

static void a_container_names_image_volumes_and_networks(void **state)
{
	struct world *world = *state;

	put(world, ETC "web.container",
	    "# what it is\n; comment\n[Unit]\nDescription=Image=no\n\n[Container]\n"
	    "Image = quay.io/example/web:1\nVolume=data:/data:Z\nVolume=/srv:/srv\n"
	    "Volume=./x:/x\nVolume=/anonymous\nVolume=%h/y:/y\nNetwork=front:ip=10.0.0.2\n"
	    "Network=a,b\nNetwork=host\nNetwork=other.container\n"
	    "Mount=type=volume,source=cache,destination=/c type=bind,src=/x,dst=/x\n"
	    "Mount=type=image,src=quay.io/example/files:2,dst=/f\nMount=type=tmpfs,dst=/t\n"
	    "PodmanArgs=-v logs:/l --volume=\"old:/o\" --network net --infra-image quay.io/p\n"
	    "[Container]\nVolume=more:/more\n");
	load_without_problems(world);
	assert_names(world, images, "quay.io/example/web:1", "quay.io/example/files:2",
		     "quay.io/p:latest");
	assert_names(world, volumes, "data", "cache", "logs", "old", "more");
	assert_names(world, networks, "front", "a", "b", "host", "net");
	assert_string_equal(world->pinned.images.v[0].where,
			    path_of(world, ETC "web.container:7"));
}

static void what_other_files_make_has_the_name_that_quadlet_gives_it(void **state)
{
	struct world *world = *state;

	put(world, ETC "data.volume", "[Volume]\n");
	put(world, ETC "named.volume",
	    "[Volume]\nVolumeName=mine\nDriver=image\n"
	    "Image=files.image\n");
	put(world, ETC "front.network", "[Network]\nNetworkName=\"front\"\n");
	put(world, ETC "files.image",
	    "[Image]\nImage=docker-archive:/srv/files.tar\n"
	    "ImageTag=localhost/files:3\n");
	put(world, ETC "app.build",
	    "[Build]\nImageTag=localhost/app:1\nImageTag=app:2\n"
	    "File=/srv/Containerfile\nNetwork=front.network\n");
	put(world, ETC "all.pod", "[Pod]\nVolume=data.volume:/data\nNetwork=front.network:x\n");
	put(world, ETC "web.container",
	    "[Container]\nImage=app.build\nVolume=named.volume:/x\nPod=all.pod\n"
	    "Mount=type=image,source=files.image,destination=/f\n");
	load_without_problems(world);
	assert_names(world, images, "localhost/files:3", "localhost/app:1", "*/app:2");
	assert_names(world, volumes, "systemd-data", "systemd-named", "mine");
	assert_names(world, networks, "systemd-front", "front");
}

static void a_file_that_is_named_must_be_there(void **state)
{
	static const char *const texts[] = {
		"Image=app.build\n",
		"Image=gone.image\n",
		"Image=quay.io/a\nVolume=gone.volume:/x\n",
		"Image=quay.io/a\nNetwork=gone.network\n",
		"Image=quay.io/a\nMount=type=volume,source=gone.volume,destination=/x\n",
	};
	struct world *world = *state;

	put(world, ETC "app.build", "[Build]\nFile=/srv/Containerfile\n");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(world, ETC "web.container",
		    arena_printf(world->arena, "[Container]\n%s", texts[i]));
		assert_problem(world, "web.container:", "is no Quadlet file that gives a name");
	}
}

static void names_of_images_are_those_that_podman_may_find(void **state)
{
	static const struct {
		const char *image, *matches, *passes;
	} cases[] = {
		{ "app", "quay.io/app:latest", "quay.io/app:1" },
		{ "app", "docker.io/library/app:latest", "docker.io/library/xapp:latest" },
		{ "example/app:1", "localhost/example/app:1", "localhost/app:1" },
		{ "docker.io/app", "docker.io/library/app:latest",
		  "quay.io/library/app:latest" },
		{ "docker://quay.io/app", "quay.io/app:latest", "quay.io/app:1" },
		{ "sha256:abcdef", "sha256:abcdef0123", "sha256:abcde" },
		{ "abcdef012345", "sha256:abcdef0123456", "sha256:abcdef" },
		{ "abcdef012345", "localhost/abcdef012345:latest", "sha256:abcdef" },
		{ "\"quay.io/app:%%\"", NULL, NULL },
		{ "quay.io/app:%i", "quay.io/app:1", "quay.io/app-x:1" },
		{ "quay.io/%i", "quay.io/a:1", "docker.io/a:1" },
		{ "quay.io/%i-x", "quay.io/a-x:latest", "quay.io/a-x:1" },
		{ "docker.io/app:%i", "docker.io/library/app:1", "docker.io/library/ap:1" },
		{ "app:${VERSION}", "quay.io/app:3", "quay.io/b:3" },
		{ "$IMAGE", "quay.io/app:3", NULL },
		{ "[::1]:5000/app:%i", "[::1]:5000/app:1", "1:5000/app:1" },
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put(world, ETC "web.container",
		    arena_printf(world->arena, "[Container]\nImage=%s\n", cases[i].image));
		if (!cases[i].matches) {
			assert_problem(world, "web.container:2:", "is no name of an image");
			continue;
		}
		load_without_problems(world);
		assert_true(is_pinned(&world->pinned.images, cases[i].matches));
		if (cases[i].passes)
			assert_false(is_pinned(&world->pinned.images, cases[i].passes));
	}
}

static void short_names_may_be_aliases(void **state)
{
	static const char *const registries[] = {
		"etc/containers/registries.conf.d/shortnames.conf",
		"etc/containers/registries.conf",
		"usr/share/containers/registries.conf.d/1.conf",
		"var/cache/containers/short-name-aliases.conf",
	};
	static const char *const texts[] = {
		"[aliases]\n# \"podman\" = \"quay.io/no\"\n\"podman\" = \"quay.io/podman/stable\"\n",
		"podman = 'quay.io/podman/stable'",
		"\"podman\"=\"quay.io/podman/stable\" # so\r\n\"x\"=\n=\n\"\n",
		"aliases = { \"a\" = \"b\", \"podman\" = \"quay.io/podman/stable\" }",
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(registries); i++) {
		put(world, registries[i], texts[i]);
		put(world, ETC "a.container", "[Container]\nImage=podman:5\n");
		load_without_problems(world);
		assert_names(world, images, "*/podman:5", "quay.io/podman/stable:5");
		put(world, ETC "a.container", "[Container]\nImage=podman:%i\n");
		load_without_problems(world);
		assert_true(is_pinned(&world->pinned.images, "quay.io/podman/stable:6"));
		put(world, ETC "a.container", "[Container]\nImage=quay.io/podman:5\n");
		load_without_problems(world);
		assert_names(world, images, "quay.io/podman:5");
		unlink(path_of(world, registries[i]));
	}
	put(world, ETC "a.kube", "[Kube]\nYaml=a.yml\n");
	put(world, ETC "a.yml", "image: pod\n");
	put(world, "home/.config/containers/registries.conf", "\"pod\" = \"quay.io/p\"\n");
	load_without_problems(world);
	assert_false(is_pinned(&world->pinned.images, "quay.io/p:latest"));
	world->uid = UID;
	put(world, USER "a.kube", "[Kube]\nYaml=a.yml\n");
	put(world, USER "a.yml", "image: pod\n");
	load_without_problems(world);
	assert_true(is_pinned(&world->pinned.images, "quay.io/p:latest"));
	put(world, "home/.config/containers/registries.conf.d", "");
	assert_problem(world, "registries.conf.d", "Not a directory");
}

static void all_tags_of_an_image_may_be_wanted(void **state)
{
	struct world *world = *state;

	put(world, ETC "a.image", "[Image]\nImage=quay.io/a:1\nAllTags=no\n");
	load_without_problems(world);
	assert_true(is_pinned(&world->pinned.images, "quay.io/a:1"));
	put(world, ETC "a.image", "[Image]\nImage=quay.io/a\nAllTags=yes\n");
	load_without_problems(world);
	assert_true(is_pinned(&world->pinned.images, "quay.io/a:7"));
	assert_false(is_pinned(&world->pinned.images, "quay.io/ab:7"));
}

static void a_digest_and_a_tag_are_pinned_each(void **state)
{
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	struct world *world = *state;

	put(world, ETC "web.container", "[Container]\nImage=quay.io/a:1@" DIGEST "\n");
	load_without_problems(world);
	assert_names(world, images, "quay.io/a:1", "quay.io/a@" DIGEST);
	put(world, ETC "web.container", "[Container]\nImage=quay.io/a:%i@" DIGEST "\n");
	load_without_problems(world);
	assert_true(is_pinned(&world->pinned.images, "quay.io/a:7"));
	assert_true(is_pinned(&world->pinned.images, "quay.io/a@" DIGEST));
}

static void lines_go_on_and_comments_between_do_not_end_them(void **state)
{
	struct world *world = *state;

	put(world, ETC "web.container",
	    "[Container]\r\nImage=quay.io/exa\\\n# Image=no\n\nmple/web\r\n"
	    "PodmanArgs=-v a:/a\\\n -v b:/b \\\n  -v \\\nc:/c\nVolume=d:/d\\");
	load_without_problems(world);
	assert_names(world, images, "quay.io/example/web:latest");
	assert_names(world, volumes, "a", "b", "c", "d");
}

static void an_empty_assignment_takes_back_what_came_before(void **state)
{
	struct world *world = *state;

	put(world, ETC "web.container",
	    "[Container]\nImage=quay.io/a:1\nImage=quay.io/a:2\nVolume=a:/a\nVolume=\n"
	    "Volume=b:/b\n[Other]\nVolume=\n");
	load_without_problems(world);
	assert_names(world, images, "quay.io/a:1", "quay.io/a:2");
	assert_names(world, volumes, "b");
}

static void drop_ins_add_and_their_own_take_back(void **state)
{
	struct world *world = *state;

	put(world, ETC "a-b@c.container", "[Container]\nImage=quay.io/a:1\nVolume=own:/x\n");
	put(world, ETC "container.d/1.conf", "[Container]\nVolume=all:/x\nImage=\n");
	put(world, ETC "a-.container.d/2.conf", "[Container]\nVolume=a:/x\n");
	put(world, ETC "a-@.container.d/3.conf", "[Container]\nVolume=a-at:/x\n");
	put(world, ETC "sub/a-b@.container.d/4.conf", "[Container]\nVolume=template:/x\n");
	put(world, ETC "a-b@c.container.d/5.conf", "[Container]\nVolume=this:/x\n");
	put(world, ETC "a-b@c.container.d/5.txt", "[Container]\nVolume=no:/x\n");
	put(world, ETC "b.container.d/6.conf", "[Container]\nVolume=no:/x\n");
	put(world, ETC "volume.d/7.conf", "[Container]\nVolume=no:/x\n");
	load_without_problems(world);
	assert_names(world, images, "quay.io/a:1");
	assert_names(world, volumes, "own", "all", "a", "a-at", "template", "this");

	put(world, ETC "a-b@c.container.d/45.conf", "[Container]\nVolume=\n");
	load_without_problems(world);
	assert_names(world, volumes, "this");

	/* Of two with one name it hangs on the version which counts. */
	put(world, "run/containers/systemd/a-b@c.container.d/45.conf",
	    "[Container]\nVolume=run:/x\n");
	load_without_problems(world);
	assert_names(world, volumes, "own", "all", "a", "a-at", "template", "this", "run");
}

static void a_template_names_patterns(void **state)
{
	struct world *world = *state;

	put(world, ETC "app@.container",
	    "[Container]\nImage=quay.io/app:%i\n"
	    "Volume=data-%i:/x\nVolume=%i.volume:/y\n");
	put(world, ETC "store@.volume", "[Volume]\n");
	put(world, ETC "net@a.network", "[Network]\nNetworkName=n%%-$X\n");
	load_without_problems(world);
	assert_names(world, volumes, "data-*", "systemd-store*");
	assert_names(world, networks, "systemd-net*", "n%-*");
	assert_true(is_pinned(&world->pinned.volumes, "systemd-store-x"));
}

static void special_characters_in_names_stand_for_themselves(void **state)
{
	struct world *world = *state;

	put(world, ETC "a.container",
	    "[Container]\nImage=quay.io/a\nVolume=a*[b]?:/x\n"
	    "PodmanArgs=-v 'c\\x64e:/x' -v \"f\\\\g:/x\"\n");
	put(world, ETC "b[1].volume", "[Volume]\n");
	load_without_problems(world);
	assert_names(world, volumes, "a\\*\\[b]\\?", "c*64e", "f\\\\g", "systemd-b\\[1]");
}

static void the_systems_engine_has_its_folders_without_those_of_users(void **state)
{
	static const char *const files[] = {
		"run/containers/systemd/a.volume",
		"usr/share/containers/systemd/b.volume",
		ETC "c.volume",
		ETC "sub/deep/d.volume",
		ETC "users/u.volume",
		ETC "users/1000/v.volume",
		ETC "users/1001/w.volume",
		ETC "users/group/x.volume",
		"usr/share/containers/systemd/users/y.volume",
		USER "h.volume",
		"run/user/1000/containers/systemd/r.volume",
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put(world, files[i], "[Volume]\n");
	load_without_problems(world);
	assert_names(world, volumes, "systemd-a", "systemd-b", "systemd-c", "systemd-d");
	world->uid = UID;
	load_without_problems(world);
	assert_names(world, volumes, "systemd-u", "systemd-v", "systemd-x", "systemd-y",
		     "systemd-h", "systemd-r");
}

static void files_that_hide_each_other_all_count(void **state)
{
	struct world *world = *state;

	put(world, "run/containers/systemd/a.container", "[Container]\nImage=quay.io/a:1\n");
	put(world, ETC "a.container", "[Container]\nImage=quay.io/a:2\n");
	load_without_problems(world);
	assert_names(world, images, "quay.io/a:1", "quay.io/a:2");
}

static void links_are_followed_and_circles_end(void **state)
{
	struct world *world = *state;

	put(world, "srv/a.container", "[Container]\nImage=quay.io/a:1\n");
	put(world, "srv/b/b.container", "[Container]\nImage=quay.io/b:1\n");
	link_to(world, ETC "a.container", "../../../srv/a.container");
	link_to(world, ETC "b", "../../../srv/b");
	link_to(world, "srv/b/again", ".");
	link_to(world, ETC "circle", ".");
	link_to(world, ETC "off.container", "/dev/null");
	load_without_problems(world);
	assert_names(world, images, "quay.io/a:1", "quay.io/b:1");

	link_to(world, ETC "gone.container", "nowhere");
	assert_problem(world, "gone.container", "No such file");
	unlink(path_of(world, ETC "gone.container"));
	link_to(world, "run/containers/systemd", "nowhere");
	assert_problem(world, "run/containers/systemd", "No such file");
}

static void a_file_that_cannot_be_understood_is_a_problem(void **state)
{
	static const struct {
		const char *text, *line, *why;
	} cases[] = {
		{ "Image=quay.io/a\n", ":1:", "is neither" },
		{ "[Container]\nImage\n", ":2:", "is neither" },
		{ "[Container]\n=x\n", ":2:", "is neither" },
		{ "[Container\nImage=quay.io/a\n", ":1:", "is neither" },
		{ "[Container] x\n", ":1:", "is neither" },
		{ "[]\n", ":1:", "is neither" },
		{ "\xef\xbb\xbf[Container]\n", ":1:", "is neither" },
		{ "[Container]\nImage=quay.io/A\n", ":2:", "is no name of an image" },
		{ "[Container]\nImage=quay.io/a b\n", ":2:", "is no name of an image" },
		{ "[Container]\nImage=dir:/srv/x\n", ":2:", "is no name of an image" },
		{ "[Container]\nImage=quay.io/a\nVolume=a b:/x\n", ":3:", "is no name" },
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put(world, ETC "web.container", cases[i].text);
		assert_problem(world,
			       arena_printf(world->arena, "web.container%s", cases[i].line),
			       cases[i].why);
	}
	put(world, ETC "web.container", "[Container]\nImage=quay.io/a\n");
	put(world, ETC "web.container.d/a.conf", "[Container]\nno\n");
	assert_problem(world, "web.container.d/a.conf:2:", "is neither");
}

static void a_file_that_cannot_be_read_is_a_problem(void **state)
{
	struct world *world = *state;

	make_folders(world, ETC "x");
	free(folder_write(world->folder, ETC "nul.container", "[Container]\n\0Image=a\n", 21));
	assert_problem(world, "nul.container", "NUL");
	unlink(path_of(world, ETC "nul.container"));

	assert_int_equal(mkfifo(path_of(world, ETC "pipe.container"), 0600), 0);
	assert_problem(world, "pipe.container", "no regular file");
	unlink(path_of(world, ETC "pipe.container"));

	put(world, ETC "web.container", "[Container]\nImage=quay.io/a\n");
	put(world, ETC "web.container.d", "");
	assert_problem(world, "web.container.d", "Not a directory");
	unlink(path_of(world, ETC "web.container.d"));

	rmdir(path_of(world, "run"));
	put(world, "run/containers", "");
	assert_problem(world, "run/containers/systemd", "Not a directory");
	unlink(path_of(world, "run/containers"));

	if (geteuid() == 0)
		return;
	chmod(path_of(world, ETC), 0);
	assert_problem(world, "etc/containers/systemd", "Permission denied");
	chmod(path_of(world, ETC), 0755);
}

static void chmod_as_its_owner(struct world *world, const char *name, mode_t mode)
{
	const uid_t user = geteuid();

	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(chmod(path_of(world, name), mode), 0);
	assert_int_equal(seteuid(user), 0);
}

/* As Podman leaves /run/containers on a host where root's ran as well. */
static void what_lies_below_a_folder_of_roots_alone_is_not_the_users(void **state)
{
	struct world *world = *state;

	put(world, "run/containers/systemd/users/web.container",
	    "[Container]\nImage=quay.io/a\n");
	put(world, "etc/containers/systemd/users/web.container",
	    "[Container]\nImage=quay.io/b\n");
	if (geteuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	world->uid = geteuid();
	chmod_as_its_owner(world, "run/containers", 0);
	load_without_problems(world);
	assert_names(world, images, "quay.io/b:latest");
	/* What is there and closed may name anything. */
	chmod_as_its_owner(world, "etc/containers/systemd/users", 0);
	assert_problem(world, "etc/containers/systemd/users", "Permission denied");
	chmod_as_its_owner(world, "etc/containers/systemd/users", 0755);
	chmod_as_its_owner(world, "run/containers", 0755);
	assert_int_equal(seteuid(getuid()), 0);
}

static void lines_may_be_very_long_and_files_not_endless(void **state)
{
	struct world *world = *state;
	const size_t size = 3 << 20;
	_cleanup_free_ char *text = mem_zalloc(size + 1, 1);
	const char *rest = "\nImage=quay.io/a:1\n";

	strcpy(text, "[Container]\nLabel=");
	memset(text + strlen(text), 'x', 1 << 19);
	strcat(text, rest);
	put(world, ETC "web.container", text);
	load_without_problems(world);
	assert_names(world, images, "quay.io/a:1");
	memset(text + strlen(text) - strlen(rest), 'x', 2 << 20);
	put(world, ETC "web.container", text);
	assert_problem(world, "web.container", "is bigger than");
}

static void many_specifiers_do_not_make_a_pattern_slow(void **state)
{
	struct world *world = *state;
	char text[512] = "[Container]\nImage=quay.io/", *name;

	for (int i = 0; i < 40; i++)
		strcat(text, "a%i");
	put(world, ETC "web.container", text);
	load_without_problems(world);
	name = mem_printf("quay.io/%0200d", 0);
	memset(name + 8, 'a', 200);
	assert_true(is_pinned(&world->pinned.images, name));
	free(name);
}

#define POD                                                                                    \
	"apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n"            \
	"  - name: app # comment\n    image: quay.io/example/app:1   # image: no\n"            \
	"  - args: |\n      image: no such\n       - name: 'x\n    image: \"quay.io/b\"\n"     \
	"    command: [sh, \"-c\", 'image: no']\n"                                             \
	"  - {\"name\":\"flow\",\"image\":\"quay.io/c:2\", env: [{name: A, value: don't}]}\n"  \
	"  initContainers:\n  - image:\n      quay.io/d:3\n  volumes:\n  - name: files\n"      \
	"    image:\n      reference: quay.io/files:4\n  - name: data\n"                       \
	"    persistentVolumeClaim:\n      claimName: claim\n---\nkind: Deployment\n"          \
	"spec: {template: {spec: {containers: [{image: e, name: e}]}}}\n"

static void a_kube_file_names_what_its_yaml_names(void **state)
{
	struct world *world = *state;

	put(world, ETC "web.kube", "[Kube]\nYaml=../pods/web.yml\nNetwork=front\n");
	put(world, "etc/containers/pods/web.yml", POD);
	load_without_problems(world);
	assert_names(world, images, "quay.io/example/app:1", "quay.io/b:latest", "quay.io/c:2",
		     "quay.io/d:3", "quay.io/files:4", "*/e:latest", "sha256:e*");
	assert_names(world, volumes, "web", "app", "flow", "A", "files", "data", "claim", "e");
	assert_names(world, networks, "front", "podman-default-kube-network");
	assert_string_equal(world->pinned.images.v[0].where,
			    path_of(world, ETC "../pods/web.yml:8"));
}

static void yaml_is_found_where_systemd_finds_it(void **state)
{
	static const char *const paths[] = { "web.yml",	   "/srv/web.yml", "%h/web.yml",
					     "%t/web.yml", "/srv/%i.yml",  "\"/srv/web.yml\"" };
	struct world *world = *state;

	world->uid = UID;
	put(world, USER "web.yml", "image: quay.io/a\n");
	put(world, "srv/web.yml", "image: quay.io/a\n");
	put(world, "home/web.yml", "image: quay.io/a\n");
	put(world, "run/user/1000/web.yml", "image: quay.io/a\n");
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		put(world, USER "web.kube",
		    arena_printf(world->arena, "[Kube]\nYaml=%s\n", paths[i]));
		load_without_problems(world);
		assert_names(world, images, "quay.io/a:latest");
	}
	put(world, USER "web.kube", "[Kube]\nYaml=web.yml /srv/web.yml\n");
	load_without_problems(world);
	assert_int_equal(world->pinned.images.n, 2);
	put(world, USER "web.kube", "[Kube]\nYaml=%E/web.yml\n");
	assert_problem(world, "web.kube:2:", "only systemd knows");
	put(world, USER "web.kube", "[Kube]\nYaml=gone.yml\n");
	assert_problem(world, "web.kube:2:", "No such file");
	put(world, USER "web.kube", "[Kube]\nYaml=/srv/x-%i.yml\n");
	assert_problem(world, "web.kube:2:", "no file is found");
}

static void yaml_whose_names_cannot_be_told_is_a_problem(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "a: &x quay.io/a\nimage: *x\n", ":2: 'image' is not a plain name" },
		{ "image: |\n  quay.io/a\n", ":1: 'image' is not a plain name" },
		{ "image: \"quay.io/\\x61\"\n", ":1: 'image' is not a plain name" },
		{ "image: 'quay.io\n  /a'\n", "'image' is not a plain name" },
		{ "image: {{ image }}\n", NULL },
		{ "image: Not An Image\n", ":1: 'Not An Image' is no name of an image" },
		{ "image: 'quay.io/a\n", "line 1: a quote is not closed" },
		{ "a: [\nimage: quay.io/b\n", "a bracket is not closed" },
		{ "? image\n: quay.io/b\n", "line 1: a '?'" },
		{ "a:\n  |\n  it\nimage: quay.io/b\n", "line 2: a block scalar" },
		{ "a: text\n  'tis\nimage: quay.io/b\nc: it's\n",
		  "line 2: a quote where none can stand" },
		{ "a: b\n]\n", "line 2: a ']'" },
	};
	struct world *world = *state;

	put(world, ETC "web.kube", "[Kube]\nYaml=web.yml\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put(world, ETC "web.yml", cases[i].text);
		if (cases[i].why)
			assert_problem(world, "web.yml", cases[i].why);
		else
			load(world);
	}
}

static void yaml_is_read_as_it_may_be_written(void **state)
{
	static const char *const texts[] = {
		"image: quay.io/a",
		"  image :   quay.io/a  \r\n",
		"'image': 'quay.io/a'\n",
		"\"image\": \"quay.io/a\"\n",
		"{\"image\":\"quay.io/a\"}",
		"{\n \"x\": [1, 2],\n \"image\" :\n  \"quay.io/a\"\n}\n",
		"- - image: quay.io/a\n",
		"image: &anchor quay.io/a\n",
		"image: !!str quay.io/a\n",
		"---\n# x\n%x: y\n--- \nimage: quay.io/a\n...\n",
		"- x: >-\n    image: b c\n  image: quay.io/a\n",
		"x: |2+\n   it's: \"\n\n\t\nimage: quay.io/a\n",
		"x: rock 'n roll, \"you [know\nimage: quay.io/a\n",
		"x: 'it''s'\nimage: quay.io/a\n",
		"x: \"a\\\"image: b\nc\"\nimage: quay.io/a\n",
		"x: a#b\ny: http://x:1/\nimage: quay.io/a#no\nimage: quay.io/a #no\n",
		"x: {a: b, c: [d, {image: quay.io/a}]}\n",
		"image: \"\"\nimage: ~\nimage: quay.io/a\n",
	};
	struct world *world = *state;

	put(world, ETC "web.kube", "[Kube]\nYaml=web.yml\n");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(world, ETC "web.yml", texts[i]);
		load(world);
		if (!is_pinned(&world->pinned.images, "quay.io/a:latest"))
			fail_msg("not found in: %s", texts[i]);
	}
}

/* For tests/real/test_quadlet.py: each line "KIND NAME" of the input comes back with the place
 * that names it, or "-". */
static int answer(const char *root)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct quadlet_user user = { .home = "/root", .runtime = "/run" };
	struct problems problems = { 0 };
	struct pinned pinned = { 0 };
	char kind[16], name[512];

	quadlet_load(arena, root, &user, &pinned, &problems);
	while (scanf("%15s %511s", kind, name) == 2) {
		const struct pins *pins = strcmp(kind, "image") == 0	? &pinned.images
					  : strcmp(kind, "volume") == 0 ? &pinned.volumes
									: &pinned.networks;
		const char *value = name;
		const struct pin *pin = pins_find(pins, &value, 1);

		printf("%s %s %s\n", kind, name, pin ? pin->where : "-");
	}
	for (size_t i = 0; i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.texts[i]);
	problems_clear(&problems);
	return problems.n > 0;
}

#define T(function) cmocka_unit_test_setup_teardown(function, make_world, remove_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(places_that_are_not_there_name_nothing),
		T(a_container_names_image_volumes_and_networks),
		T(what_other_files_make_has_the_name_that_quadlet_gives_it),
		T(a_file_that_is_named_must_be_there),
		T(names_of_images_are_those_that_podman_may_find),
		T(short_names_may_be_aliases),
		T(all_tags_of_an_image_may_be_wanted),
		T(a_digest_and_a_tag_are_pinned_each),
		T(lines_go_on_and_comments_between_do_not_end_them),
		T(an_empty_assignment_takes_back_what_came_before),
		T(drop_ins_add_and_their_own_take_back),
		T(a_template_names_patterns),
		T(special_characters_in_names_stand_for_themselves),
		T(the_systems_engine_has_its_folders_without_those_of_users),
		T(files_that_hide_each_other_all_count),
		T(links_are_followed_and_circles_end),
		T(a_file_that_cannot_be_understood_is_a_problem),
		T(a_file_that_cannot_be_read_is_a_problem),
		T(what_lies_below_a_folder_of_roots_alone_is_not_the_users),
		T(lines_may_be_very_long_and_files_not_endless),
		T(many_specifiers_do_not_make_a_pattern_slow),
		T(a_kube_file_names_what_its_yaml_names),
		T(yaml_is_found_where_systemd_finds_it),
		T(yaml_whose_names_cannot_be_told_is_a_problem),
		T(yaml_is_read_as_it_may_be_written),
	};
	const char *root = getenv("RECLAIMD_QUADLET_ROOT");

	return root ? answer(root) : cmocka_run_group_tests(tests, NULL, NULL);
}
