#pragma once

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "conf/rule.h"
#include "conf/settings.h"

/* Settings and policies, read whole or refused whole. */

struct conf_request {
	const char *config_file;     /* --config, NULL: searched */
	const char *const *policies; /* --policy FILE|DIR, searched if there is none */
	size_t n_policies;
	const char *instance; /* --instance, NULL: the main one */
	/* Whether the engine that these settings lead to is the user's own; NULL: it is not. */
	bool (*is_users)(const struct settings *settings, const void *data);
	const void *data;
};

struct conf {
	struct settings settings;
	struct rules rules;
	struct pinned pinned;	 /* what pinned.d names */
	struct strings files;	 /* the files that were read, in order */
	struct strings places;	 /* the folders that pins are looked for in */
	struct strings counting; /* of those, where settings and policies are */
	const char *policies;	 /* the folder in which policies are looked for first */
	const char
		*example; /* a folder with ready policies, for the hint when none is active */
};

/* Whether an instance may have that name: it is one of a folder beside policies.d. */
bool conf_is_instance(const char *name);

/* Searches (DESIGN section 3: /etc, /run, /usr/local/lib, /usr/lib; as a user also
 * $XDG_CONFIG_HOME/reclaimd before them; sorted by name over all, an earlier place hides the
 * same name in a later one, empty or /dev/null switches it off), reads and checks everything.
 * For a user's own engine settings and policies are searched in $XDG_CONFIG_HOME/reclaimd
 * alone. As root, each folder that is searched must be root's and nobody else's to write. Every
 * mistake becomes a line of problems ("FILE:LINE: what is wrong, what would be right"). 0, or
 * -EINVAL if there was any problem; then nothing may be removed. No policy at all is no
 * mistake: rules->n is 0. */
_must_check_ int conf_load(struct arena *arena, const struct conf_request *request,
			   struct conf *ret, struct problems *problems);

/* A line for each file that lies where files were looked for, and that only its name keeps from
 * being read. */
struct strings conf_find_misnamed(struct arena *arena, const struct conf_request *request,
				  const struct conf *conf);

/* The effective settings and rules in their own syntax, each key that is set with a comment
 * saying the file and line it came from, the others with their default: of rules those that
 * make a difference, as comments. Reads back to the same. */
void conf_dump(const struct conf *conf, FILE *out);

/* Every key with type, default and text, as sections of the man page (roff). */
void conf_document(FILE *out);

/* A reclaimd.conf in which every setting stands, commented out, with its default and text. */
void conf_example(FILE *out);
