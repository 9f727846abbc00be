#include "report/fit.h"

#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/text.h"

static const char ellipsis[] = "…";

/* A byte that is no UTF-8 counts as a character. */
static size_t step(const char *text)
{
	size_t length = text_utf8_length(text, NULL);

	return length > 0 ? length : 1;
}

/* What the locale cannot tell is one wide. */
static size_t columns_of(const char *text)
{
	unsigned code_point;
	int columns =
		text_utf8_length(text, &code_point) > 0 ? wcwidth((wchar_t)code_point) : 1;

	return columns < 0 ? 1 : (size_t)columns;
}

size_t fit_width(const char *text)
{
	size_t width = 0;

	for (; *text; text += step(text))
		width += columns_of(text);
	return width;
}

size_t fit_word(const char *text)
{
	size_t longest = 0, width = 0;

	for (; *text; text += step(text)) {
		width = *text == ' ' ? 0 : width + columns_of(text);
		longest = width > longest ? width : longest;
	}
	return longest;
}

void fit_cut(char *text, size_t width)
{
	size_t left = width;

	if (fit_width(text) <= width)
		return;
	for (; columns_of(text) < left; text += step(text))
		left -= columns_of(text);
	/* What is left has two columns at least, but they may be single bytes. */
	if (strlen(text) >= sizeof(ellipsis) - 1)
		memcpy(text, ellipsis, sizeof(ellipsis));
	else
		memcpy(text, "~", 2);
}

void fit_wrap(char *text, size_t width)
{
	char *blank = NULL;
	size_t column = 0;

	for (; *text; column += columns_of(text), text += step(text)) {
		if (*text != ' ' && column + columns_of(text) > width && blank) {
			*blank = '\n';
			column = fit_width(blank + 1) - fit_width(text);
			blank = NULL;
		}
		if (*text == ' ')
			blank = text;
	}
}

void fit_ascii(char *text)
{
	static const char at_most[] = "≤";
	char *end = text;

	while (*text) {
		size_t length = step(text);

		if ((unsigned char)*text < 0x80) {
			*end++ = *text;
		} else if (strncmp(text, at_most, strlen(at_most)) == 0) {
			*end++ = '<';
			*end++ = '=';
		} else {
			*end++ = '?';
		}
		text += length;
	}
	*end = '\0';
}

unsigned fit_terminal_width(FILE *out)
{
	int fd = fileno(out);
	struct winsize size = { 0 };

	if (fd < 0 || !isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool fit_only_ascii(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}
