#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "folder.h"

/* Settings and policies as files in a folder of their own, read by conf_load(). */

#define S "settings.conf"
#define P "policy.ini"
#define DANGLING "[images a]\ndangling = yes\nkeep-last = 1\n"
#define PRESSURE "[images a]\nname = *\n"
#define POLICY "[containers a]\nname = *\nkeep-within = 1d\n"

struct world {
	char *folder;
	struct arena *arena;
	const char *config;
	const char *policies[3];
	size_t n_policies;
	struct conf conf;
	struct problems problems;
};

static int make_world(void **state)
{
	struct world *world = mem_zalloc(1, sizeof(*world));

	world->folder = folder_make();
	world->arena = arena_new();
	*state = world;
	return 0;
}

static int remove_world(void **state)
{
	struct world *world = *state;

	problems_clear(&world->problems);
	arena_free(world->arena);
	folder_remove(world->folder);
	free(world);
	return 0;
}

static const char *put(struct world *world, const char *name, const char *text, size_t length)
{
	free(folder_write(world->folder, name, text, length));
	return arena_printf(world->arena, "%s/%s", world->folder, name);
}

static int load_files(struct world *world)
{
	const struct conf_request request = {
		.config_file = world->config,
		.policies = world->policies,
		.n_policies = world->n_policies,
	};

	problems_clear(&world->problems);
	return conf_load(world->arena, &request, &world->conf, &world->problems);
}

static int load_bytes(struct world *world, const char *settings, const char *policy,
		      size_t length)
{
	world->config = put(world, S, settings, strlen(settings));
	world->policies[0] = put(world, P, policy, length);
	world->n_policies = 1;
	return load_files(world);
}

static int load(struct world *world, const char *settings, const char *policy)
{
	return load_bytes(world, settings, policy, strlen(policy));
}

static void assert_loads(struct world *world, const char *settings, const char *policy)
{
	if (load(world, settings, policy) < 0)
		fail_msg("%s\nof\n%s%s", world->problems.texts[0], settings, policy);
	assert_int_equal(world->problems.n, 0);
}

/* wanted: "FILE:LINE: words"; words are what the message has to have. */
static void assert_problem(struct world *world, size_t i, const char *wanted)
{
	const char *words = strstr(wanted, ": ") + 2;
	const char *place = arena_printf(world->arena, "%s/%.*s", world->folder,
					 (int)(words - wanted), wanted);
	const char *got = i < world->problems.n ? world->problems.texts[i] : "nothing";

	if (strncmp(got, place, strlen(place)) != 0 || !strstr(got, words))
		fail_msg("'%s' in place of '%s'", got, wanted);
}

#define MAX_WANTED 12

static void assert_problems(struct world *world, const char *const wanted[MAX_WANTED])
{
	size_t n = 0;

	for (; n < MAX_WANTED && wanted[n]; n++)
		assert_problem(world, n, wanted[n]);
	if (world->problems.n > n)
		fail_msg("also: '%s'", world->problems.texts[n]);
}

/* c N times, between before and after. */
static char *long_text(const char *before, char c, size_t n, const char *after)
{
	char *text = mem_zalloc(strlen(before) + n + strlen(after) + 1, 1);

	strcpy(text, before);
	memset(text + strlen(before), c, n);
	strcpy(text + strlen(before) + n, after);
	return text;
}

static char *dump(const struct world *world)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	conf_dump(&world->conf, out);
	fclose(out);
	return text;
}

/* Comments say which file and line a value came from, which differ after reading back. */
static char *without_comments(const char *text)
{
	char *copy = mem_zalloc(strlen(text) + 1, 1), *to = copy;

	while (*text) {
		size_t length = strcspn(text, "\n");

		length += text[length] == '\n';
		if (*text != '#') {
			memcpy(to, text, length);
			to += length;
		}
		text += length;
	}
	return copy;
}

/* Settings come first, rules behind them. */
static void assert_dump_reads_back(struct world *world)
{
	_cleanup_free_ char *before = dump(world), *after = NULL;
	_cleanup_free_ char *plain_before = without_comments(before), *plain_after = NULL;
	char *rules = plain_before;

	/* A rule's section is of two words, one of the settings of one. */
	do {
		rules = strstr(rules + 1, "\n[");
	} while (rules && strcspn(rules, " ") > strcspn(rules, "]"));
	if (!rules)
		rules = plain_before + strlen(plain_before) - 1;
	*rules = '\0';
	assert_loads(world, plain_before, rules + 1);
	*rules = '\n';
	after = dump(world);
	plain_after = without_comments(after);
	assert_string_equal(plain_after, plain_before);
}

