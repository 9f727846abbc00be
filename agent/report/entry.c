#include "report/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"

static void add_field(struct entry *entry, char *field)
{
	entry->fields = mem_grow(entry->fields, entry->n, sizeof(*entry->fields));
	entry->fields[entry->n++] =
		(struct iovec){ .iov_base = field, .iov_len = strlen(field) };
}

void entry_start(struct entry *entry, enum event event, const char *message)
{
	const struct event_row *row = event_row(event);

	*entry = (struct entry){ 0 };
	add_field(entry, mem_printf("MESSAGE=%s", message));
	add_field(entry, mem_printf("MESSAGE_ID=%s", row->message_id));
	add_field(entry, mem_printf("PRIORITY=%d", row->priority));
	add_field(entry, mem_strdup("SYSLOG_IDENTIFIER=reclaimd"));
	add_field(entry, mem_strdup("DOCUMENTATION=man:reclaimd(8)"));
}

void entry_add(struct entry *entry, const char *name, const char *text)
{
	if (text)
		add_field(entry, mem_printf("RECLAIMD_%s=%s", name, text));
}

void entry_add_escaped(struct entry *entry, const char *name, const char *text)
{
	_cleanup_free_ char *escaped = text ? text_escape(text) : NULL;

	entry_add(entry, name, escaped);
}

void entry_add_number(struct entry *entry, const char *name, int64_t number)
{
	add_field(entry, mem_printf("RECLAIMD_%s=%lld", name, (long long)number));
}

/* What is measured may be negative: others write as well. */
void entry_add_bytes(struct entry *entry, const char *name, int64_t bytes)
{
	char pretty[UNITS_SIZE];

	entry_add_number(entry, name, bytes);
	units_format_bytes(pretty, bytes < 0 ? -(bytes + 1) + 1 : bytes);
	add_field(entry,
		  mem_printf("RECLAIMD_%s_PRETTY=%s%s", name, bytes < 0 ? "-" : "", pretty));
}

void entry_clear(struct entry *entry)
{
	for (size_t i = 0; i < entry->n; i++)
		free(entry->fields[i].iov_base);
	free(entry->fields);
	*entry = (struct entry){ 0 };
}

int entry_send(struct entry *entry, const struct journal_sink *sink)
{
	int r = sink->send(sink->data, entry->fields, entry->n);

	entry_clear(entry);
	return r;
}
