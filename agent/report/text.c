#include "report/report.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/fit.h"
#include "report/object.h"
#include "report/order.h"

/* Digits of a digest that a table shows. */
#define DIGEST_DIGITS 12

struct table {
	const struct report *report;
	bool all, keeps, outcomes, colour; /* keeps: has rows that do not go */
	struct libscols_table *lines;
};

/* ---- cells ---- */

static char *cell_kind(const struct table *table _unused_, const struct verdict *verdict)
{
	return mem_strdup(kind_to_string(verdict->kind));
}

/* A whole digest would push everything else off the screen. */
static char *cell_name(const struct table *table _unused_, const struct verdict *verdict)
{
	char *name = report_name(verdict), *at = strchr(name, '@');
	char *digits = at ? strchr(at, ':') : NULL;

	if (digits && strlen(digits + 1) > DIGEST_DIGITS)
		digits[1 + DIGEST_DIGITS] = '\0';
	return name;
}

/* The size of a container that stays is not asked for. */
static bool is_asked(const struct verdict *verdict)
{
	return verdict->kind != KIND_CONTAINER || verdict->action == VERDICT_REMOVE;
}

static char *cell_size(const struct table *table, const struct verdict *verdict)
{
	bool layers = is_image_row(verdict);
	bool upper_bound = layers && verdict->bytes > 0 && verdict->action == VERDICT_REMOVE &&
			   table->report->plan->claimed_is_upper_bound;
	char bytes[UNITS_SIZE];

	if (verdict->bytes < 0)
		return mem_strdup(is_asked(verdict) ? "unknown" : "-");
	return mem_printf("%s%s", upper_bound ? "≤" : "",
			  units_format_bytes(bytes, verdict->bytes));
}

static const struct share *share_of(const struct report *report, const struct verdict *verdict)
{
	bool image = is_image_row(verdict);

	return image && report->shares
		       ? &report->shares[verdict->image - report->plan->snapshot->images]
		       : NULL;
}

static char *cell_unique(const struct table *table, const struct verdict *verdict)
{
	const struct share *share = share_of(table->report, verdict);
	char bytes[UNITS_SIZE];

	if (!share)
		return mem_strdup("-");
	return mem_strdup(share->unique < 0 ? "unknown"
					    : units_format_bytes(bytes, share->unique));
}

static char *cell_age(const struct table *table, const struct verdict *verdict)
{
	int64_t seconds = object_age(verdict, table->report->plan);
	char age[UNITS_SIZE];

	if (seconds < 0)
		return mem_strdup(verdict->age.source == SOURCE_NOW ? "unknown" : "-");
	return mem_strdup(units_format_duration(age, seconds));
}

static char *cell_verdict(const struct table *table _unused_, const struct verdict *verdict)
{
	return mem_strdup(report_verdict(verdict));
}

static size_t index_of(const struct table *table, const struct verdict *verdict)
{
	return (size_t)(verdict - table->report->plan->verdicts);
}

static char *cell_outcome(const struct table *table, const struct verdict *verdict)
{
	enum outcome outcome = table->report->result->outcomes[index_of(table, verdict)];
	const char *word = outcome_to_string(outcome);

	return mem_strdup(word ? word : "-");
}

static char *cell_rule(const struct table *table _unused_, const struct verdict *verdict)
{
	return verdict->rule ? text_escape(verdict->rule->name) : mem_strdup("-");
}

static char *cell_reason(const struct table *table, const struct verdict *verdict)
{
	const struct result *result = table->report->result;
	const char *detail = result ? result->details[index_of(table, verdict)] : NULL;
	char *reason = report_reason(verdict, table->report->plan);

	if (detail) {
		_cleanup_free_ char *bare = reason, *escaped = text_escape(detail);

		reason = mem_printf("%s; %s", bare, escaped);
	}
	return reason;
}

/* ---- columns ---- */

static bool always(const struct table *table _unused_)
{
	return true;
}

/* Where all rows say "remove" none need say it. */
static bool with_verdicts(const struct table *table)
{
	return table->keeps;
}

