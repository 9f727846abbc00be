#include "plan/planner.h"

#include <string.h>

/* What ties images together: containers that use them, images built on them, and the names of
 * one image, which go all or not at all. */

struct image_pass {
	struct planner *planner;
	const struct snapshot *snapshot;
	const struct users *staying; /* containers that stay */
	const struct users *listed;  /* all containers */
	size_t n;

	/* Per image an index, n for none. */
	size_t *parent, *kept_child, *removed_child;
	size_t *unsettled; /* per image: how many images built on it are not settled yet */
};

static struct verdict *rows_of(const struct image_pass *pass, size_t image, size_t *ret_n)
{
	const size_t *first_row = pass->planner->first_row;

	*ret_n = first_row[image + 1] - first_row[image];
	return &pass->planner->plan->verdicts[first_row[image]];
}

static bool container_leaves(const struct container *container, void *data)
{
	const struct planner *planner = data;

	/* Containers are the first verdicts, in the snapshot's order. */
	return planner->plan->verdicts[container - planner->snapshot->containers].action ==
	       VERDICT_REMOVE;
}

size_t images_parent(const struct snapshot *snapshot, size_t index)
{
	const char *id = snapshot->images[index].parent;
	const struct image *parent = id ? snapshot_image(snapshot, id) : NULL;

	return parent ? (size_t)(parent - snapshot->images) : snapshot->n_images;
}

static void build_tree(struct image_pass *pass)
{
	struct arena *arena = pass->planner->arena;

	pass->parent = arena_array(arena, pass->n, sizeof(size_t));
	pass->kept_child = arena_array(arena, pass->n, sizeof(size_t));
	pass->removed_child = arena_array(arena, pass->n, sizeof(size_t));
	pass->unsettled = arena_array(arena, pass->n, sizeof(size_t));
	for (size_t i = 0; i < pass->n; i++) {
		pass->parent[i] = images_parent(pass->snapshot, i);
		pass->kept_child[i] = pass->removed_child[i] = pass->n;
	}
	for (size_t i = 0; i < pass->n; i++)
		if (pass->parent[i] < pass->n)
			pass->unsettled[pass->parent[i]]++;
}

const char *images_name(const struct image *image)
{
	return image->n_tags > 0 ? image->tags[0].short_name : image->id;
}

static void keep_row(struct verdict *row, enum reason reason, const char *holder)
{
	verdict_set(row, VERDICT_KEEP, reason);
	row->holder = holder;
}

static bool keep_rows(struct verdict *rows, size_t n, enum reason reason, const char *holder)
{
	for (size_t i = 0; i < n; i++)
		keep_row(&rows[i], reason, holder);
	return true;
}

static bool keep_not_ours(const struct image *image, struct verdict *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rows[i].detail = image->not_ours;
	return keep_rows(rows, n, REASON_NOT_OURS, NULL);
}

/* The whole image is the engine's own, or used by ID, or by somebody whom no list shows but the
 * engine counts. */
static bool held_whole(const struct image_pass *pass, const struct image *image,
		       struct verdict *rows, size_t n)
{
	const struct container *user = users_of_image(pass->staying, image);

	if (image->not_ours)
		return keep_not_ours(image, rows, n);
	if (user)
		return keep_rows(rows, n, REASON_IN_USE, container_name(user));
	if (image->containers > 0 &&
	    (size_t)image->containers > users_count(pass->listed, image))
		return keep_rows(rows, n, REASON_IN_USE_COUNTED, NULL);
	return false;
}

static bool row_is_used(const struct image_pass *pass, struct verdict *row)
{
	const struct container *user;

	if (row->reference)
		user = users_of_name(pass->staying, row->reference);
	else
		user = users_of_any(pass->staying, row->image);
	if (user)
		keep_row(row, REASON_IN_USE, container_name(user));
	return user != NULL;
}

static bool row_is_in_swarm(const struct image_pass *pass, struct verdict *row)
{
	const char *user = users_in_swarm(&pass->snapshot->swarm, row->image, row->reference);

	if (user)
		keep_row(row, REASON_IN_USE, user);
	return user != NULL;
}

/* An untagged image on which others are built is no object of its own: it goes with the last of
 * them, unless the rule that would own it otherwise, or else the rule that takes the last one,
 * pins it or keeps it as one that a service ran last. */
static void inherit(const struct image_pass *pass, size_t index, struct verdict *row)
{
	const struct verdict *heir;
	size_t n;

	if (pass->removed_child[index] == pass->n)
		return;
	heir = rows_of(pass, pass->removed_child[index], &n);
	if (select_owner(pass->planner, row) != ANSWER_YES)
		row->rule = heir->rule;
	if (row->rule->action == ACTION_KEEP) {
		keep_row(row, REASON_RULE_KEEPS, NULL);
		return;
	}
	row->age = heir->age;
	row->limit = heir->limit;
	row->holder = images_name(heir->image);
	verdict_set(row, VERDICT_REMOVE, REASON_LAST_CHILD);
	if (!select_pinned(pass->planner, row))
		keep_if_run_last(pass->planner, row);
	keep_unless_approved(pass->planner, row);
}

