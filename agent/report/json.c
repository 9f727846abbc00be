#include "report/report.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/object.h"

#define VERSION 1

static void add(struct json_object *object, const char *key, struct json_object *value)
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

static void add_text(struct json_object *object, const char *key, const char *text)
{
	_cleanup_free_ char *valid = text && !text_is_utf8(text) ? make_valid(text) : NULL;

	if (valid)
		text = valid;
	add(object, key, text ? json_object_new_string(text) : NULL);
}

static void add_number(struct json_object *object, const char *key, int64_t number, bool known)
{
	add(object, key, known ? json_object_new_int64(number) : NULL);
}

static struct json_object *engine_object(const struct engine_info *engine)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "name", engine->name);
	add_text(object, "version", engine->version);
	add_text(object, "api", engine->api);
	add_text(object, "id", engine->id);
	add_text(object, "socket", engine->socket);
	add_text(object, "data_root", engine->data_root);
	return object;
}

static void add_source(struct json_object *object, const struct rule *rule)
{
	_cleanup_free_ char *source =
		rule && rule->section.file
			? mem_printf("%s:%u", rule->section.file, rule->section.line)
			: NULL;

	add_text(object, "rule", rule ? rule->name : NULL);
	add_text(object, "source", source);
}

static void add_outcome(struct json_object *object, const struct result *result, size_t index)
{
	add_text(object, "outcome", outcome_to_string(result->outcomes[index]));
	if (result->details[index])
		add_text(object, "detail", result->details[index]);
}

static struct json_object *verdict_object(const struct report *report, size_t index)
{
	const struct verdict *verdict = &report->plan->verdicts[index];
	_cleanup_free_ char *reason = report_reason(verdict, report->plan);
	struct json_object *object = json_object_new_object();
	int64_t age = object_age(verdict, report->plan);

	add_text(object, "kind", kind_to_string(verdict->kind));
	add_text(object, "id", object_id(verdict));
	add_text(object, "name", object_name(verdict));
	add_text(object, "verdict", verdict->action == VERDICT_REMOVE ? "remove" : "keep");
	add_text(object, "guard", reason_guard(verdict->reason));
	add_source(object, verdict->rule);
	add_text(object, "reason", reason);
	add_text(object, "reason_code", reason_to_string(verdict->reason));
	add_number(object, "bytes", verdict->bytes, verdict->bytes >= 0);
	add_number(object, "age_s", age, age >= 0);
	if (report->result)
		add_outcome(object, report->result, index);
	return object;
}

static struct json_object *totals_object(const struct totals *totals, bool upper_bound)
{
	struct json_object *object = json_object_new_object();

	for (int kind = 0; kind < KIND_MAX_; kind++)
		add_number(object, kind_to_plural((enum kind)kind), (int64_t)totals->n[kind],
			   true);
	add_number(object, "bytes", totals->bytes, totals->bytes > 0 || totals->unknown == 0);
	add_number(object, "bytes_unknown", (int64_t)totals->unknown, true);
	add(object, "bytes_upper_bound", json_object_new_boolean(upper_bound));
	return object;
}

static void add_disk(struct json_object *object, const char *key, const struct disk *disk)
{
	bool known = disk && disk->state == FACT_KNOWN;

	add_number(object, key, known ? disk->available : 0, known);
}

static struct json_object *measured_object(const struct report *report)
{
	const struct disk *disk = report->before;
	struct json_object *object = json_object_new_object();
	bool known = disk && disk->state == FACT_KNOWN;

	add_disk(object, "before", disk);
	add_disk(object, "after", report->after);
	add_number(object, "filesystem_bytes", known ? disk->total : 0, known);
	return object;
}

static struct json_object *report_object(const struct report *report)
{
	const struct plan *plan = report->plan;
	struct json_object *root = json_object_new_object(), *totals = json_object_new_object();
	struct json_object *objects = json_object_new_array();

	add(root, "version", json_object_new_int(VERSION));
	add(root, "engine", engine_object(&plan->snapshot->engine));
	add(root, "objects", objects);
	for (size_t i = 0; i < plan->n; i++)
		if (json_object_array_add(objects, verdict_object(report, i)) < 0)
			mem_die();
	add(root, "totals", totals);
	add(totals, "remove", totals_object(&plan->remove, plan->claimed_is_upper_bound));
	add(totals, "keep", totals_object(&plan->keep, true));
	if (report->run_id)
		add(root, "measured", measured_object(report));
	return root;
}

void report_json(const struct report *report, FILE *out)
{
	struct json_object *root = report_object(report);
	const char *text = json_object_to_json_string_ext(
		root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		mem_die();
	fprintf(out, "%s\n", text);
	json_object_put(root);
}
