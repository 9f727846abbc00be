#include "unit.h"

#include <errno.h>
#include <string.h>

#include "conf/pattern.h"

/* Up to three values that one thing goes by. */
static const struct {
	const char *patterns;
	const char *values[3];
	bool matches;
} names[] = {
	{ "redis", { "redis" }, true },
	{ "redis", { "redis2" }, false },
	{ "redis", { "Redis" }, false },
	{ "redis", { NULL }, false },
	{ "*", { "redis" }, true },
	{ "*", { "" }, true },
	{ "*", { NULL }, false },
	{ "*/app", { "registry.example.com/team/app" }, true },
	{ "registry.example.com/*", { "registry.example.com/a/b/c" }, true },
	{ ".*", { ".hidden" }, true },
	{ "*hidden", { ".hidden" }, true },
	{ "v?", { "v1" }, true },
	{ "v?", { "v10" }, false },
	{ "v[0-9]", { "v1" }, true },
	{ "v[!0-9]", { "v1" }, false },
	{ "v[^0-9]", { "vx" }, true },
	{ "v[]x]", { "v]" }, true },
	{ "v[!]x]", { "v]" }, false },
	{ "v[[:digit:]]", { "v1" }, true },
	{ "v[[:digit:]]", { "vd" }, false },
	{ "v[\\]]", { "v]" }, true },
	{ "a\\*b", { "a*b" }, true },
	{ "a\\*b", { "axb" }, false },
	{ "a\\[b", { "a[b" }, true },
	{ "a\\\\", { "a\\" }, true },
	{ "a]b", { "a]b" }, true },
	{ "a, b", { "b" }, true },
	{ "a,b", { "b" }, true },
	{ " a ,\tb ", { "a" }, true },
	{ "a b", { "a b" }, true },
	{ "a*, !ab", { "ab" }, false },
	{ "!ab, a*", { "ab" }, false },
	{ "a*, !ab", { "ac" }, true },
	{ "a*, ! ab", { "ab" }, false },
	{ "!a", { "b" }, true },
	{ "!a", { "a" }, false },
	{ "!a", { NULL }, true },
	{ "!!a", { "!a" }, false },
	{ "redis", { "docker.io/library/redis", "redis" }, true },
	{ "redis*, !docker.io/*", { "docker.io/library/redis", "redis" }, false },
	{ "<none>", { "<none>" }, true },
	{ "gr\xc3\xbc*", { "gr\xc3\xbc\xc3\x9f" }, true },
};

static const struct {
	const char *patterns;
	bool matches;
} labels[] = {
	{ "keep", true },
	{ "keep=yes", true },
	{ "keep=y*", true },
	{ "keep=no", false },
	{ "keep=", false },
	{ "empty=", true },
	{ "empty", true },
	{ "keep = yes", true },
	{ "keep\t=\tyes", true },
	{ "other", false },
	{ "ke*", true },
	{ "*=yes", true },
	{ "*", true },
	{ "com.example.*=a=b", true },
	{ "com.example.x=a", false },
	{ "keep, !empty", false },
	{ "keep, !empty=x", true },
	{ "!keep=yes", false },
	{ "!keep=no", true },
	{ "ke[e]p=[y]es", true },
};

static const struct {
	const char *text;
	bool labels;
	const char *words;
} bad[] = {
	{ "", false, "empty pattern; write '*' for all" },
	{ "!", false, "empty pattern" },
	{ "a,,b", false, "empty pattern" },
	{ "a,", false, "empty pattern" },
	{ ",a", false, "empty pattern" },
	{ " , ", false, "empty pattern" },
	{ "[a", false, "'[a' has a '[' without ']'; write '\\[' for itself" },
	{ "a[", false, "'[' without ']'" },
	{ "a[]", false, "'[' without ']'" },
	{ "a[!]", false, "'[' without ']'" },
	{ "a[^]", false, "'[' without ']'" },
	{ "[a]b[c", false, "'[' without ']'" },
	{ "[[:alpha:]", false, "'[' without ']'" },
	{ "[a\\]", false, "'[' without ']'" },
	{ "[a,b]", false, "'[a' has a '[' without ']'" },
	{ "a\\", false, "ends in '\\'; write '\\\\' for itself" },
	{ "a\\,b", false, "ends in '\\'" },
	{ "a\x01z", false, "control character" },
	{ "a\x1b[31m]", false, "control character" },
	{ "a\x7f", false, "control character" },
	{ "a\nb", false, "control character" },
	{ "", true, "empty pattern" },
	{ "=yes", true, "has no label key; write KEY or KEY=GLOB" },
	{ "! =yes", true, "has no label key" },
	{ "keep=yes,=", true, "has no label key" },
	{ "[a=b]", true, "'[a' has a '[' without ']'" },
	{ "a=[b", true, "'[b' has a '[' without ']'" },
	{ "a=b\\", true, "ends in '\\'" },
	{ "a\\=b", true, "ends in '\\'" },
	{ "a=b\x01", true, "control character" },
};

