#include "report/report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/builder.h"
#include "report/object.h"

/* A sentence is made of parts, joined by commas; a part whose placeholder has nothing to say
 * falls away. If all do, `otherwise` is left. */
#define PARTS 4

static const struct {
	const char *parts[PARTS];
	const char *otherwise;
} sentences[] = {
	[REASON_NO_RULE] = { { NULL }, "no rule matches" },
	[REASON_RULE_KEEPS] = { { NULL }, "the rule says keep" },
	[REASON_EXPIRED] = { { "{since}", "longer than {limit}", "{place}",
			       "keep-last = {keep-last}" },
			     "nothing keeps it" },
	[REASON_MAX_AGE] = { { "{since}", "longer than max-age {limit}" },
			     "older than max-age" },
	[REASON_PRESSURE] = { { "{pressure}", "{since}" }, "the disk is full" },
	[REASON_ENOUGH_FREE] = { { "need not go: {enough} without it" },
				 "need not go: enough is free without it" },
	[REASON_RUNNING] = { { "{state}" }, "not stopped" },
	[REASON_NOT_OURS] = { { "the engine's own: {detail}" }, "the engine's own" },
	[REASON_RESTART_POLICY] = { { "stopped, but to be restarted: restart policy {policy}" },
				    "stopped, but to be restarted" },
	[REASON_SWARM_TASK] = { { "a task of swarm service {detail}" }, "a task of swarm" },
	[REASON_IN_USE] = { { "in use by {holder}" }, "in use" },
	[REASON_IN_USE_COUNTED] = { { "in use by a container that no list shows: the engine "
				      "counts {count}" },
				    "in use by a container that no list shows" },
	[REASON_PINNED] = { { "pinned by {pin}" }, "pinned" },
	[REASON_TOO_YOUNG] = { { "{since}", "younger than min-age {limit}", "{goes}" },
			       "younger than min-age" },
	[REASON_KEEP_WITHIN] = { { "{since}", "kept for {limit}", "{goes}" },
				 "within keep-within" },
	[REASON_KEEP_LAST] = { { "{place}", "keep-last = {keep-last}", "{goes}" },
			       "within keep-last" },
	[REASON_KEEP_LAST_RUN] = { { "among the last {ran}", "{goes}" },
				   "among the last that a service ran" },
	[REASON_OTHER_REFERENCE] = { { "stays with its other name {holder}" },
				     "stays with its other name" },
	[REASON_CHILD] = { { "image {holder} is built on it" }, "an image is built on it" },
	[REASON_LAST_CHILD] = { { "goes with {holder}, the last image built on it" },
				"goes with the last image built on it" },
	[REASON_WITH_CONTAINER] = { { "goes with the container {holder}" },
				    "goes with its container" },
	[REASON_QUARANTINE] = { { "{since}", "quarantine {limit}", "{goes}" },
				"in quarantine" },
	[REASON_UNWATCHED] = { { "{silence}" },
			       "nobody watched whether it was used: named volumes go only while "
			       "reclaimd-watch.service runs" },
	[REASON_KEEP_STORAGE] = { { "within keep-storage {storage}", "{goes}" },
				  "within keep-storage" },
	[REASON_SHARED] = { { NULL }, "an image has the same layers" },
	[REASON_MAYBE_WANTED] = { { NULL },
				  "untagged, but it has a digest and was never seen with a "
				  "tag: perhaps wanted by digest" },
	[REASON_NOT_APPROVED] = { { NULL }, "the approved plan does not have it" },
	[REASON_FACT_UNAVAILABLE] = { { "the engine did not tell {detail}" },
				      "the engine did not tell what the rule asks for" },
	[REASON_LIST_FAILED] = { { "a list that it depends on could not be read: {detail}" },
				 "a list that it depends on could not be read" },
	[REASON_PENDING] = { { NULL }, "facts are still missing" },
};
static_assert(ARRAY_SIZE(sentences) == REASON_MAX_, "a sentence per reason");

/* ---- what placeholders say; NULL: nothing ---- */

static const char *event_word(const struct verdict *verdict)
{
	static const char *const words[] = {
		[AGE_FINISHED] = "exited", [AGE_CREATED] = "created",
		[AGE_TAGGED] = "tagged",   [AGE_UNTAGGED] = "untagged",
		[AGE_USED] = "last used",  [AGE_VERSION_] = "created",
	};

	if (verdict->age.from == AGE_UNTAGGED && verdict->kind != KIND_IMAGE &&
	    verdict->kind != KIND_TAG)
		return "unused";
	return words[verdict->age.from];
}

