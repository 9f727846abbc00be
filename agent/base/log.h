#pragma once

#include <syslog.h>

#include "base/mem.h"

/* What the program says besides its result: lines on stderr. Below cmd/ and report/ only
 * LOG_DEBUG is used. */

/* Shows lines up to level (LOG_ERR … LOG_DEBUG). With prefix every line starts with "<N>", as
 * sd-daemon(3) has it, else LOG_DEBUG … LOG_ERR with "reclaimd: ". */
void log_setup(int level, int prefix);

/* Control characters and the like are escaped. */
void log_line(int priority, const char *format, ...) _printf_(2, 3);
