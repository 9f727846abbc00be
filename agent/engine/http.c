#include "engine/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/text.h"
#include "engine/json.h"

#define CONNECT_TIMEOUT_SEC 10
#define POLL_MS 1000
#define RECEIVE_BUFFER (128 * 1024)
#define STREAM_BUFFER (16 * 1024)
#define ERROR_BODY_MAX 4096

struct job {
	struct http_request request;
	struct http *http;
	CURL *easy;
	size_t received;
	char *error_body; /* the first ERROR_BODY_MAX bytes of a refusal */
	size_t n_error_body;
	struct err err; /* why we gave up on a good answer */
	TAILQ_ENTRY(job) link;
};
TAILQ_HEAD(jobs, job);

struct http {
	CURLM *multi;
	char *socket_path;
	long timeout_sec;
	struct jobs waiting, active;
	int n_active;
	CURL **idle; /* handles for further use */
	size_t n_idle;
	int (*tick)(void *data);
	void *tick_data;
};

/* libcurl's options are variadic: an int where it reads a long is undefined and goes unnoticed.
 */

static void set_long(CURL *easy, CURLoption option, long value)
{
	if (curl_easy_setopt(easy, option, value) != CURLE_OK)
		log_line(LOG_DEBUG, "libcurl does not know option %d", (int)option);
}

static void set_text(CURL *easy, CURLoption option, const char *value)
{
	if (curl_easy_setopt(easy, option, value) != CURLE_OK)
		mem_die();
}

static void set_pointer(CURL *easy, CURLoption option, void *value)
{
	if (curl_easy_setopt(easy, option, value) != CURLE_OK)
		mem_die();
}

static void job_free(struct job *job)
{
	json_stream_free(job->request.json);
	free(job->request.path);
	free(job->error_body);
	free(job);
}

struct http *http_new(const char *socket_path, int timeout_sec)
{
	struct http *http = mem_zalloc(1, sizeof(*http));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	http->multi = curl_multi_init();
	if (!http->multi)
		mem_die();
	http->socket_path = mem_strdup(socket_path);
	http->timeout_sec = timeout_sec;
	TAILQ_INIT(&http->waiting);
	TAILQ_INIT(&http->active);
	return http;
}

static void drop_jobs(struct http *http, struct jobs *jobs)
{
	struct job *job;

	while ((job = TAILQ_FIRST(jobs))) {
		TAILQ_REMOVE(jobs, job, link);
		if (job->easy) {
			curl_multi_remove_handle(http->multi, job->easy);
			curl_easy_cleanup(job->easy);
		}
		job_free(job);
	}
}

void http_free(struct http *http)
{
	if (!http)
		return;
	drop_jobs(http, &http->waiting);
	drop_jobs(http, &http->active);
	for (size_t i = 0; i < http->n_idle; i++)
		curl_easy_cleanup(http->idle[i]);
	free(http->idle);
	curl_multi_cleanup(http->multi);
	curl_global_cleanup();
	free(http->socket_path);
	free(http);
}

static struct job *job_new(struct http *http, const struct http_request *request)
{
	struct job *job = mem_zalloc(1, sizeof(*job));

	job->request = *request;
	job->http = http;
	return job;
}

void http_submit(struct http *http, const struct http_request *request)
{
	struct job *job = job_new(http, request);

	TAILQ_INSERT_TAIL(&http->waiting, job, link);
}

void http_submit_next(struct http *http, const struct http_request *request)
{
	struct job *job = job_new(http, request);

	TAILQ_INSERT_HEAD(&http->waiting, job, link);
}

static void keep_error_body(struct job *job, const char *bytes, size_t n)
{
	size_t room = ERROR_BODY_MAX - job->n_error_body;

	if (!job->error_body)
		job->error_body = mem_zalloc(ERROR_BODY_MAX + 1, 1);
	n = n < room ? n : room;
	memcpy(job->error_body + job->n_error_body, bytes, n);
	job->n_error_body += n;
}

static size_t receive(char *bytes, size_t size, size_t count, void *data)
{
	struct job *job = data;
	size_t n = size * count;
	long status = 0;

	curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &status);
	job->received += n;
	if (job->received > job->request.max_bytes) {
		err_set(&job->err, -EFBIG, "the answer is larger than %zu bytes",
			job->request.max_bytes);
		return CURL_WRITEFUNC_ERROR;
	}
	if (status >= 400) {
		keep_error_body(job, bytes, n);
		return n;
	}
	if (job->request.json && json_stream_feed(job->request.json, bytes, n, &job->err) < 0)
		return CURL_WRITEFUNC_ERROR;
	return n;
}