static int64_t first_seen(const struct verdict *verdict)
{
	switch (verdict->kind) {
	case KIND_CONTAINER:
		return verdict->container->memory.first_seen;
	case KIND_IMAGE:
	case KIND_TAG:
		return verdict->image->memory.first_seen;
	case KIND_VOLUME:
		return verdict->volume->memory.first_seen;
	case KIND_NETWORK:
		return verdict->network->memory.first_seen;
	case KIND_BUILD_CACHE:
	case KIND_MAX_:
		break;
	}
	return TIME_UNKNOWN;
}

/* An age by when the image was seen to get this name, not by when it was first seen. */
static bool is_named_since(const struct verdict *verdict)
{
	return verdict->kind == KIND_TAG && verdict->age.from == AGE_TAGGED &&
	       first_seen(verdict) != TIME_UNKNOWN && verdict->age.at != first_seen(verdict);
}

static char *since_now(const struct verdict *verdict, const struct plan *plan)
{
	if (verdict->age.from == AGE_USED)
		return mem_strdup("last use unknown: counts from now");
	if (!plan->snapshot->remembers)
		return mem_strdup("age unknown, nothing is remembered: counts from now");
	if (is_named_since(verdict))
		return mem_strdup("never seen with this name before: counts from now");
	if (verdict->age.from == AGE_UNTAGGED && first_seen(verdict) != TIME_UNKNOWN)
		return mem_printf("never seen %s before: counts from now", event_word(verdict));
	return mem_strdup("never seen before: counts from now");
}

static char *since_unwatched(const struct plan *plan)
{
	const struct snapshot *snapshot = plan->snapshot;
	char from[UNITS_SIZE], until[UNITS_SIZE];

	units_format_time(until, snapshot->watched_from, plan->now);
	if (snapshot->unwatched_from == TIME_UNKNOWN)
		return mem_printf("use unknown until %s, since when reclaimd-watch runs",
				  until);
	return mem_printf("use unknown between %s and %s",
			  units_format_time(from, snapshot->unwatched_from, plan->now), until);
}

static bool has_age(const struct verdict *verdict)
{
	return verdict->age.at != TIME_UNKNOWN && verdict->age.at != 0;
}

static char *say_since(const struct verdict *verdict, const struct plan *plan)
{
	const struct age *age = &verdict->age;
	char ago[UNITS_SIZE];

	if (!has_age(verdict))
		return NULL;
	if (age->source == SOURCE_NOW)
		return since_now(verdict, plan);
	if (age->source == SOURCE_UNWATCHED)
		return since_unwatched(plan);
	units_format_duration(ago, object_age(verdict, plan));
	if (age->source == SOURCE_PULLED)
		return mem_printf("pulled %s ago", ago);
	if (age->source == SOURCE_LAST_USED)
		return mem_printf("last used %s ago", ago);
	if (age->source == SOURCE_ENGINE)
		return mem_printf("%s %s ago", event_word(verdict), ago);
	if (age->from == AGE_UNTAGGED)
		return mem_printf("first seen %s %s ago", event_word(verdict), ago);
	if (is_named_since(verdict))
		return mem_printf("first seen with this name %s ago", ago);
	return mem_printf("first seen %s ago", ago);
}

static char *say_limit(const struct verdict *verdict, const struct plan *plan _unused_)
{
	char limit[UNITS_SIZE];

	if (!has_age(verdict) || verdict->limit <= 0)
		return NULL;
	return mem_strdup(units_format_duration_exact(limit, verdict->limit));
}

static const char *ordinal(size_t n)
{
	static const char *const endings[] = { "th", "st", "nd", "rd" };

	if (n / 10 % 10 == 1 || n % 10 > 3)
		return "th";
	return endings[n % 10];
}

static char *say_place(const struct verdict *verdict, const struct plan *plan _unused_)
{
	_cleanup_free_ char *group = NULL, *of = NULL;

	if (!verdict->group)
		return NULL;
	group = text_escape(verdict->group);
	/* plan/ calls the one group of everything so. */
	of = strcmp(group, "(all)") == 0 ? mem_printf("%u", verdict->group_size)
					 : mem_printf("%u in %s", verdict->group_size, group);
	if (verdict->rank == 0)
		return mem_printf("one of %s", of);
	if (verdict->rank == 1)
		return mem_printf("newest of %s", of);
	return mem_printf("%u%s newest of %s", verdict->rank, ordinal(verdict->rank), of);
}

static char *say_keep_last(const struct verdict *verdict, const struct plan *plan _unused_)
{
	if (!verdict->rule || !verdict->group)
		return NULL;
	return mem_printf("%lld", (long long)verdict->rule->keep_last);
}

