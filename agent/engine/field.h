#pragma once

#include <json.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/intern.h"
#include "model/reference.h"
#include "model/snapshot.h"

/* A table says how the fields of a JSON object become the members of a struct. Types are
 * checked first: json-c would give a number for a string or a missing field. Anything
 * unexpected fails the whole object, and with it its list: a container that were skipped would
 * hide the image it holds. */

struct decoder {
	struct arena *arena;
	struct intern *intern;
	const struct label_filter *labels; /* NULL: all are wanted */
};

enum presence {
	OPTIONAL,
	PRESENT, /* must be there, may be null: an absent list is not the same as an empty one
		  */
	MANDATORY,
};

/* Decodes value, never NULL, into *target; -EBADMSG with err set. */
typedef int (*field_decode)(struct decoder *decoder, struct json_object *value, void *target,
			    struct err *err);

struct field {
	const char *path; /* "State.Status": a member of a member */
	field_decode decode;
	size_t offset;
	enum presence presence;
};

/* Members whose field is absent or null are left as they are. */
_must_check_ int fields_decode(struct decoder *decoder, const struct field *fields, size_t n,
			       struct json_object *object, void *target, struct err *err);

/* The text of a JSON string in the arena; a NUL in it stands as U+FFFD. word: interned, for
 * what repeats. */
const char *field_string(struct decoder *decoder, struct json_object *value);
const char *field_word(struct decoder *decoder, struct json_object *value);

/* -EBADMSG unless value has that type. */
_must_check_ int field_is(struct json_object *value, json_type type, struct err *err);

int decode_text(struct decoder *, struct json_object *, void *,
		struct err *); /* const char * */
int decode_word(struct decoder *, struct json_object *, void *,
		struct err *);						     /* const char * */
int decode_id(struct decoder *, struct json_object *, void *, struct err *); /* const char * */
int decode_image_id(struct decoder *, struct json_object *, void *,
		    struct err *); /* with "sha256:" */
int decode_unix_time(struct decoder *, struct json_object *, void *,
		     struct err *);						  /* int64_t */
int decode_rfc3339(struct decoder *, struct json_object *, void *, struct err *); /* int64_t */
int decode_bytes(struct decoder *, struct json_object *, void *,
		 struct err *);						       /* int64_t, -1 */
int decode_int(struct decoder *, struct json_object *, void *, struct err *);  /* int */
int decode_bool(struct decoder *, struct json_object *, void *, struct err *); /* bool */
int decode_labels(struct decoder *, struct json_object *, void *,
		  struct err *); /* struct labels, those that are wanted */
int decode_strings(struct decoder *, struct json_object *, void *,
		   struct err *); /* struct strings */
