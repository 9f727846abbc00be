#pragma once

#include <stddef.h>

#include "base/mem.h"

/* What went wrong, owned by the caller, so that an error path allocates and leaks nothing.
 * Functions that can fail return 0 or a negative errno value and fill the err they were given;
 * only cmd/ shows it to anybody. */
struct err {
	int code;
	char text[1024];
};

/* Sets code (a negative errno value) and text; returns code. */
int err_set(struct err *err, int code, const char *format, ...) _printf_(3, 4);

/* Puts "context: " before the text; returns the code that was set before. */
int err_wrap(struct err *err, const char *format, ...) _printf_(2, 3);

/* Every mistake, not only the first. */
struct problems {
	char **texts;
	size_t n;
};

void problems_add(struct problems *problems, const char *format, ...) _printf_(2, 3);
void problems_clear(struct problems *problems);
