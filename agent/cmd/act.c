#include "cmd/act.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#include "apply/apply.h"
#include "apply/pace.h"
#include "cmd/last_word.h"
#include "cmd/progress.h"
#include "cmd/terminal.h"
#include "report/report.h"

static const volatile int *stop;

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
	struct last_word last_word;
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

static void say_last_word(void *data, struct removal *removal)
{
	struct watch *watch = data;

	last_word_say(&watch->last_word, removal);
}

static bool is_gentle(const struct session *session, const struct report *report)
{
	enum run_pace pace = session->conf.settings.pace;

	if (pace == PACE_AUTO)
		return report->scheduled && session->options->need_free == 0;
	return pace == PACE_GENTLE;
}

static void remove_what_goes(struct session *session, struct report *report, struct disk *after)
{
	const struct snapshot *snapshot = session->snapshot;
	struct watch watch = { .pace = { pace_pressure_files, stop,
					 session->conf.settings.timeout * 1000 } };
	const struct removal_control control = {
		.stop = stop,
		.ended = removal_ended,
		.data = &watch,
		.wait = is_gentle(session, report) ? wait_for_disk : NULL,
		.last_word = say_last_word,
	};

	report->before = &snapshot->disk;
	progress_start(&watch.progress, count_removals(session->plan), session->options);
	last_word_prepare(&watch.last_word, session, stop);
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
	if (*stop || !first->result || first->result->n_failed > 0 ||
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

int act(struct session *session, const volatile int *stop_flag)
{
	char run_id[SD_ID128_STRING_MAX];
	struct disk after[2] = { 0 };
	struct report rounds[2] = { { .run_id = run_id } }, *last = &rounds[0];
	sd_id128_t id;

	stop = stop_flag;
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
