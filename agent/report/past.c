#include "report/past.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "base/units.h"
#include "report/fit.h"

#define NOTE_MAX 160

/* ---- totals ---- */

bool past_is_run(enum event event)
{
	return event == EVENT_RUN_REMOVED || event == EVENT_RUN_NOTHING ||
	       event == EVENT_RUN_MISSED;
}

/* Whether the number is known and in the sum. */
static bool add(int64_t *sum, int64_t number)
{
	return number != PAST_UNKNOWN && !__builtin_add_overflow(*sum, number, sum);
}

static void count_run(const struct past_row *row, struct past_totals *totals)
{
	bool removed = false;

	totals->runs++;
	for (int kind = 0; kind < KIND_MAX_; kind++) {
		add(&totals->removed[kind], row->removed[kind]);
		removed = removed || row->removed[kind] > 0;
	}
	add(&totals->failed, row->failed);
	if (!removed)
		return;
	totals->claimed_whole &= add(&totals->claimed, row->claimed);
	totals->measured_whole &= add(&totals->measured, row->measured);
	totals->upper_bound |= row->upper_bound > 0;
}

void past_count(const struct past *past, struct past_totals *totals)
{
	*totals = (struct past_totals){ .claimed_whole = true, .measured_whole = true };
	for (size_t i = 0; i < past->n; i++) {
		if (past_is_run(past->rows[i].event))
			count_run(&past->rows[i], totals);
		else if (past->rows[i].event == EVENT_NO_RUN)
			totals->no_runs++;
		else
			totals->warnings++;
	}
}

/* ---- words ---- */

/* "3 containers, 1 image"; NULL if there is none. */
static char *list_kinds(const int64_t counts[KIND_MAX_])
{
	char *list = NULL;

	for (int kind = 0; kind < KIND_MAX_; kind++) {
		_cleanup_free_ char *before = list;

		if (counts[kind] <= 0) {
			take(before);
			continue;
		}
		list = mem_printf("%s%s%lld %s%s", before ? before : "", before ? ", " : "",
				  (long long)counts[kind], kind_to_words((enum kind)kind),
				  counts[kind] == 1 ? "" : "s");
	}
	return list;
}

static char *show_bytes(int64_t bytes)
{
	char text[UNITS_SIZE];

	if (bytes == PAST_UNKNOWN)
		return mem_strdup("-");
	units_format_bytes(text, bytes < 0 ? -bytes : bytes);
	return mem_printf("%s%s", bytes < 0 ? "-" : "", text);
}

static char *show_number(int64_t number)
{
	return number == PAST_UNKNOWN ? mem_strdup("-") : mem_printf("%lld", (long long)number);
}

static char *show_text(const char *text)
{
	return mem_strdup(text && *text ? text : "-");
}

/* ---- cells ---- */

static char *cell_when(const struct past_row *row)
{
	time_t at = (time_t)row->at;
	char text[UNITS_SIZE];
	struct tm parts;

	if (!localtime_r(&at, &parts) ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts) == 0)
		return mem_strdup("-");
	return mem_strdup(text);
}

static char *cell_engine(const struct past_row *row)
{
	if (!row->engine || !row->version)
		return show_text(row->engine);
	return mem_printf("%s %s", row->engine, row->version);
}

static char *cell_socket(const struct past_row *row)
{
	return show_text(row->socket);
}

static char *cell_trigger(const struct past_row *row)
{
	return show_text(row->trigger);
}

static char *cell_removed(const struct past_row *row)
{
	_cleanup_free_ char *would = list_kinds(row->would_remove);
	char *removed = list_kinds(row->removed);

	if (removed)
		return removed;
	if (would)
		return mem_printf("none (would: %s)", would);
	return mem_strdup(past_is_run(row->event) ? "none" : "-");
}

