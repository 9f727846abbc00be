#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/field.h"
#include "engine/internal.h"
#include "engine/json.h"

/* What services and tasks name is in use, whether or not a container of theirs is on this node:
 * with no replicas there is none, and a task may come to any node. */

struct service {
	const char *id, *name;
};

struct swarm_list {
	struct engine *engine;
	struct snapshot *snapshot;
	struct decoder decoder;
	struct swarm_uses images, image_ids, volumes, networks; /* grown by mem_grow() */
	struct service *services;
	size_t n_services;
	enum listing_state state;
};

/* One service or task while it is decoded. */
struct spec {
	struct swarm_list *list;
	const char *id, *name; /* of a task: its service's ID */
	const char *by;	       /* what stands in the uses */
};

static void add(const struct spec *spec, struct swarm_uses *uses, const char *name)
{
	if (!name || !*name)
		return;
	uses->v = mem_grow(uses->v, uses->n, sizeof(*uses->v));
	uses->v[uses->n++] = (struct swarm_use){ name, spec->by };
}

/* A name with tag and digest counts as both. */
static int decode_image(struct decoder *decoder, struct json_object *value, void *target,
			struct err *err)
{
	const struct spec *spec = target;
	struct reference name;
	const char *raw = NULL;
	int r = decode_word(decoder, value, &raw, err);

	if (r < 0)
		return r;
	if (reference_is_id(raw)) {
		add(spec, &spec->list->image_ids, raw);
		return 0;
	}
	if (!reference_parse_default(decoder->arena, raw, &name))
		return err_set(err, -EBADMSG, "no name of an image");
	if (name.tag)
		add(spec, &spec->list->images,
		    arena_printf(decoder->arena, "%s:%s", name.repository, name.tag));
	if (name.digest)
		add(spec, &spec->list->images,
		    arena_printf(decoder->arena, "%s@%s", name.repository, name.digest));
	return 0;
}

typedef int decode_one(struct decoder *decoder, struct json_object *value,
		       const struct spec *spec, struct err *err);

static int decode_array(struct decoder *decoder, struct json_object *value,
			const struct spec *spec, decode_one *decode, struct err *err)
{
	int r = field_is(value, json_type_array, err);

	for (size_t i = 0; r >= 0 && i < json_object_array_length(value); i++)
		r = decode(decoder, json_object_array_get_idx(value, i), spec, err);
	return r;
}

struct mount {
	const char *type, *source;
};

static const struct field mount_fields[] = {
	{ "Type", decode_word, offsetof(struct mount, type), MANDATORY },
	{ "Source", decode_word, offsetof(struct mount, source), OPTIONAL },
};

/* Whatever is no folder of the host may be a volume. */
static int decode_mount(struct decoder *decoder, struct json_object *value,
			const struct spec *spec, struct err *err)
{
	struct mount mount = { 0 };
	int r = fields_decode(decoder, mount_fields, ARRAY_SIZE(mount_fields), value, &mount,
			      err);

	if (r >= 0 && strcmp(mount.type, "bind") != 0)
		add(spec, &spec->list->volumes, mount.source);
	return r;
}

static int decode_mounts(struct decoder *decoder, struct json_object *value, void *target,
			 struct err *err)
{
	return decode_array(decoder, value, target, decode_mount, err);
}

struct attachment {
	const char *target, *address, *given;
};

/* What a spec attaches to, by name or ID; where a service has an address; what a task got. */
static const struct field attachment_fields[] = {
	{ "Target", decode_word, offsetof(struct attachment, target), OPTIONAL },
	{ "NetworkID", decode_word, offsetof(struct attachment, address), OPTIONAL },
	{ "Network.ID", decode_word, offsetof(struct attachment, given), OPTIONAL },
};

static int decode_network(struct decoder *decoder, struct json_object *value,
			  const struct spec *spec, struct err *err)
{
	struct attachment attachment = { 0 };
	int r = fields_decode(decoder, attachment_fields, ARRAY_SIZE(attachment_fields), value,
			      &attachment, err);

	if (r < 0)
		return r;
	add(spec, &spec->list->networks, attachment.target);
	add(spec, &spec->list->networks, attachment.address);
	add(spec, &spec->list->networks, attachment.given);
	return 0;
}

static int decode_networks(struct decoder *decoder, struct json_object *value, void *target,
			   struct err *err)
{
	return decode_array(decoder, value, target, decode_network, err);
}

static const struct field container_fields[] = {
	{ "Image", decode_image, 0, MANDATORY },
	{ "Mounts", decode_mounts, 0, OPTIONAL },
};

static int decode_container_spec(struct decoder *decoder, struct json_object *value,
				 void *target, struct err *err)
{
	return fields_decode(decoder, container_fields, ARRAY_SIZE(container_fields), value,
			     target, err);
}

/* A plugin's, or that of a container which only attaches to a network, has no container. */
static const struct field template_fields[] = {
	{ "ContainerSpec", decode_container_spec, 0, OPTIONAL },
	{ "Networks", decode_networks, 0, OPTIONAL },
};

static int decode_template(struct decoder *decoder, struct json_object *value, void *target,
			   struct err *err)
{
	return fields_decode(decoder, template_fields, ARRAY_SIZE(template_fields), value,
			     target, err);
}

static const struct field spec_fields[] = {
	{ "TaskTemplate", decode_template, 0, MANDATORY },
	{ "Networks", decode_networks, 0, OPTIONAL },
};

static int decode_spec(struct decoder *decoder, struct json_object *value, void *target,
		       struct err *err)
{
	return fields_decode(decoder, spec_fields, ARRAY_SIZE(spec_fields), value, target, err);
}

