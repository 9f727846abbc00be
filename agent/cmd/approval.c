#include "cmd/approval.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "plan/plan.h"

static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static int kind_of(const char *name)
{
	for (int kind = 0; name && kind < KIND_MAX_; kind++)
		if (strcmp(kind_to_string((enum kind)kind), name) == 0)
			return kind;
	return -1;
}

static int check_engine(struct json_object *plan, const struct engine_info *engine,
			struct err *err)
{
	struct json_object *told;
	const char *socket, *name, *id;

	if (!json_object_object_get_ex(plan, "engine", &told))
		return err_set(err, -EINVAL, "it names no engine");
	socket = text_of(told, "socket");
	name = text_of(told, "name");
	id = text_of(told, "id");
	if (!socket || strcmp(socket, engine->socket) != 0)
		return err_set(err, -EINVAL, "it is a plan for the engine at %s, not at %s",
			       socket ? socket : "an unknown socket", engine->socket);
	if (!name || strcmp(name, engine->name) != 0)
		return err_set(err, -EINVAL, "it is a plan for %s, this is %s",
			       name ? name : "an unknown engine", engine->name);
	if (strcmp(name, "Docker") == 0 && engine->id && (!id || strcmp(id, engine->id) != 0))
		return err_set(err, -EINVAL,
			       "it is a plan for another engine (ID %s, this is %s)",
			       id ? id : "unknown", engine->id);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What an object's row approves, NULL: nothing. */
static const char *key_of(struct arena *arena, struct json_object *object, enum kind kind)
{
	const char *id = text_of(object, "id"), *verdict = text_of(object, "verdict");
	const char *name = text_of(object, "preserve_as");

	if (strcmp(verdict, "tag") == 0 && kind == KIND_IMAGE && name)
		return plan_key(arena, kind, id, name);
	if (strcmp(verdict, "remove") != 0)
		return NULL;
	return plan_key(arena, kind, id, kind == KIND_TAG ? text_of(object, "name") : NULL);
}

static int collect(struct arena *arena, struct json_object *objects, struct strings *ret,
		   struct err *err)
{
	size_t n = json_object_array_length(objects);

	ret->v = arena_array(arena, n, sizeof(*ret->v));
	for (size_t i = 0; i < n; i++) {
		struct json_object *object = json_object_array_get_idx(objects, i);
		int kind = kind_of(text_of(object, "kind"));
		const char *key;

		if (!text_of(object, "id") || !text_of(object, "verdict") || kind < 0)
			return err_set(err, -EINVAL, "object %zu has no kind, id or verdict",
				       i + 1);
		key = key_of(arena, object, (enum kind)kind);
		if (key)
			ret->v[ret->n++] = key;
	}
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return 0;
}

static int read_plan(struct arena *arena, struct json_object *plan,
		     const struct engine_info *engine, struct strings *ret, struct err *err)
{
	struct json_object *version, *objects;
	int r;

	if (!json_object_is_type(plan, json_type_object) ||
	    !json_object_object_get_ex(plan, "version", &version) ||
	    !json_object_is_type(version, json_type_int) ||
	    !json_object_object_get_ex(plan, "objects", &objects) ||
	    !json_object_is_type(objects, json_type_array))
		return err_set(err, -EINVAL, "it is not what 'reclaimd plan --json' writes");
	if (json_object_get_int(version) != 1)
		return err_set(err, -EINVAL,
			       "it is a plan of version %d, this reclaimd reads 1",
			       json_object_get_int(version));
	r = check_engine(plan, engine, err);
	return r < 0 ? r : collect(arena, objects, ret, err);
}

int approval_read(struct arena *arena, const char *path, const struct engine_info *engine,
		  struct strings *ret, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;
	struct json_object *plan;

	*ret = (struct strings){ 0 };
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	plan = json_object_from_fd(fd);
	close(fd);
	if (!plan)
		return err_set(err, -EINVAL, "%s: cannot be read as JSON", path);
	r = read_plan(arena, plan, engine, ret, err);
	json_object_put(plan);
	return r < 0 ? err_wrap(err, "%s", path) : 0;
}
