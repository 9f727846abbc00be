#pragma once

#include "plan/plan.h"

/* What the renderers ask about a row; for the files of report/ only. */

/* The last name that an untagged or preserved image had, as far as it is known, else NULL. */
const char *object_former_name(const struct verdict *verdict);

/* The twelve digits that people know an ID by. */
char *object_short_id(const char *id);

/* Seconds since the time that the row's age counts from, never negative; -1 if the row has no
 * age or it is not known. */
int64_t object_age(const struct verdict *verdict, const struct plan *plan);