static const struct field service_names[] = {
	{ "ID", decode_text, offsetof(struct spec, id), MANDATORY },
	{ "Spec.Name", decode_text, offsetof(struct spec, name), MANDATORY },
};

/* A rollback goes to the spec before. */
static const struct field service_uses[] = {
	{ "Spec", decode_spec, 0, MANDATORY },
	{ "PreviousSpec", decode_spec, 0, OPTIONAL },
	{ "Endpoint.VirtualIPs", decode_networks, 0, OPTIONAL },
};

static const struct field task_names[] = {
	{ "ID", decode_text, offsetof(struct spec, id), MANDATORY },
	{ "ServiceID", decode_text, offsetof(struct spec, name), OPTIONAL },
};

static const struct field task_uses[] = {
	{ "Spec", decode_template, 0, MANDATORY },
	{ "NetworksAttachments", decode_networks, 0, OPTIONAL },
};

static int read_service(void *data, struct json_object *object, struct err *err)
{
	struct swarm_list *list = data;
	struct decoder *decoder = &list->decoder;
	struct spec spec = { .list = list };
	int r = fields_decode(decoder, service_names, ARRAY_SIZE(service_names), object, &spec,
			      err);

	if (r < 0)
		return r;
	list->services = mem_grow(list->services, list->n_services, sizeof(*list->services));
	list->services[list->n_services++] = (struct service){ spec.id, spec.name };
	spec.by = arena_printf(decoder->arena, "service %s", spec.name);
	return fields_decode(decoder, service_uses, ARRAY_SIZE(service_uses), object, &spec,
			     err);
}

/* A task may outlive its service. */
static const char *task_owner(const struct swarm_list *list, const struct spec *spec)
{
	for (size_t i = 0; spec->name && i < list->n_services; i++)
		if (strcmp(list->services[i].id, spec->name) == 0)
			return arena_printf(list->decoder.arena, "task of service %s",
					    list->services[i].name);
	return arena_printf(list->decoder.arena, "task %s", spec->id);
}

static int read_task(void *data, struct json_object *object, struct err *err)
{
	struct swarm_list *list = data;
	struct spec spec = { .list = list };
	int r = fields_decode(&list->decoder, task_names, ARRAY_SIZE(task_names), object, &spec,
			      err);

	if (r < 0)
		return r;
	spec.by = task_owner(list, &spec);
	return fields_decode(&list->decoder, task_uses, ARRAY_SIZE(task_uses), object, &spec,
			     err);
}

static void fail(struct swarm_list *list, const char *why)
{
	problems_add(&list->snapshot->problems,
		     "what the swarm's services use is not known, so no image, volume or "
		     "network goes: %s",
		     why);
}

static bool answered(struct swarm_list *list, const char *what, const struct http_reply *reply)
{
	_cleanup_free_ char *why = http_reply_failure(reply), *line = NULL;

	if (!why)
		return true;
	line = mem_printf("the list of %s cannot be read: %s", what, why);
	fail(list, line);
	return false;
}

static void get(struct swarm_list *list, char *path,
		int (*read)(void *, struct json_object *, struct err *),
		void (*done)(struct http *, const struct http_reply *, void *))
{
	engine_get(list->engine, path, LIST_MAX_BYTES,
		   json_stream_new(JSON_LIST, OBJECT_MAX_BYTES, read, list), done, list);
}

static void tasks_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct swarm_list *list = data;

	if (answered(list, "tasks", reply))
		list->state = LISTING_READ;
}

/* Tasks come second: what they are of is the services' to say. */
static void services_done(struct http *http _unused_, const struct http_reply *reply,
			  void *data)
{
	struct swarm_list *list = data;

	if (answered(list, "services", reply))
		get(list, engine_path(list->engine, "/tasks"), read_task, tasks_done);
}

struct swarm_list *swarm_list_new(struct engine *engine, struct snapshot *snapshot,
				  struct intern *intern)
{
	struct swarm_list *list = mem_zalloc(1, sizeof(*list));

	list->engine = engine;
	list->snapshot = snapshot;
	list->state = LISTING_FAILED;
	list->decoder = (struct decoder){ .arena = snapshot->arena, .intern = intern };
	return list;
}

void swarm_list_ask(struct swarm_list *list)
{
	get(list, engine_path(list->engine, "/services"), read_service, services_done);
}

void swarm_list_meet(struct swarm_list *list, const struct swarm_role *role)
{
	if (!role) {
		fail(list, "the engine does not tell whether it is in a swarm");
	} else if (!role->state || !*role->state || strcmp(role->state, "inactive") == 0) {
		list->state = LISTING_NOT_READ;
	} else if (strcmp(role->state, "active") != 0) {
		_cleanup_free_ char *why = mem_printf("the swarm is '%s' here", role->state);

		fail(list, why);
	} else if (role->manager) {
		list->engine->swarm_manager = true;
		swarm_list_ask(list);
	} else {
		list->state = LISTING_NOT_READ;
		problems_add(&list->snapshot->problems,
			     "this node is a worker of a swarm, and only managers know the "
			     "services: what a service uses is kept here by the containers of "
			     "its tasks alone");
	}
}

static void take_uses(struct swarm_list *list, struct swarm_uses *uses, struct swarm_uses *ret)
{
	ret->n = uses->n;
	ret->v = arena_adopt(list->decoder.arena, uses->v, uses->n, sizeof(*uses->v));
}

void swarm_list_end(struct swarm_list *list)
{
	struct swarm *swarm = &list->snapshot->swarm;

	swarm->state = list->state;
	take_uses(list, &list->images, &swarm->images);
	take_uses(list, &list->image_ids, &swarm->image_ids);
	take_uses(list, &list->volumes, &swarm->volumes);
	take_uses(list, &list->networks, &swarm->networks);
	free(list->services);
	free(list);
}
