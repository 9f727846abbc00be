#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/progress.h"
#include "cmd/session.h"
#include "cmd/terminal.h"
#include "engine/usage.h"

/* Read only: nothing is planned, nothing is remembered. */

/* What the files tell the engine need not count once more. */
static void fetch(struct session *session)
{
	struct snapshot *snapshot = session->snapshot;
	unsigned *containers, *images;

	if (!engine_usage_walks(snapshot)) {
		session_fetch_sizes(session, snapshot);
		return;
	}
	containers = arena_array(session->arena, snapshot->n_containers, sizeof(*containers));
	images = arena_array(session->arena, snapshot->n_images, sizeof(*images));
	for (size_t i = 0; i < snapshot->n_images; i++)
		images[i] = NEED_INSPECT;
	engine_fetch(session->engine, snapshot, containers, images);
}

static int look(struct session *session)
{
	int status = session_configure(session);

	if (status == STATUS_GO_ON)
		status = session_find_engine(session);
	if (status == STATUS_GO_ON)
		status = session_look_at_all(session);
	if (status != STATUS_GO_ON)
		return status;
	if (session->snapshot->disk.state != FACT_KNOWN)
		session_warn(session, session->snapshot->disk.why);
	fetch(session);
	return STATUS_GO_ON;
}

/* Layers of a rootless engine hold files of other users, and folders that nobody may open. */
static void say_who_may_read(const struct session *session, const struct disk_ledger *usage)
{
	if (usage->unknown && engine_usage_walks(session->snapshot) && geteuid() != 0)
		session_warn(session,
			     arena_printf(session->arena,
					  "what is unknown root can count: sudo reclaimd "
					  "--host unix://%s where",
					  session->socket));
}

/* How much is in use is measured last, as nearest to what was counted. */
static int where(struct session *session)
{
	_cleanup_(usage_freep) struct disk_ledger *usage = usage_new();
	struct progress progress;
	struct snapshot *snapshot = session->snapshot;
	int status = look(session);

	if (status != STATUS_GO_ON)
		return status;
	progress_start(&progress, 0, session->options);
	engine_usage(snapshot, progress_count, &progress, usage);
	progress_end(&progress);
	engine_disk(&snapshot->engine, session->conf.settings.data_root, snapshot->arena,
		    &snapshot->disk);
	usage_close(usage, snapshot->disk.state == FACT_KNOWN ? snapshot->disk.used : -1);
	terminal_print_usage(session->options, snapshot, usage);
	say_who_may_read(session, usage);
	return STATUS_DONE;
}

enum status cmd_where(const struct options *options)
{
	struct session session;
	int status;

	session_open(&session, options);
	status = where(&session);
	session_close(&session);
	return (enum status)status;
}