static CURL *easy_new(struct http *http)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		mem_die();
	set_text(easy, CURLOPT_UNIX_SOCKET_PATH, http->socket_path);
	/* A proxy from the environment would send the request elsewhere. */
	set_text(easy, CURLOPT_PROXY, "");
	set_text(easy, CURLOPT_PROTOCOLS_STR, "http");
	set_text(easy, CURLOPT_USERAGENT, "reclaimd/" RECLAIMD_VERSION);
	set_long(easy, CURLOPT_NOSIGNAL, 1);
	set_long(easy, CURLOPT_PATH_AS_IS, 1);
	set_long(easy, CURLOPT_FOLLOWLOCATION, 0);
	set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	set_long(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_SEC);
	set_long(easy, CURLOPT_TIMEOUT, http->timeout_sec);
	/* Between pieces of a stream without end there is other work to do. */
	set_long(easy, CURLOPT_BUFFERSIZE,
		 http->timeout_sec > 0 ? RECEIVE_BUFFER : STREAM_BUFFER);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
	return easy;
}

static CURL *easy_take(struct http *http)
{
	return http->n_idle > 0 ? http->idle[--http->n_idle] : easy_new(http);
}

static void easy_give_back(struct http *http, CURL *easy)
{
	http->idle = mem_grow(http->idle, http->n_idle, sizeof(*http->idle));
	http->idle[http->n_idle++] = easy;
}

static void send_request(struct job *job)
{
	static const char *const methods[] = {
		[HTTP_GET] = "GET", [HTTP_DELETE] = "DELETE", [HTTP_POST] = "POST"
	};
	_cleanup_free_ char *url = mem_printf("http://localhost%s", job->request.path);
	struct http *http = job->http;

	log_line(LOG_DEBUG, "%s %s", methods[job->request.method], job->request.path);
	job->easy = easy_take(http);
	set_text(job->easy, CURLOPT_URL, url);
	set_text(job->easy, CURLOPT_CUSTOMREQUEST, methods[job->request.method]);
	/* On a connection that was used before, libcurl sends a request a second time when the
	 * engine closes it without an answer. By then a name that went may belong to something
	 * else. */
	set_long(job->easy, CURLOPT_FRESH_CONNECT, job->request.method != HTTP_GET);
	set_pointer(job->easy, CURLOPT_WRITEDATA, job);
	set_pointer(job->easy, CURLOPT_PRIVATE, job);
	TAILQ_INSERT_TAIL(&http->active, job, link);
	http->n_active++;
	if (curl_multi_add_handle(http->multi, job->easy) != CURLM_OK)
		mem_die();
}

static void refuse(struct job *job)
{
	struct http_reply reply = { 0 };

	reply.result =
		err_set(&reply.err, -EPERM, "not a request that this program may send: %s",
			job->request.path);
	job->request.done(job->http, &reply, job->request.data);
	job_free(job);
}

static void start_waiting(struct http *http, int connections)
{
	struct job *job;

	while (http->n_active < connections && (job = TAILQ_FIRST(&http->waiting))) {
		TAILQ_REMOVE(&http->waiting, job, link);
		if (request_is_allowed(job->request.method, job->request.path))
			send_request(job);
		else
			refuse(job);
	}
}

static const struct {
	CURLcode code;
	int result;
	const char *text;
} failures[] = {
	{ CURLE_COULDNT_CONNECT, -ECONNREFUSED, "cannot connect" },
	{ CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, "no answer within the time limit" },
	{ CURLE_PARTIAL_FILE, -EBADMSG, "the answer is cut short" },
	{ CURLE_GOT_NOTHING, -ECONNRESET, "the connection was closed without an answer" },
	{ CURLE_RECV_ERROR, -ECONNRESET, "the connection broke" },
	{ CURLE_SEND_ERROR, -ECONNRESET, "the connection broke" },
	{ CURLE_WEIRD_SERVER_REPLY, -EPROTO, "the answer is not HTTP" },
	{ CURLE_UNSUPPORTED_PROTOCOL, -EPROTO, "the answer is not HTTP" },
};

