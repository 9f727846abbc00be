#include "conf/key.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "conf/ini.h"
#include "conf/template.h"

typedef int parser(const struct key *key, void *field, const char *text, struct arena *arena,
		   struct err *err);
typedef void formatter(const struct key *key, const void *field, FILE *out);

static int parse_duration(const struct key *key, void *field, const char *text,
			  struct arena *arena _unused_, struct err *err)
{
	char buffer[UNITS_SIZE];
	int64_t seconds;
	int r = units_parse_duration(text, &seconds, err);

	if (r < 0)
		return r;
	if (seconds < key->min)
		return err_set(err, -ERANGE, "'%s' is out of range; it must be at least %s",
			       text, units_format_duration_exact(buffer, key->min));
	if (seconds > key->max)
		return err_set(err, -ERANGE, "'%s' is out of range; it must be at most %s",
			       text, units_format_duration_exact(buffer, key->max));
	*(int64_t *)field = seconds;
	return 0;
}

static void format_duration(const struct key *key _unused_, const void *field, FILE *out)
{
	char buffer[UNITS_SIZE];

	fputs(units_format_duration_exact(buffer, *(const int64_t *)field), out);
}

static int parse_number(const struct key *key, void *field, const char *text,
			struct arena *arena _unused_, struct err *err)
{
	return units_parse_number(text, key->min, key->max, field, err);
}

static void format_number(const struct key *key _unused_, const void *field, FILE *out)
{
	fprintf(out, "%lld", (long long)*(const int64_t *)field);
}

static int parse_bytes(const struct key *key, void *field, const char *text,
		       struct arena *arena _unused_, struct err *err)
{
	char buffer[UNITS_SIZE];
	int64_t bytes;
	int r;

	if (strchr(text, '%'))
		return err_set(err, -EINVAL,
			       "'%s' is a percentage; a size such as 20GB belongs here", text);
	r = units_parse_bytes(text, &bytes, err);
	if (r < 0)
		return r;
	if (bytes < key->min)
		return err_set(err, -ERANGE, "'%s' is out of range; it must be at least %s",
			       text, units_format_bytes_exact(buffer, key->min));
	*(int64_t *)field = bytes;
	return 0;
}

static void format_bytes(const struct key *key _unused_, const void *field, FILE *out)
{
	char buffer[UNITS_SIZE];

	fputs(units_format_bytes_exact(buffer, *(const int64_t *)field), out);
}

static int parse_flag(const struct key *key _unused_, void *field, const char *text,
		      struct arena *arena _unused_, struct err *err)
{
	bool yes = strcmp(text, "yes") == 0;

	if (!yes && strcmp(text, "no") != 0)
		return err_set(err, -EINVAL, "'%s' is none of: yes, no", text);
	*(bool *)field = yes;
	return 0;
}

static void format_flag(const struct key *key _unused_, const void *field, FILE *out)
{
	fputs(*(const bool *)field ? "yes" : "no", out);
}

static bool is_allowed(const struct key *key, size_t choice)
{
	return key->max == 0 || (key->max & 1 << choice);
}

static char *join(const struct key *key)
{
	char *text = mem_strdup("");

	for (size_t i = 0; key->choices[i]; i++) {
		char *longer;

		if (!is_allowed(key, i))
			continue;
		longer = mem_printf("%s%s%s", text, *text ? ", " : "", key->choices[i]);
		free(text);
		text = longer;
	}
	return text;
}

static int refuse_choice(const struct key *key, const char *text, struct err *err)
{
	_cleanup_free_ char *all = join(key), *suggestion = NULL;
	const char **allowed = NULL;
	size_t n = 0;

	for (size_t i = 0; key->choices[i]; i++) {
		if (!is_allowed(key, i))
			continue;
		allowed = mem_grow(allowed, n, sizeof(*allowed));
		allowed[n++] = key->choices[i];
	}
	suggestion = text_suggest(text_nearest(text, allowed, n));
	free(allowed);
	return err_set(err, -EINVAL, "'%s' is none of: %s%s", text, all, suggestion);
}

static int find_choice(const struct key *key, const char *text, struct err *err)
{
	for (size_t i = 0; key->choices[i]; i++)
		if (is_allowed(key, i) && strcmp(key->choices[i], text) == 0)
			return (int)i;
	return refuse_choice(key, text, err);
}

static int parse_choice(const struct key *key, void *field, const char *text,
			struct arena *arena _unused_, struct err *err)
{
	int choice = find_choice(key, text, err);

