#include "plan/shares.h"

#include "plan/layers.h"

static bool all_inspected(const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_images; i++)
		if (snapshot->images[i].inspected != FACT_KNOWN)
			return false;
	return snapshot->listing[KIND_IMAGE] == LISTING_READ;
}

struct share *shares_of(struct arena *arena, const struct snapshot *snapshot)
{
	struct share *shares = arena_array(arena, snapshot->n_images, sizeof(*shares));
	struct layer_graph *graph =
		all_inspected(snapshot) ? layers_new(arena, snapshot, NULL) : NULL;

	for (size_t i = 0; i < snapshot->n_images; i++) {
		bool known = graph && snapshot->images[i].layered == FACT_KNOWN;
		int64_t total = known ? layers_total(graph, i) : -1;

		shares[i] = (struct share){ -1, -1 };
		if (total < 0)
			continue;
		shares[i].unique = layers_marginal(graph, i).bytes;
		shares[i].shared = total - shares[i].unique;
	}
	return shares;
}
