#include "unit.h"

#include <string.h>

#include "base/text.h"

static const struct {
	const char *text;
	size_t length; /* 0: no character */
	unsigned code;
} characters[] = {
	{ "", 0, 0 },
	{ "a", 1, 'a' },
	{ "\x01", 1, 1 },
	{ "\x7f", 1, 0x7f },
	{ "\x80", 0, 0 },	      /* a continuation alone */
	{ "\xbf", 0, 0 },	      /* the last of these */
	{ "\xc0\x80", 0, 0 },	      /* NUL, overlong */
	{ "\xc1\xbf", 0, 0 },	      /* overlong */
	{ "\xc2\x80", 2, 0x80 },      /* the first of two bytes */
	{ "\xc3\xa4", 2, 0xe4 },      /* a umlaut */
	{ "\xc3", 0, 0 },	      /* cut short */
	{ "\xc3z", 0, 0 },	      /* no continuation */
	{ "\xc3\xc3", 0, 0 },	      /* another lead */
	{ "\xdf\xbf", 2, 0x7ff },     /* the last of two bytes */
	{ "\xe0\x9f\xbf", 0, 0 },     /* overlong */
	{ "\xe0\xa0\x80", 3, 0x800 }, /* the first of three bytes */
	{ "\xe2\x82\xac", 3, 0x20ac },
	{ "\xe2\x82", 0, 0 },
	{ "\xed\x9f\xbf", 3, 0xd7ff },
	{ "\xed\xa0\x80", 0, 0 }, /* the first surrogate */
	{ "\xed\xbf\xbf", 0, 0 }, /* the last */
	{ "\xee\x80\x80", 3, 0xe000 },
	{ "\xef\xbf\xbf", 3, 0xffff },
	{ "\xf0\x8f\xbf\xbf", 0, 0 }, /* overlong */
	{ "\xf0\x90\x80\x80", 4, 0x10000 },
	{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
	{ "\xf0\x9f\x98", 0, 0 },
	{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff }, /* the last of all */
	{ "\xf4\x90\x80\x80", 0, 0 },	     /* beyond */
	{ "\xf5\x80\x80\x80", 0, 0 },
	{ "\xf8\x88\x80\x80\x80", 0, 0 }, /* five bytes */
	{ "\xfe", 0, 0 },
	{ "\xff", 0, 0 },
};

static const struct {
	const char *text, *shown;
} escapes[] = {
	{ "", "" },
	{ "plain text", "plain text" },
	{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "a\\b", "a\\\\b" },
	{ "a\\n", "a\\\\n" },
	{ "a\nb\tc\rd", "a\\nb\\tc\\rd" },
	{ "\x1b[31mred", "\\x1b[31mred" },
	{ "\x01\x1f\x7f", "\\x01\\x1f\\x7f" },
	{ "\a\b", "\\x07\\x08" },
	{ "\xc2\x80\xc2\x9b\xc2\x9f", "\\u{80}\\u{9b}\\u{9f}" },
	{ "\xc2\xa0", "\xc2\xa0" },
	{ "\xe2\x80\x8e\xe2\x80\x8f", "\\u{200e}\\u{200f}" },
	{ "\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}" },
	{ "\xe2\x80\xaa\xe2\x80\xae", "\\u{202a}\\u{202e}" },
	{ "\xe2\x81\xa6\xe2\x81\xa9", "\\u{2066}\\u{2069}" },
	{ "\xef\xbb\xbf", "\\u{feff}" },
	{ "\x80", "\\x80" },
	{ "\xff\xfe", "\\xff\\xfe" },
	{ "a\xc3", "a\\xc3" },
	{ "a\xe2\x82z", "a\\xe2\\x82z" },
	{ "\xc0\x80", "\\xc0\\x80" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
};

static void characters_are_measured(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(characters); i++) {
		unsigned code = 0;
		size_t length = text_utf8_length(characters[i].text, &code);

		if (length != characters[i].length || code != characters[i].code)
			fail_msg("row %zu: %zu bytes, U+%x", i, length, code);
		assert_int_equal(text_utf8_length(characters[i].text, NULL), length);
		assert_int_equal(text_is_utf8(characters[i].text), i == 0 || length > 0);
	}
}

static void one_bad_byte_makes_a_text_no_utf8(void **state _unused_)
{
	assert_true(text_is_utf8("gr\xc3\xbc\xc3\x9f dich, \xf0\x9f\x98\x80"));
	assert_false(text_is_utf8("gr\xfc\xdf dich"));
	assert_false(text_is_utf8("all is well until the end\xe2\x82"));
}

static void strange_bytes_are_shown_escaped(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
		_cleanup_free_ char *shown = text_escape(escapes[i].text);

		assert_string_equal(shown, escapes[i].shown);
	}
}

