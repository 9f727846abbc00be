#include "report/report.h"

#include <string.h>

#include "base/text.h"
#include "report/object.h"

#define SHORT_ID 12

const char *object_former_name(const struct verdict *verdict)
{
	const struct image *image = verdict->image;
	const struct strings *lists[2];

	if (verdict->kind != KIND_IMAGE && !verdict->preserved)
		return NULL;
	lists[0] = &image->memory.names;
	lists[1] = &image->history;
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; i < lists[k]->n; i++)
			if (!verdict->preserved ||
			    strcmp(lists[k]->v[i], verdict->reference->raw) != 0)
				return lists[k]->v[i];
	return NULL;
}

char *object_short_id(const char *id)
{
	const char *colon = strchr(id, ':');
	_cleanup_free_ char *digits = mem_printf("%.*s", SHORT_ID, colon ? colon + 1 : id);

	return text_escape(digits);
}

int64_t object_age(const struct verdict *verdict, const struct plan *plan)
{
	const struct age *age = &verdict->age;

	if (age->at == TIME_UNKNOWN || age->at == 0 || age->source == SOURCE_NOW)
		return -1;
	return age->at < plan->now ? plan->now - age->at : 0;
}

const char *report_verdict(const struct verdict *verdict)
{
	static const char *const words[] = {
		[VERDICT_KEEP] = "keep",
		[VERDICT_TAG] = "tag",
		[VERDICT_REMOVE] = "remove",
	};

	return words[verdict->action];
}

char *report_name(const struct verdict *verdict)
{
	const char *name = verdict_name(verdict);
	_cleanup_free_ char *id = NULL;

	if (name)
		return text_escape(name);
	id = object_short_id(verdict_id(verdict));
	return mem_printf("<none> %s", id);
}
