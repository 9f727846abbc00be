#include "model/pin.h"

#include <fnmatch.h>
#include <string.h>

#include "base/text.h"
#include "model/reference.h"

void pins_add(struct arena *arena, struct pins *pins, const char *glob, const char *where)
{
	/* Full exactly at 0 and the powers of two. */
	if ((pins->n & (pins->n - 1)) == 0) {
		struct pin *grown =
			arena_array(arena, pins->n > 0 ? 2 * pins->n : 1, sizeof(*grown));

		if (pins->n > 0)
			memcpy(grown, pins->v, pins->n * sizeof(*grown));
		pins->v = grown;
	}
	pins->v[pins->n++] = (struct pin){ glob, where };
}

void pins_append(struct arena *arena, struct pins *pins, const struct pins *more)
{
	for (size_t i = 0; i < more->n; i++)
		pins_add(arena, pins, more->v[i].glob, more->v[i].where);
}

const char *pin_literal(struct arena *arena, const char *text)
{
	char *glob = arena_alloc(arena, 2 * strlen(text) + 1), *to = glob;

	for (; *text; text++) {
		if (strchr("*?[\\", *text))
			*to++ = '\\';
		*to++ = *text;
	}
	return glob;
}

static bool names_registry(const char *raw, const struct reference *reference)
{
	return !text_starts_with(reference->repository, "docker.io/") ||
	       text_starts_with(raw, "docker.io/") || text_starts_with(raw, "index.docker.io/");
}

bool pins_add_image(struct arena *arena, struct pins *images, const char *raw,
		    bool any_registry, const char *where)
{
	struct reference reference;
	const char *prefix = "", *repository;

	if (!reference_parse_default(arena, raw, &reference))
		return false;
	repository = reference.repository;
	if (any_registry && !names_registry(raw, &reference)) {
		prefix = "*/";
		repository = reference.familiar;
	}
	repository = pin_literal(arena, repository);
	if (reference.tag)
		pins_add(arena, images,
			 arena_printf(arena, "%s%s:%s", prefix, repository, reference.tag),
			 where);
	if (reference.digest)
		pins_add(arena, images,
			 arena_printf(arena, "%s%s@%s", prefix, repository, reference.digest),
			 where);
	return true;
}

static void add_id(struct arena *arena, struct pins *images, const char *raw, const char *where)
{
	bool prefixed = text_starts_with(raw, "sha256:");
	const char *digits = raw + (prefixed ? strlen("sha256:") : 0);
	size_t length = strspn(digits, "0123456789abcdef");

	if (length > 0 && !digits[length])
		pins_add(arena, images, arena_printf(arena, "sha256:%s*", digits), where);
	/* The grammar of references denies that they are a name. */
	if (!prefixed && reference_is_id(raw))
		pins_add(arena, images, arena_printf(arena, "*/%s:latest", raw), where);
}

bool pins_add_image_or_id(struct arena *arena, struct pins *images, const char *raw,
			  const char *where)
{
	add_id(arena, images, raw, where);
	return pins_add_image(arena, images, raw, true, where) || reference_is_id(raw);
}

static bool is_literal(const char *glob)
{
	return !strpbrk(glob, "*?[\\");
}

static bool matches(const char *glob, const char *value)
{
	/* Most are names, and fnmatch() is slow. */
	return is_literal(glob) ? strcmp(glob, value) == 0 : fnmatch(glob, value, 0) == 0;
}

const struct pin *pins_find(const struct pins *pins, const char *const *values, size_t n)
{
	for (size_t i = 0; i < pins->n; i++)
		for (size_t k = 0; k < n; k++)
			if (values[k] && matches(pins->v[i].glob, values[k]))
				return &pins->v[i];
	return NULL;
}
