#pragma once

#include <stdint.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "report/event.h"

/* One entry of the journal, field by field. */

struct entry {
	struct iovec *fields;
	size_t n;
};

/* Where entries go: journald, or a test. send returns a negative errno when it failed. */
struct journal_sink {
	int (*send)(void *data, const struct iovec *fields, size_t n);
	void *data;
};

/* Starts an entry with MESSAGE, MESSAGE_ID and PRIORITY. */
void entry_start(struct entry *entry, enum event event, const char *message);

/* RECLAIMD_NAME=…; nothing when the text is NULL. */
void entry_add(struct entry *entry, const char *name, const char *text);

/* With control characters and the like escaped: for what others wrote. */
void entry_add_escaped(struct entry *entry, const char *name, const char *text);

void entry_add_number(struct entry *entry, const char *name, int64_t number);

/* The number, and as NAME_PRETTY as people read it. */
void entry_add_bytes(struct entry *entry, const char *name, int64_t bytes);

void entry_clear(struct entry *entry);

/* Sends the entry and clears it. */
int entry_send(struct entry *entry, const struct journal_sink *sink);
