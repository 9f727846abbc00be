#include <stdio.h>
#include <syslog.h>

#include "base/log.h"
#include "cmd/session.h"

/* A rule that can never remove anything is said, lest its author wait for it. */
static void say_unknowable(const struct rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *rule = &rules->v[i];

		if (rule->age_from == AGE_USED && rule->keep_within > 0)
			log_line(
				LOG_WARNING,
				"%s:%u: age-from = used: nothing watches the engine, so all time "
				"counts as use and keep-within never ends",
				rule->section.file, rule->section.line);
	}
}

static int check(struct session *session)
{
	const struct conf *conf = &session->conf;
	int status = session_configure(session);

	if (status != STATUS_GO_ON)
		return status;
	for (size_t i = 0; i < conf->files.n; i++)
		printf("%s\n", conf->files.v[i]);
	say_unknowable(&conf->rules);
	if (conf->rules.n == 0)
		session_no_policy(session);
	else
		printf("%zu %s, no mistake\n", conf->rules.n,
		       conf->rules.n == 1 ? "rule" : "rules");
	return STATUS_DONE;
}

enum status cmd_check(const struct options *options)
{
	struct session session;
	int status;

	session_open(&session, options);
	status = check(&session);
	session_close(&session);
	return (enum status)status;
}
