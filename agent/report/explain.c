#include "report/explain.h"

#include <stdlib.h>

#include "base/text.h"
#include "conf/rule.h"
#include "report/object.h"
#include "report/report.h"

#define LABEL_WIDTH 9

static void put(FILE *out, const char *label, char *text)
{
	fprintf(out, "  %-*s %s\n", LABEL_WIDTH, label, text);
	free(text);
}

static char *escaped(const char *text)
{
	return text_escape(text ? text : "unknown");
}

static void put_container(const struct container *container, FILE *out)
{
	_cleanup_free_ char *image = escaped(
		container->image_name ? container->image_name->short_name : container->image);
	_cleanup_free_ char *id = container->image_id ? object_short_id(container->image_id)
						      : mem_strdup("unknown");

	if (container->inspected == FACT_KNOWN)
		put(out, "state",
		    mem_printf("%s, exit code %d, restart policy %s",
			       container_state_to_string(container->state),
			       container->exit_code, container->restart_policy));
	else
		put(out, "state", mem_strdup(container_state_to_string(container->state)));
	put(out, "image", mem_printf("%s (%s)", image, id));
}

static void put_names(const struct image *image, FILE *out)
{
	for (size_t i = 0; i < image->n_tags; i++)
		put(out, i == 0 ? "names" : "", escaped(image->tags[i].short_name));
	for (size_t i = 0; i < image->n_digests; i++)
		put(out, i == 0 ? "digests" : "", escaped(image->digests[i].short_name));
	for (size_t i = 0; i < image->memory.names.n; i++)
		put(out, i == 0 ? "it had" : "", escaped(image->memory.names.v[i]));
}

static void put_volume(const struct volume *volume, FILE *out)
{
	_cleanup_free_ char *mountpoint = escaped(volume->mountpoint);
	char at[UNITS_SIZE];

	put(out, "driver", escaped(volume->driver));
	put(out, "named", mem_strdup(volume->anonymous ? "by the engine" : "by somebody"));
	put(out, "lies in", mem_strdup(mountpoint));
	if (volume->announced != TIME_UNKNOWN)
		put(out, "announced",
		    mem_strdup(units_format_time(at, volume->announced, volume->announced)));
}

static void put_cache(const struct cache_record *record, FILE *out)
{
	put(out, "type", escaped(record->type));
	put(out, "is", escaped(record->description));
	for (size_t i = 0; i < record->parents.n; i++)
		put(out, i == 0 ? "built on" : "", escaped(record->parents.v[i]));
}

static void put_object(const struct verdict *verdict, FILE *out)
{
	switch (verdict->kind) {
	case KIND_CONTAINER:
		put_container(verdict->container, out);
		break;
	case KIND_IMAGE:
	case KIND_TAG:
		put_names(verdict->image, out);
		break;
	case KIND_VOLUME:
		put_volume(verdict->volume, out);
		break;
	case KIND_BUILD_CACHE:
		put_cache(verdict->cache, out);
		break;
	case KIND_NETWORK:
	case KIND_MAX_:
		break;
	}
}

static const char *age_word(enum age_from from)
{
	static const char *const words[] = {
		[AGE_FINISHED] = "finished", [AGE_CREATED] = "created",
		[AGE_TAGGED] = "tagged",     [AGE_UNTAGGED] = "untagged",
		[AGE_USED] = "used",	     [AGE_VERSION_] = "version",
	};

	return words[from];
}

static const char *source_words(enum age_source source)
{
	static const char *const words[] = {
		[SOURCE_PULLED] = "the watcher saw a pull",
		[SOURCE_UNWATCHED] = "nobody watched until then, which counts as use",
		[SOURCE_ENGINE] = "the engine says so",
		[SOURCE_FIRST_SEEN] = "not known to the engine: since a run first saw it so",
		[SOURCE_NOW] = "not known: counts from now",
		[SOURCE_LAST_USED] = "a container was seen using it",
	};

	return words[source];
}

static void put_layers(const struct explanation *explanation, FILE *out)
{
	char unique[UNITS_SIZE], shared[UNITS_SIZE];

	if (!is_image_row(explanation->verdict))
		return;
	put(out, "layers",
	    explanation->share.unique < 0
		    ? mem_strdup("nobody tells what other images have of them")
		    : mem_printf("%s that no other image has, %s shared",
				 units_format_bytes(unique, explanation->share.unique),
				 units_format_bytes(shared, explanation->share.shared)));
}

static void put_ages(const struct explanation *explanation, const struct plan *plan, FILE *out)
{
	for (size_t i = 0; i < explanation->n_ages; i++) {
		const struct age *age = &explanation->ages[i];
		char ago[UNITS_SIZE];

		put(out, i == 0 ? "ages" : "",
		    age->source == SOURCE_NOW
			    ? mem_printf("%s %s", age_word(age->from),
					 source_words(age->source))
			    : mem_printf("%s %s ago (%s)", age_word(age->from),
					 units_format_duration(ago, plan->now - age->at),
					 source_words(age->source)));
	}
}

static char *rule_words(const struct rule_step *step)
{
	switch (step->says) {
	case RULE_OWNS:
		return mem_strdup("owns it");
	case RULE_DOES_NOT_MATCH:
		return mem_printf("%s does not match", rule_key_name(step->failed));
	case RULE_NOT_KNOWN:
		return mem_printf("the engine did not tell %s", rule_key_name(step->failed));
	case RULE_RESTS:
		return mem_strdup("a pressure rule, below its mark");
	case RULE_PRESSES:
		return mem_strdup("a pressure rule, above its mark");
	case RULE_NOT_REACHED:
		break;
	}
	return mem_strdup("not reached");
}

