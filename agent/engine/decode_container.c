#include "engine/decode.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"

static void add(struct strings *strings, const char *text)
{
	if (text && *text)
		strings->v[strings->n++] = text;
}

/* Docker puts a slash before each name. */
static int decode_names(struct decoder *decoder, struct json_object *value, void *target,
			struct err *err)
{
	struct strings *names = target;
	int r = decode_strings(decoder, value, names, err);

	for (size_t i = 0; r >= 0 && i < names->n; i++)
		if (names->v[i][0] == '/')
			names->v[i]++;
	return r;
}

static int decode_only_name(struct decoder *decoder, struct json_object *value, void *target,
			    struct err *err)
{
	struct strings *names = target;
	const char *name = NULL;
	int r = decode_word(decoder, value, &name, err);

	if (r < 0)
		return r;
	names->v = arena_array(decoder->arena, 1, sizeof(*names->v));
	add(names, name[0] == '/' ? name + 1 : name);
	return 0;
}

struct mount {
	const char *type, *name, *source;
};

static const struct field mount_fields[] = {
	{ "Type", decode_word, offsetof(struct mount, type), OPTIONAL },
	{ "Name", decode_word, offsetof(struct mount, name), OPTIONAL },
	{ "Source", decode_word, offsetof(struct mount, source), OPTIONAL },
};

/* Docker calls the image by name and tells where it lies, Podman has the name for a source. The
 * name may be of any registry, as Podman looks for it; what is no name may be any image. */
static void add_image(struct decoder *decoder, struct pins *images, const struct mount *mount)
{
	const char *name = mount->name && *mount->name ? mount->name : mount->source;

	if (!name || !pins_add_image_or_id(decoder->arena, images, name, NULL))
		pins_add(decoder->arena, images, "*", NULL);
}

static int add_mount(struct decoder *decoder, struct json_object *value,
		     struct container *container, struct err *err)
{
	struct mount mount = { 0 };
	int r = fields_decode(decoder, mount_fields, ARRAY_SIZE(mount_fields), value, &mount,
			      err);

	if (r < 0)
		return r;
	if (mount.type && strcmp(mount.type, "image") == 0) {
		add_image(decoder, &container->mounted, &mount);
		return 0;
	}
	add(&container->volumes, mount.name);
	if (mount.type && strcmp(mount.type, "bind") == 0)
		add(&container->binds, mount.source);
	return 0;
}

static int decode_mounts(struct decoder *decoder, struct json_object *value, void *target,
			 struct err *err)
{
	struct container *container = target;
	size_t n;
	int r = field_is(value, json_type_array, err);

	if (r < 0)
		return r;
	n = json_object_array_length(value);
	container->volumes.v = arena_array(decoder->arena, n, sizeof(const char *));
	container->binds.v = arena_array(decoder->arena, n, sizeof(const char *));
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = add_mount(decoder, json_object_array_get_idx(value, i), container, err);
	return r;
}

static const struct field network_fields[] = {
	{ "NetworkID", decode_word, 0, OPTIONAL },
};

/* A network is in use by whichever way a container names it: by name, ID or mode. */
static int decode_networks(struct decoder *decoder, struct json_object *value, void *target,
			   struct err *err)
{
	struct strings *networks = target;
	size_t n;
	int r = field_is(value, json_type_object, err);

	if (r < 0)
		return r;
	n = (size_t)json_object_object_length(value);
	networks->v = arena_array(decoder->arena, 2 * n + 1, sizeof(*networks->v));
	json_object_object_foreach(value, name, endpoint)
	{
		const char *id = NULL;

		if (endpoint)
			r = fields_decode(decoder, network_fields, ARRAY_SIZE(network_fields),
					  endpoint, &id, err);
		if (r < 0)
			return r;
		add(networks, intern_text(decoder->intern, name));
		add(networks, id);
	}
	return 0;
}

#define JOINS "container:"

/* NetworkMode, PidMode and IpcMode: "container:ID" is no network, but the namespace of another
 * container. */
