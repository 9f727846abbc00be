#include "engine/decode.h"

#include <string.h>

#include "base/units.h"

/* Volumes, networks and build cache. */

/* ---- volumes ---- */

static const struct field volume_fields[] = {
	{ "Name", decode_text, offsetof(struct volume, name), MANDATORY },
	{ "Driver", decode_word, offsetof(struct volume, driver), MANDATORY },
	{ "Mountpoint", decode_text, offsetof(struct volume, mountpoint), OPTIONAL },
	{ "CreatedAt", decode_rfc3339, offsetof(struct volume, created), OPTIONAL },
	{ "Labels", decode_labels, offsetof(struct volume, labels), OPTIONAL },
};

static const struct field scope_fields[] = {
	{ "Scope", decode_word, 0, OPTIONAL },
};

/* What an engine calls a volume that nobody named: 64 hex digits, on Docker and on Podman.
 * Docker's label com.docker.volume.anonymous is missing before 23.0. */
static bool is_made_up(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

int decode_volume(struct decoder *decoder, struct json_object *object, struct volume *ret,
		  struct err *err)
{
	const char *scope = NULL;
	int r;

	*ret = (struct volume){ .created = TIME_UNKNOWN,
				.announced = TIME_UNKNOWN,
				.size = -1 };
	r = fields_decode(decoder, volume_fields, ARRAY_SIZE(volume_fields), object, ret, err);
	if (r >= 0)
		r = fields_decode(decoder, scope_fields, ARRAY_SIZE(scope_fields), object,
				  &scope, err);
	if (r < 0)
		return r;
	ret->anonymous = is_made_up(ret->name);
	if (scope && *scope && strcmp(scope, "local") != 0)
		ret->not_ours = "shared with other hosts";
	return 0;
}

static int add_volumes(struct decoder *decoder, struct json_object *value, void *target,
		       struct err *err)
{
	struct volume_list *list = target;
	int r = field_is(value, json_type_array, err);

	for (size_t i = 0; r >= 0 && i < json_object_array_length(value); i++) {
		list->v = mem_grow(list->v, list->n, sizeof(*list->v));
		r = decode_volume(decoder, json_object_array_get_idx(value, i),
				  &list->v[list->n], err);
		list->n += r >= 0;
	}
	return r;
}

static const struct field volume_list_fields[] = {
	{ "Volumes", add_volumes, 0, PRESENT },
	{ "Warnings", decode_strings, offsetof(struct volume_list, warnings), OPTIONAL },
};

int decode_volume_list(struct decoder *decoder, struct json_object *object,
		       struct volume_list *ret, struct err *err)
{
	return fields_decode(decoder, volume_list_fields, ARRAY_SIZE(volume_list_fields),
			     object, ret, err);
}

/* ---- networks ---- */

struct raw_network {
	struct network network;
	const char *scope, *from;
	bool ingress;
};

static const struct field raw_network_fields[] = {
	{ "Id", decode_id, offsetof(struct raw_network, network.id), MANDATORY },
	{ "Name", decode_text, offsetof(struct raw_network, network.name), MANDATORY },
	{ "Created", decode_rfc3339, offsetof(struct raw_network, network.created), OPTIONAL },
	{ "Labels", decode_labels, offsetof(struct raw_network, network.labels), OPTIONAL },
	{ "Scope", decode_word, offsetof(struct raw_network, scope), OPTIONAL },
	{ "Ingress", decode_bool, offsetof(struct raw_network, ingress), OPTIONAL },
	{ "ConfigFrom.Network", decode_text, offsetof(struct raw_network, from), OPTIONAL },
};

static const char *network_owner(const struct raw_network *raw)
{
	static const char *const built_in[] = { "bridge", "host",    "none",
						"podman", "ingress", "docker_gwbridge" };

	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++)
		if (strcmp(raw->network.name, built_in[i]) == 0)
			return "built-in network";
	if (raw->ingress || (raw->scope && *raw->scope && strcmp(raw->scope, "local") != 0))
		return "network of the swarm";
	return NULL;
}

int decode_network(struct decoder *decoder, struct json_object *object, struct network *ret,
		   struct err *err)
{
	struct raw_network raw = { .network.created = TIME_UNKNOWN };
	int r = fields_decode(decoder, raw_network_fields, ARRAY_SIZE(raw_network_fields),
			      object, &raw, err);

	if (r < 0)
		return r;
	*ret = raw.network;
	ret->not_ours = network_owner(&raw);
	ret->config_from = raw.from && *raw.from ? raw.from : NULL;
	return 0;
}

