#include "engine/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Between objects we read the list ourselves; within one the tokener does. */
enum place {
	BEFORE_LIST,
	BEFORE_FIRST, /* after the bracket: an object, or the end */
	BEFORE_NEXT,  /* after a comma: an object */
	WITHIN_OBJECT,
	AFTER_OBJECT, /* a comma, or the end */
	AT_END,
};

static const enum place behind_object[] = {
	[JSON_OBJECT] = AT_END,
	[JSON_LIST] = AFTER_OBJECT,
	[JSON_SEQUENCE] = BEFORE_NEXT,
};

struct json_stream {
	enum json_shape shape;
	enum place place;
	json_tokener *tokener; /* from the first object on: thousands of requests may wait */
	size_t object_bytes, max_object;
	int (*object)(void *data, struct json_object *object, struct err *err);
	void *data;
	char tail[4]; /* a character that the last piece cut in two */
	size_t n_tail;
	bool in_escape; /* a backslash came last that stands for no character */
};

struct json_stream *json_stream_new(enum json_shape shape, size_t max_object,
				    int (*object)(void *data, struct json_object *object,
						  struct err *err),
				    void *data)
{
	struct json_stream *stream = mem_zalloc(1, sizeof(*stream));

	stream->shape = shape;
	stream->place = shape == JSON_LIST ? BEFORE_LIST : BEFORE_NEXT;
	stream->max_object = max_object;
	stream->object = object;
	stream->data = data;
	return stream;
}

void json_stream_free(struct json_stream *stream)
{
	if (!stream)
		return;
	if (stream->tokener)
		json_tokener_free(stream->tokener);
	free(stream);
}

static int bad(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "not the JSON that was expected: %s", what);
}

/* A piece of an object; *ret_used is how much of it the object took. */
static int feed_object(struct json_stream *stream, const char *bytes, size_t n,
		       size_t *ret_used, struct err *err)
{
	size_t step = n < 1 << 30 ? n : 1 << 30;
	_cleanup_(json_putp) struct json_object *object =
		json_tokener_parse_ex(stream->tokener, bytes, (int)step);
	enum json_tokener_error error = json_tokener_get_error(stream->tokener);

	*ret_used = json_tokener_get_parse_end(stream->tokener);
	stream->object_bytes += *ret_used;
	if (stream->object_bytes > stream->max_object)
		return err_set(err, -EFBIG, "an object is larger than %zu bytes",
			       stream->max_object);
	if (error == json_tokener_continue)
		return 0;
	if (error != json_tokener_success)
		return bad(err, json_tokener_error_desc(error));
	stream->place = behind_object[stream->shape];
	return stream->object(stream->data, object, err);
}

