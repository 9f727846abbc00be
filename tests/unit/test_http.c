#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/engine.h"
#include "engine/http.h"
#include "engine/json.h"
#include "server.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define IMAGE "sha256:" ID

#define PRUNE(id, seconds)                                                                     \
	"/v1.41/build/prune?filters=%7B%22id%22:%5B%22" id                                     \
	"%22%5D%2C%22until%22:%5B%22" seconds "s%22%5D%7D"

static const struct {
	enum http_method method;
	const char *path;
} allowed[] = {
	{ HTTP_GET, "/_ping" },
	{ HTTP_GET, "/version" },
	{ HTTP_GET, "/v1.41/info" },
	{ HTTP_GET, "/v1.41/containers/json?all=1" },
	{ HTTP_GET,
	  "/v1.41/containers/json?all=1&size=1&filters=%7B%22id%22:%5B%22ab%22%5D%7D" },
	{ HTTP_GET, "/v1.41/containers/" ID "/json" },
	{ HTTP_GET, "/v1.41/services" },
	{ HTTP_GET, "/v1.41/tasks" },
	{ HTTP_GET, "/v1.41/images/json?all=1" },
	{ HTTP_GET, "/v1.41/images/" IMAGE "/json" },
	{ HTTP_GET, "/v1.41/images/example/app:1.0/json" },
	{ HTTP_GET, "/v1.41/images/docker.io/json/json:json/json" },
	{ HTTP_GET, "/v1.41/images/" IMAGE "/history" },
	{ HTTP_GET, "/v1.41/images/localhost:5000/app:1/json" },
	{ HTTP_GET, "/v1.41/images/app/json" },
	{ HTTP_GET, "/v1.41/events?since=1795529070&filters=%7B%22type%22:%5B%5D%7D" },
	{ HTTP_GET, "/v4.3.1/libpod/containers/json?all=true&external=true" },
	{ HTTP_GET, "/v4.3.1/libpod/images/json?all=true&filters=%7B%22manifest%22:%5B%5D%7D" },
	{ HTTP_GET, "/v4.3.1/libpod/manifests/" ID "/json" },
	{ HTTP_GET, "/v1.41/containers/json?all=1&filters=%7B%22network%22:%5B%22ab%22%5D%7D" },
	{ HTTP_GET, "/v1.41/volumes" },
	{ HTTP_GET, "/v1.41/volumes/a_b-c.d" },
	{ HTTP_GET, "/v1.41/networks" },
	{ HTTP_GET, "/v1.41/networks/" ID },
	{ HTTP_GET, "/v1.41/system/df" },
	{ HTTP_GET, "/v1.43/system/df?type=volume&type=build-cache" },
	{ HTTP_DELETE, "/v1.41/volumes/a_b-c.d" },
	{ HTTP_DELETE, "/v1.41/networks/" ID },
	{ HTTP_POST, PRUNE("ab1", "3600") },
	{ HTTP_DELETE, "/v1.41/containers/" ID },
	{ HTTP_DELETE, "/v1.41/images/" IMAGE "?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/example/app:1.0?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/localhost:5000/app@" IMAGE "?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/%5B::1%5D:5000/app:1?noprune=1" },
	{ HTTP_DELETE, "/v5.4.2/libpod/images/remove?images=" IMAGE "&noprune=true" },
	{ HTTP_DELETE, "/v5.4.2/libpod/images/remove?images=docker.io/a/b:1&noprune=true" },
	{ HTTP_POST, "/v1.41/images/" IMAGE "/tag?repo=localhost:5000/app&tag=old-1_0" },
};