static const struct {
	const char *settings, *policy;
	const char *wanted[MAX_WANTED];
} bad[] = {
	/* Unknown sections and keys. */
	{ "[engin]\nhost = x\n",
	  POLICY,
	  { S ":1: unknown section 'engin' (did you mean engine; rules belong into "
	      "policies.d)" } },
	{ "[containers a]\nname = *\n",
	  POLICY,
	  { S ":1: unknown section 'containers a' (settings have engine, run, report; rules "
	      "belong into policies.d)" } },
	{ "[engine]\nhots = unix:///x\n",
	  POLICY,
	  { S ":2: unknown key 'hots' (did you mean 'host'?)" } },
	{ "[run]\nhost = unix:///x\n", POLICY, { S ":2: unknown key 'host'" } },
	{ "",
	  POLICY "keep-lasst = 3\n",
	  { P ":4: unknown key 'keep-lasst' (did you mean 'keep-last'?)" } },
	{ "",
	  POLICY "keep last = 3\n",
	  { P ":4: unknown key 'keep last' (did you mean 'keep-last'?)" } },
	{ "",
	  POLICY "colour-of-the-sky = blue\n",
	  { P ":4: unknown key 'colour-of-the-sky'" } },
	{ "", POLICY "Name = a\n", { P ":4: unknown key 'Name' (did you mean 'name'?)" } },
	{ "",
	  POLICY "dangling = yes\n",
	  { P ":4: 'dangling' is a key of images, not of containers" } },
	{ "",
	  "[images a]\ndangling = yes\nkeep-last = 1\nstate = exited\n",
	  { P ":4: 'state' is a key of containers, not of images" } },
	{ "",
	  "[container a]\nkeep-within = 1d\n",
	  { P
	    ":1: unknown kind 'container' (did you mean 'containers'?); a section is "
	    "[KIND NAME] with KIND one of containers, images, volumes, networks, build-cache" } },
	{ "", "[pods a]\n", { P ":1: unknown kind 'pods'; a section is" } },
	{ "",
	  "[volumes a]\nanonymous = no\nkeep-within = 1d\nname = *\n",
	  { P ":2: 'anonymous = no' means volumes that somebody named; write which, by name, "
	      "label or project other than '*'" } },
	{ "",
	  "[volumes a]\nanonymous = no\nkeep-within = 1d\nname = !db\n",
	  { P ":2: 'anonymous = no' means volumes that somebody named; write which, by name, "
	      "label or project other than '*'" } },
	{ "",
	  "[volumes a]\nanonymous = no\nkeep-within = 1d\nname = cache-*\nquarantine = 0s\n",
	  { P ":5: quarantine: '0s' is out of range; it must be at least 1h" } },
	{ "",
	  "[volumes a]\nname = *\nkeep-within = 1d\nage-from = used\n",
	  { P ":4: age-from: 'used' is none of: created, untagged" } },
	{ "",
	  "[networks a]\nname = *\nkeep-within = 1d\ndriver = bridge\n",
	  { P ":4: 'driver' is a key of volumes, not of networks" } },
	{ "",
	  "[containers a]\nname = *\nkeep-within = 1d\nremove-volumes = all\n",
	  { P ":4: remove-volumes: 'all' is none of: yes, no" } },
	{ "",
	  "[build-cache a]\nname = *\n",
	  { P
	    ":1: [build-cache a] keeps nothing; write keep-within, keep-storage or keep-last, or "
	    "'keep-within = 0s' if that is meant" } },
	{ "",
	  "[build-cache a]\nname = *\nkeep-storage = 10G\n",
	  { P
	    ":3: keep-storage: '10G' has no unit; write 10GB (10^9 bytes), 10GiB (2^30) or 512B" } },
	{ "",
	  "[build-cache a]\nlabel = x\nkeep-storage = 10GB\nname = *\n",
	  { P ":2: 'label' is a key of containers, images, volumes, networks, not of "
	      "build-cache" } },
	{ "", "[tags a]\n", { P ":1: unknown kind 'tags'" } },
	{ "", "[]\n", { P ":1: unknown kind ''" } },
	{ "", "[ containers a]\n", { P ":1: unknown kind ''" } },
	{ "",
	  "[containers]\nname = *\n",
	  { P ":1: the rule needs a name of one word: [containers NAME]" } },
	{ "", "[containers a b]\n", { P ":1: the rule needs a name of one word" } },

	/* Bad values, numbers out of range. */
	{ "[engine]\nhost = tcp://10.0.0.1:2375\n",
	  POLICY,
	  { S ":2: host: 'tcp://10.0.0.1:2375' is not unix:///PATH" } },
	{ "[engine]\nhost = unix://run/docker.sock\n",
	  POLICY,
	  { S ":2: host: 'unix://run/docker.sock' is not unix:///PATH" } },
	{ "[engine]\ndata-root = var/lib\n",
	  POLICY,
	  { S ":2: data-root: 'var/lib' is no absolute path" } },
	{ "[engine]\nconnections = many\n",
	  POLICY,
	  { S ":2: connections: 'many' is no whole number" } },
	{ "[engine]\nconnections = 65\n",
	  POLICY,
	  { S ":2: connections: '65' is out of range; it must be 0 to 64" } },
	{ "[engine]\nconnections = -1\n",
	  POLICY,
	  { S ":2: connections: '-1' is out of range; it must be 0 to 64" } },
	{ "[engine]\ntimeout = 0s\n",
	  POLICY,
	  { S ":2: timeout: '0s' is out of range; it must be at least 1s" } },
	{ "[engine]\ntimeout = 2d\n",
	  POLICY,
	  { S ":2: timeout: '2d' is out of range; it must be at most 1d" } },
	{ "[engine]\ntimeout = 5\n", POLICY, { S ":2: timeout: '5' has no unit" } },
	{ "[run]\nmode = delete\n",
	  POLICY,
	  { S ":2: mode: 'delete' is none of: remove, observe" } },
	{ "[run]\nmin-age = soon\n", POLICY, { S ":2: min-age: 'soon' is no duration" } },
	{ "[run]\nmax-remove = 101%\n",
	  POLICY,
	  { S ":2: max-remove: '101%' is no limit; write a number, or 0% to 100%" } },
	{ "[run]\nmax-remove = -1\n", POLICY, { S ":2: max-remove: '-1' is no limit" } },
	{ "[run]\nmax-remove = 5 %\n", POLICY, { S ":2: max-remove: '5 %' is no limit" } },
	{ "[run]\nmax-remove = %\n", POLICY, { S ":2: max-remove: '%' is no limit" } },
	{ "[report]\nentries = 1000001\n",
	  POLICY,
	  { S ":2: entries: '1000001' is out of range; it must be 0 to 1000000" } },
	{ "",
	  POLICY "action = delete\n",
	  { P ":4: action: 'delete' is none of: remove, keep" } },
	{ "",
	  POLICY "state = exited, running\n",
	  { P ":4: state: 'running' is none of: exited, created, dead" } },
	{ "", POLICY "state = ,\n", { P ":4: state: ',' lists nothing" } },
	{ "", POLICY "exit-code = , ,\n", { P ":4: exit-code: ', ,' lists nothing" } },
	{ "",
	  POLICY "exit-code = 256\n",
	  { P ":4: exit-code: '256' is out of range; it must be 0 to 255" } },
	{ "", POLICY "exit-code = 5-1\n", { P ":4: exit-code: '5-1' ends before it begins" } },
	{ "",
	  POLICY "exit-code = -5\n",
	  { P ":4: exit-code: '-5' is no range; write N or N-M" } },
	{ "",
	  POLICY "exit-code = 1..255\n",
	  { P ":4: exit-code: '1..255' is no range; write N or N-M" } },
	{ "", POLICY "exit-code = 1-\n", { P ":4: exit-code: '1-' is no range" } },
	{ "", POLICY "exit-code = 1-2-3\n", { P ":4: exit-code: '2-3' is no whole number" } },
	{ "",
	  POLICY "exit-code = x\n",
	  { P ":4: exit-code: 'x' is no range; write N or N-M" } },
	{ "", POLICY "image = a,,b\n", { P ":4: image: there is an empty pattern" } },
	{ "", POLICY "image = [a\n", { P ":4: image: '[a' has a '[' without ']'" } },
	{ "", POLICY "label = =x\n", { P ":4: label: '=x' has no label key" } },
	{ "",
	  POLICY "keep-last = 2147483648\n",
	  { P ":4: keep-last: '2147483648' is out of range; it must be 0 to 2147483647" } },
	{ "", POLICY "keep-last = 3.5\n", { P ":4: keep-last: '3.5' is no whole number" } },
	{ "",
	  POLICY "max-age = 0s\n",
	  { P ":4: max-age: '0s' is out of range; it must be at least 1s" } },
	{ "",
	  POLICY "max-age = 1month\n",
	  { P ":4: max-age: '1month' has no unit that is known" } },
	{ "", POLICY "group-by = label:\n", { P ":4: group-by: 'label:' is none of: none, " } },
	{ "",
	  POLICY "group-by = label:KEY\ngroup-by = name\n",
	  { P ":5: 'group-by' is here a second time, first in line 4" } },
	{ "", POLICY "group-by = colour\n", { P ":4: group-by: 'colour' is none of: none, " } },
	{ "", POLICY "action =\n", { P ":4: action: has no value" } },
	{ "", POLICY "action = \t \n", { P ":4: action: has no value" } },

	/* A rule as a whole. */
	{ "",
	  "[containers a]\nname = *\n",
	  { P ":1: [containers a] keeps nothing; write keep-within or keep-last" } },
	{ "",
	  "[containers a]\nname = *\nmax-age = 1d\nkeep-label = x\n",
	  { P ":3: [containers a] keeps nothing; write keep-within or keep-last" } },
	{ "",
	  "[images a]\ndangling = yes\nmax-age = 1d\n",
	  { P ":3: [images a] keeps nothing" } },
	{ "",
	  "[containers a]\nkeep-last = 1\n",
	  { P ":1: [containers a] selects nothing; write which, or 'name = *' for all" } },
	{ "",
	  "[containers a]\n",
	  { P ":1: [containers a] selects nothing", P ":1: [containers a] keeps nothing" } },
	{ "",
	  "[containers a]\nname = *\naction = keep\nkeep-last = 1\nkeep-within = 1d\n",
	  { P ":5: 'keep-within' means nothing beside 'action = keep'",
	    P ":4: 'keep-last' means nothing beside 'action = keep'" } },
	{ "",
	  POLICY "max-age = 1h\n",
	  { P ":4: max-age is shorter than keep-within, which then never holds" } },
	{ "",
	  POLICY "age-from = tagged\n",
	  { P ":4: age-from: 'tagged' is none of: finished, created" } },
	{ "",
	  POLICY "order-by = version\n",
	  { P ":4: order-by: 'version' is none of: finished, created" } },
	{ "",
	  POLICY "group-by = repository\n",
	  { P ":4: group-by: 'repository' is none of: none, name, image, project, service, "
	      "label:KEY" } },
	{ "",
	  "[images a]\nname = *\nkeep-last = 1\nage-from = finished\norder-by = finished\n"
	  "group-by = project\n",
	  { P ":4: age-from: 'finished' is none of: created, tagged, untagged, used",
	    P ":5: order-by: 'finished' is none of: created, tagged, untagged, used, version",
	    P ":6: group-by: 'project' is none of: none, repository, name, service, "
	      "label:KEY" } },
	{ "",
	  "[build-cache a]\nname = *\nkeep-last = 1\ngroup-by = label:x\n",
	  { P ":4: group-by: 'label:x' is none of: none" } },
	{ "",
	  "[images a]\nname = *\nkeep-last = 1\ngroup-by = service\n",
	  { P ":4: images belong to a service only by having run" } },
	{ "",
	  "[images a]\ndangling = yes\ntag = x\nkeep-last = 1\n",
	  { P ":3: a dangling image has no tag" } },
	{ "",
	  DANGLING "preserve-as = {repository}:old-{created}\n",
	  { P ":4: preserve-as: '{repository}:old-{created}' has no {id}" } },
	{ "",
	  DANGLING "preserve-as = {repository}:{version}-{id}\n",
	  { P ":4: preserve-as: '{version}' is none of: {repository}, {tag}, {created}, {id}, "
	      "{date}" } },
	{ "",
	  DANGLING "preserve-as = {repository}:{id\n",
	  { P ":4: preserve-as: '{id' is none of: {repository}" } },
	{ "",
	  DANGLING "preserve-as = {repository}:{id}-{id}\n",
	  { P ":4: preserve-as: '{id}' is here a second time" } },
	{ "",
	  DANGLING "preserve-as = {repository}-{id}\n",
	  { P ":4: preserve-as: '{repository}-{id}' gives no name with a valid tag, but "
	      "'app-0a1b2c3d4e5f'" } },
	{ "",
	  DANGLING "preserve-as = {id}\n",
	  { P ":4: preserve-as: '{id}' gives no name with a valid tag" } },
	{ "",
	  DANGLING "preserve-as = {repository}:-{id}\n",
	  { P ":4: preserve-as: '{repository}:-{id}' gives no name with a valid tag" } },
	{ "",
	  DANGLING "preserve-as = {repository}:old {id}\n",
	  { P ":4: preserve-as: '{repository}:old {id}' gives no name with a valid tag" } },
	{ "",
	  DANGLING "preserve-as = Old-{repository}:{id}\n",
	  { P ":4: preserve-as: 'Old-{repository}:{id}' gives no name with a valid tag" } },
	{ "",
	  DANGLING "preserve-as = {repository}:{id}@sha256:0123\n",
	  { P ":4: preserve-as: '{repository}:{id}@sha256:0123' gives no name" } },
	{ "",
	  "[images a]\nname = *\nkeep-last = 1\npreserve-as = {repository}:{id}\n",
	  { P ":4: preserve-as is for untagged images; write 'dangling = yes', too" } },
	{ "",
	  DANGLING "preserve-as = {repository}:{id}\nage-from = tagged\n",
	  { P ":5: 'tagged' would make an image new when preserve-as tags it" } },
	{ "",
	  DANGLING "preserve-as = {repository}:{id}\norder-by = tagged\n",
	  { P ":5: 'tagged' would make an image new when preserve-as tags it" } },
	{ "",
	  "[containers a]\nname = *\nkeep-last = 1\npreserve-as = {repository}:{id}\n",
	  { P ":4: 'preserve-as' is a key of images, not of containers" } },

	/* Pressure rules. */
	{ "",
	  PRESSURE "when-used-above = 85%\n",
	  { P ":3: when-used-above needs until-used-below: how far the rule goes" } },
	{ "",
	  PRESSURE "until-used-below = 70%\nkeep-last = 1\n",
	  { P ":3: until-used-below needs when-used-above: from when on the rule acts" } },
	{ "",
	  PRESSURE "when-free-below = 20GB\n",
	  { P ":3: when-free-below needs until-free-above" } },
	{ "",
	  PRESSURE "keep-last = 1\nuntil-free-above = 20GB\n",
	  { P ":4: until-free-above needs when-free-below" } },
	{ "",
	  PRESSURE "when-used-above = 70%\nuntil-used-below = 85%\n",
	  { P ":4: until-used-below is above when-used-above; it must be less" } },
	{ "",
	  PRESSURE "when-free-below = 60GB\nuntil-free-above = 20GB\n",
	  { P ":4: until-free-above is below when-free-below; it must be more" } },
	{ "",
	  PRESSURE "when-used-above = 101%\nuntil-used-below = 85%\n",
	  { P
	    ":3: when-used-above: '101%' is no percentage of a disk; write 1% to 99%, or such a percentage and "
	    "'inodes'" } },
	{ "",
	  PRESSURE "when-used-above = 100%\nuntil-used-below = 0%\n",
	  { P ":3: when-used-above: '100%' is no percentage of a disk; write 1% to 99%",
	    P ":4: until-used-below: '0%' is no percentage of a disk; write 1% to 99%" } },
	{ "",
	  PRESSURE "when-used-above = 20GB\nuntil-used-below = 85\n",
	  { P ":3: when-used-above: '20GB' is a size; a percentage such as 85% belongs here",
	    P ":4: until-used-below: '85' is no percentage of a disk; write 1% to 99%" } },
	{ "",
	  PRESSURE "when-used-above = 85% nodes\nuntil-used-below = % inodes\n",
	  { P ":3: when-used-above: '85% nodes' is no percentage of a disk; write 1% to 99%", P
	    ":4: until-used-below: '% inodes' is no percentage of a disk; write 1% to 99%" } },
	{ "",
	  PRESSURE "when-free-below = 15%\nuntil-free-above = 20G\n",
	  { P ":3: when-free-below: '15%' is a percentage; a size such as 20GB belongs here",
	    P ":4: until-free-above: '20G'" } },
	{ "",
	  PRESSURE "when-free-below = 0B\nuntil-free-above = 1GB\n",
	  { P ":3: when-free-below: '0B' is out of range; it must be at least 1B" } },
	{ "",
	  PRESSURE "when-used-above = 85%\nuntil-free-above = 60GB\n",
	  { P ":4: marks by percentage and by size do not mix in one rule" } },
	{ "",
	  PRESSURE "when-used-above = 85%\nuntil-used-below = 70%\nwhen-free-below = 20GB\n"
		   "until-free-above = 60GB\n",
	  { P ":5: marks by percentage and by size do not mix in one rule" } },
	{ "",
	  PRESSURE "when-used-above = 85%\nuntil-used-below = 70% inodes\n",
	  { P ":4: when-used-above and until-used-below must both count inodes, or neither" } },
	{ "",
	  PRESSURE "keep-last = 1\norder = largest-first\n",
	  { P ":4: order is for pressure rules: write when-used-above or when-free-below" } },
	{ "",
	  PRESSURE "when-used-above = 85%\nuntil-used-below = 70%\norder = smallest-first\n",
	  { P ":5: order: 'smallest-first' is none of: least-recently-used, largest-first, "
	      "oldest-first" } },
	{ "",
	  PRESSURE "when-used-above = 85%\nuntil-used-below = 70%\naction = keep\n",
	  { P ":5: a pressure rule only takes" } },

	/* A pin that can match nothing. */
	{ "",
	  "[images a]\nname = *\nkeep-last = 1\nkeep-tag = latest stable\n",
	  { P
	    ":4: keep-tag: 'latest stable' matches nothing; between patterns write a comma" } },
	{ "",
	  "[images a]\nname = *\nkeep-last = 1\nkeep-tag = latest, app:1\n",
	  { P ":4: keep-tag: 'app:1' matches nothing; NAME:TAG is what keep-name takes" } },
	{ "",
	  "[volumes a]\nname = *\nkeep-last = 1\nkeep-name = db web\n",
	  { P ":4: keep-name: 'db web' matches nothing; between patterns write a comma" } },
	{ "",
	  "[containers a]\nname = *\nkeep-last = 1\nkeep-name = \"db\"\n",
	  { P ":4: keep-name: '\"db\"' matches nothing; patterns have no quotes" } },

	/* What inih would take without a word. */
	{ "",
	  "name = *\n",
	  { P ":1: there is no section above this key; write [SECTION] first" } },
	{ "mode = observe\n", POLICY, { S ":1: there is no section above this key" } },
	{ "", "[containers a] name = *\n", { P ":1: there is text after ']'" } },
	{ "", "[containers a]]\n", { P ":1: there is text after ']'" } },
	{ "",
	  "[containers a\nname = *\n",
	  { P ":1: there is no ']' at the end of the section's name" } },
	{ "",
	  POLICY "  image = x\n",
	  { P ":4: this line is indented; begin it at the margin" } },
	{ "", POLICY "\timage = x\n", { P ":4: this line is indented" } },
	{ "",
	  POLICY " [containers b]\nname = x\n",
	  { P ":4: this line is indented; begin it at the margin" } },
	{ "", POLICY "\fimage = x\n", { P ":4: there is a control character in this line" } },
	{ "", POLICY "\v[a=b]\n", { P ":4: there is a control character in this line" } },
	{ "", POLICY "image = \x1b[31mx]\n", { P ":4: there is a control character" } },
	{ "", POLICY "image = x\x7f\n", { P ":4: there is a control character" } },
	{ "", POLICY "image = x\ry\n", { P ":4: there is a control character" } },
	{ "", POLICY "image = x\r\r\n", { P ":4: there is a control character" } },
	{ "",
	  POLICY "image\n",
	  { P ":4: this is neither 'key = value' nor '[section]' nor a '# comment'" } },
	{ "", POLICY "image: x\n", { P ":4: this is neither 'key = value' nor '[section]'" } },
	{ "", POLICY "= x\n", { P ":4: there is no key before '='" } },
	{ "", POLICY "image = x # why\n", { P ":4: a comment stands on a line of its own" } },
	{ "", POLICY "image = x ; why\n", { P ":4: a comment stands on a line of its own" } },
	{ "", POLICY "image = x\t;why\n", { P ":4: a comment stands on a line of its own" } },
	{ "", POLICY "image = ;x\n", { P ":4: a comment stands on a line of its own" } },
	{ "", POLICY "image=#x\n", { P ":4: a comment stands on a line of its own" } },
	{ "", POLICY "image = a,;x\n", { P ":4: a comment stands on a line of its own" } },
	{ "", POLICY "image ;x = y\n", { P ":4: a comment stands on a line of its own" } },
	{ "",
	  POLICY "image = x\xff\n# \xc3\n",
	  { P ":4: this line is not valid UTF-8", P ":5: this line is not valid UTF-8" } },
	{ "", "[containers \xe4]\nname = *\n", { P ":1: this line is not valid UTF-8" } },
	{ "", POLICY "\xef\xbb\xbfimage = x\n", { P ":4: unknown key '\\u{feff}image'" } },

	/* Twice. */
	{ "[engine]\nhost = unix:///a\nhost = unix:///b\n",
	  POLICY,
	  { S ":3: 'host' is here a second time" } },
	{ "[run]\nmin-age = 1h\n[run]\nmin-age = 2h\n",
	  POLICY,
	  { S ":4: 'min-age' is here a second time" } },
	{ "",
	  POLICY "keep-within = 2d\n",
	  { P ":4: 'keep-within' is here a second time, first in line 3" } },
	{ "", POLICY POLICY, { P ":4: there is a [containers a] already, at " } },
};

