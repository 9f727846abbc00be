#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Memory and cleanup for every layer.
 *
 * Allocation never returns NULL: when memory is out, the process says so in one line on stderr
 * and exits with status 1. That is safe at any point of a run (DESIGN: "killed at any point,
 * nothing is half done that the next run does not finish"), and it keeps every caller free of a
 * branch that no test can reach. */

#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(text, first) __attribute__((format(printf, text, first)))
#define _cleanup_(function) __attribute__((cleanup(function)))
#define _unused_ __attribute__((unused))
/* An enumeration in a byte: there are as many as there are objects. */
#define _byte_ __attribute__((packed))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Defines NAME##p(), to be used as _cleanup_(NAME##p), which calls RELEASE on a variable of
 * TYPE. RELEASE must accept the variable's empty value. */
#define DEFINE_CLEANUP(type, name, release)                                                    \
	static inline _unused_ void name##p(type *variable)                                    \
	{                                                                                      \
		release(*variable);                                                            \
	}

/* Zeroed memory of count * size bytes; to be released with free(). */
void *mem_zalloc(size_t count, size_t size);

/* Grows an array that holds n items so that one more fits, and returns it; items may be NULL
 * when n is 0. The capacity is the next power of two, so no capacity need be stored. */
void *mem_grow(void *items, size_t n, size_t size);

/* Copies, to be released with free(). */
char *mem_strdup(const char *text);
char *mem_printf(const char *format, ...) _printf_(1, 2);
char *mem_vprintf(const char *format, va_list args) _printf_(1, 0);

void mem_freep(void *pointer_to_pointer);
#define _cleanup_free_ _cleanup_(mem_freep)

/* Takes the value of a pointer variable and leaves NULL, so that its cleanup does nothing. */
#define take(pointer)                                                                          \
	({                                                                                     \
		__typeof__(pointer) taken_ = (pointer);                                        \
		(pointer) = NULL;                                                              \
		taken_;                                                                        \
	})

/* Says that memory is out and exits with status 1. */
_Noreturn void mem_die(void);
