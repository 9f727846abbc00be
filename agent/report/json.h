#pragma once

#include <json-c/json.h>

#include "report/report.h"

/* Pieces of the JSON that several reports have; for the files of report/ only. */

void json_add(struct json_object *object, const char *key, struct json_object *value);

/* NULL becomes null; bytes that are no UTF-8 become U+FFFD. */
void json_add_text(struct json_object *object, const char *key, const char *text);
void json_add_number(struct json_object *object, const char *key, int64_t number, bool known);

struct json_object *json_engine(const struct engine_info *engine);

/* "rule" and "source". */
void json_add_rule(struct json_object *object, const struct rule *rule);

/* One row of "objects", without its outcome. */
struct json_object *json_verdict(const struct verdict *verdict, const struct plan *plan);

/* The root of every report: version and engine. */
struct json_object *json_root(const struct engine_info *engine);

/* Prints and releases it. */
void json_print(struct json_object *root, FILE *out);
