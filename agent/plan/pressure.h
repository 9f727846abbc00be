#pragma once

#include "plan/heap.h"
#include "plan/layers.h"
#include "plan/planner.h"

/* What the files of the pressure rules share: marks (mark.c), what a rule may take
 * (eligible.c), and what it takes of that (pressure.c,
 * take.c, give_back.c). */

struct pressing;

/* An object as a whole: the rows of all its names. */
struct object {
	size_t row, n;		       /* of plan->verdicts */
	bool gone;		       /* it goes: an ordinary rule's, or taken */
	bool unsized;		       /* nobody knows what it would free */
	int64_t key;		       /* the smaller the sooner it goes */
	const struct pressing *sparer; /* that could take it */
	const struct pressing *taker;
};

struct objects {
	struct object *v; /* as the verdicts are sorted: containers come first */
	size_t n;
	size_t *of_image; /* by image */
};

/* One rule in force. */
struct pressing {
	const struct rule *rule;
	int64_t needed; /* bytes that all removals together must free, for its until mark */
	struct verdict *rows; /* as if it owned all that its selectors match, judged so */
	struct service_runs *runs;
	bool *stored;	/* as planner->stored, of those rows */
	bool *may_take; /* per object */
};

struct presses {
	struct pressing *v;
	size_t n;
};

/* Whether the rule acts on such a disk when so many bytes have been freed, and what must be
 * freed in all until it rests. The disk's state is known. */
bool mark_exceeded(const struct rule *rule, const struct disk *disk, int64_t freed);
int64_t mark_needed(const struct rule *rule, const struct disk *disk);

/* Fills rows and may_take of each rule, as far as use by containers does not decide: that hangs
 * on what goes. Asks for the facts on which it hangs. */
void eligible_find(struct planner *planner, const struct objects *objects,
		   struct presses *presses);

/* Whether an image without any name, on which others are built, may go with the last of them.
 */
bool eligible_to_follow(struct planner *planner, const struct presses *presses, size_t image);

static inline struct verdict *object_row(const struct planner *planner,
					 const struct object *object)
{
	return &planner->plan->verdicts[object->row];
}

struct pressure_pass {
	struct planner *planner;
	const struct snapshot *snapshot;
	struct plan *plan;
	struct objects objects;
	struct presses presses;
	struct layer_graph *graph;
	struct heap heap;
	enum pressure_order order;

	/* Per image an index, n_images for none. */
	size_t *parent, *holder;
	size_t *children;   /* per image: how many that are built on it stay */
	bool *intermediate; /* per image: it has no name and others are built on it */
	bool *follows;	    /* per image: it goes with the last of them */

	size_t first_cache;	/* the object of the first record */
	size_t *cache_children; /* per record of the build cache: the same */

	/* Objects in the order in which they were taken. What goes along stands behind what it
	 * goes with, and with[] names that. */
	size_t *taken, *with, n_taken;
	int64_t freed;
};

static inline _unused_ bool is_kind(const struct pressure_pass *pass, size_t object,
				    enum kind kind)
{
	return object_row(pass->planner, &pass->objects.v[object])->kind == kind;
}

static inline _unused_ bool is_image_object(const struct pressure_pass *pass, size_t object)
{
	return is_image_row(object_row(pass->planner, &pass->objects.v[object]));
}

static inline _unused_ size_t image_of_object(const struct pressure_pass *pass, size_t object)
{
	const struct verdict *row = object_row(pass->planner, &pass->objects.v[object]);

	return (size_t)(row->image - pass->snapshot->images);
}

/* Whether the image goes; the image that could go along with it (n_images for none). */
bool pressure_image_goes(const struct pressure_pass *pass, size_t image);
size_t pressure_follower(const struct pressure_pass *pass, size_t image);

/* For users_new(): whether the container goes, of those of the pass. */
bool pressure_container_goes(const struct container *container, void *data);

/* Takes from what the rule may take the images that containers hold for which leaves() says
 * that they stay. */
void pressure_drop_held(struct pressure_pass *pass, struct pressing *pressing,
			bool (*leaves)(const struct container *container, void *data));

/* take.c: what an object frees now, -1 unknown; and all that a rule takes. */
int64_t pressure_frees(const struct pressure_pass *pass, size_t object);
void pressure_take(struct pressure_pass *pass, struct pressing *pressing);

/* give_back.c */
void pressure_give_back(struct pressure_pass *pass);
