#include "engine/field.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define PATH_PART_MAX 64 /* the tables' names are shorter */
#define REPLACEMENT "\xef\xbf\xbd"
/* The end of the year 9999, and 2^53: beyond them sums would overflow or JSON lose digits. */
#define TIME_MAX INT64_C(253402300799)
#define BYTES_MAX (INT64_C(1) << 53)

static int find(struct json_object *object, const char *path, struct json_object **ret,
		bool *ret_present, struct err *err)
{
	char part[PATH_PART_MAX];

	*ret = object;
	for (;;) {
		size_t length = strcspn(path, ".");

		if (!*ret)
			return 0;
		if (!json_object_is_type(*ret, json_type_object))
			return err_set(err, -EBADMSG, "%s where an object is expected",
				       json_type_to_name(json_object_get_type(*ret)));
		*(char *)mempcpy(part, path, length) = '\0';
		*ret_present = json_object_object_get_ex(*ret, part, ret);
		if (!*ret_present)
			*ret = NULL;
		if (path[length] == '\0')
			return 0;
		*ret_present = false;
		path += length + 1;
	}
}

static int decode_field(struct decoder *decoder, const struct field *field,
			struct json_object *object, char *target, struct err *err)
{
	struct json_object *value = NULL;
	bool present = false;
	int r = find(object, field->path, &value, &present, err);

	if (r < 0)
		return err_wrap(err, "%s", field->path);
	if ((field->presence == MANDATORY && !value) ||
	    (field->presence == PRESENT && !present))
		return err_set(err, -EBADMSG, "%s: missing", field->path);
	if (!value)
		return 0;
	r = field->decode(decoder, value, target + field->offset, err);
	return r < 0 ? err_wrap(err, "%s", field->path) : 0;
}

int fields_decode(struct decoder *decoder, const struct field *fields, size_t n,
		  struct json_object *object, void *target, struct err *err)
{
	int r = field_is(object, json_type_object, err);

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = decode_field(decoder, &fields[i], object, target, err);
	return r;
}

int field_is(struct json_object *value, json_type type, struct err *err)
{
	if (json_object_is_type(value, type))
		return 0;
	return err_set(err, -EBADMSG, "%s where %s is expected",
		       json_type_to_name(json_object_get_type(value)), json_type_to_name(type));
}

/* json-c's strings have a length: as C strings they would end at a NUL that a stranger put in.
 */
static char *without_nul(const char *text, size_t length)
{
	char *copy = mem_zalloc(length * strlen(REPLACEMENT) + 1, 1), *to = copy;

	for (size_t i = 0; i < length; i++)
		if (text[i])
			*to++ = text[i];
		else
			to = mempcpy(to, REPLACEMENT, strlen(REPLACEMENT));
	return copy;
}

static const char *copy_text(struct decoder *decoder, const char *text, size_t length,
			     bool intern)
{
	_cleanup_free_ char *clean = NULL;

	if (memchr(text, '\0', length)) {
		clean = without_nul(text, length);
		text = clean;
		length = strlen(clean);
	}
	if (intern)
		return intern_get(decoder->intern, text, length)->text;
	return arena_strndup(decoder->arena, text, length);
}

static const char *copy_string(struct decoder *decoder, struct json_object *value, bool intern)
{
	return copy_text(decoder, json_object_get_string(value),
			 (size_t)json_object_get_string_len(value), intern);
}

const char *field_string(struct decoder *decoder, struct json_object *value)
{
	return copy_string(decoder, value, false);
}

const char *field_word(struct decoder *decoder, struct json_object *value)
{
	return copy_string(decoder, value, true);
}

int decode_text(struct decoder *decoder, struct json_object *value, void *target,
		struct err *err)
{
	int r = field_is(value, json_type_string, err);

	if (r >= 0)
		*(const char **)target = field_string(decoder, value);
	return r;
}

int decode_word(struct decoder *decoder, struct json_object *value, void *target,
		struct err *err)
{
	int r = field_is(value, json_type_string, err);

	if (r >= 0)
		*(const char **)target = field_word(decoder, value);
	return r;
}

int decode_id(struct decoder *decoder, struct json_object *value, void *target, struct err *err)
{
	int r = decode_text(decoder, value, target, err);

	if (r >= 0 && !reference_is_id(*(const char **)target))
		return err_set(err, -EBADMSG, "no ID");
	return r;
}

/* Podman leaves the algorithm out here and there. An image that is not known is "". */
int decode_image_id(struct decoder *decoder, struct json_object *value, void *target,
		    struct err *err)
{
	const char *id;
	int r = field_is(value, json_type_string, err);

