#include "conf/pattern.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

/* The "]" that closes the bracket at open, NULL if there is none. */
static const char *bracket_end(const char *open)
{
	const char *c = open + 1;

	if (*c == '!' || *c == '^')
		c++;
	if (*c == ']')
		c++;
	for (; *c && *c != ']'; c++) {
		if (*c == '[' && c[1] && strchr(":.=", c[1])) { /* [:alpha:] */
			const char close[] = { c[1], ']', '\0' }, *end = strstr(c + 2, close);

			c = end ? end + 1 : c;
		} else if (*c == '\\' && c[1]) {
			c++;
		}
	}
	return *c ? c : NULL;
}

/* fnmatch(3) takes an unclosed "[" for itself and a "\" at the end for nothing, which is never
 * what was meant. */
static int check_glob(const char *glob, struct err *err)
{
	for (const char *c = glob; *c; c++) {
		const char *open = c;

		if ((unsigned char)*c < ' ' || *c == '\x7f')
			return err_set(err, -EINVAL,
				       "there is a control character in a pattern");
		if (*c == '\\' && !*++c)
			return err_set(err, -EINVAL,
				       "'%s' ends in '\\'; write '\\\\' for itself", glob);
		if (*open == '[' && !(c = bracket_end(open)))
			return err_set(err, -EINVAL,
				       "'%s' has a '[' without ']'; write '\\[' for itself",
				       glob);
	}
	return 0;
}

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length > 0 && strchr(" \t", text[length - 1]))
		text[--length] = '\0';
	return text;
}

static int parse_label(struct arena *arena, char *text, struct pattern *ret, struct err *err)
{
	char *value = text;
	int r;

	strsep(&value, "=");
	text = trim(text);
	if (!*text)
		return err_set(err, -EINVAL, "'=%s' has no label key; write KEY or KEY=GLOB",
			       value);
	ret->key = arena_strdup(arena, text);
	r = check_glob(ret->key, err);
	if (r < 0 || !value)
		return r;
	ret->glob = arena_strdup(arena, trim(value));
	return check_glob(ret->glob, err);
}

static int parse_one(struct arena *arena, char *text, bool labels, struct pattern *ret,
		     struct err *err)
{
	*ret = (struct pattern){ 0 };
	if (*text == '!') {
		ret->negated = true;
		text += 1 + strspn(text + 1, " \t");
	}
	if (!*text)
		return err_set(err, -EINVAL, "there is an empty pattern; write '*' for all");
	if (labels)
		return parse_label(arena, text, ret, err);
	ret->glob = arena_strdup(arena, text);
	return check_glob(ret->glob, err);
}

int patterns_parse(struct arena *arena, const char *text, bool labels,
		   struct patterns *patterns, struct err *err)
{
	char *rest = arena_strdup(arena, text);
	struct pattern *grown;
	size_t n = 1;

	for (const char *c = text; *c; c++)
		n += *c == ',';
	grown = arena_array(arena, patterns->n + n, sizeof(*grown));
	if (patterns->n > 0)
		memcpy(grown, patterns->v, patterns->n * sizeof(*grown));
	patterns->v = grown;
	while (rest) {
		char *one = strsep(&rest, ",");
		int r = parse_one(arena, trim(one), labels, &patterns->v[patterns->n], err);

		if (r < 0)
			return r;
		patterns->n++;
	}
	return 0;
}

/* How one pattern sees the values, or the labels, that an object has. */
struct subject {
	const char *const *values;
	size_t n;
	const struct labels *labels;
};

static bool hits(const struct pattern *pattern, const struct subject *subject)
{
	for (size_t i = 0; i < subject->n; i++)
		if (subject->values[i] && fnmatch(pattern->glob, subject->values[i], 0) == 0)
			return true;
	for (size_t i = 0; subject->labels && i < subject->labels->n; i++) {
		const struct label *label = &subject->labels->v[i];

		if (fnmatch(pattern->key, label->key, 0) == 0 &&
		    (!pattern->glob || fnmatch(pattern->glob, label->value, 0) == 0))
			return true;
	}
	return false;
}

static bool match(const struct patterns *patterns, const struct subject *subject)
{
	bool has_positive = false, positive = false;

	for (size_t i = 0; i < patterns->n; i++) {
		const struct pattern *pattern = &patterns->v[i];

		if (pattern->negated && hits(pattern, subject))
			return false;
		has_positive = has_positive || !pattern->negated;
		positive = positive || (!pattern->negated && hits(pattern, subject));
	}
	return positive || !has_positive;
}

bool patterns_match(const struct patterns *patterns, const char *const *values, size_t n)
{
	return match(patterns, &(struct subject){ .values = values, .n = n });
}

bool patterns_match_labels(const struct patterns *patterns, const struct labels *labels)
{
	return match(patterns, &(struct subject){ .labels = labels });
}

bool patterns_ask_label(const struct patterns *patterns, const char *key)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (fnmatch(patterns->v[i].key, key, 0) == 0)
			return true;
	return false;
}

bool patterns_match_all(const struct patterns *patterns)
{
	for (size_t i = 0; i < patterns->n; i++) {
		const struct pattern *pattern = &patterns->v[i];

		if (pattern->negated ||
		    strcmp(pattern->key ? pattern->key : pattern->glob, "*") != 0)
			return false;
	}
	return true;
}

bool patterns_pick(const struct patterns *patterns)
{
	bool picks = false;

	for (size_t i = 0; i < patterns->n; i++) {
		const struct pattern *pattern = &patterns->v[i];
		const char *glob = pattern->key ? pattern->key : pattern->glob;

		if (pattern->negated)
			continue;
		if (!glob[strspn(glob, "*?")])
			return false;
		picks = true;
	}
	return picks;
}
