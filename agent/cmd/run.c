#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#include "apply/apply.h"
#include "apply/lock.h"
#include "apply/pace.h"
#include "base/log.h"
#include "cmd/approval.h"
#include "cmd/progress.h"
#include "cmd/session.h"
#include "cmd/terminal.h"
#include "report/report.h"

/* Set by the first SIGTERM or SIGINT; the second ends the process at once. */
static volatile sig_atomic_t stop;

static void on_signal(int signal_number _unused_)
{
	stop = 1;
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
}

static void catch_signals(void)
{
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
}

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

static int take_lock(const struct session *session, int *ret_fd)
{
	struct err err;
	int r = lock_take(session->socket, ret_fd, &err);

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

static bool observes(const struct session *session)
{
	const char *mode = session->options->mode;

	if (mode)
		return strcmp(mode, "observe") == 0;
	return session->conf.settings.mode == MODE_OBSERVE;
}

/* The quarantine of a volume begins when it is remembered that it was announced. */
static void announce(const struct session *session)
{
	struct snapshot *snapshot = session->snapshot;

	for (size_t i = 0; i < session->plan->n; i++) {
		const struct verdict *verdict = &session->plan->verdicts[i];

		if (verdict->announce)
			snapshot->volumes[verdict->volume - snapshot->volumes].announced =
				session->now;
	}
}

static int remember_names(const struct session *session, struct err *err)
{
	const struct plan *plan = session->plan;
	struct preserved_name *names = arena_array(session->arena, plan->n, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		bool now = verdict->action == VERDICT_TAG;

		if (now || verdict->preserved)
			names[n++] = (struct preserved_name){
				.image = verdict->image->id,
				.name = (now ? verdict->preserve_as : verdict->reference)->full,
				.now = now,
				.last_tagged = verdict->image->last_tagged,
			};
	}
	return state_preserve(session->state, names, n, session->now, err);
}

/* The names come first: whoever has no other is still untagged. */
static bool remember(const struct session *session, struct err *err)
{
	if (session->options->dry_run || !session->state)
		return true;
	return remember_names(session, err) >= 0 &&
	       state_observe(session->state, session->snapshot, session->now, err) >= 0;
}

static enum status status_of(const struct report *report)
{
	if (report->plan->brake.pulled)
		return STATUS_BRAKE;
	if (!report->result)
		return STATUS_DONE;
	return report->result->n_failed > 0 || report->result->interrupted ? STATUS_PARTIAL
									   : STATUS_DONE;
}

/* The references of an image are one removal. */
static size_t count_removals(const struct plan *plan)
{
	size_t n = 0;

	for (int kind = 0; kind < KIND_MAX_; kind++)
		n += kind == KIND_TAG ? 0 : plan->remove.n[kind];
	return n;
}

struct watch {
	struct progress progress;
	struct pace pace;
};

static void removal_ended(void *data)
{
	struct watch *watch = data;

	progress_step(&watch->progress);
}

static void wait_for_disk(void *data)
{
	struct watch *watch = data;

	pace_wait(&watch->pace);
}

static bool is_gentle(const struct session *session, const struct report *report)
{
	enum run_pace pace = session->conf.settings.pace;

	return pace == PACE_GENTLE || (pace == PACE_AUTO && report->scheduled);
}

static void remove_what_goes(struct session *session, struct report *report, struct disk *after)
{
	const struct snapshot *snapshot = session->snapshot;
	struct watch watch = { .pace = { pace_pressure_files, &stop,
					 session->conf.settings.timeout * 1000 } };
	const struct removal_control control = {
		.stop = &stop,
		.ended = removal_ended,
		.data = &watch,
		.wait = is_gentle(session, report) ? wait_for_disk : NULL,
	};

	report->before = &snapshot->disk;
	progress_start(&watch.progress, count_removals(session->plan), session->options);
	report->result = apply_plan(session->arena, session->plan, session->engine, &control);
	progress_end(&watch.progress);
	engine_disk(&snapshot->engine, session->conf.settings.data_root, session->arena, after);
	report->after = after;
}

/* What `systemctl status` shows until the next run. */
static void notify(const struct report *report)
{
	_cleanup_free_ char *brake = report_brake(report->plan);
	_cleanup_free_ char *summary = report_summary(report);

	sd_notifyf(0, "STATUS=%s", brake ? brake : summary);
}

static void publish(const struct session *session, const struct report *report)
{
	if (!session->options->dry_run)
		report_journal(report, session->conf.settings.entries);
	if (session->options->json || !terminal_is_journal(STDOUT_FILENO))
		terminal_print(session->options, report);
	notify(report);
}

static int act(struct session *session)
{
	char run_id[SD_ID128_STRING_MAX];
	struct disk after = { 0 };
	struct report report = { .plan = session->plan, .run_id = run_id };
	struct err err;
	bool removes, remembered;
	sd_id128_t id;

	if (sd_id128_randomize(&id) < 0)
		id = SD_ID128_NULL;
	sd_id128_to_string(id, run_id);
	report.scheduled = getenv("TRIGGER_UNIT") != NULL;
	report.observe = observes(session);
	removes = !session->options->dry_run && !report.observe && !session->plan->brake.pulled;
	if (removes)
		announce(session);
	remembered = remember(session, &err);
	if (removes)
		remove_what_goes(session, &report, &after);
	/* On a full disk there may be room now. */
	if (!remembered && !(remembered = remember(session, &err)))
		session_warn(session, err.text);
	report.announced = removes && remembered && session->state;
	publish(session, &report);
	return (int)status_of(&report);
}

static int run(struct session *session, int *lock_fd)
{
	bool dry_run = session->options->dry_run;
	struct strings approved;
	int status = session_configure(session);

	if (status == STATUS_GO_ON && session->conf.rules.n == 0) {
		session_no_policy(session);
		return STATUS_DONE;
	}
	if (status == STATUS_GO_ON)
		status = session_find_engine(session);
	if (status == STATUS_GO_ON && !dry_run)
		status = check_owner(session);
	if (status == STATUS_GO_ON && !dry_run)
		status = take_lock(session, lock_fd);
	if (status == STATUS_GO_ON)
		status = session_look(session, !dry_run);
	if (status == STATUS_GO_ON)
		status = read_approval(session, &approved);
	if (status != STATUS_GO_ON)
		return status;
	session_plan(session);
	return act(session);
}

enum status cmd_run(const struct options *options)
{
	struct session session;
	int status, lock_fd = -1;

	catch_signals();
	session_open(&session, options);
	session.journals = !options->dry_run;
	status = run(&session, &lock_fd);
	session_close(&session);
	if (lock_fd >= 0)
		close(lock_fd);
	return (enum status)status;
}