static bool join(struct decoder *decoder, struct strings *joined, const char *mode)
{
	const char **ids;

	if (!text_starts_with(mode, JOINS))
		return false;
	ids = arena_array(decoder->arena, joined->n + 1, sizeof(*ids));
	for (size_t i = 0; i < joined->n; i++)
		ids[i] = joined->v[i];
	joined->v = ids;
	add(joined, mode + strlen(JOINS));
	return true;
}

/* After decode_networks(), which left room for it. */
static int decode_network_mode(struct decoder *decoder, struct json_object *value, void *target,
			       struct err *err)
{
	struct container *container = target;
	struct strings *networks = &container->networks;
	const char *mode = NULL;
	int r = decode_word(decoder, value, &mode, err);

	if (r < 0 || join(decoder, &container->joined, mode))
		return r;
	if (!networks->v)
		networks->v = arena_array(decoder->arena, 1, sizeof(*networks->v));
	if (!strings_contain(networks, mode))
		add(networks, mode);
	return 0;
}

static const struct field entry_fields[] = {
	{ "Id", decode_id, offsetof(struct container, id), MANDATORY },
	{ "Names", decode_names, offsetof(struct container, names), PRESENT },
	{ "Image", decode_word, offsetof(struct container, image), MANDATORY },
	{ "ImageID", decode_image_id, offsetof(struct container, image_id), MANDATORY },
	{ "State", decode_word, offsetof(struct container, state_name), MANDATORY },
	{ "Created", decode_unix_time, offsetof(struct container, created), MANDATORY },
	{ "Labels", decode_labels, offsetof(struct container, labels), PRESENT },
	{ "Mounts", decode_mounts, 0, OPTIONAL },
	{ "NetworkSettings.Networks", decode_networks, offsetof(struct container, networks),
	  OPTIONAL },
	{ "HostConfig.NetworkMode", decode_network_mode, 0, OPTIONAL },
};

static int decode_joined(struct decoder *decoder, struct json_object *value, void *target,
			 struct err *err)
{
	const char *mode = NULL;
	int r = decode_word(decoder, value, &mode, err);

	if (r >= 0)
		join(decoder, target, mode);
	return r;
}

static const struct field facts_fields[] = {
	{ "Id", decode_id, offsetof(struct container, id), MANDATORY },
	{ "State.StartedAt", decode_rfc3339, offsetof(struct container, started), MANDATORY },
	{ "State.FinishedAt", decode_rfc3339, offsetof(struct container, finished), MANDATORY },
	{ "State.ExitCode", decode_int, offsetof(struct container, exit_code), MANDATORY },
	{ "HostConfig.RestartPolicy.Name", decode_word,
	  offsetof(struct container, restart_policy), MANDATORY },
	/* Untold, there are retries left. */
	{ "HostConfig.RestartPolicy.MaximumRetryCount", decode_int,
	  offsetof(struct container, max_retries), OPTIONAL },
	{ "RestartCount", decode_int, offsetof(struct container, retries), OPTIONAL },
	{ "Config.Image", decode_word, offsetof(struct container, config_image), MANDATORY },
	{ "HostConfig.PidMode", decode_joined, offsetof(struct container, joined), OPTIONAL },
	{ "HostConfig.IpcMode", decode_joined, offsetof(struct container, joined), OPTIONAL },
	{ "HostConfig.VolumesFrom", decode_strings, offsetof(struct container, volumes_from),
	  OPTIONAL },
};

static const struct field now_fields[] = {
	{ "Name", decode_only_name, offsetof(struct container, names), MANDATORY },
	{ "State.Status", decode_word, offsetof(struct container, state_name), MANDATORY },
};

static const struct field size_fields[] = {
	{ "Id", decode_id, offsetof(struct container_size, id), MANDATORY },
	{ "SizeRw", decode_bytes, offsetof(struct container_size, size), OPTIONAL },
};

