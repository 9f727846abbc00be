#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "cmd/host.h"
#include "cmd/session.h"
#include "cmd/signals.h"
#include "cmd/watcher.h"

#define PAUSE_MIN_SEC 1
#define PAUSE_MAX_SEC 30

static const volatile int *stop;

static void alive(void)
{
	static time_t last;
	time_t now = time(NULL);

	if (now != last)
		sd_notify(0, "WATCHDOG=1");
	last = now;
}

static void watching(int64_t since)
{
	char at[UNITS_SIZE];

	units_format_time(at, since, since + 1);
	log_line(LOG_INFO, "watching since %s", at);
	sd_notifyf(0, "STATUS=Watching the engine since %s", at);
}

/* Waiting is said once for each reason. */
struct wait {
	int pause;
	char said[sizeof(((struct err *)NULL)->text)];
};

static void say_waiting(struct wait *wait, const char *why)
{
	if (strcmp(wait->said, why) == 0)
		return;
	strcpy(wait->said, why);
	log_line(LOG_NOTICE, "%s; waiting for it", why);
	sd_notifyf(0, "STATUS=Waiting: %s", why);
}

static void pause_a_while(struct wait *wait)
{
	for (int i = 0; i < wait->pause && !*stop; i++) {
		struct timespec second = { .tv_sec = 1 };

		alive();
		nanosleep(&second, NULL);
	}
	wait->pause = wait->pause * 2 < PAUSE_MAX_SEC ? wait->pause * 2 : PAUSE_MAX_SEC;
}

/* 0: the engine is there; else why not. */
static int connect_engine(const struct session *session, struct engine **ret, struct err *err)
{
	const struct settings *settings = &session->conf.settings;
	int r = engine_would_start(session->socket, err);

	if (r > 0)
		return err_set(err, -ENOENT, "%s: engine is not running; not started",
			       session->socket);
	if (r < 0)
		return r;
	return engine_open(session->socket, (int)settings->connections, (int)settings->timeout,
			   ret, err);
}

/* One connection: 0 or negative as watcher_follow(), err says why it ended. */
static int follow(const struct session *session, struct watcher *watcher, struct wait *wait,
		  struct err *err)
{
	_cleanup_(engine_closep) struct engine *engine = NULL;
	time_t start = time(NULL);
	int r = connect_engine(session, &engine, err);

	if (r == 0) {
		wait->said[0] = '\0';
		r = watcher_follow(watcher, engine, err);
		if (time(NULL) - start > PAUSE_MAX_SEC)
			wait->pause = PAUSE_MIN_SEC;
	}
	if (r < 0 && r != -ESTALE && !*stop)
		say_waiting(wait, err->text);
	return r;
}

static int watch_engine(const struct session *session, struct watch *watch)
{
	const struct watcher_control control = { stop, alive, watching };
	_cleanup_(watcher_freep) struct watcher *watcher = watcher_new(watch, &control);
	struct wait wait = { .pause = PAUSE_MIN_SEC };
	struct err err;

	while (!*stop) {
		int r = follow(session, watcher, &wait, &err);

		if (r == -ESTALE)
			return session_fail(session, STATUS_FAILED, "%s", err.text);
		if (r < 0)
			pause_a_while(&wait);
	}
	return STATUS_DONE;
}

/* At boot the engine may not have made its socket yet. */
static int wait_for_socket(struct session *session)
{
	struct wait wait = { .pause = PAUSE_MIN_SEC };
	struct err err;
	int r = -ENOENT;

	while (!*stop && r == -ENOENT) {
		r = host_find(session->arena, session->options->host, &session->conf.settings,
			      &session->socket, &err);
		if (r != -ENOENT)
			continue;
		say_waiting(&wait, err.text);
		pause_a_while(&wait);
	}
	if (r == 0)
		return STATUS_GO_ON;
	return r == -ENOENT ? (int)STATUS_DONE
			    : session_fail(session, STATUS_USAGE, "%s", err.text);
}

static int open_state(const struct session *session, struct watch **ret)
{
	_cleanup_free_ char *path = state_path(session->socket);
	struct err err;
	int r = watch_open(path, ret, &err);

	if (r == 0)
		return STATUS_GO_ON;
	if (r != -EWOULDBLOCK)
		return session_fail(session, STATUS_FAILED, "%s", err.text);
	log_line(LOG_NOTICE, "another reclaimd watches %s", session->socket);
	return STATUS_LOCKED;
}

static int run_watch(struct session *session)
{
	_cleanup_(watch_closep) struct watch *watch = NULL;
	int status = session_configure(session);

	if (status != STATUS_GO_ON)
		return status;
	sd_notify(0, "READY=1");
	status = wait_for_socket(session);
	if (status == STATUS_GO_ON)
		status = open_state(session, &watch);
	if (status == STATUS_GO_ON)
		status = watch_engine(session, watch);
	sd_notify(0, "STOPPING=1");
	return status;
}

enum status cmd_watch(const struct options *options)
{
	struct session session;
	int status;

	stop = signals_catch();
	session_open(&session, options);
	status = run_watch(&session);
	session_close(&session);
	return (enum status)status;
}
