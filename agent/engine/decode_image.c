#include "engine/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* How engines say that there is no name: "<none>:<none>", "<none>@<none>", "<none>@sha256:…",
 * "name:<none>". No name can have these characters. */
#define NO_NAME "<none>"

/* Full at 0, 1, 2, 4, 8, …: most images have one. */
static void append(struct decoder *decoder, struct reference **references, size_t *n,
		   const struct reference *reference)
{
	struct reference *before = *references;

	if ((*n & (*n - 1)) == 0) {
		*references =
			arena_array(decoder->arena, *n > 0 ? 2 * *n : 1, sizeof(**references));
		if (*n > 0)
			memcpy(*references, before, *n * sizeof(*before));
	}
	(*references)[(*n)++] = *reference;
}

static int decode_reference(struct decoder *decoder, struct json_object *value,
			    struct image *image, struct err *err)
{
	struct reference reference;
	const char *raw;
	int r = field_is(value, json_type_string, err);

	if (r < 0)
		return r;
	raw = json_object_get_string(value);
	if (strstr(raw, NO_NAME))
		return 0;
	if (strlen(raw) != (size_t)json_object_get_string_len(value) ||
	    !reference_parse(decoder->arena, raw, &reference) ||
	    (!reference.tag && !reference.digest))
		return err_set(err, -EBADMSG, "no name of an image");
	/* Podman may name by digest among the tags: what a name is decides where it goes. */
	if (reference.digest)
		append(decoder, &image->digests, &image->n_digests, &reference);
	else
		append(decoder, &image->tags, &image->n_tags, &reference);
	return 0;
}

static int decode_references(struct decoder *decoder, struct json_object *value, void *target,
			     struct err *err)
{
	int r = field_is(value, json_type_array, err);
	size_t n = r < 0 ? 0 : json_object_array_length(value);

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = decode_reference(decoder, json_object_array_get_idx(value, i), target, err);
	return r;
}

/* An image's layers, as they are read, the lowest first. */
struct chain {
	struct snapshot *snapshot;
	struct layer *top;
};

static int decode_layers(struct decoder *decoder _unused_, struct json_object *value,
			 void *target, struct err *err)
{
	struct chain *chain = target;
	int r = field_is(value, json_type_array, err);
	size_t n = r < 0 ? 0 : json_object_array_length(value);

	for (size_t i = 0; i < n; i++) {
		struct json_object *entry = json_object_array_get_idx(value, i);
		const char *diff;

		r = field_is(entry, json_type_string, err);
		if (r < 0)
			return r;
		diff = json_object_get_string(entry);
		if (strlen(diff) != (size_t)json_object_get_string_len(entry))
			return err_set(err, -EBADMSG, "no ID");
		chain->top = layer_get(chain->snapshot, chain->top, diff);
	}
	return r;
}

/* What Podman's History holds beside tags does not show that anybody tagged the image: the
 * names that its builds give to their steps, and the digest by which it was pulled (p43, live).
 */
static bool is_former_tag(const char *name)
{
	static const char build_step[] = "-tmp:latest";
	const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
	size_t digits = strspn(last, "0123456789abcdef");

	return !strchr(name, '@') && !(digits == 64 && strcmp(last + digits, build_step) == 0);
}

static int decode_former_names(struct decoder *decoder, struct json_object *value, void *target,
			       struct err *err)
{
	struct image *image = target;
	struct strings names = { 0 };
	int r = decode_strings(decoder, value, &names, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++)
		if (is_former_tag(names.v[i]))
			names.v[image->history.n++] = names.v[i];
	image->history.v = names.v;
	return 0;
}

/* Podman lists what lies in its additional image stores as well. */
static int decode_read_only(struct decoder *decoder, struct json_object *value, void *target,
			    struct err *err)
{
	bool read_only = false;
	int r = decode_bool(decoder, value, &read_only, err);

	if (read_only)
		*(const char **)target = "in a read-only store";
	return r;
}

static const struct field entry_fields[] = {
	{ "Id", decode_image_id, offsetof(struct image, id), MANDATORY },
	{ "ParentId", decode_image_id, offsetof(struct image, parent), OPTIONAL },
	{ "RepoTags", decode_references, 0, PRESENT },
	{ "RepoDigests", decode_references, 0, PRESENT },
	{ "History", decode_former_names, 0, OPTIONAL },
	{ "Created", decode_unix_time, offsetof(struct image, created), MANDATORY },
	{ "Size", decode_bytes, offsetof(struct image, size), MANDATORY },
	{ "Containers", decode_bytes, offsetof(struct image, containers), OPTIONAL },
	{ "ReadOnly", decode_read_only, offsetof(struct image, not_ours), OPTIONAL },
	{ "Labels", decode_labels, offsetof(struct image, labels), PRESENT },
};

static const struct field facts_fields[] = {
	{ "Id", decode_image_id, offsetof(struct image, id), MANDATORY },
	{ "Metadata.LastTagTime", decode_rfc3339, offsetof(struct image, last_tagged),
	  OPTIONAL },
	{ "Os", decode_word, offsetof(struct image, os), OPTIONAL },
	{ "Architecture", decode_word, offsetof(struct image, architecture), OPTIONAL },
};

