#include "conf/ini.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "base/text.h"
#include "conf/files.h"

/* What inih 55 holds of a section's name: MAX_SECTION, with the NUL. */
#define MAX_SECTION 49

struct reader {
	FILE *file;
	struct origin at;
	char *line;
	size_t size;
	const struct ini_handler *handler;
	struct problems *problems;
	bool in_section, pass_over;
};

static void refuse(struct reader *reader, const char *what)
{
	problems_add(reader->problems, "%s:%u: %s", reader->at.file, reader->at.line, what);
	if (reader->in_section && !reader->pass_over && reader->handler->refused)
		reader->handler->refused(reader->handler->data);
}

/* Cuts the line to what is in it: no byte-order mark, no line end. */
static char *strip(struct reader *reader, size_t *length)
{
	char *line = reader->line;

	if (reader->at.line == 1 && *length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		*length -= 3;
	}
	if (*length > 0 && line[*length - 1] == '\n')
		line[--*length] = '\0';
	if (*length > 0 && line[*length - 1] == '\r')
		line[--*length] = '\0';
	return line;
}

/* Form feeds and their like are blanks to inih, not to us: "\fkey = value" would be taken for a
 * continuation. */
static bool has_control_character(const char *line)
{
	for (; *line; line++)
		if (((unsigned char)*line < ' ' && *line != '\t') || *line == '\x7f')
			return true;
	return false;
}

static bool is_clean(struct reader *reader, const char *line, size_t length)
{
	if (memchr(line, '\0', length))
		refuse(reader, "there is a NUL byte in this line");
	else if (!text_is_utf8(line))
		refuse(reader, "this line is not valid UTF-8");
	else if (has_control_character(line))
		refuse(reader, "there is a control character in this line");
	else if (length > INI_LINE_LENGTH && *line != '#' && *line != ';')
		refuse(reader,
		       "this line is longer than 198 bytes; a key that takes a list may be "
		       "repeated instead");
	else
		return true;
	return false;
}

/* inih takes it for the beginning of a comment. */
static bool has_semicolon(const char *line, const char *end)
{
	for (const char *c = line + 1; c < end; c++)
		if (*c == ';' && strchr(" \t", c[-1]))
			return true;
	return false;
}

static bool take_header(struct reader *reader, char *line)
{
	char *end = strchr(line, ']');
	const char *rest = end ? end + 1 + strspn(end + 1, " \t") : NULL;
	bool wanted;

	if (!end) {
		refuse(reader, "there is no ']' at the end of the section's name");
		return false;
	}
	if (*rest && *rest != ';' && *rest != '#') {
		refuse(reader, "there is text after ']'; write keys on lines of their own");
		return false;
	}
	if (has_semicolon(line, end)) {
		refuse(reader, "no word of a section's name begins with ';'");
		return false;
	}
	if (end - line - 1 > MAX_SECTION) {
		refuse(reader, "the section's name is longer than 49 bytes");
		return false;
	}
	reader->in_section = true;
	*end = '\0';
	wanted = reader->handler->section(reader->handler->data, line + 1, reader->at);
	*end = ']';
	reader->pass_over = !wanted;
	return true;
}

/* inih cuts off what follows " ;", values and whole keys alike, and takes " #" for a part of
 * the value, with which a pin never matches: neither is what was meant. */
static bool has_comment(const char *line, const char *separator)
{
	for (const char *c = line + 1; *c; c++)
		if ((*c == '#' || *c == ';') && (strchr(" \t,", c[-1]) || c - 1 == separator))
			return true;
	return false;
}

static bool take_key(struct reader *reader, const char *line)
{
	const char *separator = strpbrk(line, "=:");

	if (!reader->in_section && !reader->pass_over) {
		refuse(reader, "there is no section above this key; write [SECTION] first");
		reader->pass_over = true;
	} else if (!separator || *separator == ':')
		refuse(reader,
		       "this is neither 'key = value' nor '[section]' nor a '# comment'");
	else if (separator == line)
		refuse(reader, "there is no key before '='");
	else if (has_comment(line, separator))
		refuse(reader,
		       "a comment stands on a line of its own; in a glob write ? for '#' and ';'");
	else
		return !reader->pass_over;
	return false;
}

static bool take_line(struct reader *reader, char *line, size_t length)
{
	size_t blanks = strspn(line, " \t");

	/* What stands below a section that is refused is not that of the one above. */
	if (*line == '[' || line[blanks] == '[')
		reader->pass_over = true;
	if (!is_clean(reader, line, length))
		return false;
	if (!line[blanks] || line[blanks] == '#' || line[blanks] == ';')
		return false;
	if (blanks > 0) {
		refuse(reader, "this line is indented; begin it at the margin");
		return false;
	}
	return *line == '[' ? take_header(reader, line) : take_key(reader, line);
}

/* ini_reader: what was refused, and comments, reach inih as empty lines. */
static char *read_line(char *buffer, int size, void *stream)
{
	struct reader *reader = stream;
	ssize_t r = getline(&reader->line, &reader->size, reader->file);
	size_t length;
	char *line;

	if (r < 0)
		return NULL;
	reader->at.line++;
	length = (size_t)r;
	line = strip(reader, &length);
	if (!take_line(reader, line, length))
		line = reader->line + (length = 0);
	snprintf(buffer, (size_t)size, "%.*s\n", (int)length, line);
	return buffer;
}

static int take_pair(void *data, const char *section _unused_, const char *name,
		     const char *value)
{
	struct reader *reader = data;

	reader->handler->key(reader->handler->data, name, value, reader->at);
	return 1;
}

void ini_read(const char *path, const struct ini_handler *handler, struct problems *problems)
{
	struct reader reader = {
		.at = { .file = path },
		.handler = handler,
		.problems = problems,
	};
	int r;

	reader.file = files_open(path, problems);
	if (!reader.file)
		return;
	r = ini_parse_stream(read_line, &reader, take_pair, &reader);
	if (ferror(reader.file))
		problems_add(problems, "%s: %s", path, strerror(errno));
	else if (r != 0)
		problems_add(problems, "%s:%d: cannot be parsed", path, r > 0 ? r : 0);
	free(reader.line);
	fclose(reader.file);
}
