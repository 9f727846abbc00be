#pragma once

#include <stdio.h>

#include "plan/explain.h"

/* One object for people: what it is, its ages and where they come from, each rule in order,
 * each keeper of the one that owns it, the verdict. */
void report_explanation(const struct explanation *explanation, const struct plan *plan,
			FILE *out);

/* The same as one JSON object for all that were asked for. */
void report_explanations_json(const struct explanation *const *explanations, size_t n,
			      const struct plan *plan, FILE *out);
