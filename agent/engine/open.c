#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/text.h"
#include "engine/decode.h"
#include "engine/internal.h"
#include "engine/json.h"

/* From a path to an engine that we know how to speak with. */

/* API versions are "1.N"; this program was tested with engines that speak these. */
#define API_MIN 40
#define API_MAX 51

/* The first with "noprune", without which parents of an image go along. */
#define PODMAN_MIN_MAJOR 4
#define PODMAN_MIN_MINOR 3

struct greeting {
	struct engine *engine;
	struct http_reply reply; /* of the request that failed, else of the last */
	int api_max, api_min;	 /* N of "1.N", -1: not told */
};

static int api_number(const char *text)
{
	size_t digits;

	if (!text || strncmp(text, "1.", 2) != 0)
		return -1;
	digits = strspn(text + 2, "0123456789");
	return digits > 0 && digits <= 3 && text[2 + digits] == '\0' ? atoi(text + 2) : -1;
}

/* "Docker/20.10.24 (linux)", "Libpod/4.3.1 (linux)"; a proxy may have put its own there. */
static char *version_of_server(const char *server)
{
	static const char *const names[] = { "Docker/", "Libpod/" };

	for (size_t i = 0; server && i < ARRAY_SIZE(names); i++) {
		const char *version = server + strlen(names[i]);

		if (text_starts_with(server, names[i]) && *version && *version != ' ')
			return mem_printf("%.*s", (int)strcspn(version, " "), version);
	}
	return NULL;
}

static void ping_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct greeting *greeting = data;
	struct engine *engine = greeting->engine;
	const char *podman = http_reply_header(reply, "Libpod-API-Version");

	greeting->reply = *reply;
	greeting->api_max = api_number(http_reply_header(reply, "Api-Version"));
	engine->dialect = podman ? &dialect_podman : &dialect_docker;
	engine->version = version_of_server(http_reply_header(reply, "Server"));
	if (podman)
		snprintf(engine->podman_api, sizeof(engine->podman_api), "%.*s",
			 (int)strspn(podman, "0123456789."), podman);
}

struct version {
	const char *version, *api_min;
};

static const struct field version_fields[] = {
	{ "Version", decode_text, offsetof(struct version, version), MANDATORY },
	{ "MinAPIVersion", decode_text, offsetof(struct version, api_min), OPTIONAL },
};

static int read_version(void *data, struct json_object *object, struct err *err)
{
	struct greeting *greeting = data;
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct decoder decoder = { .arena = arena };
	struct version version = { 0 };
	int r = fields_decode(&decoder, version_fields, ARRAY_SIZE(version_fields), object,
			      &version, err);

	if (r < 0)
		return r;
	free(greeting->engine->version);
	greeting->engine->version = mem_strdup(version.version);
	greeting->api_min = api_number(version.api_min);
	return 0;
}

static void version_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct greeting *greeting = data;

	greeting->reply = *reply;
}

static void ask(struct greeting *greeting, const char *path, struct json_stream *json,
		void (*done)(struct http *, const struct http_reply *, void *))
{
	engine_get(greeting->engine, mem_strdup(path), OBJECT_MAX_BYTES, json, done, greeting);
	http_run(greeting->engine->http, 1);
}

/* "use sudo, or …": who may open the socket is its group. */
static void explain_denied(const char *socket, char *text, size_t size)
{
	struct stat stat_buffer;
	const struct group *group = NULL;

	if (stat(socket, &stat_buffer) == 0 && (stat_buffer.st_mode & S_IWGRP) &&
	    stat_buffer.st_gid != 0)
		group = getgrgid(stat_buffer.st_gid);
	if (group)
		snprintf(text, size, "use sudo, or join the group '%s'", group->gr_name);
	else
		snprintf(text, size, "use sudo");
}

static int refuse_connection(const char *socket, const struct http_reply *reply,
			     struct err *err)
{
	char hint[128];

	switch (-reply->result) {
	case ENOENT:
		return err_set(
			err, -ENOENT,
			"%s: no such socket; start the engine, or name its socket with --host",
			socket);
	case ECONNREFUSED:
		return err_set(
			err, -ECONNREFUSED,
			"%s: nobody listens there; start the engine, or name its socket with --host",
			socket);
	case EACCES:
	case EPERM:
		explain_denied(socket, hint, sizeof(hint));
		return err_set(err, -EACCES, "%s: permission denied; %s", socket, hint);
	case ETIMEDOUT:
		return err_set(err, -ETIMEDOUT,
			       "%s: no answer within the time limit; is the engine hung?",
			       socket);
	default:
		return err_set(err, -EPROTO, "%s: not a container engine (%s)", socket,
			       reply->err.text);
	}
}

