#include "plan/layers.h"

#include <stdlib.h>
#include <string.h>

/* One layer in one image, before those of equal IDs are told to be one. */
struct mention {
	const char *id;
	int64_t size;
	size_t holder;
};

struct node {
	int64_t size; /* -1 unknown */
	size_t holders;
	size_t sum; /* of the indices of its holders: with one left, that one */
};

struct layer_graph {
	struct node *nodes;
	size_t *nodes_of; /* by holder, from first[holder] to first[holder + 1] */
	size_t *first;
	struct freed *marginal; /* per holder */
	bool estimates;		/* sizes are */
	void (*changed)(void *data, size_t holder);
	void *data;
};

static int compare_mentions(const void *a, const void *b)
{
	const struct mention *left = a, *right = b;
	int r = left->id == right->id ? 0 : strcmp(left->id, right->id);

	return r != 0 ? r : (left->holder > right->holder) - (left->holder < right->holder);
}

static int64_t whole_size(const struct layer *layer)
{
	if (layer->size < 0 || layer->packed > INT64_MAX - layer->size)
		return -1;
	return layer->size + layer->packed;
}

static struct mention *collect(const struct snapshot *snapshot, const size_t *holder_of,
			       size_t *ret_n)
{
	struct mention *mentions = NULL;
	size_t n = 0;

	for (size_t i = 0; i < snapshot->n_images; i++) {
		const struct image *image = &snapshot->images[i];

		for (size_t k = 0; k < image->n_layers; k++) {
			mentions = mem_grow(mentions, n, sizeof(*mentions));
			mentions[n++] = (struct mention){
				.id = image->layers[k].id,
				.size = whole_size(&image->layers[k]),
				.holder = holder_of ? holder_of[i] : i,
			};
		}
	}
	if (n > 1)
		qsort(mentions, n, sizeof(*mentions), compare_mentions);
	*ret_n = n;
	return mentions;
}

/* Only images whose history was asked for tell sizes; two that differ are none. Of estimates
 * the largest counts: what is promised too much is made up for by another round, what is taken
 * too much by nothing. */
static int64_t agreed_size(const struct mention *mentions, size_t n, bool estimates)
{
	int64_t size = -1;

	for (size_t i = 0; i < n; i++) {
		if (mentions[i].size < 0)
			continue;
		if (size >= 0 && mentions[i].size != size && !estimates)
			return -1;
		if (mentions[i].size > size)
			size = mentions[i].size;
	}
	return size;
}

static size_t end_of_layer(const struct mention *mentions, size_t n, size_t start)
{
	size_t end = start + 1;

	while (end < n && strcmp(mentions[end].id, mentions[start].id) == 0)
		end++;
	return end;
}

static bool is_first_of_holder(const struct mention *mentions, size_t start, size_t i)
{
	return i == start || mentions[i].holder != mentions[i - 1].holder;
}

static void add_layer(struct layer_graph *graph, size_t number, const struct mention *mentions,
		      size_t start, size_t end)
{
	struct node *node = &graph->nodes[number];

	node->size = agreed_size(&mentions[start], end - start, graph->estimates);
	for (size_t i = start; i < end; i++) {
		if (!is_first_of_holder(mentions, start, i))
			continue;
		node->holders++;
		node->sum += mentions[i].holder;
		graph->first[mentions[i].holder + 1]++;
	}
}

/* Counts become places; the layers' numbers follow in a second walk. */
static void place(struct layer_graph *graph, size_t n_holders, const struct mention *mentions,
		  size_t n)
{
	size_t *next = mem_zalloc(n_holders + 1, sizeof(*next));
	size_t number = 0;

	for (size_t i = 0; i < n_holders; i++)
		graph->first[i + 1] += graph->first[i];
	memcpy(next, graph->first, (n_holders + 1) * sizeof(*next));
	for (size_t start = 0, end; start < n; start = end, number++) {
		end = end_of_layer(mentions, n, start);
		for (size_t i = start; i < end; i++)
			if (is_first_of_holder(mentions, start, i))
				graph->nodes_of[next[mentions[i].holder]++] = number;
	}
	free(next);
}

