#include "conf/pinned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/files.h"

static void take_line(struct arena *arena, const char *path, unsigned number, char *line,
		      struct strings *names, struct problems *problems)
{
	struct reference reference;
	char *end;

	line += strspn(line, " \t");
	end = line + strcspn(line, " \t\r\n");
	if (!*line || *line == '#' || end == line)
		return;
	if (end[strspn(end, " \t\r\n")]) {
		problems_add(problems, "%s:%u: there is more than one name in this line", path,
			     number);
		return;
	}
	*end = '\0';
	if (!reference_parse_default(arena, line, &reference)) {
		_cleanup_free_ char *shown = text_escape(line);

		problems_add(problems, "%s:%u: '%s' is no name of an image; write NAME:TAG",
			     path, number, shown);
		return;
	}
	names->v = mem_grow(names->v, names->n, sizeof(*names->v));
	names->v[names->n++] = reference.raw;
}

static void read_list(struct arena *arena, const char *path, struct strings *names,
		      struct problems *problems)
{
	FILE *file = files_open(path, problems);
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	unsigned number = 0;
	ssize_t length;

	if (!file)
		return;
	while ((length = getline(&line, &size, file)) >= 0) {
		number++;
		if (memchr(line, '\0', (size_t)length))
			problems_add(problems,
				     "%s:%u: there is a NUL byte in this line; is it UTF-16?",
				     path, number);
		else
			take_line(arena, path, number, line, names, problems);
	}
	if (ferror(file))
		problems_add(problems, "%s: %s", path, strerror(errno));
	fclose(file);
}

void pinned_load(struct arena *arena, const struct strings *places, struct strings *ret,
		 struct problems *problems)
{
	struct strings files = { 0 }, names = { 0 };

	files_find(arena, places, "pinned.d", ".list", &files, problems);
	for (size_t i = 0; i < files.n; i++)
		read_list(arena, files.v[i], &names, problems);
	ret->n = names.n;
	ret->v = arena_adopt(arena, names.v, names.n, sizeof(*names.v));
}

static void add(struct snapshot *snapshot, struct reference reference)
{
	struct reference *pinned = &snapshot->pinned_images[snapshot->n_pinned_images++];

	*pinned = reference;
	pinned->full = arena_printf(snapshot->arena, "%s%s%s", reference.repository,
				    reference.tag ? ":" : "@",
				    reference.tag ? reference.tag : reference.digest);
}

void pinned_apply(const struct strings *names, struct snapshot *snapshot)
{
	snapshot->pinned_images =
		arena_array(snapshot->arena, 2 * names->n, sizeof(*snapshot->pinned_images));
	snapshot->n_pinned_images = 0;
	for (size_t i = 0; i < names->n; i++) {
		struct reference reference;

		if (!reference_parse_default(snapshot->arena, names->v[i], &reference))
			continue;
		add(snapshot, reference);
		if (!reference.tag || !reference.digest)
			continue;
		reference.tag = NULL;
		add(snapshot, reference);
	}
	snapshot->n_pinned_images =
		reference_sort(snapshot->pinned_images, snapshot->n_pinned_images);
}
