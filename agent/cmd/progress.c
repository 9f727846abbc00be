#include "cmd/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/units.h"

/* So often is the line written anew, at most. */
#define INTERVAL 0.1

static double seconds_between(const struct timespec *from, const struct timespec *to)
{
	return (double)(to->tv_sec - from->tv_sec) +
	       (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

void progress_start(struct progress *progress, size_t of, const struct options *options)
{
	*progress = (struct progress){
		.shown = isatty(STDERR_FILENO) && options->verbosity >= 0,
		.of = of,
	};
	clock_gettime(CLOCK_MONOTONIC, &progress->started);
	progress->last = progress->started;
}

void progress_step(void *data)
{
	struct progress *progress = data;
	char left[UNITS_SIZE];
	struct timespec now;
	double rate;

	progress->done++;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!progress->shown || progress->done > progress->of ||
	    seconds_between(&progress->last, &now) < INTERVAL)
		return;
	progress->last = now;
	rate = (double)progress->done / seconds_between(&progress->started, &now);
	units_format_duration(left, (int64_t)((double)(progress->of - progress->done) / rate));
	fprintf(stderr, "\r\033[Kremoving %zu of %zu (%.0f/s, %s left)", progress->done,
		progress->of, rate, left);
}

void progress_count(void *data)
{
	struct progress *progress = data;
	struct timespec now;

	/* A look at the clock for each file would be felt. */
	if (++progress->done % 256 != 0 || !progress->shown)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (seconds_between(&progress->last, &now) < INTERVAL)
		return;
	progress->last = now;
	fprintf(stderr, "\r\033[K%zu files looked at", progress->done);
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
}
