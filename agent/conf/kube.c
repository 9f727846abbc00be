#include "conf/kube.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Not a YAML parser, only what it takes not to miss a key: collections in flow and block style,
 * both quotes, block scalars passed over by their indentation. */

#define BLANKS " \t\r"

struct scanner {
	char *at;
	const char *line_start;
	unsigned line, depth; /* depth: of [ and { */
	char *key;	      /* whose value comes next, or NULL */
	long indent;	      /* of the mapping or sequence that this line opened, -1 none */

	void (*found)(const char *key, const char *value, unsigned line, void *data);
	void *data;
};

struct scalar {
	char *text, *end; /* text NULL: not to be told */
	bool quoted;
};

static void next_line(struct scanner *scanner)
{
	scanner->line++;
	scanner->line_start = ++scanner->at;
	scanner->indent = -1;
}

static bool ends_word(char c)
{
	return c == '\0' || strchr(" \t\r\n", c);
}

static void value(struct scanner *scanner, const char *text)
{
	if (scanner->key)
		scanner->found(scanner->key, text, scanner->line, scanner->data);
	scanner->key = NULL;
}

/* To the quote that closes; '' stands for one ' in it, and "\" escapes in the other. */
static int take_quoted(struct scanner *scanner, struct scalar *ret, struct err *err)
{
	char quote = *scanner->at++, *start = scanner->at;
	unsigned first = scanner->line;

	*ret = (struct scalar){ .text = start, .quoted = true };
	for (; *scanner->at; scanner->at++) {
		if (*scanner->at == '\n') {
			ret->text = NULL;
			scanner->line++;
			scanner->line_start = scanner->at + 1;
		} else if (quote == '"' && *scanner->at == '\\' && scanner->at[1]) {
			ret->text = NULL;
			scanner->at++;
		} else if (*scanner->at == quote) {
			if (quote == '"' || scanner->at[1] != quote)
				break;
			ret->text = NULL;
			scanner->at++;
		}
	}
	if (!*scanner->at)
		return err_set(err, -EINVAL, "line %u: a quote is not closed", first);
	ret->end = scanner->at;
	*scanner->at++ = '\0';
	return 0;
}

static bool ends_plain(const struct scanner *scanner, const char *at)
{
	if (*at == '\n' || (*at == '#' && strchr(BLANKS, at[-1])))
		return true;
	if (*at == ':' && (ends_word(at[1]) || (scanner->depth > 0 && strchr(",[]{}", at[1]))))
		return true;
	return scanner->depth > 0 && strchr(",[]{}", *at);
}

static void take_plain(struct scanner *scanner, struct scalar *ret)
{
	ret->text = scanner->at++;
	while (*scanner->at && !ends_plain(scanner, scanner->at))
		scanner->at++;
	ret->end = scanner->at;
	while (ret->end > ret->text && strchr(BLANKS, ret->end[-1]))
		ret->end--;
}

static bool colon_follows(struct scanner *scanner, bool quoted)
{
	scanner->at += strspn(scanner->at, BLANKS);
	if (*scanner->at != ':')
		return false;
	if (scanner->depth == 0)
		return ends_word(scanner->at[1]);
	return quoted || ends_word(scanner->at[1]) || strchr(",[]{}", scanner->at[1]);
}

/* A scalar is a key if a colon follows. */
static void settle(struct scanner *scanner, const struct scalar *scalar, long column)
{
	char saved = *scalar->end;

	if (colon_follows(scanner, scalar->quoted)) {
		*scalar->end = '\0';
		scanner->at++;
		scanner->key = scalar->text;
		if (scanner->depth == 0)
			scanner->indent = column;
		return;
	}
	*scalar->end = '\0';
	value(scanner, scalar->text);
	*scalar->end = saved;
}

/* Where a line begins with a quote, that is a key, or else text of a scalar that goes on, of
 * which no quote is one. */
static bool may_be_quoted(const struct scanner *scanner, unsigned line)
{
	return scanner->depth > 0 || scanner->key || scanner->indent >= 0 ||
	       (line == scanner->line && *scanner->at == ':');
}

