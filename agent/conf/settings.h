#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "conf/rule.h"

/* reclaimd.conf: how the agent works. What may go is in policies. */

enum run_mode { MODE_REMOVE, MODE_OBSERVE };
enum run_pace { PACE_AUTO, PACE_GENTLE, PACE_FAST };

enum setting_key {
	SETTING_HOST,
	SETTING_CONNECTIONS,
	SETTING_TIMEOUT,
	SETTING_DATA_ROOT,
	SETTING_MODE,
	SETTING_MIN_AGE,
	SETTING_MAX_REMOVE,
	SETTING_PACE,
	SETTING_ENTRIES,
	SETTING_KEY_MAX_,
};

struct settings {
	struct origin origin[SETTING_KEY_MAX_];

	/* [engine] */
	const char *host;      /* "unix:///run/docker.sock", NULL: found (DESIGN section 4) */
	int64_t connections;   /* at a time, 1 to 64; 0: what is best for the kind of work */
	int64_t timeout;       /* seconds, for one request */
	const char *data_root; /* NULL: asked of the engine */
	/* [run] */
	enum run_mode mode;
	int64_t min_age; /* seconds */
	struct limit max_remove;
	enum run_pace pace;
	/* [report] */
	int64_t entries; /* journal entries for single objects, beyond that one per rule */
};

/* Fills every field with its default. */
void settings_init(struct settings *settings, struct arena *arena);

/* Reads one file over what is there already; every mistake becomes a line of problems. */
void settings_read(struct settings *settings, const char *path, struct arena *arena,
		   struct problems *problems);

void settings_dump(const struct settings *settings, FILE *out);
void settings_document(FILE *out);
void settings_example(FILE *out);