static const struct field chain_fields[] = {
	{ "RootFS.Layers", decode_layers, 0, OPTIONAL },
};

static const struct field now_fields[] = {
	{ "Id", decode_image_id, offsetof(struct image, id), MANDATORY },
	{ "RepoTags", decode_references, 0, PRESENT },
	{ "RepoDigests", decode_references, 0, PRESENT },
};

static const struct field history_fields[] = {
	{ "Size", decode_bytes, offsetof(struct history_entry, size), MANDATORY },
	{ "CreatedBy", decode_word, offsetof(struct history_entry, created_by), OPTIONAL },
};

/* Podman's IDs have no algorithm here. */
static int decode_deleted(struct decoder *decoder, struct json_object *value, void *target,
			  struct err *err)
{
	struct strings *deleted = target;
	const char *id = NULL;
	int r = decode_image_id(decoder, value, &id, err);

	if (r < 0 || !id)
		return r;
	deleted->v = arena_array(decoder->arena, 1, sizeof(*deleted->v));
	deleted->v[0] = id;
	deleted->n = 1;
	return 0;
}

static int decode_all_deleted(struct decoder *decoder, struct json_object *value, void *target,
			      struct err *err)
{
	struct strings *deleted = target;
	int r = decode_strings(decoder, value, deleted, err);

	for (size_t i = 0; r >= 0 && i < deleted->n; i++)
		r = decode_image_id(decoder, json_object_array_get_idx(value, i),
				    &deleted->v[i], err);
	return r;
}

static const struct field deletion_fields[] = {
	{ "Deleted", decode_deleted, offsetof(struct image_deletion, deleted), OPTIONAL },
};

static const struct field podman_deletion_fields[] = {
	{ "Deleted", decode_all_deleted, offsetof(struct image_deletion, deleted), OPTIONAL },
	{ "Errors", decode_strings, offsetof(struct image_deletion, errors), OPTIONAL },
};

static int need_id(const char *id, struct err *err)
{
	return id ? 0 : err_set(err, -EBADMSG, "Id: empty");
}

int decode_image(struct decoder *decoder, struct json_object *object, struct image *ret,
		 struct err *err)
{
	int r;

	*ret = (struct image){
		.created = TIME_UNKNOWN,
		.last_tagged = TIME_UNKNOWN,
		.size = -1,
		.containers = -1,
	};
	r = fields_decode(decoder, entry_fields, ARRAY_SIZE(entry_fields), object, ret, err);
	return r < 0 ? r : need_id(ret->id, err);
}

int decode_image_now(struct decoder *decoder, struct json_object *object, struct image *ret,
		     struct err *err)
{
	int r;

	*ret = (struct image){ 0 };
	r = fields_decode(decoder, now_fields, ARRAY_SIZE(now_fields), object, ret, err);
	if (r < 0)
		return r;
	ret->n_tags = reference_sort(ret->tags, ret->n_tags);
	ret->n_digests = reference_sort(ret->digests, ret->n_digests);
	return need_id(ret->id, err);
}

int decode_image_facts(struct decoder *decoder, struct json_object *object,
		       struct snapshot *snapshot, struct image *image, struct err *err)
{
	struct image facts = *image, names;
	struct chain chain = { .snapshot = snapshot };
	int r = fields_decode(decoder, facts_fields, ARRAY_SIZE(facts_fields), object, &facts,
			      err);

	if (r >= 0)
		r = fields_decode(decoder, chain_fields, ARRAY_SIZE(chain_fields), object,
				  &chain, err);
	if (r >= 0)
		r = decode_image_now(decoder, object, &names, err);
	if (r < 0)
		return r;
	if (strcmp(facts.id, image->id) != 0)
		return err_set(err, -EBADMSG, "the answer is about another image");
	/* The containerd store lists one digest of an image, whatever it has (d28c, dmain,
	 * live). */
	facts.digests = names.digests;
	facts.n_digests = names.n_digests;
	facts.top = chain.top;
	facts.inspected = FACT_KNOWN;
	*image = facts;
	return 0;
}

int decode_history_entry(struct decoder *decoder, struct json_object *object,
			 struct history_entry *ret, struct err *err)
{
	*ret = (struct history_entry){ .created_by = "" };
	return fields_decode(decoder, history_fields, ARRAY_SIZE(history_fields), object, ret,
			     err);
}

int decode_deletion(struct decoder *decoder, struct json_object *object,
		    struct image_deletion *ret, struct err *err)
{
	*ret = (struct image_deletion){ 0 };
	return fields_decode(decoder, deletion_fields, ARRAY_SIZE(deletion_fields), object, ret,
			     err);
}

int decode_podman_deletion(struct decoder *decoder, struct json_object *object,
			   struct image_deletion *ret, struct err *err)
{
	*ret = (struct image_deletion){ 0 };
	return fields_decode(decoder, podman_deletion_fields,
			     ARRAY_SIZE(podman_deletion_fields), object, ret, err);
}