static char *cell_claimed(const struct past_row *row)
{
	_cleanup_free_ char *bytes = show_bytes(row->claimed);

	return mem_printf("%s%s", row->claimed > 0 && row->upper_bound > 0 ? "≤" : "", bytes);
}

static char *cell_measured(const struct past_row *row)
{
	return show_bytes(row->measured);
}

static char *cell_kept(const struct past_row *row)
{
	return show_number(row->kept);
}

static char *cell_failed(const struct past_row *row)
{
	return show_number(row->failed);
}

static const char *prefix_of(enum event event)
{
	return event == EVENT_NO_RUN ? "no run: " : event == EVENT_PROBLEM ? "problem: " : "";
}

/* What the numbers of the row do not say. */
static char *cell_note(const struct past_row *row)
{
	char *note;

	if (past_is_run(row->event)) {
		if (row->event == EVENT_RUN_MISSED)
			return mem_strdup("missed the mark of free space");
		return show_text(row->mode && strcmp(row->mode, "observe") == 0 ? row->mode
										: "");
	}
	note = mem_printf("%s%s", prefix_of(row->event), row->message ? row->message : "-");
	fit_cut(note, NOTE_MAX);
	return note;
}

/* ---- table ---- */

static const struct {
	const char *name;
	int flags;
	char *(*cell)(const struct past_row *row);
} columns[] = {
	{ "WHEN", 0, cell_when },
	{ "ENGINE", 0, cell_engine },
	{ "SOCKET", 0, cell_socket },
	{ "TRIGGER", 0, cell_trigger },
	{ "REMOVED", 0, cell_removed },
	{ "CLAIMED", SCOLS_FL_RIGHT, cell_claimed },
	{ "MEASURED", SCOLS_FL_RIGHT, cell_measured },
	{ "KEPT", SCOLS_FL_RIGHT, cell_kept },
	{ "FAILED", SCOLS_FL_RIGHT, cell_failed },
	{ "NOTE", 0, cell_note },
};

static void add_line(struct libscols_table *table, const struct past_row *row)
{
	bool ascii = fit_only_ascii();
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		mem_die();
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		char *cell = columns[i].cell(row);

		if (ascii)
			fit_ascii(cell);
		if (scols_line_refer_data(line, i, cell) < 0)
			mem_die();
	}
}

static void print_table(const struct past *past, FILE *out)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		mem_die();
	scols_table_set_stream(table, out);
	scols_table_enable_noencoding(table, 1);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (!scols_table_new_column(table, columns[i].name, 0, columns[i].flags))
			mem_die();
	for (size_t i = 0; i < past->n; i++)
		add_line(table, &past->rows[i]);
	scols_print_table(table);
	scols_unref_table(table);
}

static void print_totals(const struct past *past, FILE *out)
{
	_cleanup_free_ char *removed = NULL, *claimed = NULL, *measured = NULL;
	struct past_totals totals;

	past_count(past, &totals);
	removed = list_kinds(totals.removed);
	claimed = show_bytes(totals.claimed);
	measured = show_bytes(totals.measured);
	fprintf(out, "\n%lld run%s: removed %s; claimed %s%s%s, measured %s%s; %lld failed",
		(long long)totals.runs, totals.runs == 1 ? "" : "s",
		removed ? removed : "nothing", totals.upper_bound ? "up to " : "", claimed,
		totals.claimed_whole ? "" : " (not known of all)", measured,
		totals.measured_whole ? "" : " (not known of all)", (long long)totals.failed);
	if (totals.no_runs > 0)
		fprintf(out, "; %lld did not happen", (long long)totals.no_runs);
	if (totals.warnings > 0)
		fprintf(out, "; %lld warning%s", (long long)totals.warnings,
			totals.warnings == 1 ? "" : "s");
	fputc('\n', out);
}

void past_text(const struct past *past, FILE *out)
{
	if (past->n == 0) {
		fputs("the journal has no such runs of reclaimd\n", out);
		return;
	}
	print_table(past, out);
	print_totals(past, out);
}
