#pragma once

#include <stdarg.h>

#include "engine/internal.h"

/* What the removals of containers and of images share. */

/* Sets the outcome of the whole and why. */
void removal_end(struct removal *removal, enum outcome outcome, const char *format, ...)
	_printf_(3, 4);
void removal_end_v(struct removal *removal, enum outcome outcome, const char *format,
		   va_list args) _printf_(3, 0);

static inline bool stopped(const volatile int *stop)
{
	return stop && *stop;
}