static json_tokener *tokener_new(void)
{
	json_tokener *tokener = json_tokener_new();

	if (!tokener)
		mem_die();
	/* What follows an object is looked at here: it must be a comma, a bracket or nothing.
	 */
	json_tokener_set_flags(tokener,
			       JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	return tokener;
}

static int begin_object(struct json_stream *stream)
{
	if (stream->tokener)
		json_tokener_reset(stream->tokener);
	else
		stream->tokener = tokener_new();
	stream->object_bytes = 0;
	stream->place = WITHIN_OBJECT;
	return 0;
}

/* One character outside of objects. The opening brace is left to the tokener. */
static int feed_between(struct json_stream *stream, char c, size_t *ret_used, struct err *err)
{
	*ret_used = 1;
	if (strchr(" \t\r\n", c) && c != '\0')
		return 0;
	if (c == '[' && stream->place == BEFORE_LIST) {
		stream->place = BEFORE_FIRST;
		return 0;
	}
	if (c == ']' && (stream->place == BEFORE_FIRST || stream->place == AFTER_OBJECT)) {
		stream->place = AT_END;
		return 0;
	}
	if (c == ',' && stream->place == AFTER_OBJECT) {
		stream->place = BEFORE_NEXT;
		return 0;
	}
	*ret_used = 0;
	if (c == '{' && (stream->place == BEFORE_FIRST || stream->place == BEFORE_NEXT))
		return begin_object(stream);
	return bad(err, stream->place == AT_END ? "something follows the end"
						: "no object where one should be");
}

static int feed_whole(struct json_stream *stream, const char *bytes, size_t n, struct err *err)
{
	while (n > 0) {
		size_t used = 0;
		int r;

		if (stream->place == WITHIN_OBJECT)
			r = feed_object(stream, bytes, n, &used, err);
		else
			r = feed_between(stream, *bytes, &used, err);
		if (r < 0)
			return r;
		bytes += used;
		n -= used;
	}
	return 0;
}

/* Another character is given to json-c as an escape: 0.18 takes none but ASCII where it is
 * strict, and where it checks UTF-8 it does so within one call only. */
static int feed_character(struct json_stream *stream, const char *bytes, size_t *ret_used,
			  struct err *err)
{
	char escape[sizeof("\\ud83d\\ude00")];
	unsigned code;

	*ret_used = text_utf8_length(bytes, &code);
	if (*ret_used == 0)
		return bad(err, "no UTF-8");
	if (stream->in_escape)
		return bad(err, "no such escape");
	if (code < 0x10000)
		snprintf(escape, sizeof(escape), "\\u%04x", code & 0xffff);
	else
		snprintf(escape, sizeof(escape), "\\u%04x\\u%04x",
			 (0xd7c0 + (code >> 10)) & 0xffff, 0xdc00 | (code & 0x3ff));
	return feed_whole(stream, escape, strlen(escape), err);
}

static size_t ascii_length(const char *bytes, size_t n)
{
	size_t length = 0;
	uint64_t word;

	for (; length + sizeof(word) <= n; length += sizeof(word)) {
		memcpy(&word, bytes + length, sizeof(word));
		if (word & 0x8080808080808080)
			break;
	}
	while (length < n && !(bytes[length] & 0x80))
		length++;
	return length;
}

static void note_backslashes(struct json_stream *stream, const char *bytes, size_t n)
{
	size_t last = 0;

	while (last < n && bytes[n - 1 - last] == '\\')
		last++;
	stream->in_escape = (last % 2 == 1) != (last == n && stream->in_escape);
}

/* Whole characters. */
static int feed_text(struct json_stream *stream, const char *bytes, size_t n, struct err *err)
{
	while (n > 0) {
		size_t used = ascii_length(bytes, n);
		int r;

		if (used > 0)
			r = feed_whole(stream, bytes, used, err);
		else
			r = feed_character(stream, bytes, &used, err);
		if (r < 0)
			return r;
		note_backslashes(stream, bytes, used);
		bytes += used;
		n -= used;
	}
	return 0;
}

/* How long the character is that starts with this byte; 1 for what is none. */
static size_t character_length(char first)
{
	unsigned char byte = (unsigned char)first;

	return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
}

/* How many bytes at the end are the beginning of a character. */
static size_t cut_character(const char *bytes, size_t n)
{
	for (size_t back = 1; back <= 3 && back <= n; back++) {
		size_t length = character_length(bytes[n - back]);

		if (length > 1)
			return length > back ? back : 0;
		if (((unsigned char)bytes[n - back] & 0xc0) != 0x80)
			return 0;
	}
	return 0;
}

int json_stream_feed(struct json_stream *stream, const char *bytes, size_t n, struct err *err)
{
	size_t cut;
	int r;

	while (stream->n_tail > 0 && n > 0) {
		stream->tail[stream->n_tail++] = *bytes++;
		n--;
		if (stream->n_tail < character_length(stream->tail[0]))
			continue;
		cut = stream->n_tail;
		stream->n_tail = 0;
		r = feed_text(stream, stream->tail, cut, err);
		if (r < 0)
			return r;
	}
	cut = cut_character(bytes, n);
	r = feed_text(stream, bytes, n - cut, err);
	if (r < 0)
		return r;
	if (cut > 0) {
		memcpy(stream->tail, bytes + n - cut, cut);
		stream->n_tail = cut;
	}
	return 0;
}

int json_stream_end(struct json_stream *stream, struct err *err)
{
	bool between = stream->shape == JSON_SEQUENCE && stream->place == BEFORE_NEXT;

	if ((stream->place != AT_END && !between) || stream->n_tail > 0)
		return bad(err, "it ends too early");
	return 0;
}
