#include "plan/pressure.h"

/* Takes object after object, in the order of a rule, until the prediction is past its mark. */

/* ---- what an object frees ---- */

/* Bytes that nothing else holds: of a container its written layer. */
static int64_t own_bytes(const struct verdict *verdict)
{
	if (verdict->kind == KIND_CONTAINER)
		return verdict->container->sized == FACT_KNOWN ? verdict->container->size : -1;
	return verdict->kind == KIND_BUILD_CACHE ? verdict->cache->size : -1;
}

int64_t pressure_frees(const struct pressure_pass *pass, size_t object)
{
	if (is_image_object(pass, object))
		return layers_marginal(pass->graph, image_of_object(pass, object)).bytes;
	return own_bytes(object_row(pass->planner, &pass->objects.v[object]));
}

static bool is_sized(const struct pressure_pass *pass, size_t object)
{
	size_t image, n = pass->snapshot->n_images;

	if (!is_image_object(pass, object))
		return claim_is_sane(pass->planner, pressure_frees(pass, object));
	image = image_of_object(pass, object);
	if (layers_unknown(pass->graph, image))
		return false;
	for (size_t at = image; at < n && pass->holder[at] == image;
	     at = pressure_follower(pass, at))
		if (!claim_image_is_sane(pass->planner, &pass->snapshot->images[at]))
			return false;
	return true;
}

/* What cannot be counted towards the mark is not taken for it. */
static void drop_unsized(struct pressure_pass *pass, struct pressing *pressing)
{
	for (size_t i = 0; i < pass->objects.n; i++) {
		if (!pressing->may_take[i] || pass->objects.v[i].gone || is_sized(pass, i))
			continue;
		pressing->may_take[i] = false;
		pass->plan->pressure.unsized += !pass->objects.v[i].unsized;
		pass->objects.v[i].unsized = true;
	}
}

/* ---- the order ---- */

static int64_t newest_age(struct planner *planner, const struct pressing *pressing,
			  const struct object *object)
{
	int64_t newest = INT64_MIN;

	for (size_t row = object->row; row < object->row + object->n; row++) {
		struct age age;
		enum answer answer =
			pressing->rule->order == PRESSURE_OLDEST
				? age_of(planner, &pressing->rows[row],
					 pressing->rule->age_from, &age)
				: age_of_last_use(planner, &pressing->rows[row], &age);

		if (answer != ANSWER_YES)
			return planner->now;
		if (age.at > newest)
			newest = age.at;
	}
	return newest;
}

static void push(struct pressure_pass *pass, size_t object)
{
	int64_t bytes = pressure_frees(pass, object), key = pass->objects.v[object].key;
	bool largest = pass->order == PRESSURE_LARGEST;

	heap_push(&pass->heap, (struct heap_entry){
				       .first = largest ? -bytes : key,
				       .second = largest ? key : -bytes,
				       .bytes = bytes,
				       .object = object,
			       });
}

/* All that is built on it is gone. */
static bool is_free(const struct pressure_pass *pass, size_t object)
{
	if (is_kind(pass, object, KIND_BUILD_CACHE))
		return pass->cache_children[object - pass->first_cache] == 0;
	return !is_image_object(pass, object) ||
	       (pass->children[image_of_object(pass, object)] == 0 &&
		!pass->intermediate[image_of_object(pass, object)]);
}

static bool is_due(const struct pressure_pass *pass, const struct pressing *pressing,
		   size_t object)
{
	return pressing->may_take[object] && !pass->objects.v[object].gone &&
	       is_free(pass, object);
}

/* ---- taking ---- */

static void note_taken(struct pressure_pass *pass, size_t object, size_t with,
		       const struct pressing *pressing)
{
	pass->objects.v[object].gone = true;
	pass->objects.v[object].taker = pressing;
	pass->taken[pass->n_taken] = object;
	pass->with[pass->n_taken++] = with;
}

static size_t leave_parent(struct pressure_pass *pass, size_t image)
{
	size_t parent = pass->parent[image];

	if (parent < pass->snapshot->n_images)
		pass->children[parent]--;
	return parent;
}

/* Takes the image with all that goes along; the image below those is returned, n_images for
 * none. */