static int check_path(const char *socket, struct err *err)
{
	struct stat stat_buffer;

	if (strlen(socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return err_set(err, -ENAMETOOLONG, "%.100s…: too long for the path of a socket",
			       socket);
	/* Other errors show when connecting. */
	if (stat(socket, &stat_buffer) == 0 && !S_ISSOCK(stat_buffer.st_mode))
		return err_set(err, -EPROTO, "%s: is no socket; name the engine's with --host",
			       socket);
	return 0;
}

/* The ping tells all but the lowest API version, which only matters where ours is below the
 * highest. For this request engines start other programs: Podman 4.3 takes 0.4 s. */
static bool needs_version(const struct greeting *greeting)
{
	return !greeting->engine->version || greeting->api_max > API_MAX;
}

static int ask_version(struct greeting *greeting, struct err *err)
{
	const struct engine *engine = greeting->engine;

	ask(greeting, "/version",
	    json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES, read_version, greeting),
	    version_done);
	if (greeting->reply.result < 0)
		return refuse_connection(engine->socket, &greeting->reply, err);
	if (greeting->reply.status != 200)
		return err_set(err, -EPROTO,
			       "%s: not a container engine (it answers %ld to /version)",
			       engine->socket, greeting->reply.status);
	return 0;
}

static int greet(struct greeting *greeting, struct err *err)
{
	struct engine *engine = greeting->engine;

	ask(greeting, "/_ping", NULL, ping_done);
	if (greeting->reply.result < 0)
		return refuse_connection(engine->socket, &greeting->reply, err);
	if (greeting->reply.status != 200 || greeting->api_max < 0)
		return err_set(
			err, -EPROTO,
			"%s: not a container engine (it answers %ld to /_ping, without an API version)",
			engine->socket, greeting->reply.status);
	return needs_version(greeting) ? ask_version(greeting, err) : 0;
}

static bool podman_is_too_old(const struct engine *engine)
{
	int major = 0, minor = 0;

	if (!engine->dialect->libpod)
		return false;
	if (sscanf(engine->podman_api, "%d.%d", &major, &minor) != 2)
		return true;
	return major < PODMAN_MIN_MAJOR ||
	       (major == PODMAN_MIN_MAJOR && minor < PODMAN_MIN_MINOR);
}

static int negotiate(struct greeting *greeting, struct err *err)
{
	struct engine *engine = greeting->engine;
	int api = greeting->api_max < API_MAX ? greeting->api_max : API_MAX;

	if (api < API_MIN)
		return err_set(
			err, -EPROTONOSUPPORT,
			"%s: %s %s is too old: it speaks API 1.%d, at least 1.%d is needed",
			engine->socket, engine->dialect->name, engine->version,
			greeting->api_max, API_MIN);
	if (podman_is_too_old(engine))
		return err_set(err, -EPROTONOSUPPORT,
			       "%s: Podman %s is too old: at least %d.%d is needed",
			       engine->socket, engine->version, PODMAN_MIN_MAJOR,
			       PODMAN_MIN_MINOR);
	if (greeting->api_min > api)
		return err_set(
			err, -EPROTONOSUPPORT,
			"%s: %s %s is too new: it speaks API 1.%d at least, this program 1.%d at most",
			engine->socket, engine->dialect->name, engine->version,
			greeting->api_min, API_MAX);
	snprintf(engine->api, sizeof(engine->api), "1.%d", api);
	return 0;
}

int engine_open(const char *socket_path, int connections, int timeout_sec, struct engine **ret,
		struct err *err)
{
	_cleanup_(engine_closep) struct engine *engine = NULL;
	struct greeting greeting = { .api_max = -1, .api_min = -1 };
	int r = check_path(socket_path, err);

	*ret = NULL;
	if (r < 0)
		return r;
	engine = mem_zalloc(1, sizeof(*engine));
	engine->socket = mem_strdup(socket_path);
	engine->connections = connections;
	engine->http = http_new(socket_path, timeout_sec);
	greeting.engine = engine;
	r = greet(&greeting, err);
	if (r >= 0)
		r = negotiate(&greeting, err);
	if (r < 0)
		return r;
	*ret = take(engine);
	return 0;
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	http_free(engine->http);
	free(engine->socket);
	free(engine->version);
	free(engine);
}