static const struct {
	enum http_method method;
	const char *path;
} forbidden[] = {
	{ HTTP_GET, "/" },
	{ HTTP_GET, "/v1.41/_ping" },
	{ HTTP_GET, "/containers/json?all=1" },
	{ HTTP_GET, "/v1.41/containers/json" },
	{ HTTP_GET, "/v1.41/containers/" ID "/export" },
	{ HTTP_GET, "/v1.41/containers/" ID "/json?size=1&x=\r\nHost: a" },
	{ HTTP_GET, "/v1.41/containers/web/json" },
	{ HTTP_GET, "/v1.41/system/df?verbose=1" },
	{ HTTP_GET, "/v1.41/events" },
	{ HTTP_GET, "/v1.41/services/web" },
	{ HTTP_GET, "/v1.41/nodes" },
	{ HTTP_GET, "/v1.41/events?since=-1&filters=%7B%7D" },
	{ HTTP_GET, "/v1.41/images/json" },
	{ HTTP_GET, "/v1.41/images//json" },
	{ HTTP_GET, "/v1.41/images/../containers/web/json" },
	{ HTTP_GET, "/v1.41/images/app/json?x=1" },
	{ HTTP_GET, "/v1.41/images/app/export" },
	{ HTTP_DELETE, "/v1.41/containers/" ID "?force=1" },
	{ HTTP_DELETE, "/v1.41/containers/" ID "?v=1" },
	{ HTTP_DELETE, "/v1.41/containers/" ID "?link=1" },
	{ HTTP_DELETE, "/v1.41/containers/web" },
	{ HTTP_DELETE, "/v1.41/containers/" },
	{ HTTP_DELETE, "/v1.41/containers/prune" },
	{ HTTP_DELETE, "/v1.41/containers/" ID "/json" },
	{ HTTP_DELETE, "/containers/" ID },
	{ HTTP_DELETE, "/v1.41/images/" IMAGE },
	{ HTTP_DELETE, "/v1.41/images/" IMAGE "?noprune=0" },
	{ HTTP_DELETE, "/v1.41/images/" IMAGE "?force=1&noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/" IMAGE "?noprune=1&force=1" },
	{ HTTP_DELETE, "/v1.41/images/app:1?force=1?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/app:1&force=1?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/app:1%3Fforce=1?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/../containers/" ID "?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/a/../../containers/" ID "?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/a//b?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/%2e%2e/containers/" ID "?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/app:1 ?noprune=1" },
	{ HTTP_DELETE, "/v1.41/images/?noprune=1" },
	{ HTTP_DELETE, "/v1.41/volumes/data?force=1" },
	{ HTTP_DELETE, "/v1.41/volumes/" },
	{ HTTP_DELETE, "/v1.41/volumes/.." },
	{ HTTP_DELETE, "/v1.41/volumes/../containers/" ID },
	{ HTTP_DELETE, "/v1.41/networks/back" },
	{ HTTP_DELETE, "/v1.41/networks/" ID "?force=1" },
	{ HTTP_POST, "/v1.41/volumes/prune" },
	{ HTTP_POST, "/v1.41/networks/prune" },
	{ HTTP_POST, "/v1.41/containers/prune" },
	{ HTTP_POST, "/v1.41/images/prune" },
	{ HTTP_POST, "/v1.41/build/prune" },
	{ HTTP_POST, "/v1.41/build/prune?all=1" },
	{ HTTP_POST, "/v1.41/build/prune?filters=%7B%22until%22:%5B%2260s%22%5D%7D" },
	{ HTTP_POST, "/v1.41/build/prune?filters=%7B%22id%22:%5B%22ab%22%5D%7D" },
	{ HTTP_POST, PRUNE("", "60") },
	{ HTTP_POST, PRUNE("ab", "") },
	{ HTTP_POST, PRUNE("ab%22%2C%22cd", "60") },
	{ HTTP_POST, PRUNE("ab", "60") "&all=1" },
	{ HTTP_DELETE, "/v5.4.2/libpod/images/remove?images=a:1&noprune=true&force=true" },
	{ HTTP_DELETE, "/v5.4.2/libpod/images/remove?all=true&noprune=true" },
	{ HTTP_DELETE, "/v5.4.2/libpod/images/remove?images=a:1&images=b:1&noprune=true" },
	{ HTTP_DELETE, "/v5.4.2/libpod/images/remove?images=a:1" },
	{ HTTP_DELETE, "/v5.4.2/libpod/containers/" ID },
	{ HTTP_GET, "/v1.41/images/app:1/get" },
	{ HTTP_GET, "/v1.41/images/json" },
	{ HTTP_GET, "/v1.41/images/../containers/" ID "/json" },
	{ HTTP_GET, "/v1.41/images/app:1/json?manifests=1" },
	{ HTTP_POST, "/v1.41/images/app:1/tag?repo=app&tag=2" },
	{ HTTP_POST, "/v1.41/images/" IMAGE "/tag?repo=app" },
	{ HTTP_POST, "/v1.41/images/" IMAGE "/tag?repo=app&tag=" },
	{ HTTP_POST, "/v1.41/images/" IMAGE "/tag?repo=&tag=2" },
	{ HTTP_POST, "/v1.41/images/" IMAGE "/tag?repo=app&tag=2&force=1" },
	{ HTTP_POST, "/v1.41/images/" IMAGE "/push?repo=app&tag=2" },
	{ HTTP_POST, "/v1.41/images/" IMAGE },
	{ HTTP_POST, "/v1.41/images/prune" },
	{ HTTP_POST, "/v1.41/containers/" ID "/stop" },
};

