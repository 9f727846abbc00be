#include "plan/planner.h"

#include <string.h>

/* The passes of planning. Each reads what the ones before it left in the verdicts. */

static size_t count_rows(const struct snapshot *snapshot)
{
	size_t n = snapshot->n_containers;

	for (size_t i = 0; i < snapshot->n_images; i++)
		n += snapshot->images[i].n_tags + snapshot->images[i].n_digests + 1;
	return n + snapshot->n_volumes + snapshot->n_networks + snapshot->n_cache;
}

static struct verdict *add_row(struct plan *plan, enum kind kind)
{
	struct verdict *verdict = &plan->verdicts[plan->n++];

	verdict->kind = kind;
	verdict->goes_at = TIME_UNKNOWN;
	verdict->age.at = TIME_UNKNOWN;
	verdict->bytes = -1;
	return verdict;
}

static bool has_tag_of(const struct image *image, const struct reference *digest)
{
	for (size_t i = 0; i < image->n_tags; i++)
		if (strcmp(image->tags[i].repository, digest->repository) == 0)
			return true;
	return false;
}

static void add_reference_row(struct plan *plan, const struct image *image,
			      const struct reference *reference)
{
	struct verdict *verdict = add_row(plan, KIND_TAG);

	verdict->image = image;
	verdict->reference = reference;
}

/* A digest reference goes and stays with the tags of its repository; one of another repository
 * is a name of its own. */
static void add_image_rows(struct plan *plan, const struct image *image)
{
	if (image->n_tags == 0) {
		add_row(plan, KIND_IMAGE)->image = image;
		return;
	}
	for (size_t i = 0; i < image->n_tags; i++)
		add_reference_row(plan, image, &image->tags[i]);
	for (size_t i = 0; i < image->n_digests; i++)
		if (!has_tag_of(image, &image->digests[i]))
			add_reference_row(plan, image, &image->digests[i]);
}

static void add_other_rows(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct plan *plan = planner->plan;

	planner->first_volume = plan->n;
	for (size_t i = 0; i < snapshot->n_volumes; i++)
		add_row(plan, KIND_VOLUME)->volume = &snapshot->volumes[i];
	planner->first_network = plan->n;
	for (size_t i = 0; i < snapshot->n_networks; i++)
		add_row(plan, KIND_NETWORK)->network = &snapshot->networks[i];
	planner->first_cache = plan->n;
	for (size_t i = 0; i < snapshot->n_cache; i++)
		add_row(plan, KIND_BUILD_CACHE)->cache = &snapshot->cache[i];
}

static void add_rows(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct plan *plan = planner->plan;

	plan->verdicts =
		arena_array(planner->arena, count_rows(snapshot), sizeof(*plan->verdicts));
	for (size_t i = 0; i < snapshot->n_containers; i++)
		add_row(plan, KIND_CONTAINER)->container = &snapshot->containers[i];
	for (size_t i = 0; i < snapshot->n_images; i++) {
		planner->first_row[i] = plan->n;
		add_image_rows(plan, &snapshot->images[i]);
	}
	planner->first_row[snapshot->n_images] = plan->n;
	add_other_rows(planner);
	plan->removals = arena_array(planner->arena, plan->n, sizeof(*plan->removals));
	plan->tags = arena_array(planner->arena, plan->n, sizeof(*plan->tags));
}

/* Images without any name that others are built on are judged with those. */
static void mark_intermediates(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;

	for (size_t i = 0; i < snapshot->n_images; i++) {
		const char *id = snapshot->images[i].parent;
		const struct image *parent = id ? snapshot_image(snapshot, id) : NULL;

		if (parent && parent->n_tags == 0 && parent->n_digests == 0)
			planner->plan->verdicts[planner->first_row[parent - snapshot->images]]
				.reason = REASON_CHILD;
	}
}

