#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/files.h"
#include "folder.h"

#define NOBODY 65534

/* Three places, the most important first. */
struct world {
	char *folder;
	struct arena *arena;
	const char *paths[3];
	struct strings places, found;
	struct problems problems;
};

static int make_world(void **state)
{
	struct world *world = mem_zalloc(1, sizeof(*world));

	world->folder = folder_make();
	world->arena = arena_new();
	for (size_t i = 0; i < ARRAY_SIZE(world->paths); i++) {
		world->paths[i] = arena_printf(world->arena, "%s/%c", world->folder, "abc"[i]);
		assert_int_equal(mkdir(world->paths[i], 0755), 0);
		assert_int_equal(
			mkdir(arena_printf(world->arena, "%s/d", world->paths[i]), 0755), 0);
	}
	world->places = (struct strings){ world->paths, ARRAY_SIZE(world->paths) };
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

static const char *path_of(struct world *world, const char *name)
{
	return arena_printf(world->arena, "%s/%s", world->folder, name);
}

static const char *put(struct world *world, const char *name, const char *text)
{
	free(folder_write_text(world->folder, name, text));
	return path_of(world, name);
}

static const char *put_link(struct world *world, const char *target, const char *name)
{
	const char *path = path_of(world, name);

	assert_int_equal(symlink(target, path), 0);
	return path;
}

static void find(struct world *world)
{
	files_find(world->arena, &world->places, "d", ".ini", &world->found, &world->problems);
}

/* wanted: names below the folder, separated by blanks. */
static void assert_found(struct world *world, const char *wanted)
{
	_cleanup_free_ char *got = mem_strdup("");
	size_t prefix = strlen(world->folder) + 1;

	for (size_t i = 0; i < world->found.n; i++) {
		char *longer =
			mem_printf("%s%s%s", got, i > 0 ? " " : "", world->found.v[i] + prefix);

		free(got);
		got = longer;
	}
	assert_string_equal(got, wanted);
}

static void assert_problem(const struct world *world, const char *path, const char *words)
{
	if (world->problems.n != 1)
		fail_msg("%zu problems", world->problems.n);
	if (strncmp(world->problems.texts[0], path, strlen(path)) != 0 ||
	    strncmp(world->problems.texts[0] + strlen(path), ": ", 2) != 0 ||
	    !strstr(world->problems.texts[0], words))
		fail_msg("'%s' without '%s'", world->problems.texts[0], words);
}

static void assert_opens(struct world *world, const char *path)
{
	FILE *file = files_open(path, &world->problems);

	if (!file)
		fail_msg("%s", world->problems.n > 0 ? world->problems.texts[0] : "no problem");
	fclose(file);
	assert_int_equal(world->problems.n, 0);
}

static void assert_refused(struct world *world, const char *path, const char *words)
{
	assert_null(files_open(path, &world->problems));
	assert_problem(world, path, words);
	problems_clear(&world->problems);
}

/* As root: as somebody else, to whom permissions apply. */
static void become_nobody(void)
{
	if (geteuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
}

static void become_what_we_were(void)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

static void files_are_sorted_by_name_over_all_places(void **state)
{
	struct world *world = *state;

	put(world, "a/d/30.ini", "#");
	put(world, "b/d/20.ini", "#");
	put(world, "c/d/40.ini", "#");
	put(world, "c/d/10.ini", "#");
	find(world);
	assert_found(world, "c/d/10.ini b/d/20.ini a/d/30.ini c/d/40.ini");
	assert_int_equal(world->problems.n, 0);
}

static void an_earlier_place_hides_the_same_name(void **state)
{
	struct world *world = *state;

	put(world, "c/d/x.ini", "#");
	put(world, "b/d/x.ini", "#");
	put(world, "b/d/y.ini", "#");
	put(world, "a/d/y.ini", "#");
	find(world);
	assert_found(world, "b/d/x.ini a/d/y.ini");
}

static void only_the_suffix_counts(void **state)
{
	struct world *world = *state;

	put(world, "a/d/x.ini", "#");
	put(world, "a/d/.hidden.ini", "#");
	put(world, "a/d/.ini", "#");
	put(world, "a/d/x.ini~", "#");
	put(world, "a/d/x.ini.dpkg-new", "#");
	put(world, "a/d/X.INI", "#");
	put(world, "a/d/README", "#");
	put(world, "a/x.ini", "#");
	find(world);
	assert_found(world, "a/d/x.ini");
}

static void a_mask_switches_the_name_off_everywhere(void **state)
{
	struct world *world = *state;

	put(world, "c/d/linked.ini", "#");
	put_link(world, "/dev/null", "a/d/linked.ini");
	put(world, "c/d/empty.ini", "#");
	put(world, "b/d/empty.ini", "");
	put(world, "c/d/chain.ini", "#");
	put_link(world, "/dev/null", "null");
	put_link(world, "../../null", "b/d/chain.ini");
	put(world, "c/d/to-empty.ini", "#");
	put(world, "nothing", "");
	put_link(world, "../../nothing", "a/d/to-empty.ini");
	put(world, "c/d/on.ini", "#");
	find(world);
	assert_found(world, "c/d/on.ini");
	assert_int_equal(world->problems.n, 0);
}

static void a_mask_in_a_later_place_hides_nothing(void **state)
{
	struct world *world = *state;

	put(world, "a/d/x.ini", "#");
	put_link(world, "/dev/null", "b/d/x.ini");
	put(world, "c/d/x.ini", "");
	find(world);
	assert_found(world, "a/d/x.ini");
}

static void places_that_are_not_there_are_no_mistake(void **state)
{
	struct world *world = *state;

	put(world, "b/d/x.ini", "#");
	assert_int_equal(rmdir(path_of(world, "a/d")), 0);
	assert_int_equal(rmdir(path_of(world, "a")), 0);
	assert_int_equal(rmdir(path_of(world, "c/d")), 0);
	find(world);
	assert_found(world, "b/d/x.ini");
	assert_int_equal(world->problems.n, 0);
}

static void a_place_that_is_no_folder_is_a_mistake(void **state)
{
	struct world *world = *state;

	assert_int_equal(rmdir(path_of(world, "b/d")), 0);
	put(world, "b/d", "#");
	find(world);
	assert_problem(world, path_of(world, "b/d"), "Not a directory");
}

static void a_place_that_cannot_be_read_is_a_mistake(void **state)
{
	struct world *world = *state;

	put(world, "b/d/x.ini", "#");
	assert_int_equal(chmod(path_of(world, "b/d"), 0), 0);
	become_nobody();
	find(world);
	become_what_we_were();
	assert_int_equal(chmod(path_of(world, "b/d"), 0755), 0);
	assert_problem(world, path_of(world, "b/d"), "Permission denied");
}

static void what_cannot_be_a_policy_is_found_and_then_refused(void **state)
{
	struct world *world = *state;

	put_link(world, "/nowhere/at/all", "a/d/dangling.ini");
	assert_int_equal(mkfifo(path_of(world, "a/d/fifo.ini"), 0644), 0);
	assert_int_equal(mkdir(path_of(world, "a/d/folder.ini"), 0755), 0);
	find(world);
	assert_found(world, "a/d/dangling.ini a/d/fifo.ini a/d/folder.ini");
	assert_int_equal(world->problems.n, 0);
	assert_refused(world, world->found.v[0], "No such file or directory");
	assert_refused(world, world->found.v[1], "is no regular file");
	assert_refused(world, world->found.v[2], "is no regular file");
	assert_refused(world, "/dev/null", "is no regular file");
}

static void links_that_turn_in_a_circle_are_refused(void **state)
{
	struct world *world = *state;

	put_link(world, "two.ini", "a/d/one.ini");
	put_link(world, "one.ini", "a/d/two.ini");
	find(world);
	assert_found(world, "a/d/one.ini a/d/two.ini");
	assert_refused(world, world->found.v[0], "Too many levels of symbolic links");
}

static void an_unreadable_file_is_refused(void **state)
{
	struct world *world = *state;
	const char *path = put(world, "a/d/x.ini", "#");

	assert_int_equal(chmod(path, 0), 0);
	become_nobody();
	assert_refused(world, path, "Permission denied");
	become_what_we_were();
}

static void the_first_file_of_a_name_is_the_one(void **state)
{
	struct world *world = *state;
	const char *c = put(world, "c/x.conf", "#"), *a;

	assert_string_equal(
		files_find_one(world->arena, &world->places, "x.conf", &world->problems), c);
	a = put(world, "a/x.conf", "#");
	assert_string_equal(
		files_find_one(world->arena, &world->places, "x.conf", &world->problems), a);
	assert_null(files_find_one(world->arena, &world->places, "y.conf", &world->problems));
	assert_int_equal(world->problems.n, 0);
}

static void one_file_is_switched_off_as_well(void **state)
{
	struct world *world = *state;

	put(world, "c/x.conf", "#");
	put_link(world, "/dev/null", "a/x.conf");
	put(world, "c/y.conf", "#");
	put(world, "b/y.conf", "");
	assert_null(files_find_one(world->arena, &world->places, "x.conf", &world->problems));
	assert_null(files_find_one(world->arena, &world->places, "y.conf", &world->problems));
	assert_int_equal(world->problems.n, 0);
}

static void one_dangling_link_does_not_fall_through(void **state)
{
	struct world *world = *state;
	const char *path = put_link(world, "nowhere", "a/x.conf");

	put(world, "c/x.conf", "#");
	assert_string_equal(
		files_find_one(world->arena, &world->places, "x.conf", &world->problems), path);
	assert_refused(world, path, "No such file or directory");
}

static void one_file_behind_a_closed_door_is_a_mistake(void **state)
{
	struct world *world = *state;

	put(world, "c/x.conf", "#");
	assert_int_equal(chmod(world->paths[0], 0), 0);
	become_nobody();
	files_find_one(world->arena, &world->places, "x.conf", &world->problems);
	become_what_we_were();
	assert_int_equal(chmod(world->paths[0], 0755), 0);
	assert_problem(world, path_of(world, "a/x.conf"), "Permission denied");
}

static void folders_and_files_are_told_apart(void **state)
{
	struct world *world = *state;

	put(world, "a/x.ini", "#");
	assert_int_equal(files_is_folder(path_of(world, "a"), &world->problems), 1);
	assert_int_equal(files_is_folder(path_of(world, "a/x.ini"), &world->problems), 0);
	assert_int_equal(world->problems.n, 0);
	assert_int_equal(files_is_folder(path_of(world, "x"), &world->problems), -1);
	assert_problem(world, path_of(world, "x"), "No such file or directory");
}

static void to_a_user_it_is_no_matter_who_may_write(void **state)
{
	struct world *world = *state;
	const char *path = put(world, "a/d/x.ini", "#");

	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(chmod(path_of(world, "a/d"), 0777), 0);
	become_nobody();
	assert_opens(world, path);
	become_what_we_were();
}

static void roots_files_are_roots_alone(void **state)
{
	static const struct {
		mode_t mode;
		uid_t owner;
		bool opens;
	} table[] = {
		{ 0644, 0, true },	 { 0600, 0, true },  { 0400, 0, true },
		{ 0755, 0, true },	 { 0664, 0, false }, { 0646, 0, false },
		{ 0620, 0, false },	 { 0666, 0, false }, { 0644, NOBODY, false },
		{ 0600, NOBODY, false },
	};
	struct world *world = *state;
	const char *path = put(world, "a/d/x.ini", "#");

	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(chown(path, table[i].owner, NOBODY), 0);
		assert_int_equal(chmod(path, table[i].mode), 0);
		if (table[i].opens)
			assert_opens(world, path);
		else
			assert_refused(world, path,
				       ": is not root's alone to write; do 'chown root ");
	}
}

static void the_folder_is_roots_alone_as_well(void **state)
{
	static const struct {
		mode_t mode;
		uid_t owner;
		bool opens;
	} table[] = {
		{ 0755, 0, true },  { 0700, 0, true },	     { 0775, 0, false },
		{ 0757, 0, false }, { 0755, NOBODY, false },
	};
	struct world *world = *state;
	const char *path = put(world, "a/d/x.ini", "#"), *folder = path_of(world, "a/d");

	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(chown(folder, table[i].owner, NOBODY), 0);
		assert_int_equal(chmod(folder, table[i].mode), 0);
		if (table[i].opens)
			assert_opens(world, path);
		else
			assert_refused(world, path,
				       arena_printf(world->arena,
						    "the folder %s is not root's alone to "
						    "write; do 'chown root %s' and 'chmod "
						    "go-w %s'",
						    folder, folder, folder));
	}
}