static void put_rules(const struct explanation *explanation, FILE *out)
{
	for (size_t i = 0; i < explanation->n_rules; i++) {
		const struct rule *rule = explanation->rules[i].rule;
		_cleanup_free_ char *words = rule_words(&explanation->rules[i]);

		put(out, i == 0 ? "rules" : "",
		    mem_printf("[%s %s] %s:%u: %s", kind_to_plural(rule->kind), rule->name,
			       rule->section.file, rule->section.line, words));
	}
	if (explanation->n_rules == 0)
		put(out, "rules", mem_strdup("none for this kind"));
}

/* What began then. */
static const char *began_word(const struct age *age)
{
	static const char *const words[] = {
		[SOURCE_ENGINE] = NULL,
		[SOURCE_NOW] = NULL,
		[SOURCE_FIRST_SEEN] = "first seen",
		[SOURCE_LAST_USED] = "used",
		[SOURCE_PULLED] = "pulled",
		[SOURCE_UNWATCHED] = "unwatched until",
	};

	if (age->from == AGE_UNTAGGED || !words[age->source])
		return age_word(age->from);
	return words[age->source];
}

static char *time_words(const struct keeper_step *step, const struct plan *plan)
{
	char age[UNITS_SIZE], limit[UNITS_SIZE], left[UNITS_SIZE];
	int64_t seconds = plan->now - step->age.at;

	units_format_duration(age, seconds);
	units_format_duration(limit, step->limit);
	units_format_duration(left, step->limit - seconds);
	if (step->key == RULE_MAX_AGE)
		return step->keeps
			       ? mem_printf("not reached: %s of %s, %s left", age, limit, left)
			       : mem_printf("reached: %s is more than %s, it goes", age, limit);
	if (step->keeps && step->age.source == SOURCE_NOW)
		return mem_printf("keeps it: not known, counts from now: %s of %s left", left,
				  limit);
	return step->keeps ? mem_printf("keeps it: %s %s ago, %s of %s left",
					began_word(&step->age), age, left, limit)
			   : mem_printf("no: %s %s ago is more than %s", began_word(&step->age),
					age, limit);
}

static char *rank_words(const struct keeper_step *step, const struct plan *plan _unused_)
{
	_cleanup_free_ char *group = escaped(step->group);

	if (step->rank == 0)
		return mem_printf("keeps it: the newest %lld of %zu in %s stay",
				  (long long)step->limit, step->group_size, group);
	return mem_printf("%s: number %zu of %zu in %s, the newest %lld stay",
			  step->keeps ? "keeps it" : "no", step->rank, step->group_size, group,
			  (long long)step->limit);
}

static char *storage_words(const struct keeper_step *step, const struct plan *plan _unused_)
{
	char bytes[UNITS_SIZE];

	return mem_printf("%s: what was used last stays, up to %s together",
			  step->keeps ? "keeps it" : "no",
			  units_format_bytes_exact(bytes, step->limit));
}

static char *run_words(const struct keeper_step *step, const struct plan *plan _unused_)
{
	_cleanup_free_ char *service = escaped(step->group);

	if (!step->keeps)
		return mem_printf("no: not among the last %lld of any service",
				  (long long)step->limit);
	return mem_printf("keeps it: among the last %lld that %s ran", (long long)step->limit,
			  service);
}

static const struct {
	enum rule_key key;
	char *(*words)(const struct keeper_step *step, const struct plan *plan);
} keeper_kinds[] = {
	{ RULE_MIN_AGE, time_words },	   { RULE_KEEP_WITHIN, time_words },
	{ RULE_MAX_AGE, time_words },	   { RULE_KEEP_LAST, rank_words },
	{ RULE_KEEP_LAST_RUN, run_words }, { RULE_KEEP_STORAGE, storage_words },
};

static char *keeper_words(const struct keeper_step *step, const struct plan *plan)
{
	if (!step->known)
		return mem_strdup("not known");
	for (size_t i = 0; i < ARRAY_SIZE(keeper_kinds); i++)
		if (keeper_kinds[i].key == step->key)
			return keeper_kinds[i].words(step, plan);
	return mem_strdup(step->keeps ? "keeps it" : "no");
}

static void put_keepers(const struct explanation *explanation, const struct plan *plan,
			FILE *out)
{
	for (size_t i = 0; i < explanation->n_keepers; i++) {
		const struct keeper_step *step = &explanation->keepers[i];
		_cleanup_free_ char *words = keeper_words(step, plan);

		put(out, i == 0 ? "keepers" : "",
		    mem_printf("%s: %s", rule_key_name(step->key), words));
	}
}

void report_explanation(const struct explanation *explanation, const struct plan *plan,
			FILE *out)
{
	const struct verdict *verdict = explanation->verdict;
	_cleanup_free_ char *name = report_name(verdict),
			    *reason = report_reason(verdict, plan);
	_cleanup_free_ char *id = object_short_id(verdict_id(verdict));

	fprintf(out, "%s %s (%s)\n", kind_to_string(verdict->kind), name, id);
	put_object(verdict, out);
	put_layers(explanation, out);
	put_ages(explanation, plan, out);
	put_rules(explanation, out);
	put_keepers(explanation, plan, out);
	put(out, "verdict",
	    mem_printf("%s: %s", verdict->action == VERDICT_REMOVE ? "goes" : "stays", reason));
}