static int connect_result(CURL *easy, int otherwise)
{
	long os_errno = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
	return os_errno > 0 ? -(int)os_errno : otherwise;
}

static int transfer_result(struct job *job, CURLcode code, struct err *err)
{
	if (code == CURLE_OK)
		return 0;
	if (job->err.code < 0) {
		*err = job->err;
		return err->code;
	}
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		int result = failures[i].result;

		if (failures[i].code != code)
			continue;
		if (code == CURLE_COULDNT_CONNECT)
			result = connect_result(job->easy, result);
		return err_set(err, result, "%s", failures[i].text);
	}
	return err_set(err, -EIO, "%s", curl_easy_strerror(code));
}

/* Cuts at the end of a character. */
static void copy_text(char *to, size_t size, const char *from)
{
	size_t length = 0, step;
	unsigned code_point;

	while (from[length]) {
		step = text_utf8_length(from + length, &code_point);
		step = step > 0 ? step : 1;
		if (length + step >= size)
			break;
		length += step;
	}
	memcpy(to, from, length);
	to[length] = '\0';
}

/* Engines refuse with {"message":"…"}; whatever else it is, it is shown as it came. */
static void read_message(struct job *job, struct http_reply *reply)
{
	_cleanup_(json_putp) struct json_object *body = NULL;
	struct json_object *message = NULL;

	if (!job->error_body)
		return;
	body = json_tokener_parse(job->error_body);
	if (json_object_is_type(body, json_type_object) &&
	    json_object_object_get_ex(body, "message", &message) &&
	    json_object_is_type(message, json_type_string))
		copy_text(reply->message, sizeof(reply->message),
			  json_object_get_string(message));
	else
		copy_text(reply->message, sizeof(reply->message), job->error_body);
	reply->message[strcspn(reply->message, "\n")] = '\0';
}

static void finish(struct job *job, CURLcode code)
{
	struct http_reply reply = { .handle = job->easy };
	struct http *http = job->http;

	curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &reply.status);
	reply.result = transfer_result(job, code, &reply.err);
	if (reply.result == 0 && reply.status >= 400)
		read_message(job, &reply);
	else if (reply.result == 0 && job->request.json)
		reply.result = json_stream_end(job->request.json, &reply.err);
	curl_multi_remove_handle(http->multi, job->easy);
	TAILQ_REMOVE(&http->active, job, link);
	http->n_active--;
	job->request.done(http, &reply, job->request.data);
	easy_give_back(http, job->easy);
	job_free(job);
}

static void reap(struct http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		struct job *job = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&job);
		finish(job, code);
	}
}

void http_set_tick(struct http *http, int (*tick)(void *data), void *data)
{
	http->tick = tick;
	http->tick_data = data;
}

bool http_is_answered(const struct http *http)
{
	struct job *job;
	long status = 0;

	TAILQ_FOREACH(job, &http->active, link)
	{
		curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &status);
		if (status >= 200 && status < 300)
			return true;
	}
	return false;
}

static bool ends_here(struct http *http)
{
	if (!http->tick || http->tick(http->tick_data) == 0)
		return false;
	drop_jobs(http, &http->waiting);
	drop_jobs(http, &http->active);
	http->n_active = 0;
	return true;
}

void http_run(struct http *http, int connections)
{
	int running;

	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)connections);
	for (;;) {
		start_waiting(http, connections);
		if (http->n_active == 0 && TAILQ_EMPTY(&http->waiting))
			return;
		curl_multi_perform(http->multi, &running);
		reap(http);
		if (ends_here(http))
			return;
		if (running > 0 && running == http->n_active)
			curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
	}
}

char *http_reply_failure(const struct http_reply *reply)
{
	if (reply->result < 0)
		return mem_strdup(reply->err.text);
	if (reply->status != 200)
		return mem_printf("the engine answers %ld %s", reply->status, reply->message);
	return NULL;
}

const char *http_reply_header(const struct http_reply *reply, const char *name)
{
	struct curl_header *header;

	if (!reply->handle ||
	    curl_easy_header(reply->handle, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return header->value;
}

char *url_escape(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-:/@";
	char *escaped = mem_zalloc(strlen(text) * 3 + 1, 1), *to = escaped;

	for (; *text; text++)
		if (strchr(plain, *text))
			*to++ = *text;
		else
			to += sprintf(to, "%%%02X", (unsigned)(unsigned char)*text);
	return escaped;
}
