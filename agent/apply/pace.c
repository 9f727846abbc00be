#include "apply/pace.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#define BUSY_PERCENT 10
#define LOOK_EVERY_MS 500

/* /proc/pressure is not there under ProcSubset=pid; version 2 of cgroups has the same. */
const char *const pace_pressure_files[] = { "/proc/pressure/io", "/sys/fs/cgroup/io.pressure",
					    "/sys/fs/cgroup/unified/io.pressure", NULL };

/* Whole percent of "full avg10=12.34 …", 0 if it is not there. */
static long full_percent(FILE *file)
{
	static const char wanted[] = "full avg10=";
	char line[128];

	while (fgets(line, sizeof(line), file))
		if (strncmp(line, wanted, strlen(wanted)) == 0)
			return strtol(line + strlen(wanted), NULL, 10);
	return 0;
}

static bool is_busy(const struct pace *pace)
{
	for (const char *const *path = pace->pressure; *path; path++) {
		FILE *file = fopen(*path, "re");
		bool busy;

		if (!file)
			continue;
		busy = full_percent(file) >= BUSY_PERCENT;
		fclose(file);
		return busy;
	}
	return false;
}

void pace_wait(struct pace *pace)
{
	const struct timespec step = { .tv_nsec = LOOK_EVERY_MS * 1000000L };

	while (pace->left_ms > 0 && !*pace->stop && is_busy(pace)) {
		nanosleep(&step, NULL);
		pace->left_ms -= LOOK_EVERY_MS;
	}
}
