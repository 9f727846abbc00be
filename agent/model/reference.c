#include "model/reference.h"

#include <stdlib.h>
#include <string.h>

/* The grammar: distribution/reference, regexp.go and normalize.go. */

#define DEFAULT_DOMAIN "docker.io"
#define DEFAULT_NAMESPACE "library/"
#define LEGACY_DOMAIN "index.docker.io"

static size_t span(const char *text, const char *accepted)
{
	return strspn(text, accepted);
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HEX "0123456789abcdef"

static bool is_digest(const char *text, size_t length)
{
	size_t algorithm = span(text, LOWER DIGITS "+._-");

	if (algorithm == 0 || algorithm >= length || text[algorithm] != ':')
		return false;
	return length - algorithm - 1 >= 32 &&
	       span(text + algorithm + 1, HEX) >= length - algorithm - 1;
}

bool reference_is_id(const char *raw)
{
	size_t length = strlen(raw);

	if (length >= 12 && length <= 64 && span(raw, HEX) == length)
		return true;
	return is_digest(raw, length);
}

static bool is_component(const char *text, size_t length)
{
	return length > 0 && span(text, LOWER DIGITS "._-") >= length &&
	       !strchr("._-", text[0]) && !strchr("._-", text[length - 1]);
}

static bool is_host_part(const char *text, size_t length)
{
	return length > 0 && span(text, LOWER UPPER DIGITS "-") >= length && text[0] != '-' &&
	       text[length - 1] != '-';
}

static bool all_parts(const char *text, size_t length, char separator,
		      bool (*is_part)(const char *text, size_t length))
{
	const char *end = text + length;

	for (;;) {
		const char *next = memchr(text, separator, (size_t)(end - text));
		const char *stop = next ? next : end;

		if (!is_part(text, (size_t)(stop - text)))
			return false;
		if (!next)
			return true;
		text = next + 1;
	}
}

static bool is_path(const char *text, size_t length)
{
	return length <= 255 && all_parts(text, length, '/', is_component);
}

static bool is_port(const char *text, size_t length)
{
	return length > 0 && span(text, DIGITS) >= length;
}

/* A host name, an IPv4 or a bracketed IPv6 address, with or without a port. */
static bool is_domain(const char *text, size_t length)
{
	bool brackets = *text == '[';
	size_t host = brackets ? 1 + span(text + 1, HEX "ABCDEF:")
			       : span(text, LOWER UPPER DIGITS ".-");

	if (brackets && (host >= length || text[host++] != ']'))
		return false;
	if (host > length)
		host = length;
	if (!brackets && !all_parts(text, host, '.', is_host_part))
		return false;
	return host == length ||
	       (text[host] == ':' && is_port(text + host + 1, length - host - 1));
}

static bool is_tag(const char *text, size_t length)
{
	return length > 0 && length <= 128 && text[0] != '.' && text[0] != '-' &&
	       span(text, LOWER UPPER DIGITS "_.-") >= length;
}

/* The first component is a domain if it could not be a name: "splitDockerDomain". */
static bool looks_like_domain(const char *text, size_t length)
{
	if (length == strlen("localhost") && strncmp(text, "localhost", length) == 0)
		return true;
	for (size_t i = 0; i < length; i++)
		if (text[i] == '.' || text[i] == ':' || (text[i] >= 'A' && text[i] <= 'Z'))
			return true;
	return false;
}

struct parts {
	const char *domain, *path, *tag, *digest;
	size_t domain_length, path_length, tag_length, digest_length;
};

static bool split(const char *raw, struct parts *parts)
{
	const char *at = strchr(raw, '@'), *slash = strchr(raw, '/');
	const char *end = at ? at : raw + strlen(raw), *colon = NULL;

	*parts = (struct parts){ 0 };
	if (at) {
		parts->digest = at + 1;
		parts->digest_length = strlen(at + 1);
		if (!is_digest(parts->digest, parts->digest_length))
			return false;
	}
	if (slash && slash < end && looks_like_domain(raw, (size_t)(slash - raw))) {
		parts->domain = raw;
		parts->domain_length = (size_t)(slash - raw);
		if (!is_domain(raw, parts->domain_length))
			return false;
	}
	parts->path = parts->domain ? slash + 1 : raw;
	for (const char *c = parts->path; c < end; c++)
		if (*c == ':' && !colon)
			colon = c;
	if (colon) {
		parts->tag = colon + 1;
		parts->tag_length = (size_t)(end - colon - 1);
		if (!is_tag(parts->tag, parts->tag_length))
			return false;
	}
	parts->path_length = (size_t)((colon ? colon : end) - parts->path);
	return is_path(parts->path, parts->path_length);
}

static bool same(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && strncmp(text, word, length) == 0;
}

static void name(struct arena *arena, const struct parts *parts, struct reference *ret)
{
	bool hub = !parts->domain ||
		   same(parts->domain, parts->domain_length, DEFAULT_DOMAIN) ||
		   same(parts->domain, parts->domain_length, LEGACY_DOMAIN);
	const char *path;

	if (!hub) {
		ret->repository = arena_strndup(arena, parts->domain,
						parts->domain_length + 1 + parts->path_length);
		ret->familiar = ret->repository;
		return;
	}
	path = arena_strndup(arena, parts->path, parts->path_length);
	ret->repository = arena_printf(arena, "%s/%s%s", DEFAULT_DOMAIN,
				       strchr(path, '/') ? "" : DEFAULT_NAMESPACE, path);
	ret->familiar = path;
	if (strncmp(path, DEFAULT_NAMESPACE, strlen(DEFAULT_NAMESPACE)) == 0 &&
	    !strchr(path + strlen(DEFAULT_NAMESPACE), '/'))
		ret->familiar = path + strlen(DEFAULT_NAMESPACE);
}

/* The name with tag and digest. Where the engine spells it so already, that text serves: hosts
 * have a hundred thousand names. */
static const char *with_suffix(struct arena *arena, const char *repository,
			       const struct reference *reference)
{
	const char *tag = reference->tag, *digest = reference->digest;
	size_t length = strlen(repository);

	if (strncmp(reference->raw, repository, length) == 0 &&
	    strchr(":@", reference->raw[length]) && reference->raw[length])
		return reference->raw;
	return arena_printf(arena, "%s%s%s%s%s", repository, tag ? ":" : "", tag ? tag : "",
			    digest ? "@" : "", digest ? digest : "");
}

static bool parse(struct arena *arena, const char *raw, const char *default_tag,
		  struct reference *ret)
{
	struct parts parts;

	*ret = (struct reference){ 0 };
	if (reference_is_id(raw) || !split(raw, &parts))
		return false;
	ret->raw = arena_strdup(arena, raw);
	name(arena, &parts, ret);
	if (parts.digest)
		ret->digest = ret->raw + (parts.digest - raw);
	if (parts.tag && !parts.digest)
		ret->tag = ret->raw + (parts.tag - raw);
	else if (parts.tag)
		ret->tag = arena_strndup(arena, parts.tag, parts.tag_length);
	if (!ret->tag && !ret->digest)
		ret->tag = default_tag;
	ret->full = with_suffix(arena, ret->repository, ret);
	ret->short_name = ret->familiar == ret->repository
				  ? ret->full
				  : with_suffix(arena, ret->familiar, ret);
	return true;
}

bool reference_parse(struct arena *arena, const char *raw, struct reference *ret)
{
	return parse(arena, raw, NULL, ret);
}

bool reference_parse_default(struct arena *arena, const char *raw, struct reference *ret)
{
	return parse(arena, raw, "latest", ret);
}

bool reference_equal(const struct reference *a, const struct reference *b)
{
	return a->full && b->full && strcmp(a->full, b->full) == 0;
}

static int compare(const void *a, const void *b)
{
	const struct reference *left = a, *right = b;

	return strcmp(left->full, right->full);
}

size_t reference_sort(struct reference *references, size_t n)
{
	size_t kept = n > 0;

	if (n > 1)
		qsort(references, n, sizeof(*references), compare);
	for (size_t i = 1; i < n; i++)
		if (!reference_equal(&references[i], &references[kept - 1]))
			references[kept++] = references[i];
	return kept;
}

bool reference_is_among(const struct reference *references, size_t n,
			const struct reference *reference)
{
	return n > 0 && bsearch(reference, references, n, sizeof(*references), compare);
}