/* A volume or a network is looked at and removed by the same path. */
static bool is_both(const char *path)
{
	return strstr(path, "/volumes/") || strstr(path, "/networks/");
}

static void only_what_is_in_the_table_may_be_sent(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (!request_is_allowed(allowed[i].method, allowed[i].path))
			fail_msg("refused: %s", allowed[i].path);
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (request_is_allowed(allowed[i].method == HTTP_GET ? HTTP_DELETE : HTTP_GET,
				       allowed[i].path) != is_both(allowed[i].path))
			fail_msg("allowed with the other method: %s", allowed[i].path);
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		if (request_is_allowed(forbidden[i].method, forbidden[i].path))
			fail_msg("allowed: %s", forbidden[i].path);
}

struct seen {
	size_t replies, objects;
	int result;
	long status;
	char text[sizeof(((struct err *)NULL)->text)],
		message[sizeof(((struct http_reply *)NULL)->message)];
};

static int see_object(void *data, struct json_object *object _unused_, struct err *err _unused_)
{
	((struct seen *)data)->objects++;
	return 0;
}

static void see_reply(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct seen *seen = data;

	seen->replies++;
	seen->result = reply->result;
	seen->status = reply->status;
	strcpy(seen->text, reply->err.text);
	strcpy(seen->message, reply->message);
}

static void submit(struct http *http, enum http_method method, const char *path,
		   struct seen *seen)
{
	http_submit(http, &(struct http_request){
				  .method = method,
				  .path = mem_strdup(path),
				  .max_bytes = 1 << 20,
				  .json = json_stream_new(JSON_LIST, 1 << 16, see_object, seen),
				  .done = see_reply,
				  .data = seen,
			  });
}

static struct seen get(const char *socket, const char *path)
{
	_cleanup_(http_freep) struct http *http = http_new(socket, 1);
	struct seen seen = { 0 };

	submit(http, HTTP_GET, path, &seen);
	http_run(http, 1);
	assert_int_equal(seen.replies, 1);
	return seen;
}

#define LIST "/v1.41/containers/json?all=1"

static void a_forbidden_request_never_leaves(void **state _unused_)
{
	_cleanup_(server_stopp) struct server *server = server_start(NULL, 0);
	_cleanup_(http_freep) struct http *http = http_new(server_socket(server), 1);
	struct seen seen = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		submit(http, forbidden[i].method, forbidden[i].path, &seen);
	http_run(http, 4);
	assert_int_equal(seen.replies, ARRAY_SIZE(forbidden));
	assert_int_equal(seen.result, -EPERM);
	assert_int_equal(server_count(server, ""), 0);
}

