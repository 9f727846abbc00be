#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "conf/rule.h"
#include "conf/settings.h"
#include "model/snapshot.h"

/* The heart: what may go, decided by a pure function. No I/O, no clock, no logging. */

enum verdict_action {
	VERDICT_KEEP,
	VERDICT_TAG, /* stays, for its reason, and gets the name preserve_as */
	VERDICT_REMOVE,
} _byte_;

/* Why an untagged image that its rule keeps and would name gets no name. */
enum unnamed {
	NOT_UNNAMED,
	UNNAMED_UNKNOWN,      /* nobody knows what it was called */
	UNNAMED_INVALID,      /* the template gives no valid reference with its names */
	UNNAMED_NOT_APPROVED, /* the approved plan does not have it */
	UNNAMED_MAX_,
} _byte_;

/* Why. Each has one row in plan/reason.c. */
enum reason {
	REASON_NO_RULE,	       /* no rule's selectors match */
	REASON_RULE_KEEPS,     /* action = keep */
	REASON_EXPIRED,	       /* nothing keeps it: it goes */
	REASON_MAX_AGE,	       /* older than max-age: it goes */
	REASON_PRESSURE,       /* a pressure rule takes it: it goes */
	REASON_ENOUGH_FREE,    /* a pressure rule could take it and need not */
	REASON_RUNNING,	       /* running, paused, restarting, being removed, unknown state */
	REASON_NOT_OURS,       /* the engine's own */
	REASON_RESTART_POLICY, /* it comes back, and the rule does not name the policy */
	REASON_SWARM_TASK,     /* a swarm service's, and the rule names no label of swarm's */
	REASON_IN_USE,	       /* by what `holder` names */
	REASON_IN_USE_COUNTED, /* the engine counts a container that no list shows */
	REASON_PINNED,	  /* keep-tag, keep-label, keep-name; or `holder`, a file, names it */
	REASON_TOO_YOUNG, /* min-age */
	REASON_KEEP_WITHIN,
	REASON_KEEP_LAST_RUN, /* `holder` is the service that ran it */
	REASON_KEEP_LAST,
	REASON_OTHER_REFERENCE, /* `holder` is the reference that keeps the image */
	REASON_CHILD,		/* an image that stays is built on it: `holder` */
	REASON_LAST_CHILD, /* the last image built on it goes, `holder`, and it goes along */
	REASON_WITH_CONTAINER, /* an anonymous volume that goes after its container, `holder` */
	REASON_QUARANTINE,     /* announced, or to be announced by this run: see `announce` */
	REASON_UNWATCHED, /* a named volume: nobody knows whether a job used it meanwhile */
	REASON_KEEP_STORAGE,
	REASON_SHARED,		 /* cache: its layers are an image's as well */
	REASON_MAYBE_WANTED,	 /* untagged, with a digest reference, never seen tagged */
	REASON_NOT_APPROVED,	 /* it would go, but the approved plan does not have it */
	REASON_FACT_UNAVAILABLE, /* the engine did not tell what the rule asks for */
	REASON_LIST_FAILED, /* the list of this kind, or one it depends on, was not read whole;
			     * or what names it outside of the engine, `detail` */
	REASON_PENDING,	    /* facts are missing: see plan->needs */
	REASON_MAX_,
} _byte_;

/* Where an age came from: the reason says so. */
enum age_source {
	SOURCE_ENGINE,	   /* the engine told it */
	SOURCE_FIRST_SEEN, /* not known to the engine: since a run first saw it so */
	SOURCE_NOW,	   /* never seen before: counts from now */
	SOURCE_LAST_USED,  /* a container was seen using it then */
	SOURCE_PULLED,	   /* the watcher saw a pull of it then */
	SOURCE_UNWATCHED,  /* nobody watched until then: it counts as use */
};

struct age {
	int64_t at; /* Unix seconds */
	enum age_source source;
	enum age_from from;
};

struct verdict {
	enum kind kind; /* KIND_IMAGE for an untagged image, KIND_TAG for a reference */
	enum verdict_action action;
	enum reason reason;
	enum unnamed unnamed;
	bool announce; /* QUARANTINE: not announced yet */
	/* KIND_TAG: the one name of a superseded image, by preserve-as of its rule. It is
	 * judged as the untagged image that it was. */
	bool preserved;
	union {
		const struct container *container;
		const struct image *image; /* of KIND_TAG as well */
		const struct volume *volume;
		const struct network *network;
		const struct cache_record *cache;
	};
	const struct reference *reference; /* KIND_TAG: which */

	const struct rule *rule;  /* the owner, NULL: none; PRESSURE, ENOUGH_FREE: that rule */
	const struct rule *owner; /* under a pressure rule the ordinary rule, NULL: none */

	/* What the reason speaks of; which are set depends on it. */
	struct age age;	 /* EXPIRED, MAX_AGE, TOO_YOUNG, KEEP_WITHIN */
	int64_t limit;	 /* the duration that was compared with */
	int64_t goes_at; /* when, if nothing changes, it may go; TIME_UNKNOWN: not by time */
	unsigned rank, group_size; /* under keep-last: from 1; rank 0: the whole group stays */
	const char *group;	   /* the group's name */
	const char *holder;	   /* name of what holds it */
	const char *key;	   /* the policy key that spoke ("keep-label"), or NULL */
	const char *detail;	   /* the pattern, the state, what went wrong */