/* A sum that no disk can hold is as good as no number. */
static void add(struct freed *freed, const struct node *node)
{
	if (node->size < 0 || node->size > INT64_MAX - freed->bytes)
		freed->unknown = true;
	else
		freed->bytes += node->size;
}

static void set_marginal(struct layer_graph *graph, size_t holder)
{
	graph->marginal[holder] = (struct freed){ 0 };
	for (size_t i = graph->first[holder]; i < graph->first[holder + 1]; i++)
		if (graph->nodes[graph->nodes_of[i]].holders == 1)
			add(&graph->marginal[holder], &graph->nodes[graph->nodes_of[i]]);
}

struct layer_graph *layers_new(struct arena *arena, const struct snapshot *snapshot,
			       const size_t *holder_of)
{
	struct layer_graph *graph = arena_alloc(arena, sizeof(*graph));
	size_t n, n_holders = snapshot->n_images, number = 0;
	struct mention *mentions = collect(snapshot, holder_of, &n);

	graph->estimates = snapshot->engine.in_containerd;
	graph->nodes = arena_array(arena, n, sizeof(*graph->nodes));
	graph->nodes_of = arena_array(arena, n, sizeof(*graph->nodes_of));
	graph->first = arena_array(arena, n_holders + 1, sizeof(*graph->first));
	graph->marginal = arena_array(arena, n_holders, sizeof(*graph->marginal));
	for (size_t start = 0, end; start < n; start = end) {
		end = end_of_layer(mentions, n, start);
		add_layer(graph, number++, mentions, start, end);
	}
	place(graph, n_holders, mentions, n);
	free(mentions);
	for (size_t i = 0; i < n_holders; i++)
		set_marginal(graph, i);
	return graph;
}

struct freed layers_release(struct layer_graph *graph, size_t holder)
{
	struct freed freed = { 0 };

	for (size_t i = graph->first[holder]; i < graph->first[holder + 1]; i++) {
		struct node *node = &graph->nodes[graph->nodes_of[i]];

		node->holders--;
		node->sum -= holder;
		if (node->holders == 0)
			add(&freed, node);
		if (node->holders != 1)
			continue;
		add(&graph->marginal[node->sum], node);
		if (graph->changed)
			graph->changed(graph->data, node->sum);
	}
	return freed;
}

struct freed layers_hold(struct layer_graph *graph, size_t holder)
{
	struct freed freed = { 0 };

	for (size_t i = graph->first[holder]; i < graph->first[holder + 1]; i++) {
		struct node *node = &graph->nodes[graph->nodes_of[i]];
		size_t last = node->sum;

		node->holders++;
		node->sum += holder;
		if (node->holders == 1)
			add(&freed, node);
		if (node->holders == 2)
			set_marginal(graph, last);
	}
	set_marginal(graph, holder);
	return freed;
}

struct freed layers_marginal(const struct layer_graph *graph, size_t holder)
{
	return graph->marginal[holder];
}

void layers_watch(struct layer_graph *graph, void (*changed)(void *data, size_t holder),
		  void *data)
{
	graph->changed = changed;
	graph->data = data;
}

bool layers_unknown(const struct layer_graph *graph, size_t holder)
{
	for (size_t i = graph->first[holder]; i < graph->first[holder + 1]; i++)
		if (graph->nodes[graph->nodes_of[i]].size < 0)
			return true;
	return false;
}

int64_t layers_total(const struct layer_graph *graph, size_t holder)
{
	struct freed total = { 0 };

	for (size_t i = graph->first[holder]; i < graph->first[holder + 1]; i++)
		add(&total, &graph->nodes[graph->nodes_of[i]]);
	return total.unknown ? -1 : total.bytes;
}