	if (choice < 0)
		return choice;
	*(unsigned *)field = (unsigned)choice;
	return 0;
}

static void format_choice(const struct key *key, const void *field, FILE *out)
{
	fputs(key->choices[*(const unsigned *)field], out);
}

/* The label's key lies behind the enum in struct rule. */
struct group {
	enum group_by by;
	const char *label;
};
static_assert(offsetof(struct rule, group_label) - offsetof(struct rule, group_by) ==
		      offsetof(struct group, label),
	      "group_label follows group_by");

#define LABEL_PREFIX "label:"

static int parse_group(const struct key *key, void *field, const char *text,
		       struct arena *arena, struct err *err)
{
	struct group *group = field;
	int choice;

	if (is_allowed(key, GROUP_LABEL) && text_starts_with(text, LABEL_PREFIX) &&
	    text[strlen(LABEL_PREFIX)]) {
		const char *label = text + strlen(LABEL_PREFIX);

		group->by = GROUP_LABEL;
		group->label = arena_strdup(arena, label + strspn(label, " \t"));
		return 0;
	}
	choice = find_choice(key, text, err);
	if (choice < 0)
		return choice;
	if (choice == GROUP_LABEL)
		return err_set(err, -EINVAL, "'%s' names no label; write label:KEY", text);
	group->by = (enum group_by)choice;
	return 0;
}

static void format_group(const struct key *key, const void *field, FILE *out)
{
	const struct group *group = field;

	if (group->by == GROUP_LABEL)
		fprintf(out, LABEL_PREFIX "%s", group->label);
	else
		fputs(key->choices[group->by], out);
}

static int parse_states(const struct key *key, void *field, const char *text,
			struct arena *arena, struct err *err)
{
	char *rest = arena_strdup(arena, text), *word;

	if (!text[strspn(text, ", \t")])
		return err_set(err, -EINVAL, "'%s' lists nothing", text);
	while ((word = strsep(&rest, ", \t"))) {
		int choice;

		if (!*word)
			continue;
		choice = find_choice(key, word, err);
		if (choice < 0)
			return choice;
		*(unsigned *)field |= 1u << container_state_from_string(word);
	}
	return 0;
}

static void format_states(const struct key *key, const void *field, FILE *out)
{
	const char *comma = "";

	for (size_t i = 0; key->choices[i]; i++) {
		if (!(*(const unsigned *)field &
		      1u << container_state_from_string(key->choices[i])))
			continue;
		fprintf(out, "%s%s", comma, key->choices[i]);
		comma = ", ";
	}
}

static int parse_patterns(const struct key *key, void *field, const char *text,
			  struct arena *arena, struct err *err)
{
	return patterns_parse(arena, text, key->type == KEY_LABELS, field, err);
}

static void format_patterns(const struct key *key _unused_, const void *field, FILE *out)
{
	const struct patterns *patterns = field;

	for (size_t i = 0; i < patterns->n; i++) {
		const struct pattern *pattern = &patterns->v[i];

		fprintf(out, "%s%s%s%s%s", i > 0 ? ", " : "", pattern->negated ? "!" : "",
			pattern->key ? pattern->key : "",
			pattern->key && pattern->glob ? "=" : "",
			pattern->glob ? pattern->glob : "");
	}
}

static int parse_range(const struct key *key, const char *text, struct range *ret,
		       struct err *err)
{
	const char *dash = strchr(text, '-');
	_cleanup_free_ char *first =
		dash ? mem_printf("%.*s", (int)(dash - text), text) : mem_strdup(text);
	int r;

	if (text[strspn(text, "0123456789-")] || (dash && (dash == text || !dash[1])))
		return err_set(err, -EINVAL, "'%s' is no range; write N or N-M", text);
	r = units_parse_number(first, key->min, key->max, &ret->first, err);
	if (r < 0)
		return r;
	r = units_parse_number(dash ? dash + 1 : first, key->min, key->max, &ret->last, err);
	if (r < 0)
		return r;
	if (ret->last < ret->first)
		return err_set(err, -EINVAL, "'%s' ends before it begins", text);
	return 0;
}

static int parse_ranges(const struct key *key, void *field, const char *text,
			struct arena *arena, struct err *err)
{
	struct ranges *ranges = field, grown = { 0 };
	char *rest = arena_strdup(arena, text), *word;
	int r = 0;

