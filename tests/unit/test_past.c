#include "unit.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "report/fit.h"
#include "report/past.h"

static char engine[] = "Docker", version[] = "20.10.24+dfsg1", newer[] = "28.5.1",
	    docker[] = "/run/docker.sock", podman[] = "/run/user/1000/podman/podman.sock",
	    timer[] = "timer", shell[] = "shell",
	    brake[] = "brake: 412 of 600 tagged images would go; look at 'reclaimd plan'";

static struct past_row removed_row(void)
{
	return (struct past_row){
		.event = EVENT_RUN_REMOVED,
		.at = 1790000000,
		.engine = engine,
		.version = version,
		.socket = docker,
		.trigger = timer,
		.removed = { [KIND_CONTAINER] = 42, [KIND_IMAGE] = 17, [KIND_TAG] = 3 },
		.claimed = 11400000000,
		.measured = 14600000000,
		.kept = 132,
		.upper_bound = 1,
	};
}

static struct past_row brake_row(void)
{
	struct past_row row = removed_row();

	row.event = EVENT_BRAKE;
	row.message = brake;
	row.claimed = row.measured = row.kept = row.failed = PAST_UNKNOWN;
	memset(row.removed, 0, sizeof(row.removed));
	return row;
}

/* libsmartcols fills the lines of a wrapped cell. */
static void trim_lines(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\n')
			while (to > text && to[-1] == ' ')
				to--;
		*to++ = *from;
	}
	*to = '\0';
}

/* The text up to the line of totals. */
static char *table(struct past_row *rows, size_t n, unsigned width)
{
	const struct past past = { .rows = rows, .n = n };
	char *text = NULL, *end;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	past_text(&past, width, out);
	fclose(out);
	end = strstr(text, "\n\n");
	assert_non_null(end);
	end[1] = '\0';
	trim_lines(text);
	return text;
}

static size_t widest_line(char *text)
{
	size_t widest = 0;

	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (fit_width(line) > widest)
			widest = fit_width(line);
		*end = '\n';
	}
	return widest;
}

static void a_file_has_every_column_whole(void **state _unused_)
{
	struct past_row rows[] = { removed_row(), brake_row() };
	_cleanup_free_ char *text = table(rows, 2, 0);

	assert_non_null(strstr(text,
			       "2026-09-21 14:13:20 Docker 20.10.24+dfsg1 "
			       "/run/docker.sock timer   42 containers, 17 images, 3 tags"));
	assert_non_null(strstr(text, brake));
	assert_string_equal(strchr(text, '\n') - strlen("NOTE"), strstr(text, "NOTE"));
}

static void a_narrow_terminal_shows_once_what_all_rows_have(void **state _unused_)
{
	struct past_row rows[] = { removed_row(), brake_row() };
	_cleanup_free_ char *text = table(rows, 2, 80);

	assert_string_equal(
		text,
		"ENGINE Docker 20.10.24+dfsg1, SOCKET /run/docker.sock, TRIGGER timer\n"
		"WHEN                REMOVED                         CLAIMED MEASURED KEPT FAILED\n"
		"2026-09-21 14:13:20 42 containers, 17 images, 3     ≤11.4GB   14.6GB  132      0\n"
		"                    tags\n"
		"2026-09-21 14:13:20 brake: 412 of 600 tagged images       -        -    -      -\n"
		"                    would go; look at 'reclaimd\n"
		"                    plan'\n");
}

static void a_wide_terminal_is_used(void **state _unused_)
{
	struct past_row rows[] = { removed_row(), brake_row() };
	_cleanup_free_ char *whole = table(rows, 2, 0), *wide = table(rows, 2, 200);

	assert_string_equal(wide, whole);
}

static void an_engine_of_two_versions_fits_eighty_columns(void **state _unused_)
{
	struct past_row rows[] = { removed_row(), brake_row(), removed_row() };
	_cleanup_free_ char *text = NULL;

	rows[1].version = newer;
	rows[2].trigger = shell;
	text = table(rows, 3, 80);
	assert_true(widest_line(text) <= 80);
	assert_non_null(strstr(text, "28.5.1"));
	assert_non_null(strstr(text, "SOCKET /run/docker.sock\n"));
}

static void long_sockets_are_cut(void **state _unused_)
{
	struct past_row rows[] = { removed_row(), brake_row() };
	_cleanup_free_ char *text = NULL;

	rows[1].socket = podman;
	text = table(rows, 2, 80);
	assert_true(widest_line(text) <= 80);
	assert_null(strstr(text, podman));
	assert_non_null(strstr(text, "…"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_every_column_whole),
		cmocka_unit_test(a_narrow_terminal_shows_once_what_all_rows_have),
		cmocka_unit_test(a_wide_terminal_is_used),
		cmocka_unit_test(an_engine_of_two_versions_fits_eighty_columns),
		cmocka_unit_test(long_sockets_are_cut),
	};

	setlocale(LC_ALL, "C.UTF-8");
	setenv("TZ", "UTC", 1);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
