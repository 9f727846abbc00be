#include <stdlib.h>
#include <string.h>

#include "engine/decode.h"
#include "engine/json.h"
#include "engine/remove.h"

/* Build cache goes record by record. The request's filters name one, and how long it must have
 * been unused: the engine looks again itself. "all" is never sent, so records that share their
 * layers with an image stay (moby's builder/builder-next/builder.go, Prune). */

struct prune {
	struct engine *engine;
	struct removal *removal;
	struct arena *arena;
	struct intern *intern;
	struct strings went;
};

static int read_answer(void *data, struct json_object *object, struct err *err)
{
	struct prune *prune = data;
	struct decoder decoder = { .arena = prune->arena, .intern = prune->intern };

	return decode_cache_prune(&decoder, object, &prune->went, err);
}

static void pruned(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct prune *prune = data;
	struct removal *removal = prune->removal;

	if (reply->result < 0)
		removal_end(removal, OUTCOME_FAILED, "%s", reply->err.text);
	else if (reply->status != 200)
		removal_end(removal, OUTCOME_FAILED, "%ld %s", reply->status, reply->message);
	else if (strings_contain(&prune->went, removal->cache->id))
		removal_end(removal, OUTCOME_REMOVED, "%s", "");
	else
		removal_end(removal, OUTCOME_IN_USE,
			    "the engine keeps it: used meanwhile, or another record needs it");
}

static char *prune_path(const struct prune *prune)
{
	const struct removal *removal = prune->removal;
	_cleanup_free_ char *filters =
		mem_printf("{\"id\":[\"%s\"],\"until\":[\"%llds\"]}", removal->cache->id,
			   (long long)removal->unused_for);
	_cleanup_free_ char *escaped = url_escape(filters);

	return engine_path(prune->engine, "/build/prune?filters=%s", escaped);
}

static void prune_one(struct engine *engine, struct removal *removal)
{
	struct prune prune = { .engine = engine, .removal = removal, .arena = arena_new() };

	prune.intern = intern_new(prune.arena);
	http_submit(engine->http, &(struct http_request){
					  .method = HTTP_POST,
					  .path = prune_path(&prune),
					  .max_bytes = OBJECT_MAX_BYTES,
					  .json = json_stream_new(JSON_OBJECT, OBJECT_MAX_BYTES,
								  read_answer, &prune),
					  .done = pruned,
					  .data = &prune,
				  });
	http_run(engine->http, 1);
	intern_free(prune.intern);
	arena_free(prune.arena);
}

void engine_remove_cache(struct engine *engine, struct removal *removals, size_t n,
			 const struct removal_control *control)
{
	for (size_t i = 0; i < n; i++) {
		if (removals[i].outcome != OUTCOME_NONE ||
		    !removal_may_start(control, &removals[i]))
			continue;
		prune_one(engine, &removals[i]);
		tell_ended(control);
	}
}
