#pragma once

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "conf/rule.h"
#include "conf/settings.h"

/* Policies: files whose sections are rules. */

struct rule_list {
	struct rule *v;
	size_t n;
};

/* Appends the rules of one file; every mistake becomes a line of problems. */
void policy_read(struct rule_list *rules, const char *path, struct arena *arena,
		 struct problems *problems);

/* After the last file: fills what was not written with its default (min_age with the setting's)
 * and checks each rule as a whole. */
void policy_finish(struct rule_list *rules, const struct settings *settings,
		   struct problems *problems);

/* Settings: those that the rules were finished with. */
void policy_dump(const struct rules *rules, const struct settings *settings, FILE *out);
void policy_document(FILE *out);
