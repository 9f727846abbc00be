#include "unit.h"

#include <locale.h>
#include <string.h>

#include "report/fit.h"

static void assert_cut(const char *text, size_t width, const char *want)
{
	_cleanup_free_ char *copy = mem_strdup(text);

	fit_cut(copy, width);
	assert_string_equal(copy, want);
	assert_true(fit_width(copy) <= width);
}

static void assert_wrap(const char *text, size_t width, const char *want)
{
	_cleanup_free_ char *copy = mem_strdup(text);

	fit_wrap(copy, width);
	assert_string_equal(copy, want);
}

static void widths_are_columns_of_the_terminal(void **state _unused_)
{
	assert_int_equal(fit_width(""), 0);
	assert_int_equal(fit_width("plain"), 5);
	assert_int_equal(fit_width("café"), 4);
	assert_int_equal(fit_width("日本語"), 6);
	assert_int_equal(fit_width("🐳whale"), 7);
	assert_int_equal(fit_width("e\u0301"), 1);
	assert_int_equal(fit_width("\xff\xfe"), 2);
	assert_int_equal(fit_word("a 日本語 word"), 6);
}

static void what_is_cut_fits(void **state _unused_)
{
	assert_cut("plain", 5, "plain");
	assert_cut("longer", 4, "lon…");
	assert_cut("plain", 4, "pla~");
	assert_cut("plain", 1, "…");
	assert_cut("ab", 1, "~");
	assert_cut("日本語", 6, "日本語");
	assert_cut("日本語", 5, "日本…");
	assert_cut("日本語", 4, "日…");
	assert_cut("日本語", 1, "…");
	assert_cut("ee\u0301e", 2, "e…");
}

static void words_are_wrapped_by_columns(void **state _unused_)
{
	assert_wrap("aa bb cc", 5, "aa bb\ncc");
	assert_wrap("日本 日本 日本", 9, "日本 日本\n日本");
	assert_wrap("日本 日本", 8, "日本\n日本");
	assert_wrap("longer-than-that b", 4, "longer-than-that\nb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths_are_columns_of_the_terminal),
		cmocka_unit_test(what_is_cut_fits),
		cmocka_unit_test(words_are_wrapped_by_columns),
	};

	setlocale(LC_ALL, "C.UTF-8");

	return cmocka_run_group_tests(tests, NULL, NULL);
}