static bool with_shares(const struct table *table)
{
	return table->report->shares;
}

static bool with_outcomes(const struct table *table)
{
	return table->outcomes;
}

static const struct {
	const char *name;
	int flags;
	enum fit fit;
	bool (*wanted)(const struct table *table);
	char *(*cell)(const struct table *table, const struct verdict *verdict);
} columns[] = {
	{ "KIND", 0, FIT_AS_IS, always, cell_kind },
	{ "NAME", 0, FIT_CUT, always, cell_name },
	{ "SIZE", SCOLS_FL_RIGHT, FIT_AS_IS, always, cell_size },
	{ "UNIQUE", SCOLS_FL_RIGHT, FIT_AS_IS, with_shares, cell_unique },
	{ "AGE", SCOLS_FL_RIGHT, FIT_AS_IS, always, cell_age },
	{ "VERDICT", 0, FIT_AS_IS, with_verdicts, cell_verdict },
	{ "OUTCOME", 0, FIT_AS_IS, with_outcomes, cell_outcome },
	{ "RULE", 0, FIT_AS_IS, always, cell_rule },
	{ "REASON", SCOLS_FL_WRAP, FIT_WRAP, always, cell_reason },
};

#define COLUMNS ARRAY_SIZE(columns)

/* ---- what fits ---- */

/* No terminal is so narrow that these get less. */
#define NAME_MIN 20
#define REASON_MIN 24

struct rows {
	char *(*v)[COLUMNS];
	size_t n;
};

static void widest_cells(const struct table *table, const struct rows *rows,
			 size_t widths[COLUMNS])
{
	for (size_t k = 0; k < COLUMNS; k++) {
		widths[k] = columns[k].wanted(table) ? strlen(columns[k].name) : 0;
		for (size_t i = 0; i < rows->n && columns[k].wanted(table); i++)
			if (fit_width(rows->v[i][k]) > widths[k])
				widths[k] = fit_width(rows->v[i][k]);
	}
}

static size_t at_least(size_t value, size_t minimum)
{
	return value > minimum ? value : minimum;
}

/* What the other columns leave of the width is shared by names, which are cut, and reasons,
 * which are wrapped. */
static void fit_rows(const struct table *table, struct rows *rows, size_t width)
{
	size_t widths[COLUMNS], taken = 0, left, name_width = 0, reason_width;

	widest_cells(table, rows, widths);
	for (size_t k = 0; k < COLUMNS; k++)
		if (columns[k].wanted(table))
			taken += 1 + (columns[k].fit == FIT_AS_IS ? widths[k] : 0);
	left = width > taken ? width - taken : 0;
	for (size_t k = 0; k < COLUMNS; k++)
		if (columns[k].fit == FIT_CUT)
			name_width = widths[k];
	if (name_width > at_least(left / 2, NAME_MIN))
		name_width = at_least(left / 2, NAME_MIN);
	reason_width = at_least(left > name_width ? left - name_width : 0, REASON_MIN);
	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < COLUMNS; k++)
			if (columns[k].fit == FIT_CUT)
				fit_cut(rows->v[i][k], name_width);
			else if (columns[k].fit == FIT_WRAP)
				fit_wrap(rows->v[i][k], reason_width);
}

/* ---- the table ---- */

static void add_columns(const struct table *table)
{
	for (size_t k = 0; k < COLUMNS; k++) {
		struct libscols_column *column;

		if (!columns[k].wanted(table))
			continue;
		column = scols_table_new_column(table->lines, columns[k].name, 0,
						columns[k].flags);
		if (!column)
			mem_die();
		if (columns[k].fit == FIT_WRAP)
			scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
						  scols_wrapnl_nextchunk, NULL);
		if (table->colour)
			scols_cell_set_color(scols_column_get_header(column), "bold");
	}
}

