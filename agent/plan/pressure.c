#include "plan/pressure.h"

/* Takes object after object, in the order of each rule, until the prediction is past the rule's
 * mark; then gives back, last first, what turned out not to be needed. */

/* ---- which rules act ---- */

/* Space that is needed is the mark of all of them. */
static bool acts(const struct planner *planner, const struct rule *rule, int64_t freed)
{
	const struct disk *disk = &planner->snapshot->disk;

	if (!rule_is_pressure(rule))
		return false;
	if (planner->need_free > 0)
		return planner->need_free - disk->available > freed;
	return mark_exceeded(rule, disk, freed);
}

static const struct rule *find_uncounted(const struct planner *planner)
{
	for (size_t i = 0; planner->snapshot->disk.inodes <= 0 && i < planner->rules->n; i++)
		if (planner->rules->v[i].when_used_above.inodes)
			return &planner->rules->v[i];
	return NULL;
}

static bool is_wanted(const struct planner *planner)
{
	for (size_t i = 0; i < planner->rules->n; i++)
		if (rule_is_pressure(&planner->rules->v[i]))
			return true;
	return planner->need_free > 0;
}

static void add_press(struct pressure_pass *pass, const struct rule *rule)
{
	struct pressure *pressure = &pass->plan->pressure;
	int64_t needed = pressure->needed;

	if (pressure->need_free == 0)
		needed = mark_needed(rule, &pass->snapshot->disk);
	if (needed > pressure->needed)
		pressure->needed = needed;
	pressure->by_inodes = pressure->by_inodes ||
			      (pressure->need_free == 0 && rule->when_used_above.inodes);
	pressure->rules[pressure->n_rules++] = rule;
	pass->presses.v[pass->presses.n++] =
		(struct pressing){ .rule = rule, .needed = needed };
}

static void find_presses(struct pressure_pass *pass)
{
	const struct planner *planner = pass->planner;
	size_t n = planner->rules->n;

	pass->presses.v = arena_array(planner->arena, n, sizeof(*pass->presses.v));
	pass->plan->pressure.rules =
		arena_array(planner->arena, n, sizeof(*pass->plan->pressure.rules));
	for (size_t i = 0; i < n; i++)
		if (acts(planner, &planner->rules->v[i], pass->plan->predicted.bytes))
			add_press(pass, &planner->rules->v[i]);
}

/* ---- objects ---- */

static bool same_object(const struct verdict *row, const struct verdict *next)
{
	return row->kind == KIND_TAG && next->kind == KIND_TAG && row->image == next->image;
}

static void find_objects(struct pressure_pass *pass)
{
	const struct plan *plan = pass->plan;
	struct objects *objects = &pass->objects;

	objects->v = arena_array(pass->planner->arena, plan->n, sizeof(*objects->v));
	objects->of_image = arena_array(pass->planner->arena, pass->snapshot->n_images,
					sizeof(*objects->of_image));
	for (size_t row = 0; row < plan->n; row++) {
		struct object *object = &objects->v[objects->n];

		if (row > 0 && same_object(&plan->verdicts[row - 1], &plan->verdicts[row])) {
			objects->v[objects->n - 1].n++;
			continue;
		}
		*object = (struct object){ .row = row, .n = 1 };
		object->gone = plan->verdicts[row].action == VERDICT_REMOVE;
		if (is_image_object(pass, objects->n))
			objects->of_image[image_of_object(pass, objects->n)] = objects->n;
		if (row == pass->planner->first_cache)
			pass->first_cache = objects->n;
		objects->n++;
	}
}

bool pressure_image_goes(const struct pressure_pass *pass, size_t image)
{
	return pass->objects.v[pass->objects.of_image[image]].gone;
}

/* ---- use by containers ---- */

bool pressure_container_goes(const struct container *container, void *data)
{
	const struct pressure_pass *pass = data;

	return pass->objects.v[container - pass->snapshot->containers].gone;
}

static bool container_may_go(const struct container *container, void *data)
{
	const struct pressure_pass *pass = data;
	size_t object = (size_t)(container - pass->snapshot->containers);

	if (pass->objects.v[object].gone)
		return true;
	for (size_t i = 0; i < pass->presses.n; i++)
		if (pass->presses.v[i].may_take[object])
			return true;
	return false;
}

