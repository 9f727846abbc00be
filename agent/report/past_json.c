#include "report/json.h"
#include "report/past.h"

#define VERSION 1

static void add_known(struct json_object *object, const char *key, int64_t number)
{
	json_add_number(object, key, number, number != PAST_UNKNOWN);
}

static void add_kinds(struct json_object *object, const char *key,
		      const int64_t counts[KIND_MAX_])
{
	struct json_object *kinds = json_object_new_object();

	for (int kind = 0; kind < KIND_MAX_; kind++)
		add_known(kinds, kind_to_plural((enum kind)kind), counts[kind]);
	json_add(object, key, kinds);
}

/* What every row has. */
static struct json_object *start(const struct past_row *row)
{
	struct json_object *object = json_object_new_object();
	struct json_object *engine = json_object_new_object();

	json_add_number(object, "at", row->at, true);
	json_add_text(object, "run_id", row->run_id);
	json_add_text(engine, "name", row->engine);
	json_add_text(engine, "version", row->version);
	json_add_text(engine, "socket", row->socket);
	json_add(object, "engine", engine);
	json_add_text(object, "message", row->message);
	return object;
}

static struct json_object *run(const struct past_row *row)
{
	struct json_object *object = start(row);

	json_add_text(object, "trigger", row->trigger);
	json_add_text(object, "mode", row->mode);
	add_kinds(object, "removed", row->removed);
	add_kinds(object, "would_remove", row->would_remove);
	add_known(object, "claimed", row->claimed);
	json_add(object, "claimed_is_upper_bound",
		 row->upper_bound == PAST_UNKNOWN
			 ? NULL
			 : json_object_new_boolean(row->upper_bound > 0));
	add_known(object, "measured", row->measured);
	add_known(object, "kept", row->kept);
	add_known(object, "failed", row->failed);
	json_add(object, "missed", json_object_new_boolean(row->event == EVENT_RUN_MISSED));
	return object;
}

static struct json_object *warning(const struct past_row *row)
{
	struct json_object *object = start(row);

	json_add_text(object, "kind",
		      row->event == EVENT_BRAKE	   ? "brake"
		      : row->event == EVENT_NO_RUN ? "no-run"
						   : "problem");
	add_known(object, "exit_status", row->exit_status);
	return object;
}

static struct json_object *sum(const struct past *past)
{
	struct json_object *object = json_object_new_object();
	struct past_totals totals;

	past_count(past, &totals);
	json_add_number(object, "runs", totals.runs, true);
	json_add_number(object, "no_runs", totals.no_runs, true);
	json_add_number(object, "warnings", totals.warnings, true);
	add_kinds(object, "removed", totals.removed);
	json_add_number(object, "claimed", totals.claimed, totals.claimed_whole);
	json_add_number(object, "measured", totals.measured, totals.measured_whole);
	json_add_number(object, "failed", totals.failed, true);
	return object;
}

static void append(struct json_object *array, struct json_object *item)
{
	if (json_object_array_add(array, item) < 0)
		mem_die();
}

void past_json(const struct past *past, FILE *out)
{
	struct json_object *root = json_object_new_object();
	struct json_object *runs = json_object_new_array(), *warnings = json_object_new_array();
	struct json_object *problems = json_object_new_array();

	for (size_t i = 0; i < past->n; i++) {
		if (past_is_run(past->rows[i].event))
			append(runs, run(&past->rows[i]));
		else
			append(warnings, warning(&past->rows[i]));
	}
	for (size_t i = 0; i < past->problems.n; i++)
		append(problems, json_object_new_string(past->problems.texts[i]));
	json_add_number(root, "version", VERSION, true);
	json_add(root, "runs", runs);
	json_add(root, "warnings", warnings);
	json_add(root, "totals", sum(past));
	json_add(root, "problems", problems);
	json_print(root, out);
}
