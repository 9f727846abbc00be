#include "conf/pinned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/files.h"

#define BLANKS " \t\r\n"

static bool add_image(struct arena *arena, struct pinned *pinned, const char *name,
		      const char *where)
{
	return pins_add_image(arena, &pinned->images, name, false, where);
}

static bool add_name(struct arena *arena, struct pins *pins, const char *name,
		     const char *where)
{
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "0123456789_.-")] ||
	    strchr("_.-", *name))
		return false;
	pins_add(arena, pins, name, where);
	return true;
}

static bool add_volume(struct arena *arena, struct pinned *pinned, const char *name,
		       const char *where)
{
	return add_name(arena, &pinned->volumes, name, where);
}

static bool add_network(struct arena *arena, struct pinned *pinned, const char *name,
			const char *where)
{
	return add_name(arena, &pinned->networks, name, where);
}

static const struct kind_word {
	const char *word, *hint;
	bool (*add)(struct arena *arena, struct pinned *pinned, const char *name,
		    const char *where);
} words[] = {
	{ "image", "is no name of an image; write NAME:TAG", add_image },
	{ "volume", "is no name of a volume", add_volume },
	{ "network", "is no name of a network", add_network },
};

static const struct kind_word *find_word(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return &words[i];
	return NULL;
}

static char *next_word(char **line)
{
	char *word = *line + strspn(*line, BLANKS), *end = word + strcspn(word, BLANKS);

	*line = *end ? end + 1 : end;
	*end = '\0';
	return *word ? word : NULL;
}

static void take_name(struct arena *arena, const struct kind_word *kind, const char *name,
		      const char *where, struct pinned *pinned, struct problems *problems)
{
	_cleanup_free_ char *shown = text_escape(name);

	if (!kind->add(arena, pinned, arena_strdup(arena, name), where))
		problems_add(problems, "%s: '%s' %s", where, shown, kind->hint);
}

static void take_line(struct arena *arena, const char *path, unsigned number, char *line,
		      struct pinned *pinned, struct problems *problems)
{
	const char *first = next_word(&line), *second = next_word(&line);
	const char *where = arena_printf(arena, "%s:%u", path, number);
	const struct kind_word *kind;

	if (!first || *first == '#')
		return;
	kind = second ? find_word(first) : &words[0];
	if (kind && !next_word(&line))
		take_name(arena, kind, second ? second : first, where, pinned, problems);
	else
		problems_add(problems,
			     "%s: there is more than one name in this line; write IMAGE, "
			     "'volume NAME' or 'network NAME'",
			     where);
}

static void read_list(struct arena *arena, const char *path, struct pinned *pinned,
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
			take_line(arena, path, number, line, pinned, problems);
	}
	if (ferror(file))
		problems_add(problems, "%s: %s", path, strerror(errno));
	fclose(file);
}

void pinned_load(struct arena *arena, const struct strings *places, struct pinned *pinned,
		 struct problems *problems)
{
	struct strings files = { 0 };

	files_find(arena, places, "pinned.d", ".list", &files, problems);
	for (size_t i = 0; i < files.n; i++)
		read_list(arena, files.v[i], pinned, problems);
}
