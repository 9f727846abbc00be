#include "report/past.h"

#include <assert.h>
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

enum column {
	COLUMN_WHEN,
	COLUMN_ENGINE,
	COLUMN_SOCKET,
	COLUMN_TRIGGER,
	COLUMN_REMOVED,
	COLUMN_CLAIMED,
	COLUMN_MEASURED,
	COLUMN_KEPT,
	COLUMN_FAILED,
	COLUMN_NOTE,
	COLUMNS,
};

static const struct {
	const char *name;
	int flags;
	char *(*cell)(const struct past_row *row);
	enum fit fit;
	size_t min;  /* characters that a narrow terminal leaves it */
	bool common; /* there what all rows have is said once */
} columns[] = {
	[COLUMN_WHEN] = { "WHEN", 0, cell_when, FIT_WRAP, 10, false },
	[COLUMN_ENGINE] = { "ENGINE", 0, cell_engine, FIT_WRAP, 8, true },
	[COLUMN_SOCKET] = { "SOCKET", 0, cell_socket, FIT_CUT, 12, true },
	[COLUMN_TRIGGER] = { "TRIGGER", 0, cell_trigger, FIT_AS_IS, 0, true },
	[COLUMN_REMOVED] = { "REMOVED", 0, cell_removed, FIT_WRAP, 14, false },
	[COLUMN_CLAIMED] = { "CLAIMED", SCOLS_FL_RIGHT, cell_claimed, FIT_AS_IS, 0, false },
	[COLUMN_MEASURED] = { "MEASURED", SCOLS_FL_RIGHT, cell_measured, FIT_AS_IS, 0, false },
	[COLUMN_KEPT] = { "KEPT", SCOLS_FL_RIGHT, cell_kept, FIT_AS_IS, 0, false },
	[COLUMN_FAILED] = { "FAILED", SCOLS_FL_RIGHT, cell_failed, FIT_AS_IS, 0, false },
	[COLUMN_NOTE] = { "NOTE", 0, cell_note, FIT_AS_IS, 0, false },
};
static_assert(ARRAY_SIZE(columns) == COLUMNS, "a row per column");

struct grid {
	char *(*v)[COLUMNS];
	size_t n;
	size_t widths[COLUMNS]; /* 0: not shown */
};

static void measure(struct grid *grid)
{
	for (size_t k = 0; k < COLUMNS; k++) {
		if (grid->widths[k] == 0)
			continue;
		grid->widths[k] = strlen(columns[k].name);
		for (size_t i = 0; i < grid->n; i++)
			if (fit_width(grid->v[i][k]) > grid->widths[k])
				grid->widths[k] = fit_width(grid->v[i][k]);
	}
}

static size_t total_width(const struct grid *grid)
{
	size_t total = 0;

	for (size_t k = 0; k < COLUMNS; k++)
		total += grid->widths[k] > 0 ? grid->widths[k] + 1 : 0;
	return total - 1;
}

/* Few rows have a note, and most of these removed nothing. */
static void join_notes(struct grid *grid)
{
	for (size_t i = 0; i < grid->n; i++) {
		char **removed = &grid->v[i][COLUMN_REMOVED];
		const char *note = grid->v[i][COLUMN_NOTE];
		char *joined;

		if (strcmp(note, "-") == 0)
			continue;
		joined = strcmp(*removed, "-") == 0 ? mem_strdup(note)
						    : mem_printf("%s; %s", *removed, note);
		free(*removed);
		*removed = joined;
	}
	grid->widths[COLUMN_NOTE] = 0;
}

static bool is_common(const struct grid *grid, size_t column)
{
	for (size_t i = 1; i < grid->n; i++)
		if (strcmp(grid->v[i][column], grid->v[0][column]) != 0)
			return false;
	return columns[column].common;
}

static void say_common(struct grid *grid, unsigned width, FILE *out)
{
	_cleanup_free_ char *line = mem_strdup("");

	for (size_t k = 0; k < COLUMNS; k++) {
		_cleanup_free_ char *before = NULL;

		if (!is_common(grid, k))
			continue;
		grid->widths[k] = 0;
		before = line;
		line = mem_printf("%s%s%s %s", before, *before ? ", " : "", columns[k].name,
				  grid->v[0][k]);
	}
	fit_wrap(line, width);
	if (*line)
		fprintf(out, "%s\n", line);
}