static void names_match_globs(void **state _unused_)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct patterns patterns = { 0 };
		struct err err = { 0 };
		size_t n = 0;

		while (n < ARRAY_SIZE(names[i].values) && names[i].values[n])
			n++;
		if (patterns_parse(arena, names[i].patterns, false, &patterns, &err) < 0)
			fail_msg("'%s': %s", names[i].patterns, err.text);
		if (patterns_match(&patterns, names[i].values, n) != names[i].matches)
			fail_msg("'%s' against '%s'", names[i].patterns,
				 n > 0 ? names[i].values[0] : "nothing");
	}
}

static void labels_match_by_key_and_value(void **state _unused_)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct label has[] = {
		{ "keep", "yes" },
		{ "empty", "" },
		{ "com.example.x", "a=b" },
	};
	const struct labels subject = { has, ARRAY_SIZE(has) };

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		struct patterns patterns = { 0 };
		struct err err = { 0 };

		if (patterns_parse(arena, labels[i].patterns, true, &patterns, &err) < 0)
			fail_msg("'%s': %s", labels[i].patterns, err.text);
		if (patterns_match_labels(&patterns, &subject) != labels[i].matches)
			fail_msg("'%s'", labels[i].patterns);
	}
}

static void without_labels_only_a_negated_pattern_matches(void **state _unused_)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct patterns keep = { 0 }, not_keep = { 0 }, none = { 0 };
	const struct labels empty = { 0 };
	struct err err;

	assert_int_equal(patterns_parse(arena, "*", true, &keep, &err), 0);
	assert_int_equal(patterns_parse(arena, "!keep", true, &not_keep, &err), 0);
	assert_false(patterns_match_labels(&keep, &empty));
	assert_true(patterns_match_labels(&not_keep, &empty));
	assert_true(patterns_match_labels(&none, &empty));
}

static void what_can_never_match_is_refused(void **state _unused_)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct patterns patterns = { 0 };
		struct err err = { 0 };

		if (patterns_parse(arena, bad[i].text, bad[i].labels, &patterns, &err) !=
			    -EINVAL ||
		    !strstr(err.text, bad[i].words))
			fail_msg("'%s': '%s' without '%s'", bad[i].text, err.text,
				 bad[i].words);
	}
}

static void a_further_line_appends(void **state _unused_)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct patterns patterns = { 0 };
	struct err err;

	assert_int_equal(patterns_parse(arena, "a, !b", false, &patterns, &err), 0);
	assert_int_equal(patterns_parse(arena, "c", false, &patterns, &err), 0);
	assert_int_equal(patterns.n, 3);
	assert_string_equal(patterns.v[0].glob, "a");
	assert_string_equal(patterns.v[1].glob, "b");
	assert_true(patterns.v[1].negated);
	assert_string_equal(patterns.v[2].glob, "c");
	assert_false(patterns.v[2].negated);
	assert_null(patterns.v[2].key);
	assert_int_equal(patterns_parse(arena, "d, [e", false, &patterns, &err), -EINVAL);
	assert_string_equal(patterns.v[0].glob, "a");
}

static void a_list_of_ten_thousand_is_read(void **state _unused_)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_free_ char *text = mem_zalloc(20000, 1);
	struct patterns patterns = { 0 };
	struct err err;

	for (size_t i = 0; i < 19999; i++)
		text[i] = i % 2 ? ',' : 'a';
	assert_int_equal(patterns_parse(arena, text, false, &patterns, &err), 0);
	assert_int_equal(patterns.n, 10000);
}

static void a_bare_star_says_all(void **state _unused_)
{
	static const struct {
		const char *text;
		bool labels, all;
	} table[] = {
		{ "*", false, true },	 { "*, *", false, true }, { "*, a", false, false },
		{ "!*", false, false },	 { "**", false, false },  { "a*", false, false },
		{ "*", true, true },	 { "*=*", true, true },	  { "a=*", true, false },
		{ "*, a", true, false },
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct patterns patterns = { 0 };
		struct err err;

		assert_int_equal(
			patterns_parse(arena, table[i].text, table[i].labels, &patterns, &err),
			0);
		if (patterns_match_all(&patterns) != table[i].all)
			fail_msg("'%s'", table[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_match_globs),
		cmocka_unit_test(labels_match_by_key_and_value),
		cmocka_unit_test(without_labels_only_a_negated_pattern_matches),
		cmocka_unit_test(what_can_never_match_is_refused),
		cmocka_unit_test(a_further_line_appends),
		cmocka_unit_test(a_list_of_ten_thousand_is_read),
		cmocka_unit_test(a_bare_star_says_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
