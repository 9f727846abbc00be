#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/files.h"
#include "conf/pinned.h"
#include "conf/policy.h"

/* Set by the Makefile from sysconfdir and datadir. */
#ifndef RECLAIMD_SYSCONFDIR
#define RECLAIMD_SYSCONFDIR "/etc"
#endif
#ifndef RECLAIMD_PKGDATADIR
#define RECLAIMD_PKGDATADIR "/usr/share/reclaimd"
#endif

static const char *users_place(struct arena *arena)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return NULL;
	if (config && *config)
		return arena_printf(arena, "%s/reclaimd", config);
	return home && *home ? arena_printf(arena, "%s/.config/reclaimd", home) : NULL;
}

static void find_places(struct arena *arena, const char *instance, struct strings *ret)
{
	const char *places[] = {
		users_place(arena),  RECLAIMD_SYSCONFDIR "/reclaimd",
		"/run/reclaimd",     "/usr/local/lib/reclaimd",
		"/usr/lib/reclaimd",
	};

	ret->v = arena_array(arena, ARRAY_SIZE(places), sizeof(*ret->v));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i])
			ret->v[ret->n++] =
				instance ? arena_printf(arena, "%s/%s", places[i], instance)
					 : places[i];
}

static void check_instance(const struct strings *places, const char *instance,
			   struct problems *problems)
{
	for (size_t i = 0; i < places->n; i++)
		if (access(places->v[i], F_OK) == 0)
			return;
	problems_add(problems, "there is no instance '%s': its settings belong into %s",
		     instance, places->v[0]);
}

static void add_file(struct arena *arena, struct strings *files, const char *path)
{
	const char **grown = arena_array(arena, files->n + 1, sizeof(*grown));

	for (size_t i = 0; i < files->n; i++)
		grown[i] = files->v[i];
	grown[files->n] = path;
	*files = (struct strings){ grown, files->n + 1 };
}

static void load_settings(struct arena *arena, const char *file, const struct strings *places,
			  struct conf *ret, struct problems *problems)
{
	struct strings drop_ins = { 0 };

	settings_init(&ret->settings, arena);
	if (!file) {
		file = files_find_one(arena, places, "reclaimd.conf", problems);
		files_find(arena, places, "reclaimd.conf.d", ".conf", &drop_ins, problems);
	}
	if (file) {
		settings_read(&ret->settings, file, arena, problems);
		add_file(arena, &ret->files, file);
	}
	for (size_t i = 0; i < drop_ins.n; i++) {
		settings_read(&ret->settings, drop_ins.v[i], arena, problems);
		add_file(arena, &ret->files, drop_ins.v[i]);
	}
}

static void named_policies(struct arena *arena, const struct conf_request *request,
			   struct strings *ret, struct problems *problems)
{
	for (size_t i = 0; i < request->n_policies; i++) {
		const char *path = request->policies[i];
		const struct strings place = { &path, 1 };
		struct strings found = { 0 };
		int folder = files_is_folder(path, problems);

		if (folder == 0)
			add_file(arena, ret, path);
		if (folder > 0)
			files_find(arena, &place, "", ".ini", &found, problems);
		for (size_t k = 0; k < found.n; k++)
			add_file(arena, ret, found.v[k]);
	}
}

static void load_policies(struct arena *arena, const struct conf_request *request,
			  const struct strings *places, struct conf *ret,
			  struct problems *problems)
{
	struct rule_list rules = { 0 };
	struct strings files = { 0 };

	if (request->n_policies > 0)
		named_policies(arena, request, &files, problems);
	else
		files_find(arena, places, "policies.d", ".ini", &files, problems);
	for (size_t i = 0; i < files.n; i++) {
		policy_read(&rules, files.v[i], arena, problems);
		add_file(arena, &ret->files, files.v[i]);
	}
	policy_finish(&rules, &ret->settings, problems);
	ret->rules.n = rules.n;
	ret->rules.v = arena_adopt(arena, rules.v, rules.n, sizeof(*rules.v));
}

