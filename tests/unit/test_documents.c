#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

/* Files that say what the tables say. `make documents` writes them anew. */

#define MAN_PAGE "agent/man/reclaimd.conf.5"
#define MAN_START ".\\\" From here to the end of the keys: make documents\n"
#define MAN_END ".\\\" The end of the keys\n"
#define EXAMPLE "config/reclaimd.conf"

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = mem_zalloc(1 << 20, 1);

	if (!file)
		fail_msg("%s cannot be read", path);
	text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static char *generate(void (*write)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	write(out);
	fclose(out);
	return text;
}

static void compare_or_write(const char *path, const char *was, const char *wanted)
{
	FILE *file;

	if (!getenv("RECLAIMD_WRITE_DOCUMENTS")) {
		if (strcmp(was, wanted) != 0)
			fail_msg("%s is not what the tables say: make documents", path);
		return;
	}
	file = fopen(path, "w");
	fputs(wanted, file);
	fclose(file);
}

static void the_man_page_has_every_key(void **state _unused_)
{
	_cleanup_free_ char *page = read_file(MAN_PAGE), *keys = generate(conf_document);
	_cleanup_free_ char *wanted = NULL;
	char *start = strstr(page, MAN_START), *end = strstr(page, MAN_END);

	assert_true(start && end);
	start += strlen(MAN_START);
	wanted = mem_printf("%.*s%s%s", (int)(start - page), page, keys, end);
	compare_or_write(MAN_PAGE, page, wanted);
}

static void the_example_has_every_setting(void **state _unused_)
{
	_cleanup_free_ char *was = read_file(EXAMPLE), *wanted = generate(conf_example);

	compare_or_write(EXAMPLE, was, wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_man_page_has_every_key),
		cmocka_unit_test(the_example_has_every_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
