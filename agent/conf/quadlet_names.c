#include "conf/quadlet_unit.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/files.h"
#include "conf/kube.h"
#include "model/reference.h"

/* The names in a unit, key by key. Where Quadlet takes the last of several assignments, all
 * count: an image that another version or a forgotten drop-in would still run is wanted. */

#define YAML_MAX_BYTES (16 << 20)
#define STARS_MAX 4 /* fnmatch() takes exponential time in them */

struct place {
	struct quadlets *quadlets;
	const struct unit *unit;
	const char *where;
};

typedef void take_value(const struct place *place, const char *value);

static bool text_ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void refuse(const struct place *place, const char *value, const char *why)
{
	_cleanup_free_ char *shown = text_escape(value);

	problems_add(place->quadlets->problems, "%s: '%s' %s", place->where, shown, why);
}

/* ---- specifiers and variables ---- */

/* What systemd would replace at text: its length, 0 if nothing. "%%" and "$$" stand for
 * themselves. */
static size_t span_open(const char *text)
{
	size_t length;

	if (text[0] == '%' && text[1] && text[1] != '%')
		return 2;
	if (text[0] != '$')
		return 0;
	if (text[1] == '{') {
		length = strcspn(text, "}");
		return length + (text[length] == '}');
	}
	for (length = 1; isalnum((unsigned char)text[length]) || text[length] == '_';)
		length++;
	return length > 1 ? length : 0;
}

static bool is_open(const char *text)
{
	for (; *text; text++) {
		if (span_open(text) > 0)
			return true;
		text += (*text == '%' || *text == '$') && text[1] == *text;
	}
	return false;
}

/* "app-%i" is "app-*". */
static const char *to_glob(struct arena *arena, const char *text)
{
	char *glob = arena_alloc(arena, 2 * strlen(text) + 2), *to = glob;
	unsigned stars = 0;

	while (*text) {
		size_t open = span_open(text);

		if (open == 0) {
			if (strchr("*?[\\", *text))
				*to++ = '\\';
			*to++ = *text;
			text += 1 + ((*text == '%' || *text == '$') && text[1] == *text);
			continue;
		}
		text += open;
		if (to == glob || to[-1] != '*' || (to - 1 > glob && to[-2] == '\\')) {
			*to++ = '*';
			stars++;
		}
		if (stars == STARS_MAX)
			break;
	}
	return glob;
}

/* Specifiers that stand for absolute paths. */
static bool is_path(const char *value)
{
	return *value == '/' || *value == '.' ||
	       (*value == '%' && value[1] && strchr("htSCLETVdDfyYs", value[1]));
}

/* Without blanks and a pair of quotes around it. */
static const char *bare(struct arena *arena, const char *value)
{
	size_t length;

	value += strspn(value, " \t");
	length = strlen(value);
	while (length > 0 && strchr(" \t", value[length - 1]))
		length--;
	if (length >= 2 && *value == '"' && value[length - 1] == '"')
		return bare(arena, arena_strndup(arena, value + 1, length - 2));
	return arena_strndup(arena, value, length);
}

/* ---- images ---- */

/* Which part an open name leaves open is not known: registry, path, tag. */
static void add_open_image(const struct place *place, const char *name)
{
	struct arena *arena = place->quadlets->arena;
	struct pins *images = &place->quadlets->pinned->images;
	const char *glob = to_glob(arena, name), *at = strchr(glob, '@');
	const char *forms[] = {
		glob,
		arena_printf(arena, "*/%s", glob),
		at ? arena_strndup(arena, glob, (size_t)(at - glob)) : NULL,
		at ? arena_printf(arena, "*%s", at) : NULL,
		text_starts_with(glob, "docker.io/")
			? arena_printf(arena, "docker.io/library/%s", strchr(glob, '/') + 1)
			: NULL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (!forms[i])
			continue;
		pins_add(arena, images, forms[i], place->where);
		pins_add(arena, images, arena_printf(arena, "%s:latest", forms[i]),
			 place->where);
	}
}

static const char *without_transport(const char *name)
{
	static const char *const transports[] = { "docker://", "containers-storage:" };

	for (size_t i = 0; i < ARRAY_SIZE(transports); i++)
		if (text_starts_with(name, transports[i]))
			return name + strlen(transports[i]);
	return name;
}

/* An archive or a folder, of which only ImageTag= says what comes out. */
static bool is_archive(const char *name)
{
	static const char *const transports[] = { "docker-archive:", "oci-archive:", "oci:",
						  "dir:" };

	for (size_t i = 0; i < ARRAY_SIZE(transports); i++)
		if (text_starts_with(name, transports[i]))
			return true;
	return false;
}

