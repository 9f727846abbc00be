#include "conf/aliases.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/files.h"

#define MAX_BYTES (1 << 20)
#define BLANKS " \t\r"

/* The string at *text, in either quote or bare, which ends there; NULL if there is none. */
static char *take_string(char **text)
{
	char *start = *text + strspn(*text, BLANKS), *end;
	char quote = *start;

	if (quote == '"' || quote == '\'') {
		end = strchr(++start, quote);
		if (!end)
			return NULL;
		*text = end + 1;
	} else {
		end = start + strcspn(start, BLANKS "=");
		*text = end;
	}
	return end > start ? mem_printf("%.*s", (int)(end - start), start) : NULL;
}

/* KEY = "VALUE". Sections are not looked at: what is no alias is no name either. */
static void take_pair(struct arena *arena, char *text, struct aliases *aliases)
{
	_cleanup_free_ char *name = take_string(&text), *meaning = NULL;

	text += strspn(text, BLANKS);
	if (!name || *text++ != '=')
		return;
	meaning = take_string(&text);
	if (!meaning)
		return;
	aliases->v = mem_grow(aliases->v, aliases->n, sizeof(*aliases->v));
	aliases->v[aliases->n++] =
		(struct alias){ arena_strdup(arena, name), arena_strdup(arena, meaning) };
}

void aliases_read_file(struct arena *arena, const char *path, struct aliases *aliases,
		       struct problems *problems)
{
	_cleanup_free_ char *text = NULL;
	char *rest;
	struct err err;
	int r = files_read(path, MAX_BYTES, &text, &err);

	if (r < 0 && r != -ENOENT)
		problems_add(problems, "%s", err.text);
	rest = text;
	while (rest) {
		char *line = strsep(&rest, "\n");

		while (line && line[strspn(line, BLANKS)] != '#')
			take_pair(arena, strsep(&line, "{,}"), aliases);
	}
}

static int is_drop_in(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".conf") == 0;
}

void aliases_read_folder(struct arena *arena, const char *folder, struct aliases *aliases,
			 struct problems *problems)
{
	_cleanup_free_ char *file = mem_printf("%s/registries.conf", folder);
	_cleanup_free_ char *subfolder = mem_printf("%s.d", file);
	struct dirent **entries;
	int n;

	aliases_read_file(arena, file, aliases, problems);
	n = scandir(subfolder, &entries, is_drop_in, alphasort);
	if (n < 0 && errno != ENOENT)
		problems_add(problems, "%s: %s", subfolder, strerror(errno));
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = mem_printf("%s/%s", subfolder, entries[i]->d_name);

		aliases_read_file(arena, path, aliases, problems);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}