static void every_mistake_has_its_line_and_words(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (load(world, bad[i].settings, bad[i].policy) != -EINVAL)
			fail_msg("no mistake in\n%s%s", bad[i].settings, bad[i].policy);
		assert_problems(world, bad[i].wanted);
	}
}

static void all_mistakes_are_listed(void **state)
{
	struct world *world = *state;
	static const char *const wanted[MAX_WANTED] = {
		S ":1: there is no section above",
		S ":3: unknown key 'hosst' (did you mean 'host'?)",
		S ":4: connections: '99' is out of range",
		P ":2: state: has no value",
		P ":3: unknown key 'keep-lasst'",
		P ":4: keep-within: 'a while' is no duration",
		P ":5: this line is indented",
		P ":6: unknown kind 'image' (did you mean 'images'?)",
		P ":9: dangling: 'perhaps' is none of: no, yes, any",
		P ":8: [images b] keeps nothing",
	};

	assert_int_equal(load(world, "mode = x\n[engine]\nhosst = x\nconnections = 99\n",
			      "[containers a]\nstate =\nkeep-lasst = 3\n"
			      "keep-within = a while\n  name = x\n[image b]\nname = x\n"
			      "[images b]\ndangling = perhaps\n"),
			 -EINVAL);
	assert_problems(world, wanted);
}