static bool assigns(const struct unit *unit, const char *key)
{
	for (size_t i = 0; i < unit->assignments.n; i++)
		if (strcmp(unit->assignments.v[i].key, key) == 0 &&
		    *unit->assignments.v[i].value)
			return true;
	return false;
}

static void add_closed_image(const struct place *place, const char *name)
{
	if (!pins_add_image_or_id(place->quadlets->arena, &place->quadlets->pinned->images,
				  name, place->where))
		refuse(place, name, "is no name of an image");
}

/* Any name, and what it is an alias for. */
static void add_image(const struct place *place, const char *name, take_value *add)
{
	const struct aliases *aliases = &place->quadlets->aliases;
	size_t length = strcspn(name, ":@");

	add(place, name);
	for (size_t i = 0; i < aliases->n; i++)
		if (strlen(aliases->v[i].name) == length &&
		    strncmp(aliases->v[i].name, name, length) == 0)
			add(place, arena_printf(place->quadlets->arena, "%s%s",
						aliases->v[i].meaning, name + length));
}

static void take_image(const struct place *place, const char *value)
{
	struct arena *arena = place->quadlets->arena;
	const char *name = without_transport(bare(arena, value));

	if (!*name || (is_archive(name) && assigns(place->unit, "ImageTag")))
		return;
	add_image(place, name, is_open(name) ? add_open_image : add_closed_image);
	if (assigns(place->unit, "AllTags"))
		add_image(place, arena_printf(arena, "%s:%%?", name), add_open_image);
}

/* ---- other units ---- */

static bool tells_name(const struct unit *unit)
{
	if (strcmp(unit->type, "image") == 0)
		return assigns(unit, "Image") || assigns(unit, "ImageTag");
	return strcmp(unit->type, "build") != 0 || assigns(unit, "ImageTag");
}

/* What the other unit names counts by itself; here it need only be there. */
static void take_unit(const struct place *place, const char *name)
{
	const struct quadlets *quadlets = place->quadlets;
	const char *glob = to_glob(quadlets->arena, name);

	for (size_t i = 0; i < quadlets->n_units; i++)
		if (fnmatch(glob, quadlets->units[i].name, 0) == 0 &&
		    tells_name(&quadlets->units[i]))
			return;
	refuse(place, name, "is no Quadlet file that gives a name");
}

static void take_image_source(const struct place *place, const char *value)
{
	const char *name = bare(place->quadlets->arena, value);

	if (text_ends_with(name, ".image") || text_ends_with(name, ".build"))
		take_unit(place, name);
	else
		take_image(place, name);
}

/* ---- volumes and networks ---- */

static void add_name(const struct place *place, struct pins *pins, const char *value)
{
	struct arena *arena = place->quadlets->arena;
	const char *name = bare(arena, value);

	if (name[strcspn(name, " \t\"'")])
		refuse(place, name, "is no name");
	else if (*name)
		pins_add(arena, pins, to_glob(arena, name), place->where);
}

static void take_volume_name(const struct place *place, const char *value)
{
	add_name(place, &place->quadlets->pinned->volumes, value);
}

static void take_network_name(const struct place *place, const char *value)
{
	add_name(place, &place->quadlets->pinned->networks, value);
}

static void take_volume_source(const struct place *place, const char *name)
{
	if (!*name || is_path(name))
		return;
	if (text_ends_with(name, ".volume"))
		take_unit(place, name);
	else
		take_volume_name(place, name);
}

/* SOURCE:TARGET[:OPTIONS]; a target alone has a volume without a name. */
static void take_volume(const struct place *place, const char *value)
{
	struct arena *arena = place->quadlets->arena;
	const char *mount = bare(arena, value), *colon = strchr(mount, ':');

	if (colon)
		take_volume_source(place, bare(arena, arena_strndup(arena, mount,
								    (size_t)(colon - mount))));
}

/* NAME[,NAME…][:OPTIONS]. */
static void take_network(const struct place *place, const char *value)
{
	struct arena *arena = place->quadlets->arena;
	const char *network = bare(arena, value);
	char *names = arena_strndup(arena, network, strcspn(network, ":"));

	while (names) {
		const char *name = strsep(&names, ",");

		if (text_ends_with(name, ".network"))
			take_unit(place, name);
		else if (!text_ends_with(name, ".container"))
			take_network_name(place, name);
	}
}