/* What services use may be of these kinds. */
static bool swarm_failed(const struct snapshot *snapshot, enum kind kind)
{
	return snapshot->swarm.state == LISTING_FAILED && kind != KIND_CONTAINER &&
	       kind != KIND_BUILD_CACHE;
}

static bool list_failed(const struct snapshot *snapshot, enum kind kind)
{
	if (swarm_failed(snapshot, kind))
		return true;
	/* Build cache hangs on no container: whether a build uses it, it says itself. */
	if (snapshot->listing[KIND_CONTAINER] != LISTING_READ && kind != KIND_BUILD_CACHE)
		return true;
	return snapshot->listing[kind == KIND_TAG ? KIND_IMAGE : kind] != LISTING_READ;
}

/* Kinds that pinned.d and Quadlet files name. */
static bool may_be_pinned(enum kind kind)
{
	return kind != KIND_CONTAINER && kind != KIND_BUILD_CACHE;
}

/* What no rule is asked about. */
static bool guarded(const struct planner *planner, struct verdict *verdict)
{
	if (list_failed(planner->snapshot, verdict->kind)) {
		verdict_set(verdict, VERDICT_KEEP, REASON_LIST_FAILED);
		if (swarm_failed(planner->snapshot, verdict->kind))
			verdict->detail = "services of the swarm";
		return true;
	}
	if (planner->snapshot->pinned_unknown && may_be_pinned(verdict->kind)) {
		verdict_set(verdict, VERDICT_KEEP, REASON_LIST_FAILED);
		verdict->detail = planner->snapshot->pinned_unknown;
		return true;
	}
	if (verdict->kind != KIND_CONTAINER)
		return verdict->reason == REASON_CHILD;
	if (!is_stopped(verdict->container->state)) {
		verdict_set(verdict, VERDICT_KEEP, REASON_RUNNING);
		verdict->detail = verdict->container->state_name;
		return true;
	}
	if (verdict->container->not_ours) {
		verdict_set(verdict, VERDICT_KEEP, REASON_NOT_OURS);
		verdict->detail = verdict->container->not_ours;
		return true;
	}
	return false;
}

static void select_owners(struct planner *planner)
{
	for (size_t i = 0; i < planner->plan->n; i++)
		if (!guarded(planner, &planner->plan->verdicts[i]))
			select_owner(planner, &planner->plan->verdicts[i]);
}

void removals_add(struct planner *planner, const struct verdict *verdict)
{
	struct plan *plan = planner->plan;

	if (verdict->action == VERDICT_REMOVE)
		plan->removals[plan->n_removals++] = (size_t)(verdict - plan->verdicts);
}

static void judge_containers(struct planner *planner)
{
	struct plan *plan = planner->plan;

	for (size_t i = 0; i < planner->snapshot->n_containers; i++) {
		if (plan->verdicts[i].rule)
			keep_judge(planner, &plan->verdicts[i]);
		removals_add(planner, &plan->verdicts[i]);
	}
}

/* Stable: within a kind they stand in the order in which they may be walked. */
static void order_removals(struct planner *planner)
{
	static const unsigned steps[] = {
		1u << KIND_CONTAINER,	1u << KIND_IMAGE | 1u << KIND_TAG,
		1u << KIND_VOLUME,	1u << KIND_NETWORK,
		1u << KIND_BUILD_CACHE,
	};
	struct plan *plan = planner->plan;
	size_t *old = plan->removals, n = 0;

	plan->removals = arena_array(planner->arena, plan->n, sizeof(*plan->removals));
	for (size_t step = 0; step < ARRAY_SIZE(steps); step++)
		for (size_t i = 0; i < plan->n_removals; i++)
			if (steps[step] & 1u << plan->verdicts[old[i]].kind)
				plan->removals[n++] = old[i];
}

static void collect_needs(struct planner *planner, enum kind kind, const unsigned *needs,
			  size_t n)
{
	struct plan *plan = planner->plan;

	for (size_t i = 0; i < n; i++)
		if (needs[i] != 0)
			plan->needs[plan->n_needs++] = (struct need){ kind, i, needs[i] };
}

