#include "conf/settings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/ini.h"
#include "conf/key.h"

#define FIELD(member) offsetof(struct settings, member)

static const char *const modes[] = { "remove", "observe", NULL };
static const char *const paces[] = { "auto", "gentle", "fast", NULL };

static const struct key keys[] = {
	[SETTING_HOST] = { "host", KEY_HOST, FIELD(host), 0, 0, NULL, NULL, 0,
			   "The engine's socket. Without it $DOCKER_HOST, else the first of Docker's "
			   "and Podman's sockets that exists." },
	[SETTING_CONNECTIONS] = { "connections", KEY_NUMBER, FIELD(connections), 0, 64, NULL,
				  "0", 0,
				  "Connections to the engine at a time; 0: 8 for containers, 4 for "
				  "images." },
	[SETTING_TIMEOUT] = { "timeout", KEY_DURATION, FIELD(timeout), 1, 86400, NULL, "5min",
			      0, "How long one request may take." },
	[SETTING_DATA_ROOT] = { "data-root", KEY_PATH, FIELD(data_root), 0, 0, NULL, NULL, 0,
				"Where the engine keeps its data, for the free space in the report. "
				"Without it the engine is asked; the containerd store's cannot be." },
	[SETTING_MODE] = { "mode", KEY_CHOICE, FIELD(mode), 0, 0, modes, "remove", 0,
			   "observe: no run removes anything, however it is started; only "
			   "'run --mode=remove' does." },
	[SETTING_MIN_AGE] = { "min-age", KEY_DURATION, FIELD(min_age), 0, INT64_MAX, NULL, "1h",
			      0, "Nothing younger goes, by the newest of all its times." },
	[SETTING_MAX_REMOVE] = { "max-remove", KEY_LIMIT, FIELD(max_remove), 0, 0, NULL, NULL,
				 0,
				 "The brake: if more of a kind would go in one run, nothing goes. "
				 "Without it 50% of the tagged images when there are more than 20." },
	[SETTING_PACE] = { "pace", KEY_CHOICE, FIELD(pace), 0, 0, paces, "auto", 0,
			   "gentle: one removal at a time, with a pause while others wait for the "
			   "disk (/proc/pressure/io, full avg10 above 10), in all at most for the "
			   "timeout of a request. auto: gentle in a run that the timer starts, "
			   "fast in any other and with --need-free." },
	[SETTING_ENTRIES] = { "entries", KEY_NUMBER, FIELD(entries), 0, 1000000, NULL, "1000",
			      0,
			      "Journal entries for single objects; if more went, there is one entry "
			      "per rule." },
};
static_assert(ARRAY_SIZE(keys) == SETTING_KEY_MAX_, "a row per setting");

static const struct {
	const char *name;
	enum setting_key first, last;
} sections[] = {
	{ "engine", SETTING_HOST, SETTING_DATA_ROOT },
	{ "run", SETTING_MODE, SETTING_PACE },
	{ "report", SETTING_ENTRIES, SETTING_ENTRIES },
};

struct reading {
	struct settings *settings;
	struct arena *arena;
	struct problems *problems;
	size_t section;
	bool seen[SETTING_KEY_MAX_];
};

static bool begin_section(void *data, const char *name, struct origin at)
{
	struct reading *reading = data;
	_cleanup_free_ char *shown = text_escape(name);
	const char *names[ARRAY_SIZE(sections)], *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		names[i] = sections[i].name;
		if (strcmp(name, sections[i].name) == 0) {
			reading->section = i;
			return true;
		}
	}
	nearest = text_nearest(name, names, ARRAY_SIZE(names));
	problems_add(reading->problems,
		     "%s:%u: unknown section '%s' (%s%s; rules belong into policies.d)",
		     at.file, at.line, shown,
		     nearest ? "did you mean " : "settings have engine, run, report",
		     nearest ? nearest : "");
	return false;
}

static void take_key(void *data, const char *name, const char *value, struct origin at)
{
	struct reading *reading = data;
	size_t first = sections[reading->section].first;
	size_t n = sections[reading->section].last - first + 1;
	const struct key *key = key_find(&keys[first], n, name);
	struct err err;

	if (!key) {
		_cleanup_free_ char *text =
			key_unknown(name, key_nearest(&keys[first], n, 0, name));

		problems_add(reading->problems, "%s:%u: %s", at.file, at.line, text);
		return;
	}
	if (reading->seen[key - keys]) {
		problems_add(reading->problems, "%s:%u: '%s' is here a second time", at.file,
			     at.line, name);
		return;
	}
	reading->seen[key - keys] = true;
	reading->settings->origin[key - keys] = at;
	if (key_parse(key, reading->settings, value, reading->arena, &err) < 0)
		problems_add(reading->problems, "%s:%u: %s: %s", at.file, at.line, name,
			     err.text);
}

void settings_init(struct settings *settings, struct arena *arena)
{
	struct err err;

	*settings = (struct settings){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].fallback &&
		    key_parse(&keys[i], settings, keys[i].fallback, arena, &err) < 0)
			abort();
}

void settings_read(struct settings *settings, const char *path, struct arena *arena,
		   struct problems *problems)
{
	struct reading reading = { .settings = settings, .arena = arena, .problems = problems };
	const struct ini_handler handler = { begin_section, take_key, NULL, &reading };

	ini_read(path, &handler, problems);
}

void settings_dump(const struct settings *settings, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		fprintf(out, "[%s]\n", sections[i].name);
		for (size_t k = sections[i].first; k <= sections[i].last; k++) {
			if (settings->origin[k].file)
				fprintf(out, "# %s:%u\n", settings->origin[k].file,
					settings->origin[k].line);
			else
				fprintf(out, "# default\n%s", keys[k].fallback ? "" : "#");
			key_dump(&keys[k], settings, out);
		}
		fputc('\n', out);
	}
}

void settings_document(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		fprintf(out, ".SS [%s]\n", sections[i].name);
		for (size_t k = sections[i].first; k <= sections[i].last; k++)
			key_document(&keys[k], out);
	}
}

/* The text in lines that fit beside the rest. */
static void put_comment(const char *text, FILE *out)
{
	while (*text) {
		size_t length = strlen(text), fits = 96;

		if (length > fits) {
			while (fits > 0 && text[fits] != ' ')
				fits--;
			length = fits;
		}
		fprintf(out, "# %.*s\n", (int)length, text);
		text += length;
		text += *text == ' ';
	}
}

void settings_example(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		fprintf(out, "\n[%s]\n", sections[i].name);
		for (size_t k = sections[i].first; k <= sections[i].last; k++) {
			put_comment(keys[k].doc, out);
			fprintf(out, "#%s = %s\n", keys[k].name,
				keys[k].fallback ? keys[k].fallback : "");
		}
	}
}
