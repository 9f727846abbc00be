#include "plan/pressure.h"

#include <stdlib.h>
#include <string.h>

/* Gives back, last first, what turned out not to be needed. */

/* The names of images that are taken, so that a container which was created from one does not
 * come back. */
struct taken_name {
	const char *name;
	size_t object;
};

struct taken_names {
	struct taken_name *v;
	size_t n;
};

static int compare_names(const void *a, const void *b)
{
	const struct taken_name *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static struct taken_names names_taken(const struct pressure_pass *pass)
{
	struct taken_names names = { 0 };

	for (size_t i = 0; i < pass->n_taken; i++) {
		const struct object *object = &pass->objects.v[pass->taken[i]];

		for (size_t row = object->row; row < object->row + object->n; row++) {
			const struct verdict *verdict = &pass->plan->verdicts[row];

			if (!verdict->reference)
				continue;
			names.v = mem_grow(names.v, names.n, sizeof(*names.v));
			names.v[names.n++] =
				(struct taken_name){ verdict->reference->full, pass->taken[i] };
		}
	}
	if (names.n > 1)
		qsort(names.v, names.n, sizeof(*names.v), compare_names);
	return names;
}

static bool uses_taken(const struct pressure_pass *pass, const struct container *container,
		       const struct taken_names *names)
{
	const struct taken_name *name = NULL;
	struct taken_name key = { 0 };
	const struct image *image =
		container->image_id ? snapshot_image(pass->snapshot, container->image_id)
				    : NULL;

	if (image && pressure_image_goes(pass, (size_t)(image - pass->snapshot->images)))
		return true;
	if (container->image_name)
		key.name = container->image_name->full;
	if (key.name && names->n > 0)
		name = bsearch(&key, names->v, names->n, sizeof(*names->v), compare_names);
	return name && pass->objects.v[name->object].gone;
}

static bool is_below_taken(const struct pressure_pass *pass, size_t index)
{
	const struct snapshot *snapshot = pass->snapshot;

	for (size_t k = 0; k < snapshot->cache[index].parents.n; k++) {
		size_t parent = cache_parent(snapshot, index, k);

		if (parent < snapshot->n_cache &&
		    pass->objects.v[pass->first_cache + parent].gone)
			return true;
	}
	return false;
}

/* Whether something that goes could not go if these came back. */
static bool is_needed_by_others(const struct pressure_pass *pass, size_t first, size_t end,
				const struct taken_names *names)
{
	size_t object = pass->taken[first], below;

	if (is_kind(pass, object, KIND_CONTAINER))
		return uses_taken(pass, &pass->snapshot->containers[object], names);
	if (is_kind(pass, object, KIND_BUILD_CACHE))
		return is_below_taken(pass, object - pass->first_cache);
	if (!is_image_object(pass, object))
		return false;
	below = pass->parent[image_of_object(pass, pass->taken[end - 1])];
	return below < pass->snapshot->n_images && pressure_image_goes(pass, below);
}

static int64_t hold(struct pressure_pass *pass, size_t object)
{
	size_t image;

	if (!is_image_object(pass, object))
		return pressure_frees(pass, object);
	image = image_of_object(pass, object);
	if (pass->holder[image] != image)
		return 0;
	return layers_hold(pass->graph, image).bytes;
}

static void release(struct pressure_pass *pass, size_t object)
{
	if (is_image_object(pass, object) &&
	    pass->holder[image_of_object(pass, object)] == image_of_object(pass, object))
		layers_release(pass->graph, image_of_object(pass, object));
}

/* Those from first to end come back together, if the mark is reached without. */
static void give_back(struct pressure_pass *pass, size_t first, size_t end, int64_t goal)
{
	int64_t bytes = 0;

	for (size_t i = first; i < end; i++)
		bytes += hold(pass, pass->taken[i]);
	if (pass->freed - bytes < goal) {
		for (size_t i = first; i < end; i++)
			release(pass, pass->taken[i]);
		return;
	}
	pass->freed -= bytes;
	for (size_t i = first; i < end; i++)
		pass->objects.v[pass->taken[i]].gone = false;
}

void pressure_give_back(struct pressure_pass *pass)
{
	struct taken_names names = names_taken(pass);
	int64_t goal = pass->plan->pressure.needed;

	if (goal > pass->freed)
		goal = pass->freed;
	for (size_t end = pass->n_taken; end > 0;) {
		size_t first = end - 1;

		while (pass->with[first] != pass->taken[first])
			first--;
		if (!is_needed_by_others(pass, first, end, &names))
			give_back(pass, first, end, goal);
		end = first;
	}
	free(names.v);
}
