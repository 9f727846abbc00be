#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>

#include "base/log.h"
#include "cmd/host.h"
#include "cmd/session.h"

/* What a rule waits for in vain while nobody watches; NULL: nothing. */
static const char *waits_in_vain(const struct rule *rule)
{
	if (rule->kind == KIND_IMAGE && rule->age_from == AGE_USED && rule->keep_within > 0)
		return "age-from = used: nothing watches the engine, so all time counts as use "
		       "and keep-within never ends";
	if (rule->kind == KIND_VOLUME && rule->anonymous == ANONYMOUS_NO &&
	    rule->action == ACTION_REMOVE)
		return "anonymous = no: nothing watches the engine, so nobody knows whether a "
		       "volume was used and none goes";
	return NULL;
}

/* A rule that can never remove anything is said, lest its author wait for it. */
static void say_unknowable(const struct options *options, const struct conf *conf)
{
	const struct rules *rules = &conf->rules;
	const char *instance = options->conf.instance;
	bool users = host_is_users(options->host, &conf->settings);

	for (size_t i = 0; i < rules->n; i++) {
		const struct origin *section = &rules->v[i].section;
		const char *what = waits_in_vain(&rules->v[i]);

		if (what)
			log_line(LOG_WARNING,
				 "%s:%u: %s; to have it watched: systemctl %senable --now "
				 "reclaimd-watch%s%s.service",
				 section->file, section->line, what, users ? "--user " : "",
				 instance ? "@" : "", instance ? instance : "");
	}
}

/* An engine that cannot be found is watched by nobody. */
static bool is_watched(struct session *session)
{
	_cleanup_(state_closep) struct state *state = NULL;
	_cleanup_free_ char *path = NULL;
	struct err err;

	if (host_find(session->arena, session->options->host, &session->conf.settings,
		      &session->socket, &err) < 0)
		return false;
	path = state_path(session->socket);
	return state_open(path, false, &state, &err) == 0 &&
	       state_watched_from(state, time(NULL), NULL) != TIME_UNKNOWN;
}

static int check(struct session *session)
{
	const struct conf *conf = &session->conf;
	int status = session_configure(session);
	struct strings misnamed;

	if (status != STATUS_GO_ON)
		return status;
	misnamed = conf_find_misnamed(session->arena, &session->options->conf, conf);
	for (size_t i = 0; i < conf->files.n; i++)
		printf("%s\n", conf->files.v[i]);
	for (size_t i = 0; i < misnamed.n; i++)
		log_line(LOG_NOTICE, "%s", misnamed.v[i]);
	if (!is_watched(session))
		say_unknowable(session->options, conf);
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
