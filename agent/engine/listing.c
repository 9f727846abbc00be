#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "engine/internal.h"
#include "engine/json.h"
#include "engine/decode.h"
#include "engine/manifests.h"

/* The lists, decoded while they arrive: only the objects of the snapshot grow with them. */

struct listing {
	struct engine *engine;
	struct snapshot *snapshot;
	enum kind kind;
	struct decoder decoder;
	void *items; /* grown by mem_grow() */
	size_t n, size;
	struct manifests *manifests; /* of images, where the engine has such */
	bool failed;
};

static void listing_done(struct http *http _unused_, const struct http_reply *reply, void *data)
{
	struct listing *listing = data;
	_cleanup_free_ char *why = http_reply_failure(reply);

	if (!why)
		return;
	listing->failed = true;
	problems_add(&listing->snapshot->problems, "the list of %s cannot be read: %s",
		     kind_to_plural(listing->kind), why);
}

static void *grow(struct listing *listing)
{
	listing->items = mem_grow(listing->items, listing->n, listing->size);
	return (char *)listing->items + listing->n * listing->size;
}

static int add_container(void *data, struct json_object *object, struct err *err)
{
	struct listing *listing = data;
	int r = decode_container(&listing->decoder, object, grow(listing), err);

	listing->n += r >= 0;
	return r;
}

static int add_image(void *data, struct json_object *object, struct err *err)
{
	struct listing *listing = data;
	int r = decode_image(&listing->decoder, object, grow(listing), err);

	if (r >= 0 && listing->manifests)
		r = manifests_note(listing->manifests, object, err);
	listing->n += r >= 0;
	return r;
}

static int add_podman_entry(void *data, struct json_object *object, struct err *err)
{
	struct listing *listing = data;
	int r = decode_podman_entry(&listing->decoder, object, grow(listing), err);

	listing->n += r >= 0;
	return r;
}

static void submit(struct listing *listing, char *path,
		   int (*add)(void *, struct json_object *, struct err *))
{
	engine_get(listing->engine, path, LIST_MAX_BYTES,
		   json_stream_new(JSON_LIST, OBJECT_MAX_BYTES, add, listing), listing_done,
		   listing);
}

static struct listing listing_new(struct engine *engine, struct snapshot *snapshot,
				  const struct decoder *decoder, enum kind kind, size_t size)
{
	return (struct listing){
		.engine = engine,
		.snapshot = snapshot,
		.kind = kind,
		.decoder = *decoder,
		.size = size,
	};
}

/* Podman's own list marks infra containers and has those of other programs (Buildah's working
 * containers), which hold images all the same. Entries are matched by ID. */

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *owner(const struct podman_entry *entry, bool listed)
{
	if (entry->infra)
		return "pod infra container";
	return listed ? NULL : "container of another program";
}

static void add_foreign(struct listing *containers, const struct podman_entry *entry)
{
	struct container *container = grow(containers);

	*container = entry->container;
	container->not_ours = owner(entry, false);
	container->state = STATE_OTHER;
	/* No request knows it. */
	container->inspected = FACT_UNAVAILABLE;
	container->sized = FACT_UNAVAILABLE;
	containers->n++;
}

static void merge(struct listing *containers, const struct listing *podman)
{
	struct container *listed = containers->items;
	const struct podman_entry *entries = podman->items;
	size_t n = containers->n;

	if (n > 0)
		qsort(listed, n, sizeof(*listed), compare_ids);
	for (size_t i = 0; i < podman->n; i++) {
		const char *id = entries[i].container.id;
		struct container *same =
			n > 0 ? bsearch(&id, containers->items, n, sizeof(*listed), compare_ids)
			      : NULL;

		if (!same) {
			add_foreign(containers, &entries[i]);
			continue;
		}
		same->not_ours = owner(&entries[i], true);
		same->pod = *entries[i].pod ? entries[i].pod : NULL;
	}
}

static void adopt_containers(struct listing *listing)
{
	struct snapshot *snapshot = listing->snapshot;

	snapshot->listing[KIND_CONTAINER] = listing->failed ? LISTING_FAILED : LISTING_READ;
	snapshot->n_containers = listing->failed ? 0 : listing->n;
	snapshot->containers = arena_adopt(snapshot->arena, listing->items,
					   snapshot->n_containers, sizeof(struct container));
}

/* Podman lists an image that lies in a read-only store and in its own twice. Which of the two a
 * name or a DELETE means is not told: it stays. */
static void merge_copies(struct listing *listing)
{
	struct image *images = listing->items, *last = NULL;
	size_t n = 0;

	if (listing->n > 1)
		qsort(images, listing->n, sizeof(*images), compare_ids);
	for (size_t i = 0; i < listing->n; i++) {
		bool same = last && strcmp(last->id, images[i].id) == 0;

		if (same && (last->not_ours || images[i].not_ours)) {
			last->not_ours = last->not_ours ? last->not_ours : images[i].not_ours;
			continue;
		}
		last = &images[n++];
		*last = images[i];
	}
	listing->n = n;
}

static void adopt_images(struct listing *listing)
{
	struct snapshot *snapshot = listing->snapshot;

	if (listing->manifests && !listing->failed)
		listing->failed = !manifests_mark(listing->manifests, listing->items);
	if (listing->engine->dialect->libpod)
		merge_copies(listing);
	snapshot->listing[KIND_IMAGE] = listing->failed ? LISTING_FAILED : LISTING_READ;
	snapshot->listing[KIND_TAG] = snapshot->listing[KIND_IMAGE];
	snapshot->n_images = listing->failed ? 0 : listing->n;
	snapshot->images = arena_adopt(snapshot->arena, listing->items, snapshot->n_images,
				       sizeof(struct image));
}

/* All requests go out together: the engine is what one waits for. */
static void list(struct engine *engine, struct snapshot *snapshot,
		 const struct label_filter *labels, bool images_too)
{
	_cleanup_(intern_freep) struct intern *intern = intern_new(snapshot->arena);
	_cleanup_(manifests_freep) struct manifests *manifests = NULL;
	const struct decoder decoder = { snapshot->arena, intern, labels };
	struct listing containers = listing_new(engine, snapshot, &decoder, KIND_CONTAINER,
						sizeof(struct container));
	struct listing podman = listing_new(engine, snapshot, &decoder, KIND_CONTAINER,
					    sizeof(struct podman_entry));
	struct listing images =
		listing_new(engine, snapshot, &decoder, KIND_IMAGE, sizeof(struct image));

	submit(&containers, engine_path(engine, "/containers/json?all=1"), add_container);
	if (engine->dialect->libpod)
		submit(&podman,
		       mem_printf("/v%s/libpod/containers/json?all=true&external=true",
				  engine->podman_api),
		       add_podman_entry);
	if (images_too && engine->dialect->libpod)
		images.manifests = manifests = manifests_new(engine, snapshot);
	if (images_too)
		submit(&images, engine_path(engine, "/images/json?all=1"), add_image);
	http_run(engine->http, engine_connections(engine, READ_CONNECTIONS));
	containers.failed |= podman.failed;
	if (!containers.failed)
		merge(&containers, &podman);
	free(podman.items);
	adopt_containers(&containers);
	if (images_too)
		adopt_images(&images);
}

void list_containers(struct engine *engine, struct snapshot *snapshot)
{
	list(engine, snapshot, NULL, false);
}

void list_all(struct engine *engine, struct snapshot *snapshot,
	      const struct label_filter *labels)
{
	list(engine, snapshot, labels, true);
}