static struct image_users users_without(struct pressure_pass *pass,
					bool (*leaves)(const struct container *container,
						       void *data))
{
	struct arena *arena = pass->planner->arena;

	return (struct image_users){
		.staying = users_new(arena, pass->snapshot, leaves, pass),
		.listed = users_new(arena, pass->snapshot, NULL, NULL),
	};
}

/* Takes away the images that containers hold of which leaves() says that they stay. */
void pressure_drop_held(struct pressure_pass *pass, struct pressing *pressing,
			bool (*leaves)(const struct container *container, void *data))
{
	const struct image_users users = users_without(pass, leaves);

	for (size_t i = 0; i < pass->snapshot->n_images; i++) {
		size_t object = pass->objects.of_image[i];

		pressing->may_take[object] =
			pressing->may_take[object] && !images_held(pass->planner, &users, i);
	}
}

/* ---- images built on images ---- */

/* An image without any name, on which others are built, is no object of its own: it goes with
 * the last of them, or stays. */
static void find_followers(struct pressure_pass *pass)
{
	const struct image_users users = users_without(pass, pressure_container_goes);
	size_t n = pass->snapshot->n_images;

	for (size_t i = 0; i < n; i++) {
		const struct image *parent = &pass->snapshot->images[pass->parent[i]];

		if (pass->parent[i] < n && parent->n_tags == 0 && parent->n_digests == 0)
			pass->intermediate[pass->parent[i]] = true;
	}
	for (size_t i = 0; i < n; i++)
		pass->follows[i] = pass->intermediate[i] && pass->children[i] > 0 &&
				   !images_held(pass->planner, &users, i) &&
				   eligible_to_follow(pass->planner, &pass->presses, i);
}

/* Where such an image can only go with one other, both are one holder of layers, so that what
 * they free together is seen to be freed. */
static size_t find_holder(const struct pressure_pass *pass, size_t image,
			  const size_t *only_child)
{
	size_t steps = 0, at = image;

	while (pass->follows[at] && pass->children[at] == 1 &&
	       steps++ < pass->snapshot->n_images)
		at = only_child[at];
	return at;
}

static void build_tree(struct pressure_pass *pass)
{
	struct arena *arena = pass->planner->arena;
	size_t n = pass->snapshot->n_images;
	size_t *only_child = arena_array(arena, n, sizeof(*only_child));

	pass->parent = arena_array(arena, n, sizeof(*pass->parent));
	pass->children = arena_array(arena, n, sizeof(*pass->children));
	pass->intermediate = arena_array(arena, n, sizeof(*pass->intermediate));
	pass->follows = arena_array(arena, n, sizeof(*pass->follows));
	pass->holder = arena_array(arena, n, sizeof(*pass->holder));
	for (size_t i = 0; i < n; i++) {
		pass->parent[i] = images_parent(pass->snapshot, i);
		if (pass->parent[i] == n || pressure_image_goes(pass, i))
			continue;
		pass->children[pass->parent[i]]++;
		only_child[pass->parent[i]] = i;
	}
	find_followers(pass);
	for (size_t i = 0; i < n; i++)
		pass->holder[i] = find_holder(pass, i, only_child);
}

static void build_cache_tree(struct pressure_pass *pass)
{
	const struct snapshot *snapshot = pass->snapshot;

	pass->cache_children = arena_array(pass->planner->arena, snapshot->n_cache,
					   sizeof(*pass->cache_children));
	for (size_t i = 0; i < snapshot->n_cache; i++)
		for (size_t k = 0; k < snapshot->cache[i].parents.n; k++) {
			size_t parent = cache_parent(snapshot, i, k);

			if (parent < snapshot->n_cache &&
			    !pass->objects.v[pass->first_cache + i].gone)
				pass->cache_children[parent]++;
		}
}

/* ---- facts: only of what could go, and of which layers the other images hold ---- */

/* The image that could go along with this one; n_images for none. */
size_t pressure_follower(const struct pressure_pass *pass, size_t image)
{
	size_t parent = pass->parent[image];

	return parent < pass->snapshot->n_images && pass->follows[parent]
		       ? parent
		       : pass->snapshot->n_images;
}

