#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

int err_wrap(struct err *err, const char *format, ...)
{
	char context[sizeof(err->text)], before[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	memcpy(before, err->text, sizeof(before));
	snprintf(err->text, sizeof(err->text), "%.220s: %.800s", context, before);
	return err->code;
}

void problems_add(struct problems *problems, const char *format, ...)
{
	va_list args;

	problems->texts = mem_grow(problems->texts, problems->n, sizeof(*problems->texts));
	va_start(args, format);
	problems->texts[problems->n++] = mem_vprintf(format, args);
	va_end(args);
}

void problems_clear(struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++)
		free(problems->texts[i]);
	free(problems->texts);
	*problems = (struct problems){ 0 };
}