static int take_scalar(struct scanner *scanner, struct err *err)
{
	long column = scanner->at - scanner->line_start;
	unsigned line = scanner->line;
	struct scalar scalar = { 0 };

	if (*scanner->at != '"' && *scanner->at != '\'') {
		take_plain(scanner, &scalar);
		settle(scanner, &scalar, column);
		return 0;
	}
	if (take_quoted(scanner, &scalar, err) < 0)
		return err->code;
	scanner->at += strspn(scanner->at, BLANKS);
	if (!may_be_quoted(scanner, line))
		return err_set(err, -EINVAL, "line %u: a quote where none can stand", line);
	settle(scanner, &scalar, column);
	return 0;
}

/* Past the lines of a block scalar: those indented deeper than what it is in. */
static int skip_block(struct scanner *scanner, struct err *err)
{
	long indent = scanner->indent;

	if (indent < 0)
		return err_set(err, -EINVAL, "line %u: a block scalar on a line of its own",
			       scanner->line);
	value(scanner, NULL);
	scanner->at += strcspn(scanner->at, "\n");
	while (*scanner->at) {
		const char *line = scanner->at + 1;
		size_t blanks = strspn(line, " ");

		if (!strchr("\r\n", line[blanks]) && (long)blanks <= indent)
			break;
		next_line(scanner);
		scanner->at += strcspn(scanner->at, "\n");
	}
	return 0;
}

static bool is_indicator(const struct scanner *scanner, char indicator)
{
	return *scanner->at == indicator && ends_word(scanner->at[1]);
}

static void skip_word(struct scanner *scanner)
{
	scanner->at += strcspn(scanner->at, " \t\r\n,[]{}");
}

static bool is_marker(const struct scanner *scanner)
{
	return scanner->at == scanner->line_start && ends_word(scanner->at[3]) &&
	       (strncmp(scanner->at, "---", 3) == 0 || strncmp(scanner->at, "...", 3) == 0);
}

static bool is_comment(const struct scanner *scanner)
{
	return *scanner->at == '#' &&
	       (scanner->at == scanner->line_start || ends_word(scanner->at[-1]));
}

/* What is no scalar: true if it was taken. */
static bool take_punctuation(struct scanner *scanner)
{
	char c = *scanner->at;

	if (c == '\n') {
		next_line(scanner);
	} else if (is_comment(scanner)) {
		scanner->at += strcspn(scanner->at, "\n");
	} else if (strncmp(scanner->at, "---", 3) == 0 && is_marker(scanner)) {
		scanner->at += 3;
		scanner->key = NULL;
	} else if (c == '.' && is_marker(scanner)) {
		scanner->at += 3;
	} else if (scanner->depth == 0 && is_indicator(scanner, '-')) {
		scanner->indent = scanner->at - scanner->line_start;
		scanner->at++;
	} else if (c == '[' || c == '{') {
		scanner->depth++;
		scanner->at++;
	} else if ((c == ']' || c == '}') && scanner->depth > 0) {
		scanner->depth--;
		scanner->key = NULL;
		scanner->at++;
	} else if (scanner->depth > 0 && strchr(",:?", c)) {
		if (c == ',')
			scanner->key = NULL;
		scanner->at++;
	} else if (c == '&' || c == '!') {
		skip_word(scanner);
	} else {
		return false;
	}
	return true;
}

static int take_one(struct scanner *scanner, struct err *err)
{
	char c = *scanner->at;

	if (take_punctuation(scanner))
		return 0;
	if (scanner->depth == 0 &&
	    (is_indicator(scanner, '?') || is_indicator(scanner, ':') || c == ']' || c == '}'))
		return err_set(err, -EINVAL, "line %u: a '%c' where none is understood",
			       scanner->line, c);
	if (c == '*' && !ends_word(scanner->at[1])) {
		skip_word(scanner);
		value(scanner, NULL);
		return 0;
	}
	if (strchr("|>", c) && scanner->depth == 0)
		return skip_block(scanner, err);
	return take_scalar(scanner, err);
}

int kube_scan(char *text,
	      void (*found)(const char *key, const char *value, unsigned line, void *data),
	      void *data, struct err *err)
{
	struct scanner scanner = {
		.at = text,
		.line_start = text,
		.line = 1,
		.indent = -1,
		.found = found,
		.data = data,
	};
	int r = 0;

	while (r == 0 && *(scanner.at += strspn(scanner.at, BLANKS)))
		r = take_one(&scanner, err);
	if (r == 0 && scanner.depth > 0)
		return err_set(err, -EINVAL, "line %u: a bracket is not closed", scanner.line);
	return r;
}
