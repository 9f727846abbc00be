#include "cmd/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/host.h"
#include "cmd/pinning.h"
#include "cmd/terminal.h"
#include "report/report.h"

void session_open(struct session *session, const struct options *options)
{
	*session = (struct session){
		.options = options,
		.arena = arena_new(),
		.snapshot = snapshot_new(),
	};
}

void session_close(struct session *session)
{
	engine_close(session->engine);
	state_close(session->state);
	snapshot_free(session->snapshot);
	snapshot_free(session->earlier);
	arena_free(session->plan_arena);
	arena_free(session->earlier_arena);
	arena_free(session->arena);
}

/* What has an entry in the journal is not said there a second time. */
static bool says_on_stderr(const struct session *session)
{
	return !session->journals || !terminal_is_journal(STDERR_FILENO);
}

void session_warn(const struct session *session, const char *text)
{
	problems_add(&session->snapshot->problems, "%s", text);
	if (says_on_stderr(session))
		log_line(LOG_WARNING, "%s", text);
}

int session_fail(const struct session *session, enum status status, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = mem_vprintf(format, args);
	va_end(args);
	if (session->journals)
		report_journal_failure(text, (int)status, NULL, session->socket, NULL);
	if (says_on_stderr(session))
		log_line(LOG_ERR, "%s", text);
	return (int)status;
}

/* The first mistake and how many more there are: what one line in the journal can say. */
static char *first_of(const struct problems *problems)
{
	if (problems->n == 1)
		return mem_strdup(problems->texts[0]);
	return mem_printf("%s (and %zu more: see 'reclaimd check')", problems->texts[0],
			  problems->n - 1);
}

static int refuse_configuration(const struct session *session, const struct problems *problems)
{
	_cleanup_free_ char *text = first_of(problems);

	if (session->journals)
		report_journal_failure(text, STATUS_CONFIG, NULL, NULL, problems);
	for (size_t i = 0; says_on_stderr(session) && i < problems->n; i++)
		log_line(LOG_ERR, "%s", problems->texts[i]);
	return STATUS_CONFIG;
}

static bool is_users_engine(const struct settings *settings, const void *options)
{
	return host_is_users(((const struct options *)options)->host, settings);
}

int session_configure(struct session *session)
{
	struct conf_request request = session->options->conf;
	struct problems problems = { 0 };
	int status = STATUS_GO_ON;

	request.is_users = is_users_engine;
	request.data = session->options;
	if (conf_load(session->arena, &request, &session->conf, &problems) < 0)
		status = refuse_configuration(session, &problems);
	problems_clear(&problems);
	return status;
}

int session_find_engine(struct session *session)
{
	struct err err;
	int r = host_find(session->arena, session->options->host, &session->conf.settings,
			  &session->socket, &err);

	if (r < 0)
		return session_fail(session, r == -EINVAL ? STATUS_USAGE : STATUS_ENGINE, "%s",
				    err.text);
	r = engine_would_start(session->socket, &err);
	if (r < 0)
		return session_fail(session, STATUS_ENGINE, "%s", err.text);
	if (r > 0) {
		log_line(LOG_NOTICE, "%s: engine is not running; not started", session->socket);
		return STATUS_DONE;
	}
	return STATUS_GO_ON;
}

/* Problems of the snapshot reach the journal with the report. */
static void say_problems(const struct session *session, size_t from)
{
	for (size_t i = from; says_on_stderr(session) && i < session->snapshot->problems.n; i++)
		log_line(LOG_WARNING, "%s", session->snapshot->problems.texts[i]);
}

/* Without the state nothing is remembered: what only it could release is kept. */
static void recall(struct session *session, bool writable)
{
	_cleanup_free_ char *path = state_path(session->socket);
	size_t known_problems = session->snapshot->problems.n;
	struct err err;

	if (!session->state && state_open(path, writable, &session->state, &err) < 0)
		problems_add(&session->snapshot->problems, "%s", err.text);
	if (state_recall(session->state, session->snapshot, session->now, &err) < 0) {
		problems_add(&session->snapshot->problems, "%s", err.text);
		state_close(take(session->state));
	}
	say_problems(session, known_problems);
}

