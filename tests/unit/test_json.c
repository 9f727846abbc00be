#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/json.h"

struct seen {
	size_t n;
	char *last; /* as JSON */
	bool refuse;
};

static int see(void *data, struct json_object *object, struct err *err)
{
	struct seen *seen = data;

	free(seen->last);
	seen->last = mem_strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	seen->n++;
	return seen->refuse ? err_set(err, -EBADMSG, "refused") : 0;
}

/* Feeds text in pieces of that size. */
static int parse(enum json_shape shape, const char *text, size_t length, size_t piece,
		 struct seen *seen)
{
	_cleanup_(json_stream_freep) struct json_stream *stream =
		json_stream_new(shape, 1 << 20, see, seen);
	struct err err = { 0 };
	int r = 0;

	free(seen->last);
	*seen = (struct seen){ .refuse = seen->refuse };
	for (size_t at = 0; r >= 0 && at < length; at += piece)
		r = json_stream_feed(stream, text + at,
				     length - at < piece ? length - at : piece, &err);
	if (r >= 0)
		r = json_stream_end(stream, &err);
	if (r < 0)
		assert_true(err.code == r && err.text[0]);
	return r;
}

static const struct {
	enum json_shape shape;
	const char *text;
	size_t n;
	const char *last;
} good[] = {
	{ JSON_LIST, "[]", 0, NULL },
	{ JSON_LIST, " [ ] \n", 0, NULL },
	{ JSON_LIST, "[{}]", 1, "{}" },
	{ JSON_LIST, "[{\"a\":[{\"b\":\"]}\\\"\"}]},\r\n\t{\"c\":null}]\n", 2, "{\"c\":null}" },
	{ JSON_LIST, "[{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}]", 1,
	  "{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}" },
	{ JSON_LIST,
	  "[{\"\xc3\xa9\":\"\\\\\xc3\xa9\"},{\"a\":\"\xf4\x8f\xbf\xbf\xef\xbf\xbf\xc2\x80\"}]",
	  2, "{\"a\":\"\xf4\x8f\xbf\xbf\xef\xbf\xbf\xc2\x80\"}" },
	{ JSON_LIST, "[{\"a\":\"\\u0000\\u001b\"}]", 1, "{\"a\":\"\\u0000\\u001b\"}" },
	{ JSON_OBJECT, "{\"a\":1}", 1, "{\"a\":1}" },
	{ JSON_OBJECT, " {\"a\":{\"b\":-1}} \n", 1, "{\"a\":{\"b\":-1}}" },
	{ JSON_SEQUENCE, "", 0, NULL },
	{ JSON_SEQUENCE, "\n", 0, NULL },
	{ JSON_SEQUENCE, "{\"a\":1}{\"b\":{}}\n{\"c\":\"\xc3\xa9\"}\n", 3,
	  "{\"c\":\"\xc3\xa9\"}" },
};