/* KEY=VALUE,…, whose source is a volume unless the type says otherwise. */
static void take_mount(const struct place *place, const char *value)
{
	struct arena *arena = place->quadlets->arena;
	char *rest = arena_strdup(arena, value);
	const char *type = "volume", *source = NULL;

	while (rest) {
		const char *token = bare(arena, strsep(&rest, ","));

		if (text_starts_with(token, "type="))
			type = token + strlen("type=");
		else if (text_starts_with(token, "source="))
			source = token + strlen("source=");
		else if (text_starts_with(token, "src="))
			source = token + strlen("src=");
	}
	if (source && (strcmp(type, "volume") == 0 || is_open(type)))
		take_volume_source(place, source);
	if (source && (strcmp(type, "image") == 0 || is_open(type)))
		take_image_source(place, source);
}

static void take_mounts(const struct place *place, const char *value)
{
	for (const char *word; (word = unitfile_word(place->quadlets->arena, &value));)
		take_mount(place, word);
}

/* ---- arguments for podman ---- */

static const struct {
	const char *option, *type; /* type NULL: of any unit */
	take_value *names;
} options[] = {
	{ "--volume", NULL, take_volume }, { "-v", NULL, take_volume },
	{ "--mount", NULL, take_mount },   { "--network", NULL, take_network },
	{ "--net", NULL, take_network },   { "--infra-image", NULL, take_image },
	{ "--tag", "build", take_image },  { "-t", "build", take_image },
};

/* The value of an option in word, or else in the one that follows; NULL if it is none. */
static const char *option_value(const char *word, const char *option, const char *next)
{
	size_t length = strlen(option);
	bool is_short = option[1] != '-';

	if (!text_starts_with(word, option))
		return NULL;
	if (!word[length])
		return next ? next : "";
	if (word[length] == '=')
		return word + length + 1;
	return is_short ? word + length : NULL;
}

static void take_arguments(const struct place *place, const char *value)
{
	struct arena *arena = place->quadlets->arena;
	const char *word = unitfile_word(arena, &value);

	while (word) {
		const char *next = unitfile_word(arena, &value);

		for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
			const char *of = option_value(word, options[i].option, next);

			if (of && (!options[i].type ||
				   strcmp(options[i].type, place->unit->type) == 0))
				options[i].names(place, of);
		}
		word = next;
	}
}

/* ---- .kube ---- */

struct yaml {
	const struct place *place;
	const char *path;
};

static bool is_volume_name(const char *name)
{
	return isalnum((unsigned char)*name) &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.-")];
}

/* Volumes are named after claims, but also after configuration maps, secrets, and for folders
 * that begin empty after the volume of the pod; which "name" is one's is not looked into. */
static void take_yaml_volume(const struct place *place, const char *name)
{
	struct arena *arena = place->quadlets->arena;

	if (is_volume_name(name))
		pins_add(arena, &place->quadlets->pinned->volumes, pin_literal(arena, name),
			 place->where);
}

static void take_yaml_image(const struct place *place, const char *name)
{
	if (*name)
		add_image(place, without_transport(name), add_closed_image);
}

static const struct {
	const char *key;
	take_value *names;
} yaml_keys[] = {
	{ "image", take_yaml_image },	   { "reference", take_yaml_image },
	{ "claimName", take_yaml_volume }, { "secretName", take_yaml_volume },
	{ "name", take_yaml_volume },
};

static void take_scalar(const char *key, const char *value, unsigned line, void *data)
{
	const struct yaml *yaml = data;
	struct place place = *yaml->place;

	for (size_t i = 0; i < ARRAY_SIZE(yaml_keys); i++) {
		if (strcmp(key, yaml_keys[i].key) != 0)
			continue;
		place.where = arena_printf(place.quadlets->arena, "%s:%u", yaml->path, line);
		if (value)
			yaml_keys[i].names(&place, value);
		else
			refuse(&place, key, "is not a plain name");
	}
}

static void read_yaml(const struct place *place, const char *path)
{
	struct yaml yaml = { place, path };
	_cleanup_free_ char *text = NULL;
	struct err err;
	int r = files_read(path, YAML_MAX_BYTES, &text, &err);

	if (r < 0)
		problems_add(place->quadlets->problems, "%s: %s", place->where, err.text);
	else if (r > 0 && kube_scan(text, take_scalar, &yaml, &err) < 0)
		problems_add(place->quadlets->problems, "%s: %s", path, err.text);
}

/* With the home and the runtime folder put in; other specifiers stay. NULL: none of that is
 * known. */
