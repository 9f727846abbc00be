#include "server.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "folder.h"

#define FLOOD_BYTES ((size_t)3 << 30)

struct server {
	char *folder;
	struct sockaddr_un address;
	int listener, connections[256];
	size_t n_connections;
	pthread_t threads[257];
	size_t n_threads;
	pthread_mutex_t mutex;
	const struct answer *answers;
	bool used[256];
	size_t n;
	char *requests[4096];
	size_t n_requests;
};

struct connection {
	struct server *server;
	int fd;
};

static const struct answer *choose(struct server *server, const char *request)
{
	const struct answer *answer = NULL;

	pthread_mutex_lock(&server->mutex);
	server->requests[server->n_requests++] = mem_strdup(request);
	for (size_t i = 0; i < server->n && !answer; i++)
		if (strcmp(server->answers[i].request, request) == 0 && !server->used[i]) {
			answer = &server->answers[i];
			server->used[i] = answer->how != ALWAYS;
		}
	pthread_mutex_unlock(&server->mutex);
	return answer;
}

static bool send_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		text += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* False: the connection ends. */
static bool reply(int fd, const struct answer *answer)
{
	static const struct answer none = { .status = "404 Not Found",
					    .body = "{\"message\":\"no such thing\"}" };
	const struct answer *use = answer ? answer : &none;
	size_t length = strlen(use->body);
	_cleanup_free_ char *head = mem_printf(
		"HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", use->status ? use->status : "",
		use->headers ? use->headers : "", use->how == FLOOD ? FLOOD_BYTES : length);
	bool no_body = use->status && strncmp(use->status, "204", 3) == 0;

	if (use->how == HANG) {
		/* Until the other side gives up. */
		return recv(fd, &(char){ 0 }, 1, 0) && false;
	}
	if (use->status && !send_all(fd, head, strlen(head)))
		return false;
	if (use->how == CUT)
		return send_all(fd, use->body, length / 2) && false;
	while (use->how == FLOOD)
		if (!send_all(fd, use->body, length))
			return false;
	return no_body || send_all(fd, use->body, length);
}

static void *serve(void *data)
{
	struct connection *connection = data;
	char request[65536];
	size_t n = 0;

	for (;;) {
		ssize_t got = recv(connection->fd, request + n, sizeof(request) - n - 1, 0);

		if (got <= 0)
			break;
		n += (size_t)got;
		request[n] = '\0';
		if (!strstr(request, "\r\n\r\n"))
			continue;
		*strstr(request, " HTTP/1.1") = '\0';
		n = 0;
		if (!reply(connection->fd, choose(connection->server, request)))
			break;
	}
	shutdown(connection->fd, SHUT_RDWR);
	free(connection);
	return NULL;
}

static void *accept_all(void *data)
{
	struct server *server = data;
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		struct connection *connection = mem_zalloc(1, sizeof(*connection));

		*connection = (struct connection){ server, fd };
		assert(server->n_threads < ARRAY_SIZE(server->threads));
		server->connections[server->n_connections++] = fd;
		pthread_create(&server->threads[server->n_threads++], NULL, serve, connection);
	}
	return NULL;
}

struct server *server_start(const struct answer *answers, size_t n)
{
	struct server *server = mem_zalloc(1, sizeof(*server));
	struct sockaddr_un *address = &server->address;

	assert(n <= ARRAY_SIZE(server->used));
	server->answers = answers;
	server->n = n;
	pthread_mutex_init(&server->mutex, NULL);
	server->folder = folder_make();
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/engine.sock",
		 server->folder);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server->listener, (struct sockaddr *)address, sizeof(*address)) < 0 ||
	    listen(server->listener, 64) < 0)
		abort();
	pthread_create(&server->threads[server->n_threads++], NULL, accept_all, server);
	return server;
}

const char *server_socket(const struct server *server)
{
	return server->address.sun_path;
}

size_t server_count(struct server *server, const char *prefix)
{
	size_t n = 0;

	pthread_mutex_lock(&server->mutex);
	for (size_t i = 0; i < server->n_requests; i++)
		n += strncmp(server->requests[i], prefix, strlen(prefix)) == 0;
	pthread_mutex_unlock(&server->mutex);
	return n;
}

size_t server_connections(struct server *server)
{
	return server->n_connections;
}

int server_place(struct server *server, const char *request)
{
	int place = -1;

	pthread_mutex_lock(&server->mutex);
	for (size_t i = 0; i < server->n_requests && place < 0; i++)
		if (strcmp(server->requests[i], request) == 0)
			place = (int)i;
	pthread_mutex_unlock(&server->mutex);
	return place;
}

void server_stop(struct server *server)
{
	if (!server)
		return;
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->threads[0], NULL);
	for (size_t i = 1; i < server->n_threads; i++) {
		shutdown(server->connections[i - 1], SHUT_RDWR);
		pthread_join(server->threads[i], NULL);
		close(server->connections[i - 1]);
	}
	close(server->listener);
	folder_remove(server->folder);
	for (size_t i = 0; i < server->n_requests; i++)
		free(server->requests[i]);
	free(server);
}