static size_t take_image(struct pressure_pass *pass, size_t object,
			 const struct pressing *pressing)
{
	size_t n = pass->snapshot->n_images, image = image_of_object(pass, object), at, parent;

	note_taken(pass, object, object, pressing);
	pass->freed += layers_release(pass->graph, image).bytes;
	parent = leave_parent(pass, image);
	while (parent < n && pass->follows[parent] && pass->children[parent] == 0 &&
	       !pressure_image_goes(pass, parent)) {
		at = parent;
		note_taken(pass, pass->objects.of_image[at], object, pressing);
		if (pass->holder[at] == at)
			pass->freed += layers_release(pass->graph, at).bytes;
		parent = leave_parent(pass, at);
	}
	return parent;
}

static void leave_cache_parents(struct pressure_pass *pass, const struct pressing *pressing,
				size_t index)
{
	const struct snapshot *snapshot = pass->snapshot;

	for (size_t k = 0; k < snapshot->cache[index].parents.n; k++) {
		size_t parent = cache_parent(snapshot, index, k);

		if (parent < snapshot->n_cache && --pass->cache_children[parent] == 0 &&
		    is_due(pass, pressing, pass->first_cache + parent))
			push(pass, pass->first_cache + parent);
	}
}

static void take_object(struct pressure_pass *pass, const struct pressing *pressing,
			size_t object)
{
	size_t below;

	if (!is_image_object(pass, object)) {
		pass->freed += pressure_frees(pass, object);
		note_taken(pass, object, object, pressing);
		if (is_kind(pass, object, KIND_BUILD_CACHE))
			leave_cache_parents(pass, pressing, object - pass->first_cache);
		return;
	}
	below = take_image(pass, object, pressing);
	if (below < pass->snapshot->n_images &&
	    is_due(pass, pressing, pass->objects.of_image[below]))
		push(pass, pass->objects.of_image[below]);
}

struct watch {
	struct pressure_pass *pass;
	const struct pressing *pressing;
};

static void on_change(void *data, size_t image)
{
	const struct watch *watch = data;
	size_t object = watch->pass->objects.of_image[image];

	if (is_due(watch->pass, watch->pressing, object))
		push(watch->pass, object);
}

/* Bytes are a poor measure of files: what has many small ones would be taken by the dozen. So a
 * rule that counts files takes no larger part of the objects either than of the files; what
 * that frees is measured, and another round goes on from there. */
static size_t most_objects(const struct pressure_pass *pass, const struct pressing *pressing,
			   size_t n)
{
	double used = (double)pass->snapshot->disk.used;
	double part = used > 0 ? (double)(pressing->needed - pass->freed) / used : 1;

	if (pass->plan->pressure.need_free > 0 || !pressing->rule->when_used_above.inodes)
		return SIZE_MAX;
	return part < 1 ? (size_t)(part * (double)n) + 1 : n;
}

static void take_until(struct pressure_pass *pass, struct pressing *pressing, size_t most)
{
	struct heap_entry next;

	while (pass->freed < pressing->needed && most > 0 && heap_pop(&pass->heap, &next)) {
		int64_t before = pass->freed;

		if (pass->objects.v[next.object].gone ||
		    next.bytes != pressure_frees(pass, next.object))
			continue;
		take_object(pass, pressing, next.object);
		most -= pass->freed > before;
	}
	if (most == 0)
		pressing->needed = pass->freed;
}

void pressure_take(struct pressure_pass *pass, struct pressing *pressing)
{
	struct watch watch = { pass, pressing };
	size_t n = 0;

	if (pressing->rule->kind == KIND_IMAGE)
		pressure_drop_held(pass, pressing, pressure_container_goes);
	drop_unsized(pass, pressing);
	pass->order = pressing->rule->order;
	for (size_t i = 0; i < pass->objects.n; i++) {
		if (!pressing->may_take[i] || pass->objects.v[i].gone)
			continue;
		n++;
		pass->objects.v[i].sparer = pressing;
		pass->objects.v[i].key =
			newest_age(pass->planner, pressing, &pass->objects.v[i]);
		if (is_free(pass, i))
			push(pass, i);
	}
	layers_watch(pass->graph, on_change, &watch);
	if (pass->freed < pressing->needed)
		take_until(pass, pressing, most_objects(pass, pressing, n));
	layers_watch(pass->graph, NULL, NULL);
	heap_clear(&pass->heap);
}