/* ---- build cache ---- */

static int decode_parent(struct decoder *decoder, struct json_object *value, void *target,
			 struct err *err)
{
	struct strings *parents = target;
	const char *parent = NULL;
	int r = decode_word(decoder, value, &parent, err);

	if (r < 0 || !*parent || parents->n > 0)
		return r;
	parents->v = arena_array(decoder->arena, 1, sizeof(*parents->v));
	parents->v[parents->n++] = parent;
	return 0;
}

/* API 1.42 has Parents beside what was Parent. */
static const struct field cache_fields[] = {
	{ "ID", decode_text, offsetof(struct cache_record, id), MANDATORY },
	{ "Type", decode_word, offsetof(struct cache_record, type), MANDATORY },
	{ "Description", decode_word, offsetof(struct cache_record, description), OPTIONAL },
	{ "Parents", decode_strings, offsetof(struct cache_record, parents), OPTIONAL },
	{ "Parent", decode_parent, offsetof(struct cache_record, parents), OPTIONAL },
	{ "InUse", decode_bool, offsetof(struct cache_record, in_use), MANDATORY },
	{ "Shared", decode_bool, offsetof(struct cache_record, shared), MANDATORY },
	{ "Size", decode_bytes, offsetof(struct cache_record, size), MANDATORY },
	{ "CreatedAt", decode_rfc3339, offsetof(struct cache_record, created), OPTIONAL },
	{ "LastUsedAt", decode_rfc3339, offsetof(struct cache_record, last_used), OPTIONAL },
};

/* Without "all", which would take shared records as well, the engine leaves these. */
static bool is_internal(const char *type)
{
	return strcmp(type, "internal") == 0 || strcmp(type, "frontend") == 0;
}

int decode_cache_record(struct decoder *decoder, struct json_object *object,
			struct cache_record *ret, struct err *err)
{
	int r;

	*ret = (struct cache_record){
		.created = TIME_UNKNOWN,
		.last_used = TIME_UNKNOWN,
		.size = -1,
	};
	r = fields_decode(decoder, cache_fields, ARRAY_SIZE(cache_fields), object, ret, err);
	if (r >= 0 && is_internal(ret->type))
		ret->not_ours = "the builder's internal record";
	return r;
}

static const struct field size_fields[] = {
	{ "Name", decode_text, offsetof(struct volume_size, name), MANDATORY },
	{ "UsageData.Size", decode_bytes, offsetof(struct volume_size, size), OPTIONAL },
};

static int add_sizes(struct decoder *decoder, struct json_object *value, void *target,
		     struct err *err)
{
	struct disk_usage *usage = target;
	int r = field_is(value, json_type_array, err);

	for (size_t i = 0; r >= 0 && i < json_object_array_length(value); i++) {
		struct volume_size size = { .size = -1 };

		r = fields_decode(decoder, size_fields, ARRAY_SIZE(size_fields),
				  json_object_array_get_idx(value, i), &size, err);
		usage->volumes =
			mem_grow(usage->volumes, usage->n_volumes, sizeof(*usage->volumes));
		usage->volumes[usage->n_volumes++] = size;
	}
	return r;
}

static int add_records(struct decoder *decoder, struct json_object *value, void *target,
		       struct err *err)
{
	struct disk_usage *usage = target;
	int r = field_is(value, json_type_array, err);

	for (size_t i = 0; r >= 0 && i < json_object_array_length(value); i++) {
		usage->cache = mem_grow(usage->cache, usage->n_cache, sizeof(*usage->cache));
		r = decode_cache_record(decoder, json_object_array_get_idx(value, i),
					&usage->cache[usage->n_cache], err);
		usage->n_cache += r >= 0;
	}
	return r;
}

static const struct field usage_fields[] = {
	{ "Volumes", add_sizes, 0, OPTIONAL },
	{ "BuildCache", add_records, 0, OPTIONAL },
};

int decode_disk_usage(struct decoder *decoder, struct json_object *object,
		      struct disk_usage *ret, struct err *err)
{
	return fields_decode(decoder, usage_fields, ARRAY_SIZE(usage_fields), object, ret, err);
}

static const struct field prune_fields[] = {
	{ "CachesDeleted", decode_strings, 0, OPTIONAL },
};

int decode_cache_prune(struct decoder *decoder, struct json_object *object, struct strings *ret,
		       struct err *err)
{
	return fields_decode(decoder, prune_fields, ARRAY_SIZE(prune_fields), object, ret, err);
}
