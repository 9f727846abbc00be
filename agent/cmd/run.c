#include <errno.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "apply/lock.h"
#include "base/log.h"
#include "cmd/act.h"
#include "cmd/approval.h"
#include "cmd/session.h"
#include "cmd/signals.h"

static const volatile int *stop;

/* Root's rights on somebody else's engine, or the other way round, end in surprises. */
static int check_owner(const struct session *session)
{
	struct stat info;

	if (stat(session->socket, &info) < 0 || info.st_uid == geteuid())
		return STATUS_GO_ON;
	return session_fail(
		session, STATUS_FAILED,
		"%s belongs to another user (uid %u): run would remove what is theirs; "
		"use sudo, or the owner's account ('plan' may look)",
		session->socket, (unsigned)info.st_uid);
}

/* A short nap between two tries; the lock has no queue. */
static bool nap(const struct timespec *until)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (*stop || now.tv_sec > until->tv_sec ||
	    (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec))
		return false;
	nanosleep(&pause, NULL);
	return true;
}

static int take_lock(const struct session *session, int *ret_fd)
{
	struct timespec until;
	struct err err;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += session->options->wait;
	do
		r = lock_take(session->socket, ret_fd, &err);
	while (r == -EWOULDBLOCK && nap(&until));
	if (r == 0)
		return STATUS_GO_ON;
	if (r != -EWOULDBLOCK)
		return session_fail(session, STATUS_FAILED, "%s", err.text);
	log_line(LOG_NOTICE, "%s", err.text);
	return STATUS_LOCKED;
}

static int read_approval(struct session *session, struct strings *approved)
{
	struct err err;

	if (!session->options->only)
		return STATUS_GO_ON;
	if (approval_read(session->arena, session->options->only, &session->snapshot->engine,
			  approved, &err) < 0)
		return session_fail(session, STATUS_FAILED, "%s", err.text);
	session->approved = approved;
	return STATUS_GO_ON;
}

static int find_engine(struct session *session)
{
	if (session->conf.rules.n > 0)
		return session_find_engine(session);
	session_no_policy(session);
	return STATUS_DONE;
}

/* STATUS_DONE if so much is free as is needed. */
static int look_for_room(struct session *session)
{
	const struct disk *disk = &session->snapshot->disk;
	int64_t needed = session->options->need_free;
	int status = session_look_at_disk(session);
	char free[UNITS_SIZE], wanted[UNITS_SIZE];

	if (status != STATUS_GO_ON || disk->state != FACT_KNOWN)
		return status;
	units_format_bytes(wanted, needed);
	if (needed > disk->total)
		return session_fail(session, STATUS_USAGE,
				    "--need-free %s is more than the whole file system at %s, "
				    "which has %s",
				    wanted, disk->path, units_format_bytes(free, disk->total));
	if (disk->available < needed)
		return STATUS_GO_ON;
	log_line(LOG_INFO, "%s free at %s, %s needed: nothing to do",
		 units_format_bytes(free, disk->available), disk->path, wanted);
	return STATUS_DONE;
}

/* Whether there is room is asked first, of whatever engine is there; STATUS_PARTIAL where
 * nobody can make any. */
static int need_free(struct session *session)
{
	int status = session_find_engine(session);

	if (status == STATUS_DONE)
		return STATUS_PARTIAL;
	if (status == STATUS_GO_ON)
		status = look_for_room(session);
	if (status != STATUS_GO_ON || session->conf.rules.n > 0)
		return status;
	session_no_policy(session);
	return STATUS_PARTIAL;
}

static int run(struct session *session, int *lock_fd)
{
	bool dry_run = session->options->dry_run;
	struct strings approved;
	int status = session_configure(session);

	if (status == STATUS_GO_ON)
		status = session->options->need_free > 0 ? need_free(session)
							 : find_engine(session);
	if (status == STATUS_GO_ON && !dry_run)
		status = check_owner(session);
	if (status == STATUS_GO_ON && !dry_run)
		status = take_lock(session, lock_fd);
	if (status == STATUS_LOCKED && session->options->need_free > 0)
		status = STATUS_PARTIAL;
	/* Another run may have made room meanwhile. */
	if (status == STATUS_GO_ON && session->options->need_free > 0)
		status = look_for_room(session);
	if (status == STATUS_GO_ON)
		status = session_look(session, !dry_run);
	if (status == STATUS_GO_ON)
		status = read_approval(session, &approved);
	if (status != STATUS_GO_ON)
		return status;
	session_plan(session);
	return act(session, stop);
}

enum status cmd_run(const struct options *options)
{
	struct session session;
	int status, lock_fd = -1;

	stop = signals_catch();
	session_open(&session, options);
	session.journals = !options->dry_run;
	status = run(&session, &lock_fd);
	session_close(&session);
	if (lock_fd >= 0)
		close(lock_fd);
	return (enum status)status;
}