/* Lists that cost the engine something are read only for rules that speak of them. */
static unsigned wanted_kinds(const struct session *session)
{
	const struct rules *rules = &session->conf.rules;
	unsigned kinds = session->names ? 1u << KIND_VOLUME | 1u << KIND_NETWORK : 0;

	for (size_t i = 0; i < rules->n; i++) {
		kinds |= 1u << rules->v[i].kind;
		if (rules->v[i].remove_volumes)
			kinds |= 1u << KIND_VOLUME;
	}
	return kinds;
}

static int connect_engine(struct session *session)
{
	const struct settings *settings = &session->conf.settings;
	struct err err;

	if (session->engine)
		return STATUS_GO_ON;
	if (engine_open(session->socket, (int)settings->connections, (int)settings->timeout,
			&session->engine, &err) < 0)
		return session_fail(session, STATUS_ENGINE, "%s", err.text);
	return STATUS_GO_ON;
}

static void look_at_disk(struct session *session)
{
	struct snapshot *snapshot = session->snapshot;

	engine_disk(&snapshot->engine, session->conf.settings.data_root, snapshot->arena,
		    &snapshot->disk);
}

static bool wants_label(const void *rules, const char *key)
{
	return rules_want_label(rules, key);
}

int session_look(struct session *session, bool writable)
{
	const struct label_filter labels = { wants_label, &session->conf.rules };
	struct snapshot *snapshot = session->snapshot;
	int r, status = connect_engine(session);
	size_t known_problems;
	struct err err;

	if (status != STATUS_GO_ON)
		return status;
	session->now = time(NULL);
	r = engine_snapshot(session->engine, snapshot, wanted_kinds(session), &labels, &err);
	say_problems(session, 0);
	if (r < 0)
		return session_fail(session, STATUS_ENGINE, "nothing could be read from %s",
				    session->socket);
	known_problems = snapshot->problems.n;
	pinning_apply(&session->conf.pinned, snapshot);
	say_problems(session, known_problems);
	look_at_disk(session);
	recall(session, writable);
	return STATUS_GO_ON;
}

int session_look_again(struct session *session, bool writable)
{
	snapshot_free(session->earlier);
	arena_free(session->earlier_arena);
	session->earlier = session->snapshot;
	session->earlier_arena = take(session->plan_arena);
	session->before = take(session->plan);
	session->snapshot = snapshot_new();
	return session_look(session, writable);
}

int session_look_at_all(struct session *session)
{
	int r, status = connect_engine(session);
	struct err err;

	if (status != STATUS_GO_ON)
		return status;
	r = engine_snapshot(session->engine, session->snapshot, (1u << KIND_MAX_) - 1, NULL,
			    &err);
	say_problems(session, 0);
	if (r < 0)
		return session_fail(session, STATUS_ENGINE, "nothing could be read from %s",
				    session->socket);
	look_at_disk(session);
	return STATUS_GO_ON;
}

int session_look_at_disk(struct session *session)
{
	int status = connect_engine(session);

	if (status != STATUS_GO_ON)
		return status;
	engine_info(session->engine, session->snapshot);
	look_at_disk(session);
	return STATUS_GO_ON;
}

static void fetch(struct session *session, const struct need *needs, size_t n)
{
	struct snapshot *snapshot = session->snapshot;
	_cleanup_free_ unsigned *containers =
		mem_zalloc(snapshot->n_containers, sizeof(*containers));
	_cleanup_free_ unsigned *images = mem_zalloc(snapshot->n_images, sizeof(*images));
	size_t known_problems = snapshot->problems.n;

	for (size_t i = 0; i < n; i++) {
		unsigned *facts = needs[i].kind == KIND_CONTAINER ? containers : images;

		facts[needs[i].index] |= needs[i].facts;
	}
	engine_fetch(session->engine, snapshot, containers, images);
	say_problems(session, known_problems);
}

/* Of each image its layers, if they are not asked for yet. */
static unsigned *missing_layers(struct session *session, const struct snapshot *snapshot)
{
	unsigned *images = arena_array(session->arena, snapshot->n_images, sizeof(*images));

	for (size_t i = 0; i < snapshot->n_images; i++)
		if (snapshot->images[i].layered == FACT_NOT_ASKED)
			images[i] = NEED_LAYERS;
	return images;
}

void session_fetch_layers(struct session *session)
{
	struct snapshot *snapshot = session->snapshot;
	const unsigned *images = missing_layers(session, snapshot);
	size_t known_problems = snapshot->problems.n;

	engine_fetch(session->engine, snapshot, NULL, images);
	say_problems(session, known_problems);
}

