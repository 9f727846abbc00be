#include "cmd/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <json-c/json.h>
#include <sqlite3.h>

#include "base/text.h"
#include "base/units.h"
#include "cmd/since.h"

enum { OPTION_FIRST = 256 };

/* A row per option: how it is written, which verbs take it (all if NULL), what it says. */
static const struct row {
	const char *name;
	int code;
	const char *argument, *verbs, *help;
} rows[] = {
	{ "config", 'c', "FILE", NULL, "settings, instead of reclaimd.conf and its drop-ins" },
	{ "policy", 'p', "FILE|DIR", NULL, "policies, instead of policies.d; may be repeated" },
	{ "instance", 'i', "NAME", NULL,
	  "settings and policies of another engine, from NAME/" },
	{ "host", 'H', "unix://SOCKET", NULL, "the engine to speak to" },
	{ "verbose", 'v', NULL, NULL, "say more on stderr" },
	{ "quiet", 'q', NULL, NULL, "say only what went wrong" },
	{ "json", OPTION_FIRST, NULL, "plan run explain where report",
	  "one JSON object instead of a table" },
	{ "all", 'a', NULL, "plan run where", "list what stays, or is small, too" },
	{ "dry-run", 'n', NULL, "run", "stop before anything is removed" },
	{ "only", OPTION_FIRST + 1, "PLAN.json", "run",
	  "remove only what this plan (of 'plan --json') has as well" },
	{ "mode", OPTION_FIRST + 2, "remove|observe", "run", "instead of the setting" },
	{ "need-free", OPTION_FIRST + 3, "SIZE", "run",
	  "only if less is free: run until so much is, by the pressure rules" },
	{ "wait", OPTION_FIRST + 4, "DURATION", "run",
	  "for another run to end, at most so long" },
	{ "since", OPTION_FIRST + 5, "TIME", "report",
	  "'yesterday', '7d', '2026-11-24 10:00', ..." },
	{ "directory", 'D', "DIR", "report",
	  "a folder of journal files, instead of this machine's" },
	{ "help", 'h', NULL, NULL, "this text" },
	{ "version", 'V', NULL, NULL, "the version, and those of the libraries" },
};

static _printf_(1, 2) int usage_error(const char *format, ...)
{
	va_list args;

	fputs("reclaimd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("; see 'reclaimd --help'\n", stderr);
	return STATUS_USAGE;
}

static int print_help(const struct verb *verbs, size_t n_verbs)
{
	puts("reclaimd: removes what a container engine no longer needs, by policy\n\n"
	     "usage: reclaimd [OPTION...] COMMAND\n\ncommands:");
	for (size_t i = 0; i < n_verbs; i++)
		printf("  %-12s %s\n", verbs[i].name, verbs[i].help);
	puts("\noptions:");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char left[64], letter[8] = "    ";

		if (rows[i].code < OPTION_FIRST)
			snprintf(letter, sizeof(letter), "-%c, ", rows[i].code);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, rows[i].name,
			 rows[i].argument ? " " : "", rows[i].argument ? rows[i].argument : "");
		printf("  %-28s %s%s%s%s\n", left, rows[i].help, rows[i].verbs ? " (" : "",
		       rows[i].verbs ? rows[i].verbs : "", rows[i].verbs ? ")" : "");
	}
	puts("\nexit status: 0 done, 1 failed, 2 usage, 3 some removals failed or the mark of a\n"
	     "pressure rule was missed, 4 the brake,\n"
	     "69 engine not reachable, 75 another run or watcher is there, 78 configuration refused");
	return STATUS_DONE;
}

static int print_version(void)
{
	printf("reclaimd %s\nlibcurl %s, json-c %s, SQLite %s\n", RECLAIMD_VERSION,
	       curl_version_info(CURLVERSION_NOW)->version, json_c_version(),
	       sqlite3_libversion());
	return STATUS_DONE;
}

