#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void mem_die(void)
{
	static const char text[] = "reclaimd: out of memory\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)written;
	_exit(EXIT_FAILURE);
}

void *mem_zalloc(size_t count, size_t size)
{
	void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

	if (!memory)
		mem_die();
	return memory;
}

void *mem_grow(void *items, size_t n, size_t size)
{
	size_t capacity = n > 0 ? n * 2 : 4;
	void *grown;

	/* Full exactly at 0, 4, 8, 16, …: between those the last growth left room. */
	if (n != 0 && (n < 4 || (n & (n - 1)) != 0))
		return items;
	if (capacity > SIZE_MAX / size)
		mem_die();
	grown = realloc(items, capacity * size);
	if (!grown)
		mem_die();
	return grown;
}

char *mem_strdup(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		mem_die();
	return copy;
}

char *mem_vprintf(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		mem_die();
	return text;
}

char *mem_printf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = mem_vprintf(format, args);
	va_end(args);
	return text;
}

void mem_freep(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}
