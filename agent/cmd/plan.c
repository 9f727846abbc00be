#include <stdio.h>
#include <syslog.h>

#include "base/log.h"
#include "cmd/session.h"
#include "cmd/terminal.h"
#include "report/report.h"

static int plan(struct session *session)
{
	struct report report = { 0 };
	int status = session_preview(session);

	if (status != STATUS_GO_ON)
		return status;
	if (session->options->all) {
		session_fetch_layers(session);
		report.shares = shares_of(session->arena, session->snapshot);
	}
	report.plan = session->plan;
	terminal_print(session->options, &report);
	if (session->conf.rules.n == 0)
		session_no_policy(session);
	return STATUS_DONE;
}

enum status cmd_plan(const struct options *options)
{
	struct session session;
	int status;

	session_open(&session, options);
	status = plan(&session);
	session_close(&session);
	return (enum status)status;
}
