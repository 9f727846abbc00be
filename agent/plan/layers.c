#include "plan/layers.h"

/* A layer is nobody's, one holder's, or several's, and nothing more is known of it. So what
 * lets go of an image, or takes hold of it, goes down from its topmost layer only as far as
 * that changes: not through all that others share. */

/* Whose a layer is: a holder's index, or one of these. */
#define SEVERAL (SIZE_MAX - 1)
#define NOBODY SIZE_MAX

/* Who holds a layer: images that end with it and the layers upon it, which are one holder's or
 * several's. */
struct node {
	size_t shared;	/* so many that are several's */
	size_t holders; /* so many that are one's; where a holder has two of them, it counts
			   once */
	size_t sum;	/* of the indices of those: with one left, that one */
};

/* What an image adds to those of its holder before it: its layers from the top down to end,
 * which they have as well (NULL: down to the lowest). */
struct part {
	const struct layer *top, *end;
	struct part *next;
};

struct holder {
	struct part *parts;
	struct freed marginal;
};

struct layer_graph {
	struct node *nodes; /* by the number of the layer */
	struct holder *holders;
	int64_t most; /* bytes of a layer with which no sum can overflow */
	void (*changed)(void *data, size_t holder);
	void *data;
};

/* ---- sums ---- */

/* A layer so large that sums might not fit is as good as of no size. */
static bool is_known(const struct layer_graph *graph, const struct layer *layer)
{
	int64_t bytes = layer_bytes(layer);

	return bytes >= 0 && bytes <= graph->most;
}

static void add(const struct layer_graph *graph, struct freed *freed, const struct layer *layer,
		int sign)
{
	if (is_known(graph, layer))
		freed->bytes += sign * layer_bytes(layer);
	else
		freed->unknown += (size_t)sign;
}

/* ---- whose a layer is ---- */

static size_t owner_of(const struct node *node)
{
	if (node->shared > 0 || node->holders > 1)
		return SEVERAL;
	return node->holders == 1 ? node->sum : NOBODY;
}

static void count(struct node *node, size_t owner, size_t change)
{
	if (owner == SEVERAL) {
		node->shared += change;
	} else if (owner != NOBODY) {
		node->holders += change;
		node->sum += change * owner;
	}
}

static void note_owner(struct layer_graph *graph, const struct layer *layer, size_t before,
		       size_t now, struct freed *freed)
{
	if (before < SEVERAL)
		add(graph, &graph->holders[before].marginal, layer, -1);
	if (now < SEVERAL)
		add(graph, &graph->holders[now].marginal, layer, 1);
	if (before == NOBODY || now == NOBODY)
		add(graph, freed, layer, 1);
}

/* A layer gets a holder more, or one less. */
static void turn(struct layer_graph *graph, const struct layer *layer, size_t holder, bool more,
		 struct freed *freed)
{
	size_t before = more ? NOBODY : holder, now = more ? holder : NOBODY, heir = NOBODY;

	for (; layer; layer = layer->below) {
		struct node *node = &graph->nodes[layer->number];
		size_t owner = owner_of(node);

		count(node, before, (size_t)-1);
		count(node, now, 1);
		before = owner;
		now = owner_of(node);
		if (before == now)
			break;
		note_owner(graph, layer, before, now, freed);
		if (now < SEVERAL && now != holder)
			heir = now;
	}
	if (heir != NOBODY && graph->changed)
		graph->changed(graph->data, heir);
}

/* Where parts of one holder meet it would count once for each: that is made up for at their
 * ends, while all of them are held. In between it counts too often, so that no layer is thought
 * to be the last other holder's too early. */

struct freed layers_release(struct layer_graph *graph, size_t holder)
{
	const struct part *parts = graph->holders[holder].parts;
	struct freed freed = { 0 };

	for (const struct part *part = parts; part; part = part->next)
		turn(graph, part->end, holder, true, &freed);
	for (const struct part *part = parts; part; part = part->next)
		turn(graph, part->top, holder, false, &freed);
	return freed;
}

struct freed layers_hold(struct layer_graph *graph, size_t holder)
{
	const struct part *parts = graph->holders[holder].parts;
	struct freed freed = { 0 };

	for (const struct part *part = parts; part; part = part->next)
		turn(graph, part->top, holder, true, &freed);
	for (const struct part *part = parts; part; part = part->next)
		turn(graph, part->end, holder, false, &freed);
	return freed;
}

/* ---- making ---- */

/* seen: by layer the last holder that was found to have it, plus 1. */
static void find_ends(struct part *parts, size_t holder, size_t *seen)
{
	for (struct part *part = parts; part; part = part->next)
		for (part->end = part->top; part->end && seen[part->end->number] != holder + 1;
		     part->end = part->end->below)
			seen[part->end->number] = holder + 1;
}

struct layer_graph *layers_new(struct arena *arena, const struct snapshot *snapshot,
			       const size_t *holder_of)
{
	_cleanup_free_ size_t *seen = mem_zalloc(snapshot->n_layers + 1, sizeof(*seen));
	struct layer_graph *graph = arena_alloc(arena, sizeof(*graph));
	size_t n = snapshot->n_images;

	graph->nodes = arena_array(arena, snapshot->n_layers, sizeof(*graph->nodes));
	graph->holders = arena_array(arena, n, sizeof(*graph->holders));
	graph->most = INT64_MAX / (int64_t)(snapshot->n_layers + 1);
	for (size_t i = 0; i < n; i++) {
		struct holder *holder = &graph->holders[holder_of ? holder_of[i] : i];
		struct part *part;

		if (!snapshot->images[i].top)
			continue;
		part = arena_alloc(arena, sizeof(*part));
		*part = (struct part){ .top = snapshot->images[i].top, .next = holder->parts };
		holder->parts = part;
	}
	for (size_t i = 0; i < n; i++) {
		if (!graph->holders[i].parts)
			continue;
		if (graph->holders[i].parts->next)
			find_ends(graph->holders[i].parts, i, seen);
		layers_hold(graph, i);
	}
	return graph;
}

/* ---- questions ---- */

struct freed layers_marginal(const struct layer_graph *graph, size_t holder)
{
	return graph->holders[holder].marginal;
}

void layers_watch(struct layer_graph *graph, void (*changed)(void *data, size_t holder),
		  void *data)
{
	graph->changed = changed;
	graph->data = data;
}

static struct freed total_of(const struct layer_graph *graph, size_t holder)
{
	struct freed total = { 0 };

	for (const struct part *part = graph->holders[holder].parts; part; part = part->next)
		for (const struct layer *layer = part->top; layer != part->end;
		     layer = layer->below)
			add(graph, &total, layer, 1);
	return total;
}

bool layers_unknown(const struct layer_graph *graph, size_t holder)
{
	return total_of(graph, holder).unknown > 0;
}

int64_t layers_total(const struct layer_graph *graph, size_t holder)
{
	struct freed total = total_of(graph, holder);

	return total.unknown > 0 ? -1 : total.bytes;
}
