#pragma once

#include "base/intern.h"
#include "engine/dialect.h"
#include "engine/engine.h"
#include "engine/http.h"

/* What the files of engine/ know of an engine that is open. */

#define LIST_MAX_BYTES ((size_t)1 << 30)
#define OBJECT_MAX_BYTES ((size_t)16 << 20)

struct engine {
	struct http *http;
	const struct dialect *dialect;
	char *socket;
	char *version;
	char api[16];	     /* "1.41": stands in every path */
	char podman_api[16]; /* the same for Podman's own requests, "" elsewhere */
	int connections;     /* 0: what is best for the kind of work */
	bool swarm_manager;  /* its info said so: services can be listed */
	void (*tick)(void);
};

/* As many as were measured to be best; more makes the removal of images slower. */
#define READ_CONNECTIONS 8
#define CONTAINER_CONNECTIONS 8
#define IMAGE_CONNECTIONS 4

static inline int engine_connections(const struct engine *engine, int best)
{
	return engine->connections > 0 ? engine->connections : best;
}

/* "/v1.41" and what follows, to be freed. */
#define engine_path(engine, format, ...) mem_printf("/v%s" format, (engine)->api, ##__VA_ARGS__)

/* A GET in the queue; path is taken. */
static inline void engine_get(const struct engine *engine, char *path, size_t max_bytes,
			      struct json_stream *json,
			      void (*done)(struct http *, const struct http_reply *, void *),
			      void *data)
{
	http_submit(engine->http, &(struct http_request){
					  .method = HTTP_GET,
					  .path = path,
					  .max_bytes = max_bytes,
					  .json = json,
					  .done = done,
					  .data = data,
				  });
}

/* The list of containers, of images into the snapshot (not sealed); on failure the kind is
 * LISTING_FAILED and problems has a line. Both work until all that is submitted is done.
 * labels: which ones of their labels are kept; NULL: all. */
void list_containers(struct engine *engine, struct snapshot *snapshot);
void list_all(struct engine *engine, struct snapshot *snapshot,
	      const struct label_filter *labels);

/* What the engine's info says of the swarm that it is a node of. */
struct swarm_role {
	const char *state; /* "inactive", "active", "pending", "error", "locked"; NULL: none */
	bool manager;
};

/* Services and tasks, read beside other lists. */
struct swarm_list;
struct swarm_list *swarm_list_new(struct engine *engine, struct snapshot *snapshot,
				  struct intern *intern);

/* Asks for services and, when they are there, for tasks. Whoever works next does it. */
void swarm_list_ask(struct swarm_list *list);

/* The role has become known, or it never will (NULL): asks if this node is a manager; where
 * nobody can tell what services use, says so, and the list has failed unless this is a worker.
 */
void swarm_list_meet(struct swarm_list *list, const struct swarm_role *role);

/* Puts what was read into the snapshot (not sealed); frees the list. */
void swarm_list_end(struct swarm_list *list);