static const struct {
	enum json_shape shape;
	const char *text;
} bad[] = {
	{ JSON_LIST, "" },
	{ JSON_LIST, "null" },
	{ JSON_LIST, "[" },
	{ JSON_LIST, "[{}" },
	{ JSON_LIST, "[{}," },
	{ JSON_LIST, "[{},]" },
	{ JSON_LIST, "[,{}]" },
	{ JSON_LIST, "[{} {}]" },
	{ JSON_LIST, "[{}]]" },
	{ JSON_LIST, "[{}]{}" },
	{ JSON_LIST, "[{}] null" },
	{ JSON_LIST, "[1]" },
	{ JSON_LIST, "[\"a\"]" },
	{ JSON_LIST, "[null]" },
	{ JSON_LIST, "[[{}]]" },
	{ JSON_LIST, "{}" },
	{ JSON_LIST, "nul" },
	{ JSON_LIST, "nulL" },
	{ JSON_LIST, "nullnull" },
	{ JSON_LIST, "[{\"a\":1]" },
	{ JSON_LIST, "[{\"a\":tru}]" },
	{ JSON_LIST, "[{\"a\":1,}]" },
	{ JSON_LIST, "[{\"a\":\"\xff\"}]" },
	{ JSON_LIST, "[{\"a\":\"\xc3\"}]" },
	{ JSON_LIST, "[{\"a\":\"\xe2\x82\"}]" },
	{ JSON_LIST, "[{\"a\":\"x\xa9\"}]" },
	{ JSON_LIST, "[{\"a\":\"\\\xc3\xa9\"}]" },
	{ JSON_LIST, "[{\"a\":\"\\\\\\\xc3\xa9\"}]" },
	{ JSON_LIST, "[{\"a\":\"\\u00\xc3\xa9\"}]" },
	{ JSON_LIST, "[{\"a\":\xc3\xa9}]" },
	{ JSON_LIST, "[{\xc3\xa9:1}]" },
	{ JSON_LIST, "[\xc3\xa9{}]" },
	{ JSON_LIST, "[{\"a\":\"\xed\xa0\xbd\xed\xb8\x80\"}]" },
	{ JSON_LIST, "[{\"a\":\"\xf4\x90\x80\x80\"}]" },
	{ JSON_LIST, "<html>" },
	{ JSON_LIST, "[{}]\xc3" },
	{ JSON_OBJECT, "" },
	{ JSON_OBJECT, "{" },
	{ JSON_OBJECT, "null" },
	{ JSON_OBJECT, "[{}]" },
	{ JSON_OBJECT, "{}{}" },
	{ JSON_OBJECT, "{},{}" },
	{ JSON_OBJECT, "{}x" },
	{ JSON_SEQUENCE, "{},{}" },
	{ JSON_SEQUENCE, "{}]" },
	{ JSON_SEQUENCE, "[{}]" },
	{ JSON_SEQUENCE, "null" },
	{ JSON_SEQUENCE, "{}{" },
	{ JSON_SEQUENCE, "{}\xc3" },
};

static void what_comes_is_read_in_whatever_pieces(void **state _unused_)
{
	struct seen seen = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		for (size_t piece = 1; piece <= strlen(good[i].text); piece++) {
			assert_int_equal(parse(good[i].shape, good[i].text,
					       strlen(good[i].text), piece, &seen),
					 0);
			assert_int_equal(seen.n, good[i].n);
			if (good[i].last)
				assert_string_equal(seen.last, good[i].last);
		}
	free(seen.last);
}

static void what_is_not_json_of_that_shape_is_refused(void **state _unused_)
{
	struct seen seen = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		for (size_t piece = 1; piece <= strlen(bad[i].text) + 1; piece++)
			if (parse(bad[i].shape, bad[i].text, strlen(bad[i].text), piece,
				  &seen) != -EBADMSG)
				fail_msg("accepted: %s", bad[i].text);
	assert_int_equal(parse(JSON_LIST, "[{}\0]", 5, 5, &seen), -EBADMSG);
	free(seen.last);
}

static void a_refused_object_ends_the_reading(void **state _unused_)
{
	struct seen seen = { .refuse = true };

	assert_int_equal(parse(JSON_LIST, "[{},{},{}]", 10, 3, &seen), -EBADMSG);
	assert_int_equal(seen.n, 1);
	free(seen.last);
}

static void an_object_without_end_is_refused(void **state _unused_)
{
	struct seen seen = { 0 };
	_cleanup_(json_stream_freep) struct json_stream *stream =
		json_stream_new(JSON_LIST, 1 << 20, see, &seen);
	char piece[65536];
	struct err err = { 0 };
	int r = json_stream_feed(stream, "[{\"a\":\"", 7, &err);

	memset(piece, 'x', sizeof(piece));
	for (size_t i = 0; i < 1000 && r >= 0; i++)
		r = json_stream_feed(stream, piece, sizeof(piece), &err);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(seen.n, 0);
}

/* Nesting must not become a stack of ours. */
static void deep_nesting_is_refused(void **state _unused_)
{
	struct seen seen = { 0 };
	char text[20000];

	memset(text, '[', sizeof(text));
	memcpy(text, "[{\"a\":", 6);
	assert_int_equal(parse(JSON_LIST, text, sizeof(text), 1000, &seen), -EBADMSG);
	free(seen.last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_is_read_in_whatever_pieces),
		cmocka_unit_test(what_is_not_json_of_that_shape_is_refused),
		cmocka_unit_test(a_refused_object_ends_the_reading),
		cmocka_unit_test(an_object_without_end_is_refused),
		cmocka_unit_test(deep_nesting_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
