#include "cmd/terminal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/fit.h"
#include "report/where.h"

static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && term &&
	       strcmp(term, "dumb") != 0;
}

void terminal_print(const struct options *options, const struct report *report)
{
	if (options->json)
		report_json(report, stdout);
	else
		report_text(report, options->all, wants_colour(), stdout);
}

void terminal_print_usage(const struct options *options, const struct snapshot *snapshot,
			  const struct disk_ledger *usage)
{
	if (options->json)
		report_where_json(snapshot, usage, stdout);
	else
		report_where(snapshot, usage, options->all, fit_terminal_width(stdout), stdout);
}

bool terminal_is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat info;
	char here[64];

	if (!stream || fstat(fd, &info) < 0)
		return false;
	snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
	return strcmp(stream, here) == 0;
}

/* journald looks at who sent a line before it drops an empty one. */
void terminal_greet_journal(void)
{
	if (terminal_is_journal(STDERR_FILENO))
		fputc('\n', stderr);
}