	if (!text[strspn(text, ", \t")])
		return err_set(err, -EINVAL, "'%s' lists nothing", text);
	for (size_t i = 0; i < ranges->n; i++) {
		grown.v = mem_grow(grown.v, grown.n, sizeof(*grown.v));
		grown.v[grown.n++] = ranges->v[i];
	}
	while (r == 0 && (word = strsep(&rest, ", \t"))) {
		if (!*word)
			continue;
		grown.v = mem_grow(grown.v, grown.n, sizeof(*grown.v));
		r = parse_range(key, word, &grown.v[grown.n], err);
		grown.n += r == 0;
	}
	*ranges = (struct ranges){ arena_adopt(arena, grown.v, grown.n, sizeof(*grown.v)),
				   grown.n };
	return r;
}

static void format_ranges(const struct key *key _unused_, const void *field, FILE *out)
{
	const struct ranges *ranges = field;

	for (size_t i = 0; i < ranges->n; i++) {
		fprintf(out, "%s%lld", i > 0 ? ", " : "", (long long)ranges->v[i].first);
		if (ranges->v[i].last != ranges->v[i].first)
			fprintf(out, "-%lld", (long long)ranges->v[i].last);
	}
}

static int parse_limit(const struct key *key _unused_, void *field, const char *text,
		       struct arena *arena, struct err *err)
{
	struct limit *limit = field;
	char *number = arena_strdup(arena, text);
	size_t length = strlen(number);
	int r;

	limit->percent = length > 0 && number[length - 1] == '%';
	if (limit->percent)
		number[length - 1] = '\0';
	r = units_parse_number(number, 0, limit->percent ? 100 : INT32_MAX, &limit->value, err);
	if (r < 0)
		return err_set(err, r, "'%s' is no limit; write a number, or 0%% to 100%%",
			       text);
	limit->set = true;
	return 0;
}

static void format_limit(const struct key *key _unused_, const void *field, FILE *out)
{
	const struct limit *limit = field;

	if (limit->set)
		fprintf(out, "%lld%s", (long long)limit->value, limit->percent ? "%" : "");
}

static int parse_usage(const struct key *key, void *field, const char *text,
		       struct arena *arena, struct err *err)
{
	struct usage *usage = field;
	char *number = arena_strdup(arena, text), *end = strchr(number, '%');
	const char *unit = end ? end + 1 + strspn(end + 1, " \t") : "";
	struct err size_err;
	int64_t bytes;

	if (!end && units_parse_bytes(text, &bytes, &size_err) == 0)
		return err_set(err, -EINVAL,
			       "'%s' is a size; a percentage such as 85%% belongs here", text);
	if (end)
		*end = '\0';
	usage->inodes = strcmp(unit, "inodes") == 0;
	if (!end || (*unit && !usage->inodes) ||
	    units_parse_number(number, key->min, key->max, &usage->percent, err) < 0)
		return err_set(
			err, -EINVAL,
			"'%s' is no percentage of a disk; write %lld%% to %lld%%, or such a percentage and "
			"'inodes'",
			text, (long long)key->min, (long long)key->max);
	return 0;
}

static void format_usage(const struct key *key _unused_, const void *field, FILE *out)
{
	const struct usage *usage = field;

	fprintf(out, "%lld%%%s", (long long)usage->percent, usage->inodes ? " inodes" : "");
}

static int parse_host(const struct key *key _unused_, void *field, const char *text,
		      struct arena *arena, struct err *err)
{
	if (!text_starts_with(text, "unix:///") || !text[strlen("unix:///")])
		return err_set(
			err, -EINVAL,
			"'%s' is not unix:///PATH; reclaimd speaks to local unix sockets "
			"only, a remote host runs its own reclaimd",
			text);
	*(const char **)field = arena_strdup(arena, text);
	return 0;
}

static int parse_path(const struct key *key _unused_, void *field, const char *text,
		      struct arena *arena, struct err *err)
{
	if (*text != '/')
		return err_set(err, -EINVAL, "'%s' is no absolute path", text);
	*(const char **)field = arena_strdup(arena, text);
	return 0;
}

static int parse_template(const struct key *key _unused_, void *field, const char *text,
			  struct arena *arena, struct err *err)
{
	int r = template_check(text, err);

	if (r == 0)
		*(const char **)field = arena_strdup(arena, text);
	return r;
}

static void format_text(const struct key *key _unused_, const void *field, FILE *out)
{
	if (*(const char *const *)field)
		fputs(*(const char *const *)field, out);
}

