#include "report/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/held.h"
#include "report/object.h"

#define VERSION 1

void json_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (json_object_object_add(object, key, value) < 0)
		mem_die();
}

/* Bytes that are no UTF-8 become U+FFFD. */
static char *make_valid(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char *valid = mem_zalloc(strlen(text) + 1, sizeof(replacement)), *end = valid;

	while (*text) {
		size_t length = text_utf8_length(text, NULL);

		if (length > 0) {
			memcpy(end, text, length);
			text += length;
			end += length;
		} else {
			memcpy(end, replacement, sizeof(replacement) - 1);
			text++;
			end += sizeof(replacement) - 1;
		}
	}
	return valid;
}

void json_add_text(struct json_object *object, const char *key, const char *text)
{
	_cleanup_free_ char *valid = text && !text_is_utf8(text) ? make_valid(text) : NULL;

	if (valid)
		text = valid;
	json_add(object, key, text ? json_object_new_string(text) : NULL);
}

void json_add_number(struct json_object *object, const char *key, int64_t number, bool known)
{
	json_add(object, key, known ? json_object_new_int64(number) : NULL);
}

struct json_object *json_engine(const struct engine_info *engine)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "name", engine->name);
	json_add_text(object, "version", engine->version);
	json_add_text(object, "api", engine->api);
	json_add_text(object, "id", engine->id);
	json_add_text(object, "socket", engine->socket);
	json_add_text(object, "data_root", engine->data_root);
	return object;
}

void json_add_rule(struct json_object *object, const struct rule *rule)
{
	_cleanup_free_ char *source =
		rule && rule->section.file
			? mem_printf("%s:%u", rule->section.file, rule->section.line)
			: NULL;

	json_add_text(object, "rule", rule ? rule->name : NULL);
	json_add_text(object, "source", source);
}

static void add_outcome(struct json_object *object, const struct result *result, size_t index)
{
	json_add_text(object, "outcome", outcome_to_string(result->outcomes[index]));
	if (result->details[index])
		json_add_text(object, "detail", result->details[index]);
}

struct json_object *json_verdict(const struct verdict *verdict, const struct plan *plan)
{
	_cleanup_free_ char *reason = report_reason(verdict, plan);
	struct json_object *object = json_object_new_object();
	int64_t age = object_age(verdict, plan);

	json_add_text(object, "kind", kind_to_string(verdict->kind));
	json_add_text(object, "id", verdict_id(verdict));
	json_add_text(object, "name", verdict_name(verdict));
	json_add_text(object, "verdict", report_verdict(verdict));
	json_add_text(object, "preserve_as",
		      verdict->preserve_as ? verdict->preserve_as->raw : NULL);
	json_add_text(object, "guard", reason_guard(verdict->reason));
	json_add_rule(object, verdict->rule);
	json_add_text(object, "reason", reason);
	json_add_text(object, "reason_code", reason_to_string(verdict->reason));
	json_add_number(object, "bytes", verdict->bytes, verdict->bytes >= 0);
	json_add_number(object, "age_s", age, age >= 0);
	return object;
}

static struct json_object *totals_object(const struct totals *totals, bool upper_bound)
{
	struct json_object *object = json_object_new_object();

	for (int kind = 0; kind < KIND_MAX_; kind++)
		json_add_number(object, kind_to_plural((enum kind)kind),
				(int64_t)totals->n[kind], true);
	json_add_number(object, "bytes", totals->bytes,
			totals->bytes > 0 || totals->unknown == 0);
	json_add_number(object, "bytes_unknown", (int64_t)totals->unknown, true);
	json_add(object, "bytes_upper_bound", json_object_new_boolean(upper_bound));
	return object;
}

static void add_disk(struct json_object *object, const char *key, const struct disk *disk)
{
	bool known = disk && disk->state == FACT_KNOWN;

	json_add_number(object, key, known ? disk->available : 0, known);
}

static struct json_object *measured_object(const struct report *report)
{
	const struct disk *disk = report->before;
	struct json_object *object = json_object_new_object();
	bool known = disk && disk->state == FACT_KNOWN;

	add_disk(object, "before", disk);
	add_disk(object, "after", report->after);
	json_add_number(object, "filesystem_bytes", known ? disk->total : 0, known);
	return object;
}

