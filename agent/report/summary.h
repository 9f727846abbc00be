#pragma once

#include "plan/plan.h"

/* "first look at this engine: 17 ages unknown; they go from Tuesday 10:00 on", to be freed, or
 * NULL if it is none or all ages are known. */
char *summary_first_look(const struct plan *plan);