static char *say_storage(const struct verdict *verdict, const struct plan *plan _unused_)
{
	char bytes[UNITS_SIZE];

	if (!verdict->rule || verdict->rule->keep_storage == 0)
		return NULL;
	return mem_strdup(units_format_bytes_exact(bytes, verdict->rule->keep_storage));
}

static char *say_state(const struct verdict *verdict, const struct plan *plan _unused_)
{
	const char *state = verdict->detail;

	if (!state && verdict->kind == KIND_CONTAINER)
		state = verdict->container->state_name;
	return state ? text_escape(state) : NULL;
}

static char *say_policy(const struct verdict *verdict, const struct plan *plan _unused_)
{
	const struct container *container = verdict->container;
	const char *policy = verdict->detail;

	if (!policy && verdict->kind == KIND_CONTAINER)
		policy = container->restart_policy;
	if (!policy || strcmp(policy, "on-failure") != 0)
		return policy ? text_escape(policy) : NULL;
	if (container->max_retries == 0)
		return mem_strdup("on-failure, without a limit of retries");
	return mem_printf("on-failure, %lld of %d retries left",
			  (long long)container->max_retries - container->retries,
			  container->max_retries);
}

static char *say_holder(const struct verdict *verdict, const struct plan *plan _unused_)
{
	if (!verdict->holder)
		return NULL;
	return reference_is_id(verdict->holder) ? object_short_id(verdict->holder)
						: text_escape(verdict->holder);
}

static char *say_ran(const struct verdict *verdict, const struct plan *plan)
{
	_cleanup_free_ char *service = say_holder(verdict, plan);

	if (!service)
		return NULL;
	return mem_printf("%lld that %s ran", (long long)verdict->limit, service);
}

static char *say_count(const struct verdict *verdict, const struct plan *plan _unused_)
{
	if (!is_image_row(verdict) || verdict->image->containers <= 0)
		return NULL;
	return mem_printf("%lld", (long long)verdict->image->containers);
}

static char *say_detail(const struct verdict *verdict, const struct plan *plan _unused_)
{
	return verdict->detail ? text_escape(verdict->detail) : NULL;
}

static char *say_pin(const struct verdict *verdict, const struct plan *plan)
{
	_cleanup_free_ char *detail = say_detail(verdict, plan);

	if (verdict->key && detail)
		return mem_printf("%s = %s", verdict->key, detail);
	if (!verdict->key && verdict->holder)
		return text_escape(verdict->holder);
	return verdict->key ? mem_strdup(verdict->key) : take(detail);
}

static char *say_goes(const struct verdict *verdict, const struct plan *plan)
{
	char at[UNITS_SIZE];

	if (verdict->goes_at == TIME_UNKNOWN || verdict->goes_at <= plan->now)
		return NULL;
	return mem_printf("goes from %s on",
			  units_format_time(at, verdict->goes_at, plan->now));
}

/* Podman tells nothing of volumes, whoever listens. */
static char *say_silence(const struct verdict *verdict _unused_, const struct plan *plan)
{
	if (plan->snapshot->tells_volume_use)
		return NULL;
	return mem_printf("%s does not tell when a volume is used: named volumes stay",
			  plan->snapshot->engine.name);
}

/* As df rounds: up. */
static int64_t percent(int64_t used, int64_t available)
{
	int64_t hundredth = (used + available) / 100;

	return hundredth > 0 ? (used + hundredth - 1) / hundredth : 0;
}

static char *say_full(const struct disk *disk, bool inodes, int64_t freed)
{
	if (inodes)
		return mem_printf(
			"%lld%% of its inodes used",
			(long long)percent(disk->inodes_used, disk->inodes_available));
	return mem_printf("%lld%% full",
			  (long long)percent(disk->used - freed, disk->available + freed));
}

static char *say_pressure(const struct verdict *verdict, const struct plan *plan)
{
	const struct disk *disk = &plan->snapshot->disk;
	const struct rule *rule = verdict->rule;
	char is[UNITS_SIZE], mark[UNITS_SIZE];
	_cleanup_free_ char *full = NULL;

	if (!rule)
		return NULL;
	full = say_full(disk, rule->when_used_above.inodes, 0);
	units_format_bytes(is, disk->available);
	if (plan->pressure.need_free > 0)
		return mem_printf("%s free, %s needed", is,
				  units_format_bytes(mark, plan->pressure.need_free));
	if (rule_has(rule, RULE_WHEN_FREE_BELOW))
		return mem_printf("%s free, below %s", is,
				  units_format_bytes(mark, rule->when_free_below));
	return mem_printf("disk %s, above %lld%%", full,
			  (long long)rule->when_used_above.percent);
}