/* What the system's files say was written for the system's engine: none of it reaches the own
 * engine of a user, not even which engine it is. */
static struct strings places_that_count(struct arena *arena, const struct conf_request *request,
					const struct strings *places)
{
	const struct strings own = { places->v, 1 };
	struct problems problems = { 0 };
	struct conf conf = { 0 };
	bool is_users;

	if (!request->is_users || !users_place(arena))
		return *places;
	/* Mistakes are found again when it is read for good. */
	load_settings(arena, request->config_file, &own, &conf, &problems);
	is_users = request->is_users(&conf.settings, request->data);
	problems_clear(&problems);
	return is_users ? own : *places;
}

/* The instances' places lie in the main ones. */
static bool are_places_roots(struct arena *arena, const char *instance,
			     const struct strings *places, struct problems *problems)
{
	struct strings mains = { 0 };

	find_places(arena, NULL, &mains);
	return files_are_roots(&mains, problems) &&
	       (!instance || files_are_roots(places, problems));
}

bool conf_is_instance(const char *name)
{
	static const char *const taken[] = { "policies.d", "pinned.d", "reclaimd.conf.d",
					     "reclaimd.conf" };

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return false;
	return *name && *name != '.' && !strchr(name, '/');
}

static void add_misnamed(struct arena *arena, const struct strings *places,
			 const char *subfolder, const char *suffix, struct strings *ret)
{
	/* What cannot be read has been said. */
	struct problems problems = { 0 };
	struct strings found;

	files_find_misnamed(arena, places, subfolder, suffix, &found, &problems);
	for (size_t i = 0; i < found.n; i++)
		add_file(arena, ret,
			 arena_printf(arena, "%s: is not read: its name does not end in %s",
				      found.v[i], suffix));
	problems_clear(&problems);
}

struct strings conf_find_misnamed(struct arena *arena, const struct conf_request *request,
				  const struct conf *conf)
{
	struct strings found = { 0 };

	if (!request->config_file)
		add_misnamed(arena, &conf->counting, "reclaimd.conf.d", ".conf", &found);
	for (size_t i = 0; i < request->n_policies; i++) {
		const char *path = request->policies[i];

		add_misnamed(arena, &(struct strings){ &path, 1 }, "", ".ini", &found);
	}
	if (request->n_policies == 0)
		add_misnamed(arena, &conf->counting, "policies.d", ".ini", &found);
	add_misnamed(arena, &conf->places, "pinned.d", ".list", &found);
	return found;
}

int conf_load(struct arena *arena, const struct conf_request *request, struct conf *ret,
	      struct problems *problems)
{
	*ret = (struct conf){ .example = RECLAIMD_PKGDATADIR "/policies" };
	find_places(arena, request->instance, &ret->places);
	ret->policies = arena_printf(arena, "%s/policies.d", ret->places.v[0]);
	if (!are_places_roots(arena, request->instance, &ret->places, problems))
		return -EINVAL;
	if (request->instance)
		check_instance(&ret->places, request->instance, problems);
	ret->counting = places_that_count(arena, request, &ret->places);
	load_settings(arena, request->config_file, &ret->counting, ret, problems);
	load_policies(arena, request, &ret->counting, ret, problems);
	pinned_load(arena, &ret->places, &ret->pinned, problems);
	return problems->n > 0 ? -EINVAL : 0;
}

void conf_dump(const struct conf *conf, FILE *out)
{
	settings_dump(&conf->settings, out);
	policy_dump(&conf->rules, &conf->settings, out);
}

void conf_document(FILE *out)
{
	fputs(".SH SETTINGS\n", out);
	settings_document(out);
	fputs(".SH POLICIES\n", out);
	policy_document(out);
}

void conf_example(FILE *out)
{
	fputs("# How reclaimd works; what may go is in policies.d. Copy it to /etc/reclaimd/reclaimd.conf, "
	      "or\n# put single settings into /etc/reclaimd/reclaimd.conf.d/NAME.conf. What is commented "
	      "out shows the\n# default. See reclaimd.conf(5).\n",
	      out);
	settings_example(out);
}