static void a_nul_byte_is_refused(void **state)
{
	static const char key[] = "[containers a]\nname = *\0x\nkeep-last = 1\nname = x\n";
	static const char header[] = "[containers\0 a]\nname = *\n";
	static const char comment[] = POLICY "# a\0b\n\0";
	struct world *world = *state;

	assert_int_equal(load_bytes(world, "", key, sizeof(key) - 1), -EINVAL);
	assert_problem(world, 0, P ":2: there is a NUL byte in this line");
	assert_int_equal(world->problems.n, 1);
	assert_int_equal(load_bytes(world, "", header, sizeof(header) - 1), -EINVAL);
	assert_problem(world, 0, P ":1: there is a NUL byte in this line");
	assert_int_equal(world->problems.n, 1);
	assert_int_equal(load_bytes(world, "", comment, sizeof(comment) - 1), -EINVAL);
	assert_problem(world, 0, P ":4: there is a NUL byte in this line");
	assert_problem(world, 1, P ":5: there is a NUL byte in this line");
	assert_int_equal(world->problems.n, 2);
}

static void lines_of_ten_thousand_characters_are_refused_once(void **state)
{
	static const struct {
		const char *before, *after;
		const char *wanted;
	} table[] = {
		{ POLICY "image = ", "\n", P ":4: this line is longer than 198 bytes; a key" },
		{ POLICY, " = x\n", P ":4: this line is longer than 198 bytes" },
		{ POLICY, "\n", P ":4: this line is longer than 198 bytes" },
		{ POLICY "[containers ", "]\nname = x\n", P ":4: this line is longer than" },
		{ POLICY "[", "\nname = x\n", P ":4: this line is longer than 198 bytes" },
		{ "[containers ", "]\nname = x\n", P ":1: this line is longer than 198 bytes" },
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_free_ char *policy =
			long_text(table[i].before, 'a', 10000, table[i].after);

		assert_int_equal(load(world, "", policy), -EINVAL);
		assert_problem(world, 0, table[i].wanted);
		assert_int_equal(world->problems.n, 1);
	}
}

