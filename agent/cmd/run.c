#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
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

/* A short nap between two tries; the lock has no queue. */
static bool nap(const struct timespec *until)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (stop || now.tv_sec > until->tv_sec ||
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
	size_t failed = 0;

	if (report->plan->brake.pulled)
		return STATUS_BRAKE;
	for (const struct report *round = report; round; round = round->earlier)
		if (round->result)
			failed += round->result->n_failed + round->result->interrupted;
	return failed > 0 || report->missed ? STATUS_PARTIAL : STATUS_DONE;
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

/* A job that came and went since the plan was made leaves no container; the watcher saw it. */
static const char *why_volume_stays(const void *data, const struct volume *volume)
{
	const struct session *session = data;
	int64_t used;
	struct err err;

	if (!session->state)
		return NULL;
	if (!volume->anonymous &&
	    state_watched_from(session->state, time(NULL)) != session->snapshot->watched_from)
		return "nobody watches its use any more";
	if (state_volume_used(session->state, volume->name, &used, &err) < 0)
		return "its last use cannot be read any more";
	return used > volume->memory.last_used ? "the volume was used meanwhile" : NULL;
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

	const struct last_word last_word = { why_volume_stays, session };

	report->before = &snapshot->disk;
	progress_start(&watch.progress, count_removals(session->plan), session->options);
	report->result = apply_plan(session->arena, session->plan, session->engine, &last_word,
				    &control);
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

static bool removes(const struct session *session)
{
	return !session->options->dry_run && !observes(session) && !session->plan->brake.pulled;
}

/* Does what the plan says, and remembers what was seen. */
static void one_round(struct session *session, struct report *report, struct disk *after)
{
	bool remembered;
	struct err err;

	report->plan = session->plan;
	if (removes(session))
		announce(session);
	remembered = remember(session, &err);
	if (removes(session))
		remove_what_goes(session, report, after);
	/* On a full disk there may be room now. */
	if (!remembered && !(remembered = remember(session, &err)))
		session_warn(session, err.text);
	report->announced = removes(session) && remembered && session->state;
}

static bool missed(const struct session *session, const struct report *report)
{
	const struct plan_input input = session_plan_input(session);

	if (session->options->dry_run)
		return false;
	if (!report->after || report->after->state != FACT_KNOWN)
		return input.need_free > 0;
	return plan_missed(&input, report->plan, report->after);
}

/* The engine's sizes promised more than came: once more, by what is there now. False if nothing
 * more can go. */
static bool further_round(struct session *session, const struct report *first,
			  struct report *second, struct disk *after)
{
	if (stop || !first->result || first->result->n_failed > 0 ||
	    session_look_again(session, true) != STATUS_GO_ON)
		return false;
	session_plan(session);
	if (session->plan->brake.pulled) {
		_cleanup_free_ char *brake = report_brake(session->plan);

		session_warn(session, brake);
	}
	if (session->plan->brake.pulled || session->plan->n_removals == 0)
		return false;
	second->earlier = first;
	one_round(session, second, after);
	second->before = first->before;
	return true;
}

static bool is_said(const struct problems *problems, const char *text)
{
	for (size_t i = 0; i < problems->n; i++)
		if (strcmp(problems->texts[i], text) == 0)
			return true;
	return false;
}

/* What kept a further round from anything belongs into the report of the first. */
static void say_in_first(const struct session *session)
{
	const struct problems *late = &session->snapshot->problems;

	for (size_t i = 0; session->earlier && i < late->n; i++)
		if (!is_said(&session->earlier->problems, late->texts[i]))
			problems_add(&session->earlier->problems, "%s", late->texts[i]);
}

static int act(struct session *session)
{
	char run_id[SD_ID128_STRING_MAX];
	struct disk after[2] = { 0 };
	struct report rounds[2] = { { .run_id = run_id } }, *last = &rounds[0];
	sd_id128_t id;

	if (sd_id128_randomize(&id) < 0)
		id = SD_ID128_NULL;
	sd_id128_to_string(id, run_id);
	rounds[0].scheduled = getenv("TRIGGER_UNIT") != NULL;
	rounds[0].observe = observes(session);
	rounds[1] = rounds[0];
	one_round(session, &rounds[0], &after[0]);
	last->missed = missed(session, last);
	if (last->missed && further_round(session, &rounds[0], &rounds[1], &after[1])) {
		last = &rounds[1];
		last->missed = missed(session, last);
	} else {
		say_in_first(session);
	}
	if (last->missed)
		session_fetch_sizes(session, last->plan->snapshot == session->snapshot
						     ? session->snapshot
						     : session->earlier);
	publish(session, last);
	return (int)status_of(last);
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
