#include "engine/manifests.h"

#include <stdlib.h>
#include <string.h>

#include "engine/field.h"
#include "engine/json.h"

/* One list, and what it names. */
struct manifest_list {
	struct manifests *manifests;
	const char *id;
	struct strings names, digests;
};

struct manifests {
	struct engine *engine;
	struct snapshot *snapshot;
	struct decoder decoder; /* its memory is its own */
	struct manifest_list **lists;
	size_t n_lists;
	const char **images; /* digests, NULL: not told */
	size_t n_images;
	bool failed;
};

static const struct field list_fields[] = {
	{ "Id", decode_id, offsetof(struct manifest_list, id), MANDATORY },
	{ "Names", decode_strings, offsetof(struct manifest_list, names), OPTIONAL },
};

static const struct field member_fields[] = {
	{ "digest", decode_text, 0, MANDATORY },
};

static int decode_members(struct decoder *decoder, struct json_object *value, void *target,
			  struct err *err)
{
	struct strings *digests = target;
	int r = field_is(value, json_type_array, err);
	size_t n = r < 0 ? 0 : json_object_array_length(value);

	digests->v = arena_array(decoder->arena, n, sizeof(*digests->v));
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = fields_decode(decoder, member_fields, ARRAY_SIZE(member_fields),
				  json_object_array_get_idx(value, i),
				  &digests->v[digests->n++], err);
	return r;
}

static const struct field content_fields[] = {
	{ "manifests", decode_members, offsetof(struct manifest_list, digests), OPTIONAL },
};

static const struct field image_fields[] = {
	{ "Digest", decode_text, 0, OPTIONAL },
};

static int read_list(void *data, struct json_object *object, struct err *err)
{
	struct manifests *manifests = data;
	struct manifest_list *list = arena_alloc(manifests->decoder.arena, sizeof(*list));

	list->manifests = manifests;
	manifests->lists =
		mem_grow(manifests->lists, manifests->n_lists, sizeof(*manifests->lists));
	manifests->lists[manifests->n_lists++] = list;
	return fields_decode(&manifests->decoder, list_fields, ARRAY_SIZE(list_fields), object,
			     list, err);
}

static int read_content(void *data, struct json_object *object, struct err *err)
{
	struct manifest_list *list = data;

	return fields_decode(&list->manifests->decoder, content_fields,
			     ARRAY_SIZE(content_fields), object, list, err);
}

static bool answered(struct manifests *manifests, const struct http_reply *reply)
{
	_cleanup_free_ char *why = http_reply_failure(reply);

	if (why)
		problems_add(&manifests->snapshot->problems,
			     "the manifest lists cannot be read, so no image goes: %s", why);
	manifests->failed = manifests->failed || why;
	return !why;
}

/* One that is gone by now names nothing. */
static void content_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct manifest_list *list = data;

	if (reply->result < 0 || reply->status != 404)
		answered(list->manifests, reply);
}

static void lists_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct manifests *manifests = data;

	if (!answered(manifests, reply))
		return;
	for (size_t i = 0; i < manifests->n_lists; i++)
		engine_get(manifests->engine,
			   mem_printf("/v%s/libpod/manifests/%s/json",
				      manifests->engine->podman_api, manifests->lists[i]->id),
			   LIST_MAX_BYTES,
			   json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES, read_content,
					   manifests->lists[i]),
			   content_done, manifests->lists[i]);
}

struct manifests *manifests_new(struct engine *engine, struct snapshot *snapshot)
{
	struct manifests *manifests = mem_zalloc(1, sizeof(*manifests));
	_cleanup_free_ char *filters = url_escape("{\"manifest\":[\"true\"]}");

	manifests->engine = engine;
	manifests->snapshot = snapshot;
	manifests->decoder.arena = arena_new();
	manifests->decoder.intern = intern_new(manifests->decoder.arena);
	engine_get(engine,
		   mem_printf("/v%s/libpod/images/json?all=true&filters=%s", engine->podman_api,
			      filters),
		   LIST_MAX_BYTES,
		   json_stream_new(JSON_LIST, OBJECT_MAX_BYTES, read_list, manifests),
		   lists_done, manifests);
	return manifests;
}

void manifests_free(struct manifests *manifests)
{
	if (!manifests)
		return;
	free(manifests->lists);
	free(manifests->images);
	intern_free(manifests->decoder.intern);
	arena_free(manifests->decoder.arena);
	free(manifests);
}

int manifests_note(struct manifests *manifests, struct json_object *entry, struct err *err)
{
	const char **digest;

	manifests->images =
		mem_grow(manifests->images, manifests->n_images, sizeof(*manifests->images));
	digest = &manifests->images[manifests->n_images++];
	*digest = NULL;
	return fields_decode(&manifests->decoder, image_fields, ARRAY_SIZE(image_fields), entry,
			     digest, err);
}

static const struct manifest_list *find(const struct manifests *manifests, const char *digest)
{
	for (size_t i = 0; i < manifests->n_lists; i++)
		if (strings_contain(&manifests->lists[i]->digests, digest))
			return manifests->lists[i];
	return NULL;
}

bool manifests_mark(const struct manifests *manifests, struct image *images)
{
	for (size_t i = 0; !manifests->failed && i < manifests->n_images; i++) {
		const char *digest = manifests->images[i];
		const struct manifest_list *list = digest ? find(manifests, digest) : NULL;

		if (list)
			images[i].not_ours = arena_printf(
				manifests->snapshot->arena, "part of the manifest list %s",
				list->names.n > 0 ? list->names.v[0] : list->id);
	}
	return !manifests->failed;
}