/* That of /tmp would break the machine. */
static void a_folder_that_is_everybodys_on_purpose_shall_stay_so(void **state)
{
	struct world *world = *state;
	const char *path = put(world, "a/d/x.ini", "#"), *folder = path_of(world, "a/d");

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(folder, 01777), 0);
	assert_refused(world, path, "is not root's alone to write; put it elsewhere");
}

static void a_link_is_judged_at_both_ends(void **state)
{
	struct world *world = *state;
	const char *target = put(world, "c/x.ini", "#");
	const char *path = put_link(world, target, "a/d/x.ini");

	if (geteuid() != 0)
		skip();
	assert_opens(world, path);
	assert_int_equal(chmod(target, 0664), 0);
	assert_refused(world, path, ": is not root's alone to write");
	assert_int_equal(chmod(target, 0644), 0);
	assert_int_equal(chmod(path_of(world, "c"), 0777), 0);
	assert_refused(world, target,
		       arena_printf(world->arena, "the folder %s is not", path_of(world, "c")));
	assert_int_equal(chmod(path_of(world, "c"), 0755), 0);
	assert_int_equal(chmod(path_of(world, "a/d"), 0777), 0);
	assert_refused(
		world, path,
		arena_printf(world->arena, "the folder %s is not", path_of(world, "a/d")));
}

