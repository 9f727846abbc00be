#include "conf/unitfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/files.h"

#define MAX_BYTES (1 << 20)

struct reader {
	struct arena *arena;
	const char *path;
	bool resets;
	const char *section; /* NULL before the first */
	struct assignments *assignments;
};

static char *trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		text[--length] = '\0';
	return text;
}

static int refuse(const struct reader *reader, unsigned number, const char *line,
		  struct err *err)
{
	_cleanup_free_ char *shown = mem_printf("%.60s", line), *escaped = text_escape(shown);

	return err_set(err, -EINVAL, "%s:%u: '%s' is neither [SECTION] nor KEY=VALUE",
		       reader->path, number, escaped);
}

static void append(struct reader *reader, const struct assignment *assignment)
{
	struct assignments *all = reader->assignments;

	if (!*assignment->value && !reader->resets)
		return;
	all->v = mem_grow(all->v, all->n, sizeof(*all->v));
	all->v[all->n++] = *assignment;
}

static int take_section(struct reader *reader, char *line, unsigned number, struct err *err)
{
	char *end = strchr(line, ']');

	if (!end || end[1 + strspn(end + 1, " \t")] || end == line + 1)
		return refuse(reader, number, line, err);
	*end = '\0';
	reader->section = arena_strdup(reader->arena, line + 1);
	return 0;
}

static int take_line(struct reader *reader, char *line, unsigned number, struct err *err)
{
	char *value = strchr(line, '=');

	if (!*line || *line == '#' || *line == ';')
		return 0;
	if (*line == '[')
		return take_section(reader, line, number, err);
	if (!value || value == line || !reader->section)
		return refuse(reader, number, line, err);
	*value++ = '\0';
	append(reader,
	       &(struct assignment){
		       .section = reader->section,
		       .key = arena_strdup(reader->arena, trim(line)),
		       .value = arena_strdup(reader->arena, trim(value)),
		       .where = arena_printf(reader->arena, "%s:%u", reader->path, number),
	       });
	return 0;
}

/* Lines that go on are joined with nothing between, as Quadlet does now; it once kept the
 * blanks that the next line begins with, so one stays. */
static char *join(char *begun, const char *raw, const char *line)
{
	bool blank = begun && isspace((unsigned char)*raw);
	char *joined = mem_printf("%s%s%s", begun ? begun : "", blank ? " " : "", line);

	free(begun);
	return joined;
}

static int take_text(struct reader *reader, char *text, struct err *err)
{
	_cleanup_free_ char *begun = NULL;
	unsigned number = 0, first = 0;
	int r = 0;

	while (text && r == 0) {
		char *raw = strsep(&text, "\n"), *copy = raw, *line = trim(copy);
		bool comment = !*line || *line == '#' || *line == ';';
		size_t length = strlen(line);
		bool goes_on = !comment && line[length - 1] == '\\';

		number++;
		if (comment && begun)
			continue;
		if (goes_on)
			line[length - 1] = '\0';
		first = begun ? first : number;
		begun = join(begun, raw, line);
		if (goes_on && text && *text)
			continue;
		r = take_line(reader, trim(begun), first, err);
		free(take(begun));
	}
	return r == 0 && begun ? take_line(reader, trim(begun), first, err) : r;
}

int unitfile_read(struct arena *arena, const char *path, bool resets,
		  struct assignments *assignments, struct err *err)
{
	struct assignments found = { 0 };
	struct reader reader = {
		.arena = arena, .path = path, .resets = resets, .assignments = &found
	};
	_cleanup_free_ char *text = NULL;
	int r = files_read(path, MAX_BYTES, &text, err);

	if (r <= 0)
		return r;
	r = take_text(&reader, text, err);
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		assignments->v =
			mem_grow(assignments->v, assignments->n, sizeof(*assignments->v));
		assignments->v[assignments->n++] = found.v[i];
	}
	free(found.v);
	return r;
}

const char *unitfile_word(struct arena *arena, const char **text)
{
	const char *from = *text + strspn(*text, " \t\n");
	char *word = arena_alloc(arena, 2 * strlen(from) + 1), *to = word;
	char quote = '\0';

	if (!*from)
		return NULL;
	for (; *from && (quote || !strchr(" \t\n", *from)); from++) {
		if (quote ? *from == quote : *from == '"' || *from == '\'') {
			quote = quote ? '\0' : *from;
		} else if (*from == '\\' && from[1]) {
			from++;
			if (!strchr("\\\"' ", *from))
				*to++ = '%';
			*to++ = strchr("\\\"' ", *from) ? *from : '?';
		} else {
			*to++ = *from;
		}
	}
	*text = from;
	return word;
}
