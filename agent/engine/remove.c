#include "engine/remove.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const outcomes[] = {
	[OUTCOME_NONE] = NULL,	       [OUTCOME_REMOVED] = "removed",
	[OUTCOME_TAGGED] = "tagged",   [OUTCOME_GONE] = "gone",
	[OUTCOME_IN_USE] = "in-use",   [OUTCOME_CHANGED] = "changed",
	[OUTCOME_SKIPPED] = "skipped", [OUTCOME_FAILED] = "failed",
};
static_assert(ARRAY_SIZE(outcomes) == OUTCOME_MAX_, "a row per outcome");

const char *outcome_to_string(enum outcome outcome)
{
	return outcomes[outcome];
}

void removal_end_v(struct removal *removal, enum outcome outcome, const char *format,
		   va_list args)
{
	removal->outcome = outcome;
	vsnprintf(removal->detail, sizeof(removal->detail), format, args);
}

void removal_end(struct removal *removal, enum outcome outcome, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	removal_end_v(removal, outcome, format, args);
	va_end(args);
}