static void add_line(const struct table *table, char *cells[COLUMNS], bool goes)
{
	struct libscols_line *line = scols_table_new_line(table->lines, NULL);
	size_t n = 0;

	if (!line)
		mem_die();
	for (size_t k = 0; k < COLUMNS; k++)
		if (columns[k].wanted(table) && scols_line_refer_data(line, n++, cells[k]) < 0)
			mem_die();
	if (table->keeps && table->colour && goes)
		scols_line_set_color(line, "red");
}

static void set_output(const struct table *table, FILE *out)
{
	scols_table_set_stream(table->lines, out);
	scols_table_enable_colors(table->lines, table->colour);
	/* Our cells are escaped and fit already. */
	scols_table_enable_noencoding(table->lines, 1);
	scols_table_set_termforce(table->lines, SCOLS_TERMFORCE_NEVER);
}

/* libsmartcols 2.38 does not end when the locale cannot read a character of a cell. */
static void make_ascii(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < COLUMNS; k++)
			if (rows->v[i][k])
				fit_ascii(rows->v[i][k]);
}

static struct rows collect_rows(const struct table *table, const struct verdict *const *shown,
				size_t n)
{
	struct rows rows = { .v = mem_zalloc(n, sizeof(*rows.v)), .n = n };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < COLUMNS; k++)
			if (columns[k].wanted(table))
				rows.v[i][k] = columns[k].cell(table, shown[i]);
	return rows;
}

static bool print_table(struct table *table, unsigned width, FILE *out)
{
	size_t n;
	const struct verdict **shown = order_rows(table->report->plan, table->all, &n);
	struct rows rows;

	table->keeps = table->all;
	for (size_t i = 0; i < n; i++)
		table->keeps = table->keeps || shown[i]->action != VERDICT_REMOVE;
	rows = collect_rows(table, shown, n);
	table->lines = scols_new_table();
	if (!table->lines)
		mem_die();
	set_output(table, out);
	add_columns(table);
	if (width > 0)
		fit_rows(table, &rows, width);
	if (fit_only_ascii())
		make_ascii(&rows);
	for (size_t i = 0; i < n; i++)
		add_line(table, rows.v[i], shown[i]->action == VERDICT_REMOVE);
	if (n > 0)
		scols_print_table(table->lines);
	/* The cells are the table's. */
	scols_unref_table(table->lines);
	free(rows.v);
	free(shown);
	return n > 0;
}

/* A column that only says what VERDICT says would be noise. */
static bool outcomes_differ(const struct report *report)
{
	const struct plan *plan = report->plan;

	for (size_t i = 0; report->result && i < plan->n_removals; i++)
		if (report->result->outcomes[plan->removals[i]] != OUTCOME_REMOVED)
			return true;
	return report->result && report->result->n_tagged < plan->n_tags;
}

static void print_engine(const struct engine_info *engine, FILE *out)
{
	_cleanup_free_ char *name = text_escape(engine->name ? engine->name : "engine");
	_cleanup_free_ char *version = text_escape(engine->version ? engine->version : "");
	_cleanup_free_ char *socket = text_escape(engine->socket ? engine->socket : "unknown");

	fprintf(out, "%s%s%s at %s\n", name, *version ? " " : "", version, socket);
}

static void print_round(const struct report *report, bool all, bool colour, unsigned width,
			FILE *out)
{
	struct table table = {
		.report = report,
		.all = all,
		.colour = colour,
		.outcomes = outcomes_differ(report),
	};

	if (print_table(&table, width, out))
		fputc('\n', out);
}

void report_text_width(const struct report *report, bool all, bool colour, unsigned width,
		       FILE *out)
{
	_cleanup_free_ char *summary = report_summary(report),
			    *brake = report_brake(report->plan);

	print_engine(&report->plan->snapshot->engine, out);
	if (report->earlier)
		print_round(report->earlier, all, colour, width, out);
	print_round(report, all, colour, width, out);
	if (brake)
		fprintf(out, "%s\n", brake);
	fprintf(out, "%s\n", summary);
}

void report_text(const struct report *report, bool all, bool colour, FILE *out)
{
	report_text_width(report, all, colour, fit_terminal_width(out), out);
}