static void answers_become_results(void **state _unused_)
{
	static const struct {
		struct answer answer;
		int result;
		long status;
		size_t objects;
		const char *message;
	} rows[] = {
		{ { "GET " LIST, "200 OK", "[{},{}]\n", NULL, ONCE }, 0, 200, 2, "" },
		{ { "GET " LIST, "500 No", "{\"message\":\"out of order\"}\n", NULL, ONCE },
		  0,
		  500,
		  0,
		  "out of order" },
		{ { "GET " LIST, "502 No", "<html>\nno</html>", NULL, ONCE },
		  0,
		  502,
		  0,
		  "<html>" },
		{ { "GET " LIST, "500 No", "{\"message\":1}", NULL, ONCE },
		  0,
		  500,
		  0,
		  "{\"message\":1}" },
		{ { "GET " LIST, "500 No", "", NULL, ONCE }, 0, 500, 0, "" },
		{ { "GET " LIST, "200 OK", "[{},{}] x", NULL, ONCE }, -EBADMSG, 200, 2, "" },
		{ { "GET " LIST, "200 OK", "[{},{}", NULL, ONCE }, -EBADMSG, 200, 2, "" },
		{ { "GET " LIST, "200 OK", "[{},{},{},{}]", NULL, CUT }, -EBADMSG, 200, 2, "" },
		{ { "GET " LIST, "200 OK", "[{},3]", NULL, ONCE }, -EBADMSG, 200, 1, "" },
		{ { "GET " LIST, NULL, "hello", NULL, ONCE }, -EPROTO, 0, 0, "" },
		{ { "GET " LIST, NULL, "", NULL, CUT }, -ECONNRESET, 0, 0, "" },
		{ { "GET " LIST, "200 OK", "", NULL, HANG }, -ETIMEDOUT, 0, 0, "" },
		{ { "GET " LIST, "200 OK", "[{\"a\":1}", NULL, FLOOD }, -EBADMSG, 200, 1, "" },
		{ { "GET " LIST, "200 OK", "                                ", NULL, FLOOD },
		  -EFBIG,
		  200,
		  0,
		  "" },
		{ { "GET " LIST, "500 No", "no no no no no no no no no no no no no no no no",
		    NULL, FLOOD },
		  -EFBIG,
		  500,
		  0,
		  "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(server_stopp) struct server *server =
			server_start(&rows[i].answer, 1);
		struct seen seen = get(server_socket(server), LIST);

		if (seen.result != rows[i].result || seen.objects != rows[i].objects)
			fail_msg("row %zu: %d %s, %zu objects", i, seen.result, seen.text,
				 seen.objects);
		if (seen.result == 0) {
			assert_int_equal(seen.status, rows[i].status);
			assert_string_equal(seen.message, rows[i].message);
		}
	}
}

static void a_long_refusal_is_cut_between_characters(void **state _unused_)
{
	char body[2000] = "";
	struct answer answer = { "GET " LIST, "500 No", body, NULL, ONCE };
	_cleanup_(server_stopp) struct server *server = server_start(&answer, 1);
	struct seen seen;

	for (size_t i = 0; i < 600; i++)
		strcat(body, "\xe2\x82\xac");
	seen = get(server_socket(server), LIST);
	assert_int_equal(strlen(seen.message), (sizeof(seen.message) - 1) / 3 * 3);
	assert_string_equal(seen.message + strlen(seen.message) - 3, "\xe2\x82\xac");
}

static void hundreds_of_requests_share_few_connections(void **state _unused_)
{
	static const struct answer answer = { "GET " LIST, "200 OK", "[{}]", NULL, ALWAYS };
	_cleanup_(server_stopp) struct server *server = server_start(&answer, 1);
	_cleanup_(http_freep) struct http *http = http_new(server_socket(server), 5);
	struct seen seen = { 0 };

	for (int i = 0; i < 500; i++)
		submit(http, HTTP_GET, LIST, &seen);
	http_run(http, 8);
	assert_int_equal(seen.replies, 500);
	assert_int_equal(seen.objects, 500);
	assert_in_range(server_connections(server), 1, 8);
}

static void what_is_no_engine_is_told_in_one_line(void **state _unused_)
{
	static const struct {
		struct answer answers[2];
		int result;
		const char *says;
	} rows[] = {
		{ { { "GET /_ping", NULL, "hello", NULL, ONCE } },
		  -EPROTO,
		  "not a container engine" },
		{ { { "GET /_ping", "200 OK", "OK", NULL, ONCE } },
		  -EPROTO,
		  "not a container engine" },
		{ { { "GET /_ping", "404 No", "", "Api-Version: 1.41\r\n", ONCE } },
		  -EPROTO,
		  "not a container engine" },
		{ { { "GET /_ping", "200 OK", "", NULL, HANG } }, -ETIMEDOUT, "no answer" },
		{ { { "GET /_ping", "200 OK", "OK", "Api-Version: x\r\n", ONCE } },
		  -EPROTO,
		  "not a container engine" },
		{ { { "GET /_ping", "200 OK", "OK", "Api-Version: 1.30\r\n", ONCE },
		    { "GET /version", "200 OK",
		      "{\"Version\":\"17.1\",\"MinAPIVersion\":\"1.12\"}", NULL, ONCE } },
		  -EPROTONOSUPPORT,
		  "too old" },
		{ { { "GET /_ping", "200 OK", "OK", "Api-Version: 1.99\r\n", ONCE },
		    { "GET /version", "200 OK",
		      "{\"Version\":\"99\",\"MinAPIVersion\":\"1.60\"}", NULL, ONCE } },
		  -EPROTONOSUPPORT,
		  "too new" },
		{ { { "GET /_ping", "200 OK", "OK",
		      "Api-Version: 1.41\r\nLibpod-Api-Version: 4.2.9\r\n", ONCE },
		    { "GET /version", "200 OK", "{\"Version\":\"4.2.9\"}", NULL, ONCE } },
		  -EPROTONOSUPPORT,
		  "too old" },
		{ { { "GET /_ping", "200 OK", "OK", "Api-Version: 1.41\r\n", ONCE },
		    { "GET /version", "200 OK", "[]", NULL, ONCE } },
		  -EPROTO,
		  "not a container engine" },
		{ { { "GET /_ping", "200 OK", "OK", "Api-Version: 1.56\r\n", ONCE },
		    { "GET /version", "200 OK",
		      "{\"Version\":\"29\",\"MinAPIVersion\":\"1.44\"}", NULL, ONCE } },
		  0,
		  "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(server_stopp) struct server *server =
			server_start(rows[i].answers, rows[i].answers[1].request ? 2 : 1);
		_cleanup_(engine_closep) struct engine *engine = NULL;
		struct err err = { 0 };
		int r = engine_open(server_socket(server), 0, 1, &engine, &err);

		if (r != rows[i].result || !strstr(err.text, rows[i].says))
			fail_msg("row %zu: %d %s", i, r, err.text);
		assert_int_equal(engine != NULL, r == 0);
		if (r < 0)
			assert_non_null(strstr(err.text, server_socket(server)));
		assert_null(strchr(err.text, '\n'));
	}
}

static void a_socket_that_is_none_is_told(void **state _unused_)
{
	struct engine *engine = NULL;
	struct err err = { 0 };
	char path[200] = "";

	assert_int_equal(engine_open("/nonexistent/docker.sock", 0, 1, &engine, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/docker.sock"));
	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(engine_open(path, 0, 1, &engine, &err), -ENAMETOOLONG);
	assert_int_equal(engine_open("/etc/passwd", 0, 1, &engine, &err), -EPROTO);
	assert_int_equal(engine_open("/", 0, 1, &engine, &err), -EPROTO);
	assert_null(engine);
}

static void what_stands_in_a_path_is_escaped(void **state _unused_)
{
	_cleanup_free_ char *plain = url_escape("docker.io/a/b:1.0-x_y");
	_cleanup_free_ char *odd = url_escape("[::1]/a?b=c&d#\n\xc3\xa9+");

	assert_string_equal(plain, "docker.io/a/b:1.0-x_y");
	assert_string_equal(odd, "%5B::1%5D/a%3Fb%3Dc%26d%23%0A%C3%A9%2B");
}

/* A flood must be refused long before it fills the memory. */
static void memory_stays_small(void **state _unused_)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	assert_in_range(usage.ru_maxrss, 0, 400 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_in_the_table_may_be_sent),
		cmocka_unit_test(a_forbidden_request_never_leaves),
		cmocka_unit_test(answers_become_results),
		cmocka_unit_test(a_long_refusal_is_cut_between_characters),
		cmocka_unit_test(hundreds_of_requests_share_few_connections),
		cmocka_unit_test(what_is_no_engine_is_told_in_one_line),
		cmocka_unit_test(a_socket_that_is_none_is_told),
		cmocka_unit_test(what_stands_in_a_path_is_escaped),
		cmocka_unit_test(memory_stays_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
