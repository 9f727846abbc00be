#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/conf.h"
#define FUZZER "conf"
#include "fuzz.h"

/* Any bytes as a policy and as settings: nothing breaks, a refusal says why in plain text, and
 * what is accepted is dumped so that it reads back to the same. */

struct loaded {
	struct arena *arena;
	struct conf conf;
	struct problems problems;
	int result;
};

static int make_file(const void *bytes, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	/* As root, others may not write it. */
	if (fd < 0 || fchmod(fd, 0600) < 0 || write(fd, bytes, size) != (ssize_t)size)
		fail("memfd", "");
	return fd;
}

static void check_problems(const struct loaded *loaded)
{
	if ((loaded->result < 0) != (loaded->problems.n > 0))
		fail("refused without a problem", "");
	for (size_t i = 0; i < loaded->problems.n; i++) {
		const char *text = loaded->problems.texts[i];

		if (!text_starts_with(text, "/proc/self/fd/") || !text_is_utf8(text))
			fail("not plain", text);
		for (; *text; text++)
			if ((unsigned char)*text < ' ' && *text != '\t')
				fail("not plain", loaded->problems.texts[i]);
	}
}

static struct loaded load(const char *settings, size_t settings_size, const char *policy,
			  size_t policy_size)
{
	int settings_fd = make_file(settings, settings_size);
	int policy_fd = make_file(policy, policy_size);
	struct loaded loaded = { .arena = arena_new() };
	const char *policy_path = arena_printf(loaded.arena, "/proc/self/fd/%d", policy_fd);
	const struct conf_request request = {
		.config_file = arena_printf(loaded.arena, "/proc/self/fd/%d", settings_fd),
		.policies = &policy_path,
		.n_policies = 1,
	};

	loaded.result = conf_load(loaded.arena, &request, &loaded.conf, &loaded.problems);
	check_problems(&loaded);
	close(settings_fd);
	close(policy_fd);
	return loaded;
}

static void unload(struct loaded *loaded)
{
	problems_clear(&loaded->problems);
	arena_free(loaded->arena);
}

/* Without the comments, which name files and lines. */
static char *dump(const struct conf *conf)
{
	_cleanup_free_ char *text = NULL;
	char *plain, *to;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	conf_dump(conf, out);
	fclose(out);
	plain = to = mem_zalloc(size + 1, 1);
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		length += line[length] == '\n';
		if (*line != '#') {
			memcpy(to, line, length);
			to += length;
		}
		line += length;
	}
	return plain;
}

/* Settings come first, rules behind them. */
static const char *find_rules(const char *text)
{
	const char *line = text;

	while (line && !text_starts_with(line, "[containers ") &&
	       !text_starts_with(line, "[images ")) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line ? line : text + strlen(text);
}

static void check_dump(const struct conf *conf)
{
	_cleanup_free_ char *before = dump(conf), *after = NULL;
	const char *rules = find_rules(before);
	struct loaded again = load(before, (size_t)(rules - before), rules, strlen(rules));

	if (again.result < 0)
		fail(again.problems.texts[0], before);
	after = dump(&again.conf);
	if (strcmp(before, after) != 0)
		fail("reads back to something else", after);
	unload(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct loaded policy = load("", 0, (const char *)bytes, size);
	struct loaded settings = load((const char *)bytes, size, "", 0);

	if (policy.result == 0)
		check_dump(&policy.conf);
	if (settings.result == 0)
		check_dump(&settings.conf);
	unload(&policy);
	unload(&settings);
	return 0;
}
