#pragma once

#include "plan/plan.h"

/* The rows of a table in the order in which people look for them: by kind, an image beside its
 * references, what goes before what stays, by name, numbers in names as numbers. With all false
 * only what goes, now or when its quarantine is over, and what gets a name. The array is to be
 * freed. */
const struct verdict **order_rows(const struct plan *plan, bool all, size_t *ret_n);
