#include "plan/pressure.h"

/* Percentages as df counts them: of what is used and what a user could still get, which leaves
 * out the blocks that a file system reserves. */

static int64_t percent_of(int64_t total, int64_t percent)
{
	return total / 100 * percent + total % 100 * percent / 100;
}

/* No engine tells how many files a removal frees: those of the engine are taken to lie in its
 * bytes as all files lie in all bytes. */
static int64_t bytes_of_inodes(const struct disk *disk, int64_t inodes)
{
	if (disk->inodes_used <= 0 || disk->used <= 0)
		return INT64_MAX;
	return (int64_t)((double)inodes * ((double)disk->used / (double)disk->inodes_used));
}

/* Bytes to free until no more than that is used; 0 or less: it is so already. */
static int64_t until_used(const struct disk *disk, const struct usage *usage)
{
	int64_t total, over;

	if (!usage->inodes) {
		total = disk->used + disk->available;
		return disk->used - percent_of(total, usage->percent);
	}
	/* btrfs makes inodes as it needs them and counts none. */
	if (disk->inodes <= 0)
		return 0;
	total = disk->inodes_used + disk->inodes_available;
	over = disk->inodes_used - percent_of(total, usage->percent);
	return over <= 0 ? over : bytes_of_inodes(disk, over);
}

static int64_t until_free(const struct disk *disk, int64_t wanted)
{
	return wanted - disk->available;
}

bool mark_exceeded(const struct rule *rule, const struct disk *disk, int64_t freed)
{
	if (rule_has(rule, RULE_WHEN_FREE_BELOW))
		return until_free(disk, rule->when_free_below) > freed;
	return until_used(disk, &rule->when_used_above) > freed;
}

int64_t mark_needed(const struct rule *rule, const struct disk *disk)
{
	if (rule_has(rule, RULE_WHEN_FREE_BELOW))
		return until_free(disk, rule->until_free_above);
	return until_used(disk, &rule->until_used_below);
}

bool plan_missed(const struct plan_input *input, const struct plan *plan,
		 const struct disk *after)
{
	const struct pressure *pressure = &plan->pressure;

	if (after->state != FACT_KNOWN)
		return false;
	if (input->need_free > 0)
		return after->available < input->need_free;
	for (size_t i = 0; i < pressure->n_rules; i++)
		if (mark_needed(pressure->rules[i], after) > 0)
			return true;
	/* What was to be enough without any of them was not. */
	for (size_t i = 0; i < input->rules->n; i++)
		if (rule_is_pressure(&input->rules->v[i]) &&
		    mark_exceeded(&input->rules->v[i], after, 0))
			return true;
	return false;
}