static void collect_all_needs(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;

	planner->plan->n_needs = 0;
	collect_needs(planner, KIND_CONTAINER, planner->container_needs,
		      snapshot->n_containers);
	collect_needs(planner, KIND_IMAGE, planner->image_needs, snapshot->n_images);
}

static void add_to(struct totals *totals, const struct plan *plan, size_t index)
{
	const struct verdict *verdict = &plan->verdicts[index];
	bool same_image = index > 0 && verdict->kind == KIND_TAG &&
			  plan->verdicts[index - 1].kind == KIND_TAG &&
			  plan->verdicts[index - 1].image == verdict->image;

	totals->n[verdict->kind]++;
	if (verdict->kind == KIND_TAG && !same_image)
		totals->n[KIND_IMAGE]++;
	if (verdict->bytes < 0 || verdict->bytes > INT64_MAX - totals->bytes)
		totals->unknown++;
	else
		totals->bytes += verdict->bytes;
}

static bool waits_for_first_look(const struct verdict *verdict)
{
	return (verdict->reason == REASON_TOO_YOUNG || verdict->reason == REASON_KEEP_WITHIN) &&
	       verdict->age.source == SOURCE_NOW;
}

static void sum(struct plan *plan)
{
	struct totals *const totals[] = {
		[VERDICT_KEEP] = &plan->keep,
		[VERDICT_TAG] = &plan->tag,
		[VERDICT_REMOVE] = &plan->remove,
	};

	for (size_t i = 0; i < plan->n; i++) {
		add_to(totals[plan->verdicts[i].action], plan, i);
		plan->unknown_ages += waits_for_first_look(&plan->verdicts[i]);
	}
}

static void planner_init(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;
	struct arena *arena = planner->arena;
	struct plan *plan = arena_alloc(arena, sizeof(*plan));

	plan->snapshot = snapshot;
	plan->now = planner->now;
	plan->needs = arena_array(arena, snapshot->n_containers + snapshot->n_images,
				  sizeof(*plan->needs));
	planner->plan = plan;
	planner->container_needs = arena_array(arena, snapshot->n_containers, sizeof(unsigned));
	planner->image_needs = arena_array(arena, snapshot->n_images, sizeof(unsigned));
	planner->first_row = arena_array(arena, snapshot->n_images + 1, sizeof(size_t));
	joiners_find(planner);
	pods_find(planner);
}

struct plan *plan_build(struct arena *arena, const struct plan_input *input)
{
	struct planner planner = {
		.arena = arena,
		.rules = input->rules,
		.settings = input->settings,
		.snapshot = input->snapshot,
		.approved = input->approved,
		.need_free = input->need_free,
		.before = input->before,
		.now = input->now,
		.rules_preserve = rules_preserve(input->rules),
	};

	planner_init(&planner);
	add_rows(&planner);
	mark_intermediates(&planner);
	select_owners(&planner);
	rank_all(&planner);
	judge_containers(&planner);
	images_judge(&planner);
	preserve_name_images(&planner);
	cache_judge(&planner);
	holders_find(arena, input->snapshot, &planner.holders);
	volumes_judge(&planner);
	networks_judge(&planner);
	collect_all_needs(&planner);
	/* What removal frees is asked only once it is settled what goes. */
	if (planner.plan->n_needs == 0) {
		claim_bytes(&planner);
		collect_all_needs(&planner);
	}
	if (planner.plan->n_needs == 0) {
		claim_predict(&planner);
		pressure_judge(&planner);
		collect_all_needs(&planner);
	}
	volumes_judge_held(&planner);
	claim_predict(&planner);
	order_removals(&planner);
	sum(planner.plan);
	brake_measure(&planner);
	return planner.plan;
}

const char *plan_key(struct arena *arena, enum kind kind, const char *id, const char *reference)
{
	return arena_printf(arena, "%s %s %s", kind_to_string(kind), id,
			    reference ? reference : "");
}