static const struct {
	parser *parse;
	formatter *format;
	bool list;
	const char *doc;
} types[] = {
	[KEY_DURATION] = { parse_duration, format_duration, false, "duration" },
	[KEY_NUMBER] = { parse_number, format_number, false, "number" },
	[KEY_BYTES] = { parse_bytes, format_bytes, false, "size" },
	[KEY_FLAG] = { parse_flag, format_flag, false, "yes, no" },
	[KEY_CHOICE] = { parse_choice, format_choice, false, NULL },
	[KEY_GROUP] = { parse_group, format_group, false, NULL },
	[KEY_STATES] = { parse_states, format_states, true, NULL },
	[KEY_PATTERNS] = { parse_patterns, format_patterns, true, "globs" },
	[KEY_LABELS] = { parse_patterns, format_patterns, true, "KEY[=GLOB], ..." },
	[KEY_RANGES] = { parse_ranges, format_ranges, true, "N[\\-M], ..." },
	[KEY_LIMIT] = { parse_limit, format_limit, false, "N|N%" },
	[KEY_USAGE] = { parse_usage, format_usage, false, "N% [inodes]" },
	[KEY_HOST] = { parse_host, format_text, false, "unix:///PATH" },
	[KEY_PATH] = { parse_path, format_text, false, "path" },
	[KEY_TEMPLATE] = { parse_template, format_text, false, "template" },
};

int key_parse(const struct key *key, void *base, const char *text, struct arena *arena,
	      struct err *err)
{
	if (!*text)
		return err_set(err, -EINVAL, "has no value");
	return types[key->type].parse(key, (char *)base + key->offset, text, arena, err);
}

bool key_is_list(const struct key *key)
{
	return types[key->type].list;
}

void key_format(const struct key *key, const void *base, FILE *out)
{
	types[key->type].format(key, (const char *)base + key->offset, out);
}

static size_t fitting(const char *text, size_t room)
{
	size_t fits = strlen(text);

	while (fits > room) {
		size_t shorter = fits;

		while (shorter > 0 && strncmp(&text[shorter - 1], ", ", 2) != 0)
			shorter--;
		if (shorter <= 1)
			break;
		fits = shorter - 1;
	}
	return fits;
}

void key_dump(const struct key *key, const void *base, FILE *out)
{
	_cleanup_free_ char *value = NULL;
	size_t size, length, room = INI_LINE_LENGTH - strlen(key->name) - strlen(" = ");
	FILE *memory = open_memstream(&value, &size);

	if (!memory)
		mem_die();
	key_format(key, base, memory);
	if (fclose(memory) != 0)
		mem_die();
	for (const char *rest = value; rest; rest = rest[length] ? &rest[length + 2] : NULL) {
		length = key_is_list(key) ? fitting(rest, room) : strlen(rest);
		fprintf(out, length > room ? "%s=%.*s\n" : "%s = %.*s\n", key->name,
			(int)length, rest);
	}
}

const struct key *key_find(const struct key *keys, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

const struct key *key_nearest(const struct key *keys, size_t n, unsigned kinds,
			      const char *name)
{
	const char **names = mem_zalloc(n, sizeof(*names)), *nearest;
	size_t usable = 0;

	for (size_t i = 0; i < n; i++)
		if (keys[i].kinds == 0 || (keys[i].kinds & kinds))
			names[usable++] = keys[i].name;
	nearest = text_nearest(name, names, usable);
	free(names);
	return nearest ? key_find(keys, n, nearest) : NULL;
}

char *key_unknown(const char *name, const struct key *nearest)
{
	_cleanup_free_ char *shown = text_escape(name),
			    *suggestion = text_suggest(nearest ? nearest->name : NULL);

	return mem_printf("unknown key '%s'%s", shown, suggestion);
}

static void document_kinds(unsigned kinds, FILE *out)
{
	const char *comma = " (";

	for (int kind = 0; kind < KIND_MAX_; kind++) {
		if (!(kinds & 1u << kind))
			continue;
		fprintf(out, "%s%s", comma, kind_to_plural((enum kind)kind));
		comma = ", ";
	}
	if (kinds)
		fputc(')', out);
}

void key_document(const struct key *key, FILE *out)
{
	_cleanup_free_ char *choices = key->choices ? join(key) : NULL;

	fprintf(out, ".TP\n.BR %s \" = \\fI%s\\fR\"\n%s", key->name,
		choices ? choices : types[key->type].doc, key->doc);
	if (key->fallback)
		fprintf(out, " Default: %s.", key->fallback);
	document_kinds(key->kinds, out);
	fputc('\n', out);
}