static void a_comment_may_be_of_any_length(void **state)
{
	_cleanup_free_ char *hash = long_text("# ", 'a', 10000, "\n" POLICY);
	_cleanup_free_ char *semicolon = long_text(POLICY ";", ']', 10000, "");
	struct world *world = *state;

	assert_loads(world, "", hash);
	assert_int_equal(world->conf.rules.v[0].section.line, 2);
	assert_loads(world, "", semicolon);
}

static void the_longest_line_and_name_are_read_whole(void **state)
{
	struct world *world = *state;
	_cleanup_free_ char *fits = long_text(POLICY "image = ", 'a', 190, "\r\n");
	_cleanup_free_ char *over = long_text(POLICY "image = ", 'a', 191, "\n");
	_cleanup_free_ char *name =
		long_text("[containers ", 'n', 38, "]\nname = *\nkeep-last = 1\n");
	_cleanup_free_ char *long_name = long_text("[containers ", 'n', 39, "]\nname = *\n");

	assert_loads(world, "", fits);
	assert_int_equal(strlen(world->conf.rules.v[0].images.v[0].glob), 190);
	assert_int_equal(load(world, "", over), -EINVAL);
	assert_problem(world, 0, P ":4: this line is longer than 198 bytes");
	assert_loads(world, "", name);
	assert_int_equal(strlen(world->conf.rules.v[0].name), 38);
	assert_dump_reads_back(world);
	assert_int_equal(load(world, "", long_name), -EINVAL);
	assert_problem(world, 0, P ":1: the section's name is longer than 49 bytes");
	assert_int_equal(world->problems.n, 1);
}

static void line_ends_of_windows_and_a_byte_order_mark_are_accepted(void **state)
{
	struct world *world = *state;

	assert_loads(world, "\xef\xbb\xbf[run]\r\nmode = observe\r\n",
		     "\xef\xbb\xbf# a comment\r\n\r\n[containers a]\r\nname = x\r\n"
		     "keep-within = 1d\r\n \t\r\n");
	assert_int_equal(world->conf.settings.mode, MODE_OBSERVE);
	assert_string_equal(world->conf.rules.v[0].names.v[0].glob, "x");
	assert_int_equal(world->conf.rules.v[0].section.line, 3);
	assert_int_equal(world->conf.rules.v[0].origin[RULE_KEEP_WITHIN].line, 5);
	assert_loads(world, "\xef\xbb\xbf", "\xef\xbb\xbf" POLICY);
	assert_int_equal(world->conf.rules.n, 1);
}

static void a_file_may_end_without_a_line_end(void **state)
{
	struct world *world = *state;

	assert_loads(world, "[run]\nmode=observe", "[containers a]\nname=*\nkeep-within=7d");
	assert_int_equal(world->conf.settings.mode, MODE_OBSERVE);
	assert_int_equal(world->conf.rules.v[0].keep_within, 7 * 86400);
	assert_int_equal(load(world, "", POLICY "[containers b]"), -EINVAL);
	assert_problem(world, 0, P ":4: [containers b] selects nothing");
}

static void comments_and_blanks_go_where_they_may(void **state)
{
	struct world *world = *state;

	assert_loads(world, "; all\n[run] # of it\n  # indented\nmode   =\tobserve  \n",
		     "[containers   a]\t; why\nlabel = a=#b, c#d, e;f\nkeep-last=1\n");
	assert_string_equal(world->conf.rules.v[0].name, "a");
	assert_string_equal(world->conf.rules.v[0].labels.v[0].glob, "#b");
	assert_string_equal(world->conf.rules.v[0].labels.v[1].key, "c#d");
	assert_dump_reads_back(world);
}

static void settings_have_their_defaults(void **state)
{
	struct world *world = *state;
	const struct settings *settings = &world->conf.settings;

	assert_loads(world, "", "");
	assert_null(settings->host);
	assert_null(settings->data_root);
	assert_int_equal(settings->connections, 0);
	assert_int_equal(settings->timeout, 300);
	assert_int_equal(settings->mode, MODE_REMOVE);
	assert_int_equal(settings->min_age, 3600);
	assert_false(settings->max_remove.set);
	assert_int_equal(settings->entries, 1000);
	for (size_t i = 0; i < SETTING_KEY_MAX_; i++)
		assert_null(settings->origin[i].file);
	assert_int_equal(world->conf.rules.n, 0);
	assert_int_equal(world->conf.files.n, 2);
	assert_dump_reads_back(world);
}

