#include "engine/allow.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const struct {
	enum http_method method;
	const char *pattern; /* {…}: one of holes[], everything else stands for itself */
} allowed[] = {
	{ HTTP_GET, "/_ping" },
	{ HTTP_GET, "/version" },
	{ HTTP_GET, "/{version}/info" },
	{ HTTP_GET, "/{version}/services" },
	{ HTTP_GET, "/{version}/tasks" },
	{ HTTP_GET, "/{version}/containers/json?all=1" },
	{ HTTP_GET, "/{version}/containers/json?all=1&size=1&filters={filters}" },
	{ HTTP_GET, "/{version}/containers/{container}/json" },
	{ HTTP_GET, "/{version}/images/json?all=1" },
	{ HTTP_GET, "/{version}/images/{image}/json" },
	{ HTTP_GET, "/{version}/images/{name}/json" },
	{ HTTP_GET, "/{version}/images/{image}/history" },
	{ HTTP_GET, "/{version}/events?since={time}&filters={filters}" },
	{ HTTP_GET, "/{libpod}/libpod/containers/json?all=true&external=true" },
	{ HTTP_GET, "/{libpod}/libpod/images/json?all=true&filters={filters}" },
	{ HTTP_GET, "/{libpod}/libpod/manifests/{container}/json" },
	{ HTTP_GET, "/{version}/containers/json?all=1&filters={filters}" },
	{ HTTP_GET, "/{version}/volumes" },
	{ HTTP_GET, "/{version}/volumes/{volume}" },
	{ HTTP_GET, "/{version}/networks" },
	{ HTTP_GET, "/{version}/networks/{container}" },
	{ HTTP_GET, "/{version}/system/df" },
	{ HTTP_GET, "/{version}/system/df?type=volume" },
	{ HTTP_GET, "/{version}/system/df?type=build-cache" },
	{ HTTP_GET, "/{version}/system/df?type=volume&type=build-cache" },
	{ HTTP_DELETE, "/{version}/containers/{container}" },
	{ HTTP_DELETE, "/{version}/volumes/{volume}" },
	{ HTTP_DELETE, "/{version}/networks/{container}" },
	{ HTTP_POST, "/{version}/build/prune?filters={record}" },
	{ HTTP_DELETE, "/{version}/images/{image}?noprune=1" },
	{ HTTP_DELETE, "/{libpod}/libpod/images/remove?images={image}&noprune=true" },
	{ HTTP_DELETE, "/{libpod}/libpod/images/remove?images={reference}&noprune=true" },
	{ HTTP_DELETE, "/{version}/images/{reference}?noprune=1" },
	{ HTTP_POST, "/{version}/images/{image}/tag?repo={reference}&tag={tag}" },
};

/* Each returns how much of the text fills the hole, 0 if it does not fit. */

static size_t span_version(const char *text)
{
	size_t digits = strncmp(text, "v1.", 3) == 0 ? strspn(text + 3, DIGITS) : 0;

	return digits > 0 && digits <= 3 ? 3 + digits : 0;
}

static size_t span_libpod(const char *text)
{
	return text[0] == 'v' ? 1 + strspn(text + 1, DIGITS ".") : 0;
}

static size_t span_container(const char *text)
{
	size_t length = strspn(text, HEX);

	return length >= 12 && length <= 64 ? length : 0;
}

static size_t span_image(const char *text)
{
	size_t algorithm = strspn(text, LETTERS DIGITS "+._-"), digest;

	if (algorithm == 0 || text[algorithm] != ':')
		return 0;
	digest = strspn(text + algorithm + 1, HEX);
	return digest >= 32 ? algorithm + 1 + digest : 0;
}

/* Brackets, of a registry at an IPv6 address, and a plus, in the name of a digest's algorithm,
 * are all that url_escape() has to escape in a reference. */
static size_t span_reference_character(const char *text)
{
	if (strncmp(text, "%5B", 3) == 0 || strncmp(text, "%5D", 3) == 0 ||
	    strncmp(text, "%2B", 3) == 0)
		return 3;
	return strspn(text, LETTERS DIGITS "._:/@-");
}

/* A path must not be walked up, so that no name turns a request into another one. */
static size_t span_reference(const char *text)
{
	size_t length = 0, step;

	while ((step = span_reference_character(text + length)) > 0)
		length += step;
	if (text[0] == '/' || text[0] == '.')
		return 0;
	for (size_t i = 1; i < length; i++)
		if (text[i - 1] == '/' && (text[i] == '/' || text[i] == '.'))
			return 0;
	return length;
}

static size_t span_volume(const char *text)
{
	return text[0] == '.' ? 0 : strspn(text, LETTERS DIGITS "._-");
}

/* The filters of a prune must name one record: without, it would take everything. */
static size_t span_record(const char *text)
{
	static const char prefix[] = "%7B%22id%22:%5B%22",
			  middle[] = "%22%5D%2C%22until%22:%5B%22", end[] = "s%22%5D%7D";
	const char *c = text;
	size_t id, seconds;

	if (strncmp(c, prefix, strlen(prefix)) != 0)
		return 0;
	c += strlen(prefix);
	id = strspn(c, LETTERS DIGITS);
	c += id;
	if (id == 0 || strncmp(c, middle, strlen(middle)) != 0)
		return 0;
	c += strlen(middle);
	seconds = strspn(c, DIGITS);
	c += seconds;
	if (seconds == 0 || strncmp(c, end, strlen(end)) != 0)
		return 0;
	return (size_t)(c - text) + strlen(end);
}

/* A reference that the end of a path follows. */
static size_t span_name(const char *text)
{
	static const char end[] = "/json";
	size_t length = span_reference(text), rest = strlen(end);

	return length > rest && strcmp(text + length - rest, end) == 0 ? length - rest : 0;
}

static size_t span_tag(const char *text)
{
	return strspn(text, LETTERS DIGITS "._-");
}

static size_t span_time(const char *text)
{
	return strspn(text, DIGITS);
}

static size_t span_filters(const char *text)
{
	return strspn(text, LETTERS DIGITS "%._:/@-");
}

static const struct hole {
	const char *name;
	size_t (*span)(const char *text);
} holes[] = {
	{ "{version}", span_version },
	{ "{libpod}", span_libpod },
	{ "{container}", span_container },
	{ "{image}", span_image },
	{ "{reference}", span_reference },
	{ "{filters}", span_filters },
	{ "{volume}", span_volume },
	{ "{record}", span_record },
	{ "{tag}", span_tag },
	{ "{name}", span_name },
	{ "{time}", span_time },
};

static const struct hole *hole_at(const char *pattern)
{
	for (size_t i = 0; i < ARRAY_SIZE(holes); i++)
		if (strncmp(pattern, holes[i].name, strlen(holes[i].name)) == 0)
			return &holes[i];
	return NULL;
}

static bool fits(const char *pattern, const char *path)
{
	while (*pattern) {
		const struct hole *hole = hole_at(pattern);
		size_t length = hole ? hole->span(path) : *pattern == *path;

		if (length == 0)
			return false;
		pattern += hole ? strlen(hole->name) : 1;
		path += length;
	}
	return *path == '\0';
}

bool request_is_allowed(enum http_method method, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (allowed[i].method == method && fits(allowed[i].pattern, path))
			return true;
	return false;
}