static char *say_enough(const struct verdict *verdict, const struct plan *plan)
{
	const struct disk *disk = &plan->snapshot->disk;
	const struct rule *rule = verdict->rule;
	int64_t freed = plan->predicted.bytes;
	char is[UNITS_SIZE];
	_cleanup_free_ char *full = say_full(disk, false, freed);

	if (!rule || rule->when_used_above.inodes)
		return NULL;
	if (plan->pressure.need_free > 0 || rule_has(rule, RULE_WHEN_FREE_BELOW))
		return mem_printf("%s will be free",
				  units_format_bytes(is, disk->available + freed));
	return mem_printf("the disk will be %s", full);
}

static const struct placeholder {
	const char *name;
	char *(*say)(const struct verdict *verdict, const struct plan *plan);
} placeholders[] = {
	{ "silence", say_silence },
	{ "since", say_since },
	{ "limit", say_limit },
	{ "place", say_place },
	{ "state", say_state },
	{ "policy", say_policy },
	{ "ran", say_ran },
	{ "holder", say_holder },
	{ "count", say_count },
	{ "detail", say_detail },
	{ "pin", say_pin },
	{ "goes", say_goes },
	{ "keep-last", say_keep_last },
	{ "storage", say_storage },
	{ "pressure", say_pressure },
	{ "enough", say_enough },
};

static const struct placeholder *find_placeholder(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++)
		if (strlen(placeholders[i].name) == length &&
		    strncmp(placeholders[i].name, name, length) == 0)
			return &placeholders[i];
	return NULL;
}

/* Every part has one placeholder. */
static char *expand(const char *part, const struct verdict *verdict, const struct plan *plan)
{
	const char *open = strchr(part, '{'), *close = strchr(part, '}');
	const struct placeholder *placeholder =
		find_placeholder(open + 1, (size_t)(close - open - 1));
	_cleanup_free_ char *value = placeholder ? placeholder->say(verdict, plan) : NULL;

	return value ? mem_printf("%.*s%s%s", (int)(open - part), part, value, close + 1)
		     : NULL;
}

static void append(char **sentence, const char *part)
{
	char *longer = *sentence ? mem_printf("%s, %s", *sentence, part) : mem_strdup(part);

	free(*sentence);
	*sentence = longer;
}

static char *add_former_name(char *sentence, const struct verdict *verdict)
{
	const char *name = object_former_name(verdict);
	_cleanup_free_ char *escaped = name ? text_escape(name) : NULL, *bare = sentence;

	return escaped ? mem_printf("%s (was %s)", sentence, escaped) : take(bare);
}

static const char *const unnamed_words[] = {
	[UNNAMED_UNKNOWN] = "not named: nobody knows what it was called",
	[UNNAMED_INVALID] =
		"not named: preserve-as gives no valid name with what it was called",
	[UNNAMED_NOT_APPROVED] = "not named: the approved plan does not have it",
};
static_assert(ARRAY_SIZE(unnamed_words) == UNNAMED_MAX_, "words per cause");

static void append_new_name(char **sentence, const struct verdict *verdict)
{
	_cleanup_free_ char *name = NULL, *part = NULL;

	if (verdict->unnamed != NOT_UNNAMED)
		append(sentence, unnamed_words[verdict->unnamed]);
	if (verdict->action != VERDICT_TAG)
		return;
	name = text_escape(verdict->preserve_as->short_name);
	part = mem_printf("to be named %s", name);
	append(sentence, part);
}

/* What lies in it is another program's to empty. */
static void append_builder(char **sentence, const struct verdict *verdict)
{
	_cleanup_free_ char *command =
		verdict->kind == KIND_VOLUME && verdict->action == VERDICT_KEEP
			? builder_command(verdict->volume->name)
			: NULL;
	_cleanup_free_ char *escaped = command ? text_escape(command) : NULL;
	_cleanup_free_ char *part = escaped ? mem_printf("to empty it: %s", escaped) : NULL;

	if (part)
		append(sentence, part);
}

char *report_reason(const struct verdict *verdict, const struct plan *plan)
{
	const char *const *parts = sentences[verdict->reason].parts;
	char *sentence = NULL;

	for (size_t i = 0; i < PARTS && parts[i]; i++) {
		_cleanup_free_ char *part = expand(parts[i], verdict, plan);

		if (part)
			append(&sentence, part);
	}
	if (!sentence)
		sentence = mem_strdup(sentences[verdict->reason].otherwise);
	append_new_name(&sentence, verdict);
	append_builder(&sentence, verdict);
	return add_former_name(sentence, verdict);
}
