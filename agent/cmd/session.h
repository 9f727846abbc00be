#pragma once

#include "cmd/cmd.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "plan/plan.h"
#include "state/state.h"

/* The way from settings to a plan, in the steps that plan and run share. Each step returns
 * STATUS_GO_ON or the status to exit with; what went wrong has been said then. */

enum { STATUS_GO_ON = -1 };

struct session {
	const struct options *options;
	bool names;    /* what has a name is looked at, whether or not a rule speaks of it */
	bool journals; /* a failure is an entry in the journal too */
	struct arena *arena;
	struct conf conf;
	const char *socket;
	struct engine *engine;
	struct snapshot *snapshot, *earlier; /* earlier: the one before, or NULL */
	struct state *state;
	const struct strings *approved;
	int64_t now;
	struct arena *plan_arena;
	struct plan *plan;	     /* in plan_arena */
	const struct plan *before;   /* carried out already, of `earlier`; or NULL */
	struct arena *earlier_arena; /* of that */
};

void session_open(struct session *session, const struct options *options);
void session_close(struct session *session);

/* Reads settings and policies. STATUS_CONFIG with every mistake listed. */
int session_configure(struct session *session);

/* Finds the socket. STATUS_DONE if the engine is not running and must not be started. */
int session_find_engine(struct session *session);

/* Connects, reads the engine and what the state remembers; writable: the state will be written.
 * Failing lists and an unusable state are said and survived. */
int session_look(struct session *session, bool writable);

/* Looks again, into a snapshot of its own. */
int session_look_again(struct session *session, bool writable);

/* Connects and reads every list of the engine and the disk, nothing else. */
int session_look_at_all(struct session *session);

/* Looks at the disk alone, into session->snapshot. */
int session_look_at_disk(struct session *session);

/* Plans, fetches what the plan misses, and plans again, until nothing is missing. */
void session_plan(struct session *session);

/* All of the above, for verbs that write nothing. */
int session_preview(struct session *session);

struct plan_input session_plan_input(const struct session *session);

/* Fetches what tells how much of the disk each image has alone. */
void session_fetch_layers(struct session *session);

/* Fetches the sizes of all that is left, of containers and layers. */
void session_fetch_sizes(struct session *session, struct snapshot *snapshot);

/* Fetches what inspecting the verdict's object tells, for explanations. */
void session_inspect(struct session *session, const struct verdict *verdict);

/* Says that no policy is active and how one is made so. */
void session_no_policy(const struct session *session);

/* Says what a run goes on in spite of. */
void session_warn(const struct session *session, const char *text);

/* Says what went wrong, on stderr and where session->journals in the journal; returns status.
 */
int session_fail(const struct session *session, enum status status, const char *format, ...)
	_printf_(3, 4);
