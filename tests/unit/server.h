#pragma once

#include <stddef.h>

#include "base/mem.h"

/* An engine made of canned answers, on a unix socket of its own, in a thread per connection. */

struct answer {
	const char *request; /* "GET /_ping": the whole request line without " HTTP/1.1" */
	const char *status;  /* "200 OK"; NULL: body is sent raw, without a header */
	const char *body;
	const char *headers; /* "Name: value\r\n", NULL: none */
	enum { ONCE, ALWAYS, CUT, HANG, FLOOD } how;
};

struct server;

/* The first row that fits and, unless ALWAYS, was not used yet answers; none: 404. CUT: half of
 * the body, then the end. HANG: nothing. FLOOD: the body again and again. */
struct server *server_start(const struct answer *answers, size_t n);
const char *server_socket(const struct server *server);

/* How many requests it got, all and those that start with prefix. */
size_t server_count(struct server *server, const char *prefix);

/* The place of the request among all, -1 if it never came. */
int server_place(struct server *server, const char *request);

size_t server_connections(struct server *server);

void server_stop(struct server *server);
DEFINE_CLEANUP(struct server *, server_stop, server_stop)