static const struct row *row_of(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

static void add_policy(struct options *options, const char *path)
{
	size_t n = options->conf.n_policies++;

	options->policies = mem_grow(options->policies, n, sizeof(*options->policies));
	options->policies[n] = path;
	options->conf.policies = options->policies;
}

static void take_option(struct options *options, int code, const char *argument)
{
	switch (code) {
	case 'c':
		options->conf.config_file = argument;
		break;
	case 'p':
		add_policy(options, argument);
		break;
	case 'i':
		options->conf.instance = argument;
		break;
	case 'H':
		options->host = argument;
		break;
	case 'v':
		options->verbosity++;
		break;
	case 'q':
		options->verbosity--;
		break;
	case 'a':
		options->all = true;
		break;
	case 'n':
		options->dry_run = true;
		break;
	case OPTION_FIRST:
		options->json = true;
		break;
	case OPTION_FIRST + 1:
		options->only = argument;
		break;
	case OPTION_FIRST + 2:
		options->mode = argument;
		break;
	case OPTION_FIRST + 3:
		options->need_free_text = argument;
		break;
	case OPTION_FIRST + 4:
		options->wait_text = argument;
		break;
	case OPTION_FIRST + 5:
		options->since_text = argument;
		break;
	case 'D':
		options->folder = argument;
		break;
	default:
		break;
	}
}

static bool verb_takes(const struct verb *verb, const struct row *row)
{
	size_t length = strlen(verb->name);

	for (const char *word = row->verbs; word; word = strchr(word, ' ')) {
		word += *word == ' ';
		if (strncmp(word, verb->name, length) == 0 &&
		    (word[length] == ' ' || word[length] == '\0'))
			return true;
	}
	return !row->verbs;
}

static int unknown_verb(const char *name, const struct verb *verbs, size_t n_verbs)
{
	const char **names = mem_zalloc(n_verbs, sizeof(*names));
	_cleanup_free_ char *shown = text_escape(name), *suggestion = NULL;

	for (size_t i = 0; i < n_verbs; i++)
		names[i] = verbs[i].name;
	suggestion = text_suggest(text_nearest(name, names, n_verbs));
	free(names);
	return usage_error("unknown command '%s'%s", shown, suggestion);
}

static int find_verb(struct options *options, const struct verb *verbs, size_t n_verbs)
{
	const char *name = options->n_arguments > 0 ? options->arguments[0] : NULL;

	if (!name)
		return usage_error("no command given");
	for (size_t i = 0; i < n_verbs; i++)
		if (strcmp(verbs[i].name, name) == 0)
			options->verb = &verbs[i];
	if (!options->verb)
		return unknown_verb(name, verbs, n_verbs);
	options->arguments++;
	options->n_arguments--;
	if (options->n_arguments < options->verb->min_arguments)
		return usage_error("'%s' needs an argument", name);
	if (options->n_arguments > options->verb->max_arguments)
		return usage_error("'%s' has too many arguments", name);
	return -1;
}

static int read_sizes(struct options *options)
{
	struct err err;

	if (options->need_free_text &&
	    units_parse_bytes(options->need_free_text, &options->need_free, &err) < 0)
		return usage_error("--need-free: %s", err.text);
	if (options->need_free_text && options->need_free == 0)
		return usage_error("--need-free: '%s' is nothing", options->need_free_text);
	if (options->wait_text &&
	    units_parse_duration(options->wait_text, &options->wait, &err) < 0)
		return usage_error("--wait: %s", err.text);
	if (options->since_text &&
	    since_parse(options->since_text, time(NULL), &options->since, &err) < 0)
		return usage_error("--since: %s", err.text);
	return -1;
}

static int check_values(const struct options *options)
{
	if (options->mode && strcmp(options->mode, "remove") != 0 &&
	    strcmp(options->mode, "observe") != 0)
		return usage_error("--mode is remove or observe, not '%s'", options->mode);
	if (options->conf.instance && !conf_is_instance(options->conf.instance))
		return usage_error("'%s' is no name for an instance", options->conf.instance);
	return -1;
}

/* getopt's two notations, made from the rows. */
static void build_getopt(char *letters, struct option *longs)
{
	*letters++ = ':';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		longs[i] = (struct option){ rows[i].name, rows[i].argument != NULL, NULL,
					    rows[i].code };
		if (rows[i].code >= OPTION_FIRST)
			continue;
		*letters++ = (char)rows[i].code;
		if (rows[i].argument)
			*letters++ = ':';
	}
	*letters = '\0';
}

/* The word without what follows "=". */
static char *suggest_option(const char *word)
{
	_cleanup_free_ char *name = mem_printf("%.*s", (int)strcspn(word, "="), word);
	char *names[ARRAY_SIZE(rows)], *suggestion;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		names[i] = mem_printf("--%s", rows[i].name);
	suggestion =
		text_suggest(text_nearest(name, (const char *const *)names, ARRAY_SIZE(rows)));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		free(names[i]);
	return suggestion;
}

static int bad_option(int code, char **argv)
{
	/* Within a word of several letters optind is not beyond it yet. */
	char letter[] = { '-', (char)optopt, '\0' };
	bool unknown_letter = code == '?' && optopt != 0 && !row_of(optopt);
	const char *word = unknown_letter ? letter : argv[optind - 1];
	_cleanup_free_ char *shown = text_escape(word), *suggestion = NULL;

	if (code == ':')
		return usage_error("'%s' needs an argument", shown);
	suggestion = unknown_letter ? mem_strdup("") : suggest_option(word);
	return usage_error("'%s' is no option%s", shown, suggestion);
}

int options_parse(int argc, char **argv, const struct verb *verbs, size_t n_verbs,
		  struct options *ret)
{
	struct option longs[ARRAY_SIZE(rows) + 1] = { 0 };
	char letters[2 * ARRAY_SIZE(rows) + 2];
	const struct row *seen[ARRAY_SIZE(rows)];
	size_t n_seen = 0;
	int code, r;

	build_getopt(letters, longs);
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, longs, NULL)) >= 0) {
		if (code == '?' || code == ':')
			return bad_option(code, argv);
		if (code == 'h')
			return print_help(verbs, n_verbs);
		if (code == 'V')
			return print_version();
		if (n_seen < ARRAY_SIZE(seen))
			seen[n_seen++] = row_of(code);
		take_option(ret, code, optarg);
	}
	ret->arguments = argv + optind;
	ret->n_arguments = (size_t)(argc - optind);
	r = find_verb(ret, verbs, n_verbs);
	if (r >= 0)
		return r;
	for (size_t i = 0; i < n_seen; i++)
		if (!verb_takes(ret->verb, seen[i]))
			return usage_error("--%s does not go with this command", seen[i]->name);
	r = read_sizes(ret);
	return r >= 0 ? r : check_values(ret);
}