static void a_bare_name_lies_in_the_current_folder(void **state)
{
	struct world *world = *state;
	char *before;

	if (geteuid() != 0)
		skip();
	before = getcwd(NULL, 0);
	put(world, "a/d/x.ini", "#");
	assert_int_equal(chdir(path_of(world, "a/d")), 0);
	assert_opens(world, "x.ini");
	assert_int_equal(chmod(".", 0777), 0);
	assert_refused(world, "x.ini", "the folder . is not root's alone to write");
	assert_int_equal(chdir(before), 0);
	free(before);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_world, remove_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_are_sorted_by_name_over_all_places),
		TEST(an_earlier_place_hides_the_same_name),
		TEST(only_the_suffix_counts),
		TEST(a_mask_switches_the_name_off_everywhere),
		TEST(a_mask_in_a_later_place_hides_nothing),
		TEST(places_that_are_not_there_are_no_mistake),
		TEST(a_place_that_is_no_folder_is_a_mistake),
		TEST(a_place_that_cannot_be_read_is_a_mistake),
		TEST(what_cannot_be_a_policy_is_found_and_then_refused),
		TEST(links_that_turn_in_a_circle_are_refused),
		TEST(an_unreadable_file_is_refused),
		TEST(the_first_file_of_a_name_is_the_one),
		TEST(one_file_is_switched_off_as_well),
		TEST(one_dangling_link_does_not_fall_through),
		TEST(one_file_behind_a_closed_door_is_a_mistake),
		TEST(folders_and_files_are_told_apart),
		TEST(to_a_user_it_is_no_matter_who_may_write),
		TEST(roots_files_are_roots_alone),
		TEST(the_folder_is_roots_alone_as_well),
		TEST(a_folder_that_is_everybodys_on_purpose_shall_stay_so),
		TEST(a_link_is_judged_at_both_ends),
		TEST(a_bare_name_lies_in_the_current_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
