#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static int log_level = LOG_NOTICE;
static int log_prefix;

void log_setup(int level, int prefix)
{
	log_level = level;
	log_prefix = prefix;
}

void log_line(int priority, const char *format, ...)
{
	va_list args;

	if (priority > log_level)
		return;
	flockfile(stderr);
	if (log_prefix)
		fprintf(stderr, "<%d>", priority);
	else
		fputs("reclaimd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}