	if (r < 0 || json_object_get_string_len(value) == 0)
		return r;
	id = json_object_get_string(value);
	/* A pod's infra container is made of no image (p58, p61, live). */
	if (strcmp(id, "sha256:") == 0)
		return 0;
	if (strlen(id) != (size_t)json_object_get_string_len(value) || !reference_is_id(id))
		return err_set(err, -EBADMSG, "no ID");
	if (!strchr(id, ':')) {
		_cleanup_free_ char *full = mem_printf("sha256:%s", id);

		*(const char **)target = intern_text(decoder->intern, full);
		return 0;
	}
	*(const char **)target = field_word(decoder, value);
	return 0;
}

int decode_unix_time(struct decoder *decoder _unused_, struct json_object *value, void *target,
		     struct err *err)
{
	int64_t *time = target;
	int r = field_is(value, json_type_int, err);

	if (r < 0)
		return r;
	*time = json_object_get_int64(value);
	if (*time > TIME_MAX)
		return err_set(err, -EBADMSG, "a time out of range");
	/* 0 and Go's year 1 mean that the engine does not know. */
	if (*time <= 0)
		*time = TIME_UNKNOWN;
	return 0;
}

int decode_rfc3339(struct decoder *decoder _unused_, struct json_object *value, void *target,
		   struct err *err)
{
	int64_t *time = target;
	int r = field_is(value, json_type_string, err);

	if (r < 0)
		return r;
	if (json_object_get_string_len(value) == 0) {
		*time = TIME_UNKNOWN;
		return 0;
	}
	r = units_parse_rfc3339(json_object_get_string(value), time, err);
	if (r < 0 || *time > TIME_MAX)
		return err_set(err, -EBADMSG, "no time");
	return 0;
}

int decode_bytes(struct decoder *decoder _unused_, struct json_object *value, void *target,
		 struct err *err)
{
	int64_t *bytes = target;
	int r = field_is(value, json_type_int, err);

	if (r < 0)
		return r;
	*bytes = json_object_get_int64(value);
	/* No disk has so much, and nothing hangs on a size but a number in a report: unknown.
	 */
	if (*bytes > BYTES_MAX || *bytes < 0)
		*bytes = -1;
	return 0;
}

int decode_int(struct decoder *decoder _unused_, struct json_object *value, void *target,
	       struct err *err)
{
	int64_t number;
	int r = field_is(value, json_type_int, err);

	if (r < 0)
		return r;
	number = json_object_get_int64(value);
	if (number < INT_MIN || number > INT_MAX)
		return err_set(err, -EBADMSG, "a number out of range");
	*(int *)target = (int)number;
	return 0;
}

int decode_bool(struct decoder *decoder _unused_, struct json_object *value, void *target,
		struct err *err)
{
	int r = field_is(value, json_type_boolean, err);

	if (r >= 0)
		*(bool *)target = json_object_get_boolean(value);
	return r;
}

static int compare_labels(const void *a, const void *b)
{
	const struct label *left = a, *right = b;

	return strcmp(left->key, right->key);
}

static bool is_wanted(const struct decoder *decoder, const char *key)
{
	return !decoder->labels || decoder->labels->wants(decoder->labels->data, key);
}

/* Every value has to be a string, wanted or not. */
static int count_labels(const struct decoder *decoder, struct json_object *value, size_t *ret,
			struct err *err)
{
	json_object_object_foreach(value, key, entry)
	{
		int r = field_is(entry, json_type_string, err);

		if (r < 0)
			return r;
		*ret += is_wanted(decoder, key);
	}
	return 0;
}

int decode_labels(struct decoder *decoder, struct json_object *value, void *target,
		  struct err *err)
{
	struct labels *labels = target;
	size_t n = 0;
	int r = field_is(value, json_type_object, err);

	if (r >= 0)
		r = count_labels(decoder, value, &n, err);
	if (r < 0 || n == 0)
		return r;
	labels->v = arena_array(decoder->arena, n, sizeof(*labels->v));
	n = 0;
	json_object_object_foreach(value, key, entry)
	{
		if (!is_wanted(decoder, key))
			continue;
		labels->v[n].key = copy_text(decoder, key, strlen(key), true);
		labels->v[n++].value = field_word(decoder, entry);
	}
	labels->n = n;
	if (n > 1)
		qsort(labels->v, n, sizeof(*labels->v), compare_labels);
	return 0;
}

int decode_strings(struct decoder *decoder, struct json_object *value, void *target,
		   struct err *err)
{
	struct strings *strings = target;
	size_t n;
	int r = field_is(value, json_type_array, err);

	if (r < 0)
		return r;
	n = json_object_array_length(value);
	strings->v = arena_array(decoder->arena, n, sizeof(*strings->v));
	for (size_t i = 0; i < n; i++) {
		struct json_object *entry = json_object_array_get_idx(value, i);

		r = field_is(entry, json_type_string, err);
		if (r < 0)
			return r;
		strings->v[i] = field_word(decoder, entry);
	}
	strings->n = n;
	return 0;
}
