#include <errno.h>
#include <syslog.h>

#include "base/log.h"
#include "base/units.h"
#include "cmd/host.h"
#include "cmd/session.h"
#include "report/fit.h"
#include "report/past.h"

/* Only an engine that was asked for; by default all that are in the journal. */
static int find_socket(struct session *session)
{
	const struct options *options = session->options;
	struct err err;
	int status, r;

	if (!options->host && !options->conf.instance)
		return STATUS_GO_ON;
	if (!options->host) {
		status = session_configure(session);
		if (status != STATUS_GO_ON)
			return status;
	}
	r = host_find(session->arena, options->host, &session->conf.settings, &session->socket,
		      &err);
	if (r < 0)
		return session_fail(session, r == -EINVAL ? STATUS_USAGE : STATUS_ENGINE, "%s",
				    err.text);
	return STATUS_GO_ON;
}

static int denied(const struct session *session)
{
	return session_fail(session, STATUS_FAILED,
			    "not allowed to read the journal: be root, or in the group "
			    "systemd-journal or adm");
}

static int show(struct session *session, struct past *past)
{
	const struct options *options = session->options;
	const struct past_query query = { .folder = options->folder,
					  .socket = session->socket,
					  .since = options->since_text ? options->since
								       : TIME_UNKNOWN };
	struct err err;
	int r = past_read(&query, past, &err);

	if (past->denied && past->n == 0)
		return denied(session);
	if (r < 0)
		return session_fail(session, STATUS_FAILED, "%s", err.text);
	for (size_t i = 0; i < past->problems.n; i++)
		log_line(LOG_WARNING, "%s", past->problems.texts[i]);
	if (options->json)
		past_json(past, stdout);
	else
		past_text(past, fit_terminal_width(stdout), stdout);
	return STATUS_DONE;
}

enum status cmd_report(const struct options *options)
{
	struct past past = { 0 };
	struct session session;
	int status;

	session_open(&session, options);
	status = find_socket(&session);
	if (status == STATUS_GO_ON)
		status = show(&session, &past);
	past_clear(&past);
	session_close(&session);
	return (enum status)status;
}