static const char *yaml_path(const struct place *place, const char *value)
{
	const struct quadlets *quadlets = place->quadlets;
	const char *folder = NULL;

	if (*value == '/')
		return arena_printf(quadlets->arena, "%s%s", quadlets->root, value);
	if (*value != '%' || value[1] == '%')
		return arena_printf(quadlets->arena, "%s/%s", place->unit->folder, value);
	if (value[1] == 'h')
		folder = quadlets->user->home;
	if (value[1] == 't')
		folder = quadlets->user->runtime;
	return folder ? arena_printf(quadlets->arena, "%s%s", folder, value + 2) : NULL;
}

static void take_yaml(const struct place *place, const char *value)
{
	const char *path = yaml_path(place, value);
	glob_t found = { 0 };

	if (!path) {
		refuse(place, value, "is a path that only systemd knows");
		return;
	}
	if (!is_open(path)) {
		read_yaml(place, path);
		return;
	}
	if (glob(to_glob(place->quadlets->arena, path), GLOB_ERR, NULL, &found) != 0)
		refuse(place, value, "is a path at which no file is found");
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_yaml(place, arena_strdup(place->quadlets->arena, found.gl_pathv[i]));
	globfree(&found);
}

static void take_yamls(const struct place *place, const char *value)
{
	for (const char *word; (word = unitfile_word(place->quadlets->arena, &value));)
		take_yaml(place, word);
}

/* ---- keys ---- */

static const struct {
	const char *section, *key;
	take_value *names;
} keys[] = {
	{ "Container", "Image", take_image_source },
	{ "Container", "Volume", take_volume },
	{ "Container", "Network", take_network },
	{ "Container", "Mount", take_mounts },
	{ "Container", "PodmanArgs", take_arguments },
	{ "Pod", "Volume", take_volume },
	{ "Pod", "Network", take_network },
	{ "Pod", "PodmanArgs", take_arguments },
	{ "Kube", "Yaml", take_yamls },
	{ "Kube", "Network", take_network },
	{ "Kube", "PodmanArgs", take_arguments },
	{ "Build", "ImageTag", take_image },
	{ "Build", "Volume", take_volume },
	{ "Build", "Network", take_network },
	{ "Build", "PodmanArgs", take_arguments },
	{ "Image", "Image", take_image },
	{ "Image", "ImageTag", take_image },
	{ "Volume", "VolumeName", take_volume_name },
	{ "Volume", "Image", take_image_source },
	{ "Network", "NetworkName", take_network_name },
};

/* "data.volume" is "systemd-data" unless it says otherwise, "data@.volume" "systemd-data-%i".
 */
static void add_default_name(const struct place *place, struct pins *pins)
{
	struct arena *arena = place->quadlets->arena;
	const char *name = place->unit->name;
	bool template = strchr(name, '@') != NULL;
	size_t length = strcspn(name, "@");

	if (!template)
		length = (size_t)(strrchr(name, '.') - name);
	pins_add(arena, pins,
		 arena_printf(arena, "systemd-%s%s",
			      pin_literal(arena, arena_strndup(arena, name, length)),
			      template ? "*" : ""),
		 place->where);
}

/* What a unit uses that it does not name. */
static void add_defaults(const struct place *place)
{
	struct pinned *pinned = place->quadlets->pinned;

	if (strcmp(place->unit->type, "volume") == 0)
		add_default_name(place, &pinned->volumes);
	if (strcmp(place->unit->type, "network") == 0)
		add_default_name(place, &pinned->networks);
	if (strcmp(place->unit->type, "kube") == 0)
		pins_add(place->quadlets->arena, &pinned->networks,
			 "podman-default-kube-network", place->where);
}

static size_t find_key(const struct assignment *assignment)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(keys) && (strcmp(assignment->key, keys[i].key) != 0 ||
					strcmp(assignment->section, keys[i].section) != 0))
		i++;
	return i;
}

/* An empty assignment takes back those before it. */
void quadlet_names(struct quadlets *quadlets, const struct unit *unit)
{
	const struct assignments *all = &unit->assignments;
	struct place place = { quadlets, unit, unit->path };
	size_t from[ARRAY_SIZE(keys) + 1] = { 0 };

	add_defaults(&place);
	for (size_t i = 0; i < all->n; i++)
		if (!*all->v[i].value)
			from[find_key(&all->v[i])] = i;
	for (size_t i = 0; i < all->n; i++) {
		size_t key = find_key(&all->v[i]);

		if (key == ARRAY_SIZE(keys) || i < from[key] || !*all->v[i].value)
			continue;
		place.where = all->v[i].where;
		keys[key].names(&place, all->v[i].value);
	}
}