static void settings_that_are_written_hold(void **state)
{
	struct world *world = *state;
	const struct settings *settings = &world->conf.settings;

	assert_loads(world,
		     "[engine]\nhost = unix:///run/podman/podman.sock\nconnections = 64\n"
		     "timeout = 1d\ndata-root = /srv/docker\n[run]\nmode = observe\n"
		     "min-age = 0s\nmax-remove = 100%\n[report]\nentries = 0\n",
		     "");
	assert_string_equal(settings->host, "unix:///run/podman/podman.sock");
	assert_string_equal(settings->data_root, "/srv/docker");
	assert_int_equal(settings->connections, 64);
	assert_int_equal(settings->timeout, 86400);
	assert_int_equal(settings->min_age, 0);
	assert_true(settings->max_remove.set && settings->max_remove.percent);
	assert_int_equal(settings->max_remove.value, 100);
	assert_int_equal(settings->entries, 0);
	assert_int_equal(settings->origin[SETTING_TIMEOUT].line, 4);
	assert_string_equal(settings->origin[SETTING_TIMEOUT].file, world->config);
	assert_dump_reads_back(world);
	assert_int_equal(settings->max_remove.value, 100);
}

static void rules_have_the_defaults_of_their_kind(void **state)
{
	static const struct {
		const char *policy;
		enum age_from age_from;
		enum order_by order_by;
		enum group_by group_by;
	} table[] = {
		{ POLICY, AGE_FINISHED, ORDER_FINISHED, GROUP_IMAGE },
		{ POLICY "age-from = created\n", AGE_CREATED, ORDER_CREATED, GROUP_IMAGE },
		{ "[images a]\nname = *\nkeep-last = 1\n", AGE_TAGGED, ORDER_TAGGED,
		  GROUP_REPOSITORY },
		{ "[images a]\ndangling = yes\nkeep-last = 1\n", AGE_UNTAGGED, ORDER_UNTAGGED,
		  GROUP_REPOSITORY },
		{ "[images a]\ndangling = any\nkeep-last = 1\n", AGE_UNTAGGED, ORDER_TAGGED,
		  GROUP_REPOSITORY },
		{ "[images a]\ndangling = any\nkeep-last = 1\nage-from = created\n",
		  AGE_CREATED, ORDER_CREATED, GROUP_REPOSITORY },
		{ "[images a]\ndangling = any\nkeep-last = 1\npreserve-as = a:{id}\n",
		  AGE_UNTAGGED, ORDER_UNTAGGED, GROUP_REPOSITORY },
		{ "[images a]\nname = *\nkeep-last = 1\norder-by = version\n", AGE_TAGGED,
		  ORDER_VERSION, GROUP_REPOSITORY },
		{ "[volumes a]\nname = *\nkeep-last = 1\n", AGE_UNTAGGED, ORDER_UNTAGGED,
		  GROUP_NONE },
		{ "[networks a]\nname = *\nkeep-last = 1\n", AGE_UNTAGGED, ORDER_UNTAGGED,
		  GROUP_NONE },
		{ "[build-cache a]\nname = *\nkeep-last = 1\n", AGE_USED, ORDER_USED,
		  GROUP_NONE },
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct rule *rule;

		assert_loads(world, "[run]\nmin-age = 2h\n", table[i].policy);
		rule = world->conf.rules.v;
		assert_int_equal(rule->action, ACTION_REMOVE);
		assert_int_equal(rule->age_from, table[i].age_from);
		assert_int_equal(rule->order_by, table[i].order_by);
		assert_int_equal(rule->group_by, table[i].group_by);
		assert_int_equal(rule->states, 1 << STATE_EXITED | 1 << STATE_DEAD);
		assert_int_equal(rule->max_age, 0);
		assert_int_equal(rule->min_age, 7200);
		assert_false(rule->max_remove.set);
		assert_dump_reads_back(world);
	}
}

static const char every_key[] =
	"[containers all]\naction = remove\nstate = exited, created, dead\nname = a*, !ab\n"
	"label = x=y*, !z, empty=\nimage = docker.io/*\nexit-code = 0, 5-7, 255\n"
	"project = p\nrestart-policy = always, no\nkeep-within = 90s\nkeep-last = 3\n"
	"group-by = label:com.example.team\nmax-age = 36h\nage-from = created\n"
	"order-by = finished\nkeep-label = keep\nkeep-name = k\\*\nmin-age = 0s\n"
	"max-remove = 50%\nwhen-used-above = 85%\nuntil-used-below = 70%\n"
	"order = largest-first\n"
	"[images all]\naction = remove\nname = *\nlabel = x\ndangling = any\n"
	"repository = redis, registry.example.com/*\ntag = v[0-9]*\nkeep-within = 1d\n"
	"keep-last-run = 2\ngroup-by = service\nmax-age = 2weeks\nage-from = used\n"
	"order-by = version\nkeep-tag = latest, stable\nkeep-label = keep=yes\n"
	"keep-name = n\nmin-age = 15min\nmax-remove = 7\nwhen-free-below = 20GB\n"
	"until-free-above = 60GB\n"
	"[images keep]\naction = keep\nname = x\n"
	"[images superseded]\ndangling = yes\nkeep-last = 3\n"
	"preserve-as = {repository}:superseded-{tag}-{created}-{date}-{id}\n"
	"[volumes all]\nanonymous = no\nname = cache-*\nlabel = x\nproject = p\n"
	"driver = local\nkeep-within = 30d\nquarantine = 2d\n"
	"[build-cache all]\nname = regular, source.*\nkeep-storage = 20GB\n"
	"[networks all]\nname = *\nkeep-within = 1d\ngroup-by = project\n"
	"[containers volumes]\nname = *\nkeep-within = 1d\nremove-volumes = yes\n";

static void every_key_is_read_and_dumped(void **state)
{
	struct world *world = *state;
	const struct rule *rule;

	assert_loads(world, "", every_key);
	assert_int_equal(world->conf.rules.n, 8);
	for (size_t key = 0; key < RULE_KEY_MAX_; key++) {
		bool read = false;

		for (size_t i = 0; i < world->conf.rules.n; i++)
			read = read || rule_has(&world->conf.rules.v[i], (enum rule_key)key);
		assert_true(read);
	}
	rule = &world->conf.rules.v[0];
	assert_int_equal(rule->kind, KIND_CONTAINER);
	assert_int_equal(rule->states,
			 1 << STATE_EXITED | 1 << STATE_CREATED | 1 << STATE_DEAD);
	assert_int_equal(rule->exit_codes.n, 3);
	assert_int_equal(rule->exit_codes.v[0].first, 0);
	assert_int_equal(rule->exit_codes.v[1].first, 5);
	assert_int_equal(rule->exit_codes.v[1].last, 7);
	assert_int_equal(rule->group_by, GROUP_LABEL);
	assert_string_equal(rule->group_label, "com.example.team");
	assert_int_equal(rule->max_age, 36 * 3600);
	rule = &world->conf.rules.v[1];
	assert_int_equal(rule->dangling, DANGLING_ANY);
	assert_int_equal(rule->keep_last_run, 2);
	assert_int_equal(rule->order_by, ORDER_VERSION);
	assert_int_equal(rule->max_remove.value, 7);
	assert_int_equal(world->conf.rules.v[2].action, ACTION_KEEP);
	assert_string_equal(world->conf.rules.v[3].preserve_as,
			    "{repository}:superseded-{tag}-{created}-{date}-{id}");
	rule = &world->conf.rules.v[4];
	assert_int_equal(rule->anonymous, ANONYMOUS_NO);
	assert_int_equal(rule->quarantine, 2 * 86400);
	assert_string_equal(rule->drivers.v[0].glob, "local");
	assert_int_equal(world->conf.rules.v[5].keep_storage, 20000000000);
	assert_true(world->conf.rules.v[7].remove_volumes);
	assert_false(world->conf.rules.v[0].remove_volumes);
	assert_dump_reads_back(world);
	assert_int_equal(world->conf.rules.v[1].max_remove.value, 7);
}