static void every_byte_is_shown_in_ascii_or_utf8(void **state _unused_)
{
	for (int first = 1; first < 256; first++)
		for (int second = 1; second < 256; second++) {
			const char text[] = { (char)first, (char)second, '\0' };
			_cleanup_free_ char *shown = text_escape(text);

			assert_true(text_is_utf8(shown));
			for (const char *c = shown; *c; c++)
				assert_false((unsigned char)*c < ' ' || *c == '\x7f');
		}
}

static void a_long_text_is_escaped_whole(void **state _unused_)
{
	_cleanup_free_ char *text = mem_zalloc(60001, 1), *shown = NULL;

	memset(text, '\n', 60000);
	shown = text_escape(text);
	assert_int_equal(strlen(shown), 120000);
}

static void the_nearest_word_is_suggested(void **state _unused_)
{
	static const char *const words[] = { "keep-last", "keep-label", "state", "name" };
	static const struct {
		const char *word, *nearest;
	} table[] = {
		{ "keep-lasst", "keep-last" },
		{ "keep-lst", "keep-last" },
		{ "keep_last", "keep-last" },
		{ "keep last", "keep-last" },
		{ "keep-lable", "keep-label" },
		{ "Name", "name" },
		{ "nam", "name" },
		{ "names", "name" },
		{ "stat", "state" },
		{ "keep-last", "keep-last" },
		{ "x", NULL },
		{ "", NULL },
		{ "volume", NULL },
		{ "colour-of-the-sky", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *got = text_nearest(table[i].word, words, ARRAY_SIZE(words));

		if (!got != !table[i].nearest || (got && strcmp(got, table[i].nearest) != 0))
			fail_msg("'%s' is nearest to '%s'", table[i].word, got ? got : "");
	}
	assert_null(text_nearest("name", words, 0));
}

static void words_of_any_length_are_compared(void **state _unused_)
{
	_cleanup_free_ char *word = mem_zalloc(10001, 1);
	const char *words[] = { "name", NULL };

	memset(word, 'a', 40);
	words[1] = word;
	assert_ptr_equal(text_nearest(word, words, 2), word);
	memset(word, 'a', 10000);
	assert_null(text_nearest(word, words, 2));
	assert_null(text_nearest("name", &words[1], 1));
}

static void a_beginning_is_found(void **state _unused_)
{
	assert_true(text_starts_with("unix:///run", "unix://"));
	assert_true(text_starts_with("unix", ""));
	assert_true(text_starts_with("unix", "unix"));
	assert_false(text_starts_with("uni", "unix"));
	assert_false(text_starts_with("", "unix"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_are_measured),
		cmocka_unit_test(one_bad_byte_makes_a_text_no_utf8),
		cmocka_unit_test(strange_bytes_are_shown_escaped),
		cmocka_unit_test(every_byte_is_shown_in_ascii_or_utf8),
		cmocka_unit_test(a_long_text_is_escaped_whole),
		cmocka_unit_test(the_nearest_word_is_suggested),
		cmocka_unit_test(words_of_any_length_are_compared),
		cmocka_unit_test(a_beginning_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
