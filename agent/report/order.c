#include "report/order.h"

#include <stdlib.h>
#include <string.h>

#include "report/object.h"

static enum kind shelf(const struct verdict *verdict)
{
	return verdict->kind == KIND_TAG ? KIND_IMAGE : verdict->kind;
}

/* Images without a name come last. */
static const char *name_or_last(const struct verdict *verdict)
{
	const char *name = verdict_name(verdict);

	return name ? name : "~";
}

static int compare(const void *a, const void *b)
{
	const struct verdict *left = *(const struct verdict *const *)a;
	const struct verdict *right = *(const struct verdict *const *)b;
	int r = (int)shelf(left) - (int)shelf(right);

	if (r == 0)
		r = (int)right->action - (int)left->action;
	if (r == 0)
		r = strverscmp(name_or_last(left), name_or_last(right));
	return r != 0 ? r : (left > right) - (left < right);
}

static bool is_wanted(const struct verdict *verdict, bool all)
{
	return all || verdict->action != VERDICT_KEEP || verdict->reason == REASON_QUARANTINE;
}

const struct verdict **order_rows(const struct plan *plan, bool all, size_t *ret_n)
{
	const struct verdict **rows = mem_zalloc(plan->n, sizeof(*rows));
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		if (is_wanted(&plan->verdicts[i], all))
			rows[n++] = &plan->verdicts[i];
	if (n > 1)
		qsort(rows, n, sizeof(*rows), compare);
	*ret_n = n;
	return rows;
}