static void need_sizes(struct pressure_pass *pass, const struct pressing *pressing,
		       bool *layers)
{
	const struct snapshot *snapshot = pass->snapshot;

	for (size_t i = 0; i < snapshot->n_containers; i++)
		if (pressing->may_take[i] && snapshot->containers[i].sized == FACT_NOT_ASKED)
			need_add(pass->planner, KIND_CONTAINER, i, NEED_SIZE);
	for (size_t i = 0; i < snapshot->n_images; i++) {
		if (!pressing->may_take[pass->objects.of_image[i]])
			continue;
		*layers = true;
		for (size_t at = i; at < snapshot->n_images; at = pressure_follower(pass, at))
			if (snapshot->images[at].layered == FACT_NOT_ASKED)
				need_add(pass->planner, KIND_IMAGE, at, NEED_LAYERS);
	}
}

static void need_facts(struct pressure_pass *pass)
{
	const struct snapshot *snapshot = pass->snapshot;
	bool layers = false;

	for (size_t i = 0; i < pass->presses.n; i++) {
		if (pass->presses.v[i].rule->kind == KIND_IMAGE)
			pressure_drop_held(pass, &pass->presses.v[i], container_may_go);
		need_sizes(pass, &pass->presses.v[i], &layers);
	}
	if (!layers)
		return;
	images_need_names(pass->planner, pressure_container_goes, pass);
	for (size_t i = 0; i < snapshot->n_images; i++)
		if (snapshot->images[i].inspected == FACT_NOT_ASKED)
			need_add(pass->planner, KIND_IMAGE, i, NEED_INSPECT);
}

static bool any_need(const struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;

	for (size_t i = 0; i < snapshot->n_containers; i++)
		if (planner->container_needs[i] != 0)
			return true;
	for (size_t i = 0; i < snapshot->n_images; i++)
		if (planner->image_needs[i] != 0)
			return true;
	return false;
}

/* ---- verdicts ---- */

static void note_row(struct pressure_pass *pass, size_t row, enum reason reason,
		     const struct pressing *by)
{
	struct verdict *verdict = &pass->plan->verdicts[row];

	verdict->owner = verdict->rule;
	verdict->rule = by->rule;
	verdict->rank = by->rows[row].rank;
	verdict->group = by->rows[row].group;
	verdict->group_size = by->rows[row].group_size;
	verdict->holder = verdict->key = verdict->detail = NULL;
	verdict->goes_at = TIME_UNKNOWN;
	verdict->age.at = TIME_UNKNOWN;
	verdict_set(verdict, reason == REASON_ENOUGH_FREE ? VERDICT_KEEP : VERDICT_REMOVE,
		    reason);
}

/* Kept by nothing but what pressure overrules. */
static bool was_spared(const struct verdict *verdict)
{
	return verdict->action == VERDICT_KEEP &&
	       (verdict->reason == REASON_NO_RULE || verdict->reason == REASON_MAYBE_WANTED ||
		verdict->reason == REASON_KEEP_LAST || verdict->reason == REASON_KEEP_WITHIN);
}

/* Where use, a child or another name keeps it as well, that is said. */
static void note_spared(struct pressure_pass *pass, const struct object *object)
{
	for (size_t row = object->row; row < object->row + object->n; row++)
		if (!object->gone && object->sparer && was_spared(&pass->plan->verdicts[row]))
			note_row(pass, row, REASON_ENOUGH_FREE, object->sparer);
}

/* Where not enough goes, the rule's own keepers are what keeps the rest. */
static void note_kept(struct pressure_pass *pass, const struct pressing *pressing)
{
	for (size_t row = 0; row < pass->plan->n; row++) {
		struct verdict *verdict = &pass->plan->verdicts[row];
		const struct rule *owner = verdict->rule;

		if (!was_spared(verdict) || !pressing->rows[row].rule ||
		    pressing->rows[row].action == VERDICT_REMOVE ||
		    pressing->rows[row].reason == REASON_NO_RULE)
			continue;
		*verdict = pressing->rows[row];
		verdict->owner = owner;
	}
}

/* A superseded image that goes gets no name. */
static void drop_name(struct plan *plan, size_t row)
{
	size_t n = 0;

	if (plan->verdicts[row].action != VERDICT_TAG)
		return;
	plan->verdicts[row].preserve_as = NULL;
	for (size_t i = 0; i < plan->n_tags; i++)
		if (plan->tags[i] != row)
			plan->tags[n++] = plan->tags[i];
	plan->n_tags = n;
}

