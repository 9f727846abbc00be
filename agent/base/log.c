#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

static int log_level = LOG_NOTICE;
static int log_prefix;

void log_setup(int level, int prefix)
{
	log_level = level;
	log_prefix = prefix;
}

void log_line(int priority, const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *clean = NULL;
	va_list args;

	if (priority > log_level)
		return;
	va_start(args, format);
	text = mem_vprintf(format, args);
	va_end(args);
	/* What an engine or a file says is in it. */
	clean = text_clean(text);
	if (log_prefix)
		fprintf(stderr, "<%d>%s\n", priority, clean);
	else
		fprintf(stderr, "reclaimd: %s\n", clean);
}