struct json_object *json_root(const struct engine_info *engine)
{
	struct json_object *root = json_object_new_object();

	json_add(root, "version", json_object_new_int(VERSION));
	json_add(root, "engine", json_engine(engine));
	return root;
}

void json_print(struct json_object *root, FILE *out)
{
	const char *text = json_object_to_json_string_ext(
		root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		mem_die();
	fprintf(out, "%s\n", text);
	json_object_put(root);
}

static void add_share(struct json_object *object, const struct report *report,
		      const struct verdict *verdict)
{
	const struct share *share;

	if (!report->shares || !is_image_row(verdict))
		return;
	share = &report->shares[verdict->image - report->plan->snapshot->images];
	json_add_number(object, "unique", share->unique, share->unique >= 0);
	json_add_number(object, "shared", share->shared, share->shared >= 0);
}

static struct json_object *objects_of(const struct report *report)
{
	struct json_object *objects = json_object_new_array();

	for (size_t i = 0; i < report->plan->n; i++) {
		struct json_object *object =
			json_verdict(&report->plan->verdicts[i], report->plan);

		add_share(object, report, &report->plan->verdicts[i]);
		if (report->result)
			add_outcome(object, report->result, i);
		if (json_object_array_add(objects, object) < 0)
			mem_die();
	}
	return objects;
}

static struct json_object *predicted_object(const struct prediction *predicted)
{
	struct json_object *object = json_object_new_object();

	json_add_number(object, "bytes", predicted->bytes,
			predicted->bytes > 0 || predicted->unknown == 0);
	json_add_number(object, "unknown", (int64_t)predicted->unknown, true);
	json_add(object, "upper_bound", json_object_new_boolean(predicted->upper_bound));
	return object;
}

static struct json_object *held_object(const struct report *report)
{
	struct json_object *object = json_object_new_object();
	struct held held;

	held_count(report, &held);
	for (int by = 0; by < HELD_MAX_; by++)
		json_add_number(object, held_key((enum held_by)by), held.bytes[by], true);
	json_add_number(object, "unknown", (int64_t)held.unknown, true);
	json_add_number(object, "rest", held.rest, held.rest >= 0);
	return object;
}

/* Null without pressure rules; "missed" is predicted, and measured once something was done. */
static struct json_object *pressure_object(const struct report *report)
{
	const struct pressure *pressure = &report->plan->pressure;
	struct json_object *object, *rules;

	if (!pressure->wanted)
		return NULL;
	object = json_object_new_object();
	rules = json_object_new_array();
	for (size_t i = 0; i < pressure->n_rules; i++)
		json_object_array_add(rules, json_object_new_string(pressure->rules[i]->name));
	json_add(object, "rules", rules);
	json_add_text(object, "off", pressure->off);
	json_add_number(object, "needed", pressure->needed, !pressure->off);
	json_add(object, "missed",
		 json_object_new_boolean(report->result ? report->missed : pressure->missed));
	json_add(object, "held", report->missed ? held_object(report) : NULL);
	return object;
}

static void add_round(struct json_object *object, const struct report *report)
{
	const struct plan *plan = report->plan;
	struct json_object *totals = json_object_new_object();

	json_add(object, "objects", objects_of(report));
	json_add(object, "totals", totals);
	json_add(totals, "remove", totals_object(&plan->remove, plan->claimed_is_upper_bound));
	json_add(totals, "tag", totals_object(&plan->tag, true));
	json_add(totals, "keep", totals_object(&plan->keep, true));
	json_add(object, "predicted", predicted_object(&plan->predicted));
	json_add(object, "pressure", pressure_object(report));
}

static struct json_object *earlier_object(const struct report *report)
{
	struct json_object *object;

	if (!report)
		return NULL;
	object = json_object_new_object();
	add_round(object, report);
	return object;
}

void report_json(const struct report *report, FILE *out)
{
	const struct plan *plan = report->plan;
	_cleanup_free_ char *brake = report_brake(plan);
	struct json_object *root = json_root(&plan->snapshot->engine);

	add_round(root, report);
	json_add_text(root, "brake", brake);
	if (report->run_id) {
		json_add(root, "earlier", earlier_object(report->earlier));
		json_add(root, "measured", measured_object(report));
	}
	json_print(root, out);
}