static void note_removal(struct pressure_pass *pass, size_t at)
{
	const struct object *object = &pass->objects.v[pass->taken[at]];
	const struct verdict *with =
		object_row(pass->planner, &pass->objects.v[pass->with[at]]);
	bool along = pass->with[at] != pass->taken[at];

	for (size_t row = object->row; row < object->row + object->n; row++) {
		struct verdict *verdict = &pass->plan->verdicts[row];

		drop_name(pass->plan, row);
		note_row(pass, row, along ? REASON_LAST_CHILD : REASON_PRESSURE, object->taker);
		age_of_last_use(pass->planner, verdict, &verdict->age);
		if (along)
			verdict->holder = images_name(with->image);
	}
}

static void note_verdicts(struct pressure_pass *pass)
{
	for (size_t i = 0; i < pass->n_taken; i++) {
		const struct object *object = &pass->objects.v[pass->taken[i]];

		if (!object->gone)
			continue;
		note_removal(pass, i);
		for (size_t row = object->row; row < object->row + object->n; row++)
			removals_add(pass->planner, &pass->plan->verdicts[row]);
	}
	if (pass->plan->pressure.missed) {
		for (size_t i = 0; i < pass->presses.n; i++)
			note_kept(pass, &pass->presses.v[i]);
		return;
	}
	for (size_t i = 0; i < pass->objects.n; i++)
		note_spared(pass, &pass->objects.v[i]);
}

/* ---- all of it ---- */

static void take_and_give_back(struct pressure_pass *pass)
{
	struct arena *arena = pass->planner->arena;

	pass->graph = layers_new(arena, pass->snapshot, pass->holder);
	for (size_t i = 0; i < pass->snapshot->n_images; i++)
		if (pressure_image_goes(pass, i))
			layers_release(pass->graph, i);
	pass->taken = arena_array(arena, pass->objects.n, sizeof(*pass->taken));
	pass->with = arena_array(arena, pass->objects.n, sizeof(*pass->with));
	pass->freed = pass->plan->predicted.bytes;
	for (size_t i = 0; i < pass->presses.n; i++)
		pressure_take(pass, &pass->presses.v[i]);
	pass->plan->pressure.needed = 0;
	for (size_t i = 0; i < pass->presses.n; i++)
		if (pass->presses.v[i].needed > pass->plan->pressure.needed)
			pass->plan->pressure.needed = pass->presses.v[i].needed;
	pressure_give_back(pass);
	pass->plan->pressure.missed = pass->freed < pass->plan->pressure.needed;
	note_verdicts(pass);
}

static bool prepare(struct pressure_pass *pass)
{
	find_presses(pass);
	if (pass->presses.n == 0)
		return false;
	find_objects(pass);
	eligible_find(pass->planner, &pass->objects, &pass->presses);
	if (any_need(pass->planner))
		return false;
	build_tree(pass);
	build_cache_tree(pass);
	need_facts(pass);
	return !any_need(pass->planner);
}

/* What is needed of the marks that nothing has to be taken for. */
static void start(struct planner *planner)
{
	struct pressure *pressure = &planner->plan->pressure;
	const struct disk *disk = &planner->snapshot->disk;

	pressure->wanted = is_wanted(planner);
	pressure->need_free = planner->need_free;
	if (!pressure->wanted)
		return;
	if (disk->state != FACT_KNOWN) {
		pressure->off = disk->why ? disk->why : "nobody looked at the disk";
		return;
	}
	if (planner->need_free == 0)
		pressure->uncounted = find_uncounted(planner);
	if (planner->need_free > disk->available)
		pressure->needed = planner->need_free - disk->available;
	pressure->missed = planner->plan->predicted.bytes < pressure->needed;
}

void pressure_judge(struct planner *planner)
{
	struct pressure_pass pass = {
		.planner = planner,
		.snapshot = planner->snapshot,
		.plan = planner->plan,
	};

	start(planner);
	if (!planner->plan->pressure.wanted || planner->plan->pressure.off || !prepare(&pass))
		return;
	take_and_give_back(&pass);
	claim_bytes(planner);
}
