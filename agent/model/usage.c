#include "model/usage.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[USAGE_MAX_] = {
	[USAGE_IMAGE] = "image",	 [USAGE_SHARED] = "shared-layers",
	[USAGE_CONTAINER] = "container", [USAGE_LOG] = "log",
	[USAGE_VOLUME] = "volume",	 [USAGE_CACHE] = "build-cache",
	[USAGE_DOWNLOAD] = "unfinished", [USAGE_ORPHAN] = "orphan",
	[USAGE_HELD_OPEN] = "held-open", [USAGE_RECORDS] = "engine",
	[USAGE_OTHER] = "other",	 [USAGE_UNATTRIBUTED] = "not-attributed",
	[USAGE_REST] = "rest",
};

struct disk_ledger *usage_new(void)
{
	struct arena *arena = arena_new();
	struct disk_ledger *usage = arena_alloc(arena, sizeof(*usage));

	usage->arena = arena;
	return usage;
}

void usage_free(struct disk_ledger *usage)
{
	if (!usage)
		return;
	free(usage->rows);
	arena_free(usage->arena);
}

void usage_add(struct disk_ledger *usage, const struct usage_row *row)
{
	struct usage_row *added;

	if (row->bytes == 0 && !row->name)
		return;
	usage->rows = mem_grow(usage->rows, usage->n, sizeof(*usage->rows));
	added = &usage->rows[usage->n++];
	*added = *row;
	added->id = arena_strdup(usage->arena, row->id);
	added->name = arena_strdup(usage->arena, row->name);
	added->why = arena_strdup(usage->arena, row->why);
	usage->unknown = usage->unknown || row->bytes < 0;
}

static int compare(const void *left, const void *right)
{
	const struct usage_row *a = left, *b = right;

	if ((a->bytes < 0) != (b->bytes < 0))
		return a->bytes < 0 ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	return strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

void usage_close(struct disk_ledger *usage, int64_t used)
{
	struct usage_row rest = { .kind = USAGE_REST, .bytes = used };
	bool unknown = usage->unknown;

	for (size_t i = 0; used >= 0 && i < usage->n; i++)
		if (usage->rows[i].bytes > 0)
			rest.bytes -= usage->rows[i].bytes;
	if (used >= 0 && rest.bytes < 0) {
		usage->over = -rest.bytes;
		rest.bytes = 0;
	}
	usage_add(usage, &rest);
	usage->unknown = unknown;
	if (usage->n > 0)
		qsort(usage->rows, usage->n, sizeof(*usage->rows), compare);
}

const char *usage_kind_to_string(enum usage_kind kind)
{
	return names[kind];
}