static void pressure_rules_are_read_and_dumped(void **state)
{
	struct world *world = *state;
	const struct rule *rule;

	assert_loads(world, "",
		     "[containers a]\nname = *\nwhen-used-above = 85%\nuntil-used-below = 70%\n"
		     "[images b]\nname = *\nwhen-used-above = 85%inodes\n"
		     "until-used-below = 85%  inodes\norder = oldest-first\n"
		     "[images c]\nname = *\nwhen-free-below = 20GB\nuntil-free-above = 60GiB\n"
		     "[images d]\nname = *\nkeep-last = 1\n");
	assert_dump_reads_back(world);
	rule = world->conf.rules.v;
	assert_true(rule_is_pressure(&rule[0]));
	assert_int_equal(rule[0].when_used_above.percent, 85);
	assert_int_equal(rule[0].until_used_below.percent, 70);
	assert_int_equal(rule[0].order, PRESSURE_LRU);
	assert_true(rule[1].when_used_above.inodes && rule[1].until_used_below.inodes);
	assert_int_equal(rule[1].order, PRESSURE_OLDEST);
	assert_true(rule_is_pressure(&rule[2]));
	assert_int_equal(rule[2].when_free_below, 20000000000);
	assert_int_equal(rule[2].until_free_above, (int64_t)60 << 30);
	assert_false(rule_is_pressure(&rule[3]));
}

static void list_keys_append(void **state)
{
	struct world *world = *state;
	const struct rule *rule;

	assert_loads(world, "",
		     "[containers a]\nname = a, b\nname = !c\nstate = exited\nstate = dead\n"
		     "exit-code = 1\nexit-code = 2-3, 9\nlabel = x\nlabel = y=z\n"
		     "keep-within = 1d\n");
	rule = world->conf.rules.v;
	assert_int_equal(rule->names.n, 3);
	assert_string_equal(rule->names.v[0].glob, "a");
	assert_string_equal(rule->names.v[2].glob, "c");
	assert_true(rule->names.v[2].negated);
	assert_int_equal(rule->states, 1 << STATE_EXITED | 1 << STATE_DEAD);
	assert_int_equal(rule->exit_codes.n, 3);
	assert_int_equal(rule->exit_codes.v[0].first, 1);
	assert_int_equal(rule->exit_codes.v[1].last, 3);
	assert_int_equal(rule->exit_codes.v[2].first, 9);
	assert_int_equal(rule->labels.n, 2);
	assert_string_equal(rule->labels.v[1].glob, "z");
	assert_int_equal(rule->origin[RULE_NAME].line, 2);
	assert_dump_reads_back(world);
}

static void a_list_longer_than_a_line_is_dumped_in_several(void **state)
{
	struct world *world = *state;
	char *policy = mem_strdup(POLICY);
	_cleanup_free_ char *one = long_text("label=", 'a', 192, "\n"), *codes = NULL;

	for (int i = 0; i < 30; i++) {
		char *longer = mem_printf("%simage = registry.example.com/a-long-name-%d, "
					  "!registry.example.com/another-one-%d\n%s",
					  policy, i, i, i % 10 ? "" : one);

		free(policy);
		policy = longer;
	}
	codes = mem_printf("%sexit-code=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,"
			   "22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,"
			   "44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60\n",
			   policy);
	free(policy);
	assert_loads(world, "", codes);
	assert_int_equal(world->conf.rules.v[0].images.n, 60);
	assert_int_equal(world->conf.rules.v[0].exit_codes.n, 60);
	assert_dump_reads_back(world);
	assert_int_equal(world->conf.rules.v[0].images.n, 60);
	assert_string_equal(world->conf.rules.v[0].images.v[59].glob,
			    "registry.example.com/another-one-29");
	assert_int_equal(world->conf.rules.v[0].labels.n, 3);
	assert_int_equal(world->conf.rules.v[0].exit_codes.v[59].first, 60);
}

static void the_longest_setting_is_dumped_as_it_fits(void **state)
{
	_cleanup_free_ char *settings = long_text("[engine]\nhost=unix:///", 'a', 185, "\n");
	struct world *world = *state;

	assert_loads(world, settings, POLICY);
	assert_dump_reads_back(world);
	assert_int_equal(strlen(world->conf.settings.host), 193);
}

static void blanks_around_the_equals_sign_of_a_label_do_not_count(void **state)
{
	struct world *world = *state;
	const struct rule *rule;

	assert_loads(world, "", POLICY "keep-label = a = b\ngroup-by = label: c\n");
	rule = world->conf.rules.v;
	assert_string_equal(rule->keep_labels.v[0].key, "a");
	assert_string_equal(rule->keep_labels.v[0].glob, "b");
	assert_string_equal(rule->group_label, "c");
	assert_dump_reads_back(world);
}

static void labels_that_rules_or_reclaimd_go_by_are_wanted(void **state)
{
	static const char *const wanted[] = {
		"selected",
		"unselected",
		"kept.1",
		"grouped",
		"com.docker.swarm.task.id",
		"PODMAN_SYSTEMD_UNIT",
		"com.docker.compose.project",
	};
	struct world *world = *state;
	const struct rules *rules = &world->conf.rules;

	assert_loads(world, "",
		     POLICY "label = selected=x, !unselected\nkeep-label = kept.*\n"
			    "[images b]\nname = *\nkeep-last = 1\ngroup-by = label:grouped\n");
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_true(rules_want_label(rules, wanted[i]));
	assert_false(rules_want_label(rules, "x"));
	assert_false(rules_want_label(rules, "group"));
	assert_false(rules_want_label(rules, "com.docker.compose.version"));
}

static void a_section_twice_over_two_files_is_refused(void **state)
{
	struct world *world = *state;
	const char *first = put(world, "10.ini", POLICY, strlen(POLICY));
	const char *second = put(world, "20.ini", "#\n" POLICY, strlen("#\n" POLICY));

	world->config = put(world, S, "", 0);
	world->policies[0] = first;
	world->policies[1] = second;
	world->n_policies = 2;
	assert_int_equal(load_files(world), -EINVAL);
	assert_int_equal(world->problems.n, 1);
	assert_problem(world, 0,
		       arena_printf(world->arena,
				    "20.ini:2: there is a [containers a] already, at %s:1",
				    first));
}

static void the_same_name_for_two_kinds_is_fine(void **state)
{
	struct world *world = *state;

	assert_loads(world, "", POLICY "[images a]\ndangling = yes\nkeep-last = 1\n");
	assert_int_equal(world->conf.rules.n, 2);
}