/* By something that no rule speaks of: an ordinary rule or one under pressure alike. */
static bool row_is_held(const struct image_pass *pass, struct verdict *row)
{
	return row_is_used(pass, row) || row_is_in_swarm(pass, row) ||
	       select_pinned_outside(pass->snapshot, row);
}

static void judge_row(const struct image_pass *pass, struct verdict *row, bool inherited)
{
	if (!row_is_held(pass, row) && row->rule && !inherited)
		keep_judge(pass->planner, row);
}

bool images_held(struct planner *planner, const struct image_users *users, size_t index)
{
	const struct image_pass pass = {
		.planner = planner,
		.snapshot = planner->snapshot,
		.staying = users->staying,
		.listed = users->listed,
	};
	size_t n;
	const struct verdict *rows = rows_of(&pass, index, &n);

	for (size_t i = 0; i < n; i++) {
		struct verdict row = rows[i];

		if (held_whole(&pass, row.image, &row, 1) || row_is_held(&pass, &row))
			return true;
	}
	return false;
}

static bool keep_for_child(const struct image_pass *pass, size_t index, struct verdict *rows,
			   size_t n)
{
	size_t child = pass->kept_child[index];

	for (size_t i = 0; child < pass->n && i < n; i++)
		if (rows[i].action == VERDICT_REMOVE || rows[i].reason == REASON_CHILD)
			keep_row(&rows[i], REASON_CHILD,
				 images_name(&pass->snapshot->images[child]));
	return child < pass->n;
}

static void all_or_nothing(struct verdict *rows, size_t n)
{
	const struct verdict *keeper = NULL;

	for (size_t i = 0; i < n && !keeper; i++)
		if (rows[i].action == VERDICT_KEEP)
			keeper = &rows[i];
	for (size_t i = 0; keeper && i < n; i++)
		if (rows[i].action == VERDICT_REMOVE)
			keep_row(&rows[i], REASON_OTHER_REFERENCE, name_of(keeper));
}

static void judge_image(const struct image_pass *pass, size_t index, struct verdict *rows,
			size_t n)
{
	const struct image *image = &pass->snapshot->images[index];
	bool intermediate = rows->reason == REASON_CHILD;

	if (held_whole(pass, image, rows, n))
		return;
	if (intermediate && pass->kept_child[index] == pass->n)
		inherit(pass, index, rows);
	for (size_t i = 0; i < n; i++)
		judge_row(pass, &rows[i], intermediate);
	keep_for_child(pass, index, rows, n);
	all_or_nothing(rows, n);
}

static void settle(struct image_pass *pass, size_t index)
{
	size_t n, parent = pass->parent[index];
	struct verdict *rows = rows_of(pass, index, &n);

	judge_image(pass, index, rows, n);
	for (size_t i = 0; i < n; i++)
		removals_add(pass->planner, &rows[i]);
	if (parent == pass->n)
		return;
	pass->unsettled[parent]--;
	if (rows->action == VERDICT_KEEP)
		pass->kept_child[parent] = index;
	else
		pass->removed_child[parent] = index;
}

/* Images that are each other's parents, which no engine should tell: nobody can say which is
 * first, so they stay. */
static void keep_circles(const struct image_pass *pass)
{
	for (size_t i = 0; i < pass->n; i++) {
		size_t n;
		struct verdict *rows = rows_of(pass, i, &n);

		if (pass->unsettled[i] > 0)
			keep_rows(rows, n, REASON_CHILD,
				  images_name(&pass->snapshot->images[i]));
	}
}

static bool any_tag_goes(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_removals; i++)
		if (plan->verdicts[plan->removals[i]].kind == KIND_TAG)
			return true;
	return false;
}

/* The names by which containers hold images are facts of the containers that stay. */
void images_need_names(struct planner *planner,
		       bool (*goes)(const struct container *container, void *data), void *data)
{
	const struct snapshot *snapshot = planner->snapshot;

	for (size_t i = 0; i < snapshot->n_containers; i++)
		if (!goes(&snapshot->containers[i], data))
			need_container_name(planner, &snapshot->containers[i]);
}

void images_judge(struct planner *planner)
{
	struct arena *arena = planner->arena;
	struct image_pass pass = {
		.planner = planner,
		.snapshot = planner->snapshot,
		.n = planner->snapshot->n_images,
		.staying = users_new(arena, planner->snapshot, container_leaves, planner),
		.listed = users_new(arena, planner->snapshot, NULL, NULL),
	};
	size_t *queue = arena_array(arena, pass.n, sizeof(*queue)), tail = 0;

	build_tree(&pass);
	for (size_t i = 0; i < pass.n; i++)
		if (pass.unsettled[i] == 0)
			queue[tail++] = i;
	for (size_t head = 0; head < tail; head++) {
		size_t parent = pass.parent[queue[head]];

		settle(&pass, queue[head]);
		if (parent < pass.n && pass.unsettled[parent] == 0)
			queue[tail++] = parent;
	}
	keep_circles(&pass);
	if (any_tag_goes(planner->plan))
		images_need_names(planner, container_leaves, planner);
}
