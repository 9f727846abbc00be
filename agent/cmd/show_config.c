#include <stdio.h>

#include "cmd/session.h"

enum status cmd_show_config(const struct options *options)
{
	struct session session;
	int status;

	session_open(&session, options);
	status = session_configure(&session);
	if (status == STATUS_GO_ON) {
		conf_dump(&session.conf, stdout);
		status = STATUS_DONE;
	}
	session_close(&session);
	return (enum status)status;
}