	const struct reference
		*preserve_as; /* VERDICT_TAG: raw is what to ask the engine for */

	int64_t bytes; /* claimed: what removing it frees, -1 unknown */
};

struct need {
	enum kind kind; /* KIND_CONTAINER or KIND_IMAGE */
	size_t index;	/* in the snapshot's list */
	unsigned facts; /* NEED_… */
};

struct brake {
	bool pulled;
	const struct rule *rule; /* measured alone, or NULL: the setting's */
	enum kind kind;		 /* KIND_IMAGE: untagged, KIND_TAG: tagged images */
	size_t removals, of;
	struct limit limit;
};

/* What the pressure rules were up to. Bytes are predicted ones: layer by layer, for the set
 * that goes; sizes that no disk could have are none. */
struct pressure {
	bool wanted;		   /* there is a pressure rule, or space is needed */
	const char *off;	   /* why none acts: the disk's state is not known; or NULL */
	const struct rule **rules; /* that act */
	size_t n_rules;
	int64_t need_free; /* what is needed in place of their marks, as in the input */
	int64_t needed;	   /* bytes that all that goes must free; 0: no mark is exceeded */
	bool by_inodes; /* a mark counts inodes, of which no engine tells: bytes stand for them
			 */
	const struct rule *uncounted; /* is off: the file system counts no inodes; or NULL */
	bool missed;		      /* the prediction does not get there */
	size_t unsized; /* objects that could go, but nobody knows what that would free */
};

struct prediction {
	int64_t bytes;
	size_t unknown;	  /* objects that go and are not in bytes */
	bool upper_bound; /* build cache, or an image that nobody could read, may hold layers
			     too */
};

struct totals {
	size_t n[KIND_MAX_]; /* KIND_IMAGE counts images, KIND_TAG references */
	int64_t bytes;	     /* claimed */
	size_t unknown;	     /* objects of unknown size, not in bytes */
};

struct plan {
	const struct snapshot *snapshot;
	int64_t now;
	struct verdict *verdicts; /* by kind, then as the snapshot sorts them */
	size_t n;

	/* Indices into verdicts of all that goes, in an order that may be walked: containers,
	 * then images, child before parent, the references of one image together, then
	 * volumes, networks, build cache, child before parent. */
	size_t *removals;
	size_t n_removals;

	/* Indices of all that gets a name. None of them goes. */
	size_t *tags;
	size_t n_tags;

	struct need *needs; /* facts on which a verdict depends; fetch them and plan again */
	size_t n_needs;

	struct totals remove, tag, keep;
	bool claimed_is_upper_bound;
	struct prediction predicted; /* what all that goes frees */
	struct pressure pressure;
	size_t unknown_ages; /* objects kept only because nothing knows their age yet */
	struct brake brake;
};

/* All that a plan depends on. */
struct plan_input {
	const struct rules *rules;
	const struct settings *settings;
	const struct snapshot *snapshot; /* sealed */
	int64_t now;
	/* Keys (plan_key()) of the removals and of the names that were approved, sorted; NULL:
	 * no approval is asked. */
	const struct strings *approved;
	/* Bytes that must be available when the run is over: the mark of all pressure rules, in
	 * place of their own. 0: their own hold. */
	int64_t need_free;
	/* The plan that this run has carried out already: the brake measures both together.
	 * NULL: this is the first. Its rules are the same. */
	const struct plan *before;
};

/* Judges every object of the snapshot. All results lie in the arena and point into rules and
 * snapshot. While n_needs is above 0 the plan is not final: what it misses is kept. Facts that
 * are known or unavailable are never asked for again, so fetching and planning in turn ends. */
struct plan *plan_build(struct arena *arena, const struct plan_input *input);

/* Whether the disk that a run left is not what its pressure rules were to reach. A disk that
 * cannot be looked at has missed nothing. */
bool plan_missed(const struct plan_input *input, const struct plan *plan,
		 const struct disk *after);

/* What names a removal from one plan to the next: "tag sha256:… example/app:1.0"; with
 * KIND_IMAGE and a reference that the untagged image gets it. In the arena. */
const char *plan_key(struct arena *arena, enum kind kind, const char *id,
		     const char *reference);

/* Whether it is about an image, as a whole or by one of its names. */
static inline bool is_image_row(const struct verdict *verdict)
{
	return verdict->kind == KIND_IMAGE || verdict->kind == KIND_TAG;
}

/* What identifies the verdict's object: the whole ID; of a volume its name. */
const char *verdict_id(const struct verdict *verdict);

/* As the engine spells it, not escaped; NULL for an untagged image. */
const char *verdict_name(const struct verdict *verdict);

/* "too-young", …: for JSON and the journal. */
const char *reason_to_string(enum reason reason);

/* The guard that spoke ("in-use"), for JSON; NULL if the reason is a rule's. */
const char *reason_guard(enum reason reason);