static size_t least_width(const struct grid *grid, size_t column)
{
	size_t least = columns[column].min;

	if (columns[column].fit == FIT_AS_IS)
		return grid->widths[column];
	for (size_t i = 0; columns[column].fit == FIT_WRAP && i < grid->n; i++)
		if (fit_word(grid->v[i][column]) > least)
			least = fit_word(grid->v[i][column]);
	return least < grid->widths[column] ? least : grid->widths[column];
}

/* Each column that can be narrower gets its least, then all grow alike as far as there is
 * room. */
static void share_width(struct grid *grid, size_t width)
{
	size_t wanted[COLUMNS];
	bool grew = true;

	memcpy(wanted, grid->widths, sizeof(wanted));
	for (size_t k = 0; k < COLUMNS; k++)
		grid->widths[k] = least_width(grid, k);
	while (grew) {
		grew = false;
		for (size_t k = 0; k < COLUMNS; k++) {
			if (grid->widths[k] >= wanted[k] || total_width(grid) >= width)
				continue;
			grid->widths[k]++;
			grew = true;
		}
	}
}

static void fit_grid(struct grid *grid, unsigned width, FILE *out)
{
	measure(grid);
	if (total_width(grid) <= width)
		return;
	join_notes(grid);
	say_common(grid, width, out);
	measure(grid);
	share_width(grid, width);
	for (size_t i = 0; i < grid->n; i++)
		for (size_t k = 0; k < COLUMNS; k++)
			if (grid->widths[k] > 0 && columns[k].fit == FIT_CUT)
				fit_cut(grid->v[i][k], grid->widths[k]);
			else if (grid->widths[k] > 0 && columns[k].fit == FIT_WRAP)
				fit_wrap(grid->v[i][k], grid->widths[k]);
}

static void collect(const struct past *past, struct grid *grid)
{
	*grid = (struct grid){ .v = mem_zalloc(past->n, sizeof(*grid->v)), .n = past->n };
	for (size_t k = 0; k < COLUMNS; k++) {
		grid->widths[k] = 1;
		for (size_t i = 0; i < grid->n; i++)
			grid->v[i][k] = columns[k].cell(&past->rows[i]);
	}
}

static void add_column(struct libscols_table *table, size_t column)
{
	struct libscols_column *made = scols_table_new_column(
		table, columns[column].name, 0,
		columns[column].flags | (columns[column].fit == FIT_WRAP ? SCOLS_FL_WRAP : 0));

	if (!made)
		mem_die();
	if (columns[column].fit == FIT_WRAP)
		scols_column_set_wrapfunc(made, scols_wrapnl_chunksize, scols_wrapnl_nextchunk,
					  NULL);
}

/* The table takes the cells that it shows. */
static void add_line(struct libscols_table *table, const struct grid *grid, size_t row)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	bool ascii = fit_only_ascii();
	size_t n = 0;

	if (!line)
		mem_die();
	for (size_t k = 0; k < COLUMNS; k++) {
		if (ascii)
			fit_ascii(grid->v[row][k]);
		if (grid->widths[k] == 0)
			free(grid->v[row][k]);
		else if (scols_line_refer_data(line, n++, grid->v[row][k]) < 0)
			mem_die();
	}
}

static void print_table(const struct past *past, unsigned width, FILE *out)
{
	struct libscols_table *table = scols_new_table();
	struct grid grid;

	if (!table)
		mem_die();
	collect(past, &grid);
	if (width > 0)
		fit_grid(&grid, width, out);
	scols_table_set_stream(table, out);
	scols_table_enable_noencoding(table, 1);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	for (size_t k = 0; k < COLUMNS; k++)
		if (grid.widths[k] > 0)
			add_column(table, k);
	for (size_t i = 0; i < grid.n; i++)
		add_line(table, &grid, i);
	scols_print_table(table);
	scols_unref_table(table);
	free(grid.v);
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

void past_text(const struct past *past, unsigned width, FILE *out)
{
	if (past->n == 0) {
		fputs("the journal has no such runs of reclaimd\n", out);
		return;
	}
	print_table(past, width, out);
	print_totals(past, out);
}