static const struct field podman_fields[] = {
	{ "Id", decode_id, offsetof(struct podman_entry, container.id), MANDATORY },
	{ "Names", decode_names, offsetof(struct podman_entry, container.names), PRESENT },
	{ "Image", decode_word, offsetof(struct podman_entry, container.image), MANDATORY },
	{ "ImageID", decode_image_id, offsetof(struct podman_entry, container.image_id),
	  MANDATORY },
	{ "State", decode_word, offsetof(struct podman_entry, container.state_name),
	  MANDATORY },
	{ "Labels", decode_labels, offsetof(struct podman_entry, container.labels), OPTIONAL },
	{ "IsInfra", decode_bool, offsetof(struct podman_entry, infra), MANDATORY },
	{ "Pod", decode_word, offsetof(struct podman_entry, pod), MANDATORY },
};

/* Hundreds of containers have the same image: its name is taken apart once. */
static const struct reference *image_name(struct decoder *decoder, const char *raw)
{
	struct interned *interned = intern_get(decoder->intern, raw, strlen(raw));
	struct reference name;

	if (!interned->value && reference_parse_default(decoder->arena, raw, &name)) {
		interned->value = arena_alloc(decoder->arena, sizeof(name));
		*(struct reference *)interned->value = name;
	}
	return interned->value;
}

static void complete(struct decoder *decoder, struct container *container)
{
	container->state = container_state_from_string(container->state_name);
	if (container->image && *container->image)
		container->image_name = image_name(decoder, container->image);
}

int decode_container(struct decoder *decoder, struct json_object *object, struct container *ret,
		     struct err *err)
{
	int r;

	*ret = (struct container){ .created = TIME_UNKNOWN };
	r = fields_decode(decoder, entry_fields, ARRAY_SIZE(entry_fields), object, ret, err);
	if (r >= 0)
		complete(decoder, ret);
	return r;
}

static int decode_facts(struct decoder *decoder, struct json_object *object,
			struct container *container, struct err *err)
{
	int r;

	container->volumes_from = (struct strings){ 0 };
	container->retries = container->max_retries = 0;
	r = fields_decode(decoder, facts_fields, ARRAY_SIZE(facts_fields), object, container,
			  err);

	if (r < 0)
		return r;
	if (!*container->restart_policy)
		container->restart_policy = "no";
	container->inspected = FACT_KNOWN;
	return 0;
}

int decode_container_facts(struct decoder *decoder, struct json_object *object,
			   struct container *container, struct err *err)
{
	struct container facts = *container;
	const struct reference *name;
	int r = decode_facts(decoder, object, &facts, err);

	if (r < 0)
		return r;
	if (strcmp(facts.id, container->id) != 0)
		return err_set(err, -EBADMSG, "the answer is about another container");
	/* The list's name may be an ID by now, or whatever took the name since. */
	name = image_name(decoder, facts.config_image);
	if (name)
		facts.image_name = name;
	*container = facts;
	return 0;
}

int decode_container_now(struct decoder *decoder, struct json_object *object,
			 struct container *ret, struct err *err)
{
	int r;

	*ret = (struct container){ 0 };
	r = fields_decode(decoder, now_fields, ARRAY_SIZE(now_fields), object, ret, err);
	if (r >= 0)
		r = decode_facts(decoder, object, ret, err);
	if (r >= 0)
		complete(decoder, ret);
	return r;
}

/* A size of 0 is left out of the answer. */
int decode_container_size(struct decoder *decoder, struct json_object *object,
			  struct container_size *ret, struct err *err)
{
	*ret = (struct container_size){ .size = 0 };
	return fields_decode(decoder, size_fields, ARRAY_SIZE(size_fields), object, ret, err);
}

int decode_podman_entry(struct decoder *decoder, struct json_object *object,
			struct podman_entry *ret, struct err *err)
{
	int r;

	*ret = (struct podman_entry){ .container.created = TIME_UNKNOWN };
	r = fields_decode(decoder, podman_fields, ARRAY_SIZE(podman_fields), object, ret, err);
	if (r >= 0)
		complete(decoder, &ret->container);
	return r;
}
