#include "cmd/cmd.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/options.h"
#include "cmd/terminal.h"

static const struct verb verbs[] = {
	{ "plan", "what would go, what stays, and why", cmd_plan, 0, 0 },
	{ "run", "plan, remove, report: what the timer starts", cmd_run, 0, 0 },
	{ "explain", "NAME...: the verdict on one object, rule by rule", cmd_explain, 1,
	  SIZE_MAX },
	{ "check", "read settings and policies, list every mistake", cmd_check, 0, 0 },
	{ "show-config", "the effective settings and rules, and where each came from",
	  cmd_show_config, 0, 0 },
	{ "where", "where the disk went: images, logs, volumes, what the engine does not know",
	  cmd_where, 0, 0 },
	{ "report", "past runs from the journal", cmd_report, 0, 0 },
	{ "watch", "follows the engine's events, so that last use is known exactly", cmd_watch,
	  0, 0 },
};

static int level_of(int verbosity)
{
	if (verbosity > 0)
		return LOG_DEBUG;
	return verbosity < 0 ? LOG_ERR : LOG_INFO;
}

int cmd_main(int argc, char **argv)
{
	struct options options = { 0 };
	int status = options_parse(argc, argv, verbs, ARRAY_SIZE(verbs), &options);

	if (status < 0) {
		log_setup(level_of(options.verbosity), terminal_is_journal(STDERR_FILENO));
		terminal_greet_journal();
		status = (int)options.verb->run(&options);
	}
	/* What was cut short must not pass for a whole plan. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_line(LOG_ERR, "the output could not be written whole: %s", strerror(errno));
		status = status == STATUS_DONE ? STATUS_FAILED : status;
	}
	free(options.policies);
	return status;
}
