#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/conf.h"

/* The verbs and what they share: the command line and the exit status. */

/* DESIGN section 4; documented in reclaimd(8). */
enum status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_PARTIAL = 3, /* some removals failed or a target was missed */
	STATUS_BRAKE = 4,
	STATUS_ENGINE = 69, /* not reachable */
	STATUS_LOCKED = 75, /* another run, or watcher, is there already */
	STATUS_CONFIG = 78, /* settings or policies refused */
};

struct options {
	const struct verb *verb;
	struct conf_request conf; /* --config, --policy, --instance */
	const char **policies;	  /* owns what conf.policies shows */
	const char *host;	  /* --host, NULL: found */
	const char *only;	  /* --only */
	const char *mode;	  /* --mode, NULL: the setting's */
	bool json, all, dry_run;
	const char *need_free_text, *wait_text;
	const char *since_text; /* --since, NULL: all of the journal */
	int64_t since;		/* Unix seconds */
	const char *folder;	/* --directory, NULL: this machine's journal */
	int64_t need_free;	/* --need-free, bytes; 0: not given */
	int64_t wait;		/* --wait, seconds for the lock */
	int verbosity;		/* -v counts up, -q down */
	char *const *arguments; /* what follows the verb */
	size_t n_arguments;
};

struct verb {
	const char *name, *help;
	enum status (*run)(const struct options *options);
	size_t min_arguments, max_arguments;
};

/* Parses the command line and runs the verb it names; the process's exit status. */
int cmd_main(int argc, char **argv);

enum status cmd_plan(const struct options *options);
enum status cmd_run(const struct options *options);
enum status cmd_explain(const struct options *options);
enum status cmd_check(const struct options *options);
enum status cmd_show_config(const struct options *options);
enum status cmd_where(const struct options *options);
enum status cmd_report(const struct options *options);
enum status cmd_watch(const struct options *options);
