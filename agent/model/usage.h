#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* The ledger of the file system that holds the engine's data: plain data. No byte is in two
 * rows. */

enum usage_kind {
	USAGE_IMAGE,	 /* layers that only this image has */
	USAGE_SHARED,	 /* layers that several images have */
	USAGE_CONTAINER, /* what a container wrote */
	USAGE_LOG,	 /* its log, with the rotated files */
	USAGE_VOLUME,
	USAGE_CACHE,	    /* build cache, less the layers that images have too */
	USAGE_DOWNLOAD,	    /* downloads and builds under way, or left unfinished */
	USAGE_ORPHAN,	    /* a folder of the storage driver that nothing refers to */
	USAGE_HELD_OPEN,    /* deleted files that a process still holds open */
	USAGE_RECORDS,	    /* what the engine keeps for itself */
	USAGE_OTHER,	    /* beside the engine's folders in its data root */
	USAGE_UNATTRIBUTED, /* the engine's, but whose cannot be told */
	USAGE_REST,	    /* all else on the file system */
	USAGE_MAX_,
};

struct usage_row {
	enum usage_kind kind;
	const char *id;	  /* full ID, folder or path; NULL: none */
	const char *name; /* for people, as strangers spelt it; NULL: none */
	int64_t bytes;	  /* on the disk, -1 unknown */
	int64_t shared;	  /* images: bytes of its layers that others have too, -1 unknown */
	const char *why;  /* why unknown, or why not attributed; NULL */
};

struct disk_ledger {
	struct arena *arena;
	struct usage_row *rows; /* largest first, unknown ones before all */
	size_t n;
	bool walked;  /* files were counted; else what the engine says */
	bool unknown; /* a row other than the rest is unknown: the rest has it too */
	int64_t over; /* so much more was counted than is in use: the disk changed meanwhile */
};

/* An empty ledger in an arena of its own. */
struct disk_ledger *usage_new(void);
void usage_free(struct disk_ledger *usage);
DEFINE_CLEANUP(struct disk_ledger *, usage_free, usage_free)

/* Adds a row, with copies of the strings. Without bytes and name it is left out. */
void usage_add(struct disk_ledger *usage, const struct usage_row *row);

/* Adds what is left of `used` as USAGE_REST (unknown where used is -1) and sorts. */
void usage_close(struct disk_ledger *usage, int64_t used);

/* "image", "log", "held-open". */
const char *usage_kind_to_string(enum usage_kind kind);