static void a_folder_of_policies_is_read_by_name(void **state)
{
	struct world *world = *state;
	static const char b[] = "[images b]\ndangling = yes\nkeep-last = 1\n";

	put(world, "2.ini", POLICY, strlen(POLICY));
	put(world, "1.ini", b, strlen(b));
	put(world, "3.ini", "", 0);
	world->config = put(world, S, "", 0);
	world->policies[0] = world->folder;
	world->n_policies = 1;
	assert_int_equal(load_files(world), 0);
	assert_int_equal(world->conf.rules.n, 2);
	assert_string_equal(world->conf.rules.v[0].name, "b");
	assert_string_equal(world->conf.rules.v[1].name, "a");
	assert_int_equal(world->conf.files.n, 3);
}

static void what_is_no_file_is_a_mistake_of_its_own(void **state)
{
	struct world *world = *state;
	const char *fifo = arena_printf(world->arena, "%s/fifo", world->folder);

	put(world, P, POLICY, strlen(POLICY));
	assert_int_equal(mkfifo(fifo, 0600), 0);
	world->config = world->folder;
	world->policies[0] = arena_printf(world->arena, "%s/nowhere", world->folder);
	world->policies[1] = fifo;
	world->policies[2] = arena_printf(world->arena, "%s/" P, world->folder);
	world->n_policies = 3;
	assert_int_equal(load_files(world), -EINVAL);
	assert_int_equal(world->problems.n, 3);
	assert_string_equal(
		world->problems.texts[0],
		arena_printf(world->arena, "%s: is no regular file", world->folder));
	assert_problem(world, 1, "nowhere: No such file or directory");
	assert_problem(world, 2, "fifo: is no regular file");
	assert_int_equal(world->conf.rules.n, 1);
}

static void an_instance_that_is_not_there_is_a_mistake(void **state)
{
	struct world *world = *state;
	const struct conf_request request = { .instance = "no-such-instance-of-a-test" };

	setenv("XDG_CONFIG_HOME", world->folder, 1);
	assert_int_equal(conf_load(world->arena, &request, &world->conf, &world->problems),
			 -EINVAL);
	assert_int_equal(world->problems.n, 1);
	assert_non_null(strstr(world->problems.texts[0],
			       "there is no instance 'no-such-instance-of-a-test'"));
	assert_int_equal(world->conf.rules.n, 0);
}

static char *generate(void (*write)(FILE *out))
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	write(out);
	fclose(out);
	return mem_strdup(text);
}

static void every_setting_reads_its_own_default(void **state)
{
	_cleanup_free_ char *example = generate(conf_example), *settings = NULL;
	_cleanup_free_ char *defaults = NULL, *written = NULL;
	struct world *world = *state;
	char *plain_defaults, *plain_written;
	int keys = 0;

	settings = mem_strdup(example);
	for (char *line = settings; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (*line != '#' || line[1] == ' ' ||
		    strncmp(strchr(line, '\n') - 2, "= ", 2) == 0)
			continue;
		memmove(line, line + 1, strlen(line));
		keys++;
	}
	assert_int_equal(keys, 6);
	assert_loads(world, "", "");
	defaults = dump(world);
	assert_loads(world, settings, "");
	assert_non_null(world->conf.settings.origin[SETTING_ENTRIES].file);
	written = dump(world);
	plain_defaults = without_comments(defaults);
	plain_written = without_comments(written);
	assert_string_equal(plain_written, plain_defaults);
	free(plain_defaults);
	free(plain_written);
}

/* "Default: VALUE." as the last words of a key's text in the man page. */
static void every_key_reads_the_default_of_the_man_page(void **state)
{
	_cleanup_free_ char *page = generate(conf_document);
	const char *policies = strstr(page, ".SH POLICIES");
	struct world *world = *state;
	int keys = 0;

	for (const char *entry = strstr(policies, ".BR "); entry;
	     entry = strstr(entry + 1, ".BR ")) {
		char name[32], value[32], kind[32];
		const char *end = strchr(strchr(entry, '\n') + 1, '\n');
		const char *text = strstr(entry, "Default: "), *policy;
		int length = 0;

		if (!text || text > end ||
		    sscanf(text, "Default: %31[^. ]. (%31[^,)]%n", value, kind, &length) != 2 ||
		    !length)
			continue;
		assert_int_equal(sscanf(entry, ".BR %31s", name), 1);
		policy =
			arena_printf(world->arena, "[%s a]\nname = *\nkeep-last = 1\n%s = %s\n",
				     kind, name, value);
		assert_loads(world, "", policy);
		keys++;
	}
	assert_int_equal(keys, 4);
}

static void the_shipped_policies_are_right(void **state)
{
	static const char *const names[] = { "exited", "dangling", "superseded" };
	static const char *const files[] = { "0.ini", "1.ini", "2.ini" };
	struct world *world = *state;

	world->config = put(world, S, "", 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = mem_printf("policies/%s.ini", names[i]);
		_cleanup_free_ char *text = mem_zalloc(1 << 16, 1);
		FILE *file = fopen(path, "r");

		assert_non_null(file);
		assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
		fclose(file);
		world->policies[i] = put(world, files[i], text, strlen(text));
	}
	world->n_policies = ARRAY_SIZE(names);
	if (load_files(world) < 0)
		fail_msg("%s", world->problems.texts[0]);
	assert_int_equal(world->conf.rules.n, 6);
	assert_dump_reads_back(world);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_world, remove_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_mistake_has_its_line_and_words),
		TEST(all_mistakes_are_listed),
		TEST(a_nul_byte_is_refused),
		TEST(lines_of_ten_thousand_characters_are_refused_once),
		TEST(a_comment_may_be_of_any_length),
		TEST(the_longest_line_and_name_are_read_whole),
		TEST(line_ends_of_windows_and_a_byte_order_mark_are_accepted),
		TEST(a_file_may_end_without_a_line_end),
		TEST(comments_and_blanks_go_where_they_may),
		TEST(settings_have_their_defaults),
		TEST(settings_that_are_written_hold),
		TEST(rules_have_the_defaults_of_their_kind),
		TEST(every_key_is_read_and_dumped),
		TEST(pressure_rules_are_read_and_dumped),
		TEST(list_keys_append),
		TEST(a_list_longer_than_a_line_is_dumped_in_several),
		TEST(the_longest_setting_is_dumped_as_it_fits),
		TEST(blanks_around_the_equals_sign_of_a_label_do_not_count),
		TEST(labels_that_rules_or_reclaimd_go_by_are_wanted),
		TEST(a_section_twice_over_two_files_is_refused),
		TEST(the_same_name_for_two_kinds_is_fine),
		TEST(a_folder_of_policies_is_read_by_name),
		TEST(what_is_no_file_is_a_mistake_of_its_own),
		TEST(an_instance_that_is_not_there_is_a_mistake),
		TEST(every_setting_reads_its_own_default),
		TEST(every_key_reads_the_default_of_the_man_page),
		TEST(the_shipped_policies_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
