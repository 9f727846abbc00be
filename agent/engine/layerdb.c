#include "engine/layerdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "engine/walk.h"

/* An ID or a digest, and a newline at most. */
#define WORD_SIZE 256

/* ---- reading ---- */

/* The text of a file that holds one word; *ret is "" if there is no such file. */
static int read_word(struct layerdb *db, int folder, const char *name, const char **ret)
{
	_cleanup_(walk_closep) int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[WORD_SIZE];
	ssize_t n;

	*ret = "";
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return -errno;
	if (n == sizeof(text))
		return -EBADMSG;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	*ret = arena_strdup(db->arena, text);
	return 0;
}

struct word {
	const char *file;
	const char **ret;
};

static int read_words(struct layerdb *db, int parent, const char *name,
		      const struct word *words, size_t n)
{
	_cleanup_(walk_closep) int folder = walk_open(parent, name);
	int r = 0;

	if (folder < 0)
		return folder;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = read_word(db, folder, words[i].file, words[i].ret);
	return r;
}

static struct layerdb_owner *owner_of(struct layerdb *db, const char *folder)
{
	struct interned *interned = intern_get(db->folders, folder, strlen(folder));

	if (!interned->value)
		interned->value = arena_alloc(db->arena, sizeof(struct layerdb_owner));
	return interned->value;
}

static char *chain_key(const char *parent, const char *diff)
{
	return mem_printf("%s %s", parent, diff);
}

static int add_layer(void *data, int folder, const char *name)
{
	struct layerdb *db = data;
	struct stored_layer *layer = arena_alloc(db->arena, sizeof(*layer));
	const struct word words[] = { { "cache-id", &layer->folder },
				      { "parent", &layer->parent },
				      { "diff", &layer->diff } };
	_cleanup_free_ char *key = NULL;
	int r = read_words(db, folder, name, words, ARRAY_SIZE(words));

	/* It went meanwhile, or is on its way out. */
	if (r == -ENOENT || (r == 0 && !*layer->folder))
		return 0;
	if (r < 0)
		return r;
	layer->bytes = -1;
	layer->chain = arena_printf(db->arena, "sha256:%s", name);
	key = chain_key(layer->parent, layer->diff);
	intern_get(db->chains, key, strlen(key))->value = layer;
	intern_get(db->by_chain, layer->chain, strlen(layer->chain))->value = layer;
	owner_of(db, layer->folder)->layer = layer;
	db->layers = mem_grow(db->layers, db->n_layers, sizeof(*db->layers));
	db->layers[db->n_layers++] = layer;
	return 0;
}

static int add_mount(void *data, int folder, const char *name)
{
	struct layerdb *db = data;
	struct stored_mount *mount = arena_alloc(db->arena, sizeof(*mount));
	const struct word words[] = { { "mount-id", &mount->folder },
				      { "init-id", &mount->init_folder },
				      { "parent", &mount->parent } };
	int r = read_words(db, folder, name, words, ARRAY_SIZE(words));

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	mount->container = arena_strdup(db->arena, name);
	if (*mount->folder)
		owner_of(db, mount->folder)->mount = mount;
	if (*mount->init_folder)
		owner_of(db, mount->init_folder)->mount = mount;
	db->mounts = mem_grow(db->mounts, db->n_mounts, sizeof(*db->mounts));
	db->mounts[db->n_mounts++] = mount;
	return 0;
}

static int note_writing(void *data, int folder _unused_, const char *name _unused_)
{
	struct layerdb *db = data;

	db->writing = true;
	return 0;
}

int layerdb_read(int data_root, const char *driver, struct arena *arena, struct layerdb *ret)
{
	static const struct {
		const char *folder;
		int (*add)(void *data, int folder, const char *name);
		bool may_lack;
	} parts[] = {
		{ "sha256", add_layer, false },
		{ "mounts", add_mount, true },
		{ "tmp", note_writing, true },
	};
	int r = 0;

	*ret = (struct layerdb){
		.arena = arena,
		.folders = intern_new(arena),
		.chains = intern_new(arena),
		.by_chain = intern_new(arena),
	};
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(parts); i++) {
		_cleanup_free_ char *path =
			mem_printf("image/%s/layerdb/%s", driver, parts[i].folder);

		r = walk_names(data_root, path, parts[i].add, ret);
		if (r == -ENOENT && parts[i].may_lack)
			r = 0;
	}
	return r;
}

void layerdb_end(struct layerdb *db)
{
	intern_free(db->folders);
	intern_free(db->chains);
	intern_free(db->by_chain);
	free(db->layers);
	free(db->mounts);
	*db = (struct layerdb){ 0 };
}

/* ---- questions ---- */

const struct layerdb_owner *layerdb_owner(const struct layerdb *db, const char *folder)
{
	return intern_get(db->folders, folder, strlen(folder))->value;
}

static struct stored_layer *find(const struct layerdb *db, const char *parent, const char *diff)
{
	_cleanup_free_ char *key = chain_key(parent, diff);

	return intern_get(db->chains, key, strlen(key))->value;
}

/* The image's layers, the lowest first. */
static const struct layer **layers_of(const struct image *image, size_t *ret_n)
{
	const struct layer **layers;
	size_t n = 0;

	for (const struct layer *layer = image->top; layer; layer = layer->below)
		n++;
	layers = mem_zalloc(n + 1, sizeof(*layers));
	*ret_n = n;
	for (const struct layer *layer = image->top; layer; layer = layer->below)
		layers[--n] = layer;
	return layers;
}

bool layerdb_image(const struct layerdb *db, const struct image *image,
		   void (*each)(void *data, struct stored_layer *layer), void *data)
{
	_cleanup_free_ const struct layer **layers = NULL;
	const char *parent = "";
	size_t n;

	if (image->inspected != FACT_KNOWN)
		return false;
	layers = layers_of(image, &n);
	for (size_t i = 0; i < n; i++) {
		struct stored_layer *layer = find(db, parent, layers[i]->diff);

		if (!layer)
			return false;
		each(data, layer);
		parent = layer->chain;
	}
	return true;
}

void layerdb_mark_containers(const struct layerdb *db)
{
	for (size_t i = 0; i < db->n_mounts; i++) {
		const char *chain = db->mounts[i]->parent;

		while (*chain) {
			struct stored_layer *layer =
				intern_get(db->by_chain, chain, strlen(chain))->value;

			if (!layer || layer->in_container)
				break;
			layer->in_container = true;
			chain = layer->parent;
		}
	}
}