void session_fetch_sizes(struct session *session, struct snapshot *snapshot)
{
	unsigned *containers =
		arena_array(session->arena, snapshot->n_containers, sizeof(*containers));

	for (size_t i = 0; i < snapshot->n_containers; i++)
		if (snapshot->containers[i].sized == FACT_NOT_ASKED)
			containers[i] = NEED_SIZE;
	engine_fetch(session->engine, snapshot, containers, missing_layers(session, snapshot));
}

struct plan_input session_plan_input(const struct session *session)
{
	return (struct plan_input){
		.rules = &session->conf.rules,
		.settings = &session->conf.settings,
		.snapshot = session->snapshot,
		.now = session->now,
		.approved = session->approved,
		.need_free = session->options->need_free,
		.before = session->before,
	};
}

static bool has_pressure_rule(const struct rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rule_is_pressure(&rules->v[i]))
			return true;
	return false;
}

/* What pressure rules could not do. */
static void warn_of_pressure(const struct session *session)
{
	const struct pressure *pressure = &session->plan->pressure;
	_cleanup_free_ char *text = NULL;

	if (pressure->off)
		text = mem_printf("pressure rules are off: %s", pressure->off);
	else if (pressure->need_free > 0 && !has_pressure_rule(&session->conf.rules))
		text = mem_strdup(
			"no pressure rule is active: space is only made by what other "
			"rules remove anyway");
	else if (pressure->uncounted)
		text = mem_printf(
			"%s:%u: [%s %s] is off: the file system counts no inodes",
			pressure->uncounted->section.file, pressure->uncounted->section.line,
			kind_to_plural(pressure->uncounted->kind), pressure->uncounted->name);
	else if (pressure->unsized > 0)
		text = mem_printf(
			"%zu objects stay although the disk is full: the engine tells "
			"no size that can be, so nobody knows what that would free",
			pressure->unsized);
	if (text)
		session_warn(session, text);
}

/* A plan that misses facts is not kept: each has a verdict for every object. */
static void plan_again(struct session *session)
{
	const struct plan_input input = session_plan_input(session);

	arena_free(session->plan_arena);
	session->plan_arena = arena_new();
	session->plan = plan_build(session->plan_arena, &input);
}

void session_plan(struct session *session)
{
	plan_again(session);
	while (session->plan->n_needs > 0) {
		fetch(session, session->plan->needs, session->plan->n_needs);
		plan_again(session);
	}
	warn_of_pressure(session);
}

int session_preview(struct session *session)
{
	int status = session_configure(session);

	if (status == STATUS_GO_ON)
		status = session_find_engine(session);
	if (status == STATUS_GO_ON)
		status = session_look(session, false);
	if (status == STATUS_GO_ON)
		session_plan(session);
	return status;
}

/* An image's layers are its own as far as no other has them: so each is looked into. */
static void inspect_image(struct session *session, const struct image *image)
{
	const struct snapshot *snapshot = session->snapshot;
	_cleanup_free_ struct need *needs = mem_zalloc(snapshot->n_images, sizeof(*needs));
	size_t n = 0;

	for (size_t i = 0; i < snapshot->n_images; i++) {
		const struct image *one = &snapshot->images[i];
		unsigned facts = one->inspected == FACT_NOT_ASKED ? NEED_INSPECT : 0;

		if (one == image && one->layered == FACT_NOT_ASKED)
			facts |= NEED_LAYERS;
		if (facts)
			needs[n++] =
				(struct need){ .kind = KIND_IMAGE, .index = i, .facts = facts };
	}
	if (n > 0)
		fetch(session, needs, n);
}

static void inspect_container(struct session *session, const struct container *container)
{
	struct need need = {
		.kind = KIND_CONTAINER,
		.index = (size_t)(container - session->snapshot->containers),
		.facts = NEED_INSPECT,
	};

	if (container->inspected == FACT_NOT_ASKED)
		fetch(session, &need, 1);
}

void session_inspect(struct session *session, const struct verdict *verdict)
{
	if (verdict->kind == KIND_CONTAINER)
		inspect_container(session, verdict->container);
	else if (is_image_row(verdict))
		inspect_image(session, verdict->image);
}

void session_no_policy(const struct session *session)
{
	const struct conf *conf = &session->conf;

	log_line(LOG_NOTICE,
		 "no policy is active, so nothing is ever removed; ready ones are in %s; to "
		 "activate one: ln -s %s/exited.ini %s/",
		 conf->example, conf->example, conf->policies);
}
