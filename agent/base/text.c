#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t text_utf8_length(const char *text, unsigned *ret_code_point)
{
	static const struct {
		unsigned char mask, lead;
		unsigned smallest;
	} lengths[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	unsigned char first = (unsigned char)*text;

	for (size_t i = 0; first && i < ARRAY_SIZE(lengths); i++) {
		unsigned code = first & (unsigned char)~lengths[i].mask;

		if ((first & lengths[i].mask) != lengths[i].lead)
			continue;
		for (size_t k = 1; k <= i; k++) {
			if (((unsigned char)text[k] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | ((unsigned char)text[k] & 0x3f);
		}
		if (code < lengths[i].smallest || code > 0x10ffff ||
		    (code >= 0xd800 && code <= 0xdfff))
			return 0;
		if (ret_code_point)
			*ret_code_point = code;
		return i + 1;
	}
	return 0;
}

bool text_is_utf8(const char *text)
{
	unsigned code;
	size_t length;

	for (; *text; text += length) {
		length = text_utf8_length(text, &code);
		if (length == 0)
			return false;
	}
	return true;
}

static bool is_unsafe(unsigned code)
{
	static const struct {
		unsigned first, last;
	} ranges[] = {
		{ 0, 0x1f },	    { 0x7f, 0x9f },	{ 0x200e, 0x200f }, { 0x2028, 0x2029 },
		{ 0x202a, 0x202e }, { 0x2066, 0x2069 }, { 0xfeff, 0xfeff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

static void put_escaped(FILE *out, unsigned code)
{
	static const char names[] = { ['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r', ['\\'] = '\\' };

	if (code < sizeof(names) && names[code])
		fprintf(out, "\\%c", names[code]);
	else if (code < 0x80)
		fprintf(out, "\\x%02x", code);
	else
		fprintf(out, "\\u{%x}", code);
}

static char *escape(const char *text, bool backslashes)
{
	char *copy = NULL;
	size_t size, length;
	FILE *out = open_memstream(&copy, &size);

	if (!out)
		mem_die();
	for (; *text; text += length) {
		unsigned code = 0;

		length = text_utf8_length(text, &code);
		if (length == 0) {
			fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
			length = 1;
		} else if ((code == '\\' && backslashes) || is_unsafe(code)) {
			put_escaped(out, code);
		} else {
			fwrite(text, 1, length, out);
		}
	}
	if (fclose(out) != 0)
		mem_die();
	return copy;
}

char *text_escape(const char *text)
{
	return escape(text, true);
}

char *text_clean(const char *text)
{
	return escape(text, false);
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

#define MAX_WORD 40

/* Levenshtein's, with a bound on the length. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[MAX_WORD + 1], n = strlen(b);

	if (strlen(a) > MAX_WORD || n > MAX_WORD)
		return SIZE_MAX;
	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t k = 0; k < n; k++) {
			size_t best = diagonal + (a[i] != b[k]);

			diagonal = row[k + 1];
			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[k + 1] = best;
		}
	}
	return row[n];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t best = strlen(word) / 3 + 2;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t distance = edit_distance(word, candidates[i]);

		if (distance < best) {
			best = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}

char *text_suggest(const char *nearest)
{
	return nearest ? mem_printf(" (did you mean '%s'?)", nearest) : mem_strdup("");
}
