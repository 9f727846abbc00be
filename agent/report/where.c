#include "report/where.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "report/builder.h"
#include "report/fit.h"
#include "report/json.h"

/* So many rows have a line of their own; with heads and what follows that is a screen. */
#define ROWS_SHOWN 14

#define NAME_MIN 12
#define NAME_MAX 40
#define ADVICE_MIN 24

static const char cell_unknown[] = "unknown";

/* What people call it, of one and of many; what they can do about it. */
static const struct {
	const char *one, *many, *advice;
} words[USAGE_MAX_] = {
	[USAGE_IMAGE] = { "image", "images",
			  "an [images] rule; its verdict: reclaimd explain NAME" },
	[USAGE_SHARED] = { "layers that images share", "layers that images share",
			   "go with the last image that has them" },
	[USAGE_CONTAINER] = { "written by container", "containers' written layers",
			      "a [containers] rule, or a volume for what it writes" },
	[USAGE_LOG] = { "log of container", "logs of containers",
			"max-size for the log driver, below" },
	[USAGE_VOLUME] = { "volume", "volumes", "a [volumes] rule, if no container needs it" },
	[USAGE_CACHE] = { "build cache", "build cache",
			  "a [build-cache] rule with keep-storage" },
	[USAGE_DOWNLOAD] = { "downloads and builds under way", "downloads and builds under way",
			     "the engine clears it when it starts" },
	[USAGE_ORPHAN] = { "folder the engine does not know",
			   "folders the engine does not know",
			   "look into it; only you can remove it" },
	[USAGE_HELD_OPEN] = { "deleted, held open by", "deleted, held open",
			      "restart the process" },
	[USAGE_RECORDS] = { "the engine's own records", "the engine's own records", "-" },
	[USAGE_OTHER] = { "beside the engine's folders", "beside the engine's folders",
			  "not the engine's: look at it" },
	[USAGE_UNATTRIBUTED] = { "not attributed", "not attributed", "-" },
	[USAGE_REST] = { "not the engine's", "not the engine's", "du -x on the rest of it" },
};

/* ---- rows ---- */

struct line {
	enum usage_kind kind;
	size_t rows; /* that it stands for */
	int64_t bytes, shared;
	const char *name, *why;
};

struct lines {
	struct line *v;
	size_t n;
};

static void add_line(struct lines *lines, const struct usage_row *row)
{
	lines->v = mem_grow(lines->v, lines->n, sizeof(*lines->v));
	lines->v[lines->n++] = (struct line){ .kind = row->kind,
					      .rows = 1,
					      .bytes = row->bytes,
					      .shared = row->shared,
					      .name = row->name,
					      .why = row->why };
}

/* Of one kind, with unknown sizes apart: no sum is a partial one. */
static void add_to_kind(struct lines *lines, size_t first, const struct usage_row *row)
{
	for (size_t i = first; i < lines->n; i++) {
		struct line *line = &lines->v[i];

		if (line->kind != row->kind || (line->bytes < 0) != (row->bytes < 0))
			continue;
		line->rows++;
		line->bytes += row->bytes < 0 ? 0 : row->bytes;
		line->shared = 0;
		return;
	}
	add_line(lines, row);
}

static int compare(const void *left, const void *right)
{
	const struct line *a = left, *b = right;

	if ((a->bytes < 0) != (b->bytes < 0))
		return a->bytes < 0 ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

static struct lines lines_of(const struct disk_ledger *usage, bool all)
{
	struct lines lines = { 0 };
	size_t first;

	for (size_t i = 0; i < usage->n && (all || i < ROWS_SHOWN); i++)
		add_line(&lines, &usage->rows[i]);
	first = lines.n;
	for (size_t i = first; i < usage->n; i++)
		add_to_kind(&lines, first, &usage->rows[i]);
	if (lines.n > first)
		qsort(lines.v + first, lines.n - first, sizeof(*lines.v), compare);
	return lines;
}

/* ---- cells ---- */

static const char *size_cell(char buffer[UNITS_SIZE], int64_t bytes)
{
	return bytes < 0 ? cell_unknown : units_format_bytes(buffer, bytes);
}

static char *what_cell(const struct disk_ledger *usage, const struct line *line)
{
	if (line->rows > 1)
		return mem_printf("%zu %s%s", line->rows,
				  line->kind == USAGE_IMAGE ? "more " : "",
				  words[line->kind].many);
	if (line->kind == USAGE_REST && !usage->walked)
		return mem_strdup("not attributed");
	if (line->kind == USAGE_REST && usage->unknown)
		return mem_strdup("the unknown, and not the engine's");
	return mem_strdup(words[line->kind].one);
}

static char *name_cell(const struct line *line)
{
	char *name;

	if (line->rows > 1 || !line->name)
		return mem_strdup("-");
	name = text_escape(line->name);
	fit_cut(name, NAME_MAX);
	return name;
}

/* What an unknown row needs first is to be readable. */
static char *advice_cell(const struct disk_ledger *usage, const struct line *line)
{
	_cleanup_free_ char *command = NULL;
	char shared[UNITS_SIZE];

	if (line->rows == 1 && line->why)
		return text_escape(line->why);
	if (line->kind == USAGE_REST && !usage->walked)
		return mem_strdup("logs, orphans and what is not the engine's");
	if (line->rows == 1 && line->kind == USAGE_VOLUME && line->name &&
	    (command = builder_command(line->name)))
		return text_escape(command);
	if (line->rows == 1 && line->kind == USAGE_IMAGE && line->shared != 0)
		return mem_printf("shares %s; %s", size_cell(shared, line->shared),
				  words[line->kind].advice);
	return mem_strdup(words[line->kind].advice);
}

/* ---- the screen ---- */

/* The last cell may have several lines. */
static void print_line(const char *const cells[4], const size_t widths[3], FILE *out)
{
	int indent = (int)(widths[0] + widths[1] + widths[2]) + 6;
	char *rest, *end;
	_cleanup_free_ char *line =
		mem_printf("%*s  %s%*s  %s%*s  %s", (int)widths[0], cells[0], cells[1],
			   (int)(widths[1] - fit_width(cells[1])), "", cells[2],
			   (int)(widths[2] - fit_width(cells[2])), "", cells[3]);

	if (fit_only_ascii())
		fit_ascii(line);
	for (rest = line; (end = strchr(rest, '\n')); rest = end + 1)
		fprintf(out, "%.*s\n%*s", (int)(end - rest), rest, indent, "");
	fprintf(out, "%s\n", rest);
}

static void widen(size_t widths[3], const char *const cells[4])
{
	for (size_t i = 0; i < 3; i++)
		if (fit_width(cells[i]) > widths[i])
			widths[i] = fit_width(cells[i]);
}

/* What the first two columns leave of the width is shared by names, which are cut, and advice,
 * which is wrapped. */
static void fit_cells(char *(*cells)[4], size_t n, size_t widths[3], size_t width)
{
	size_t taken = widths[0] + widths[1] + 6, advice = ADVICE_MIN;
	size_t left = width > taken ? width - taken : 0;
	size_t names = left > NAME_MIN + ADVICE_MIN ? left - ADVICE_MIN : NAME_MIN;

	if (widths[2] > names)
		widths[2] = names;
	if (left > widths[2] + ADVICE_MIN)
		advice = left - widths[2];
	for (size_t i = 0; i < n; i++) {
		fit_cut(cells[i][2], widths[2]);
		fit_wrap(cells[i][3], advice);
	}
}

static void print_lines(const struct disk_ledger *usage, const struct lines *lines,
			unsigned width, FILE *out)
{
	static const char *const heads[4] = { "SIZE", "WHAT", "WHOSE", "WHAT TO DO" };
	char *(*cells)[4] = mem_zalloc(lines->n + 1, sizeof(*cells));
	size_t widths[3] = { 0, 0, NAME_MIN };

	widen(widths, heads);
	for (size_t i = 0; i < lines->n; i++) {
		char bytes[UNITS_SIZE];

		cells[i][0] = mem_strdup(size_cell(bytes, lines->v[i].bytes));
		cells[i][1] = what_cell(usage, &lines->v[i]);
		cells[i][2] = name_cell(&lines->v[i]);
		cells[i][3] = advice_cell(usage, &lines->v[i]);
		widen(widths, (const char *const *)cells[i]);
	}
	if (width > 0)
		fit_cells(cells, lines->n, widths, width);
	print_line(heads, widths, out);
	for (size_t i = 0; i < lines->n; i++) {
		print_line((const char *const *)cells[i], widths, out);
		for (size_t k = 0; k < 4; k++)
			free(cells[i][k]);
	}
	free(cells);
}

static void print_total(const struct disk *disk, const struct disk_ledger *usage, FILE *out)
{
	char used[UNITS_SIZE], total[UNITS_SIZE], available[UNITS_SIZE], over[UNITS_SIZE];
	_cleanup_free_ char *path = text_escape(disk->path ? disk->path : "");

	if (disk->state != FACT_KNOWN)
		return;
	fprintf(out, "\n%s: %s of %s in use, %s available\n", path,
		units_format_bytes(used, disk->used), units_format_bytes(total, disk->total),
		units_format_bytes(available, disk->available));
	if (usage->over > 0)
		fprintf(out, "%s more was counted than is in use: it changed meanwhile\n",
			units_format_bytes(over, usage->over));
}

static bool has_kind(const struct disk_ledger *usage, enum usage_kind kind)
{
	for (size_t i = 0; i < usage->n; i++)
		if (usage->rows[i].kind == kind)
			return true;
	return false;
}

static void print_log_lines(const struct disk_ledger *usage, FILE *out)
{
	if (!has_kind(usage, USAGE_LOG))
		return;
	fputs("\nLogs grow without end until /etc/docker/daemon.json (a rootless engine's:\n"
	      "~/.config/docker/daemon.json) has these lines and the engine was restarted; "
	      "containers\nmade before keep theirs:\n"
	      "  \"log-driver\": \"json-file\",\n"
	      "  \"log-opts\": { \"max-size\": \"10m\", \"max-file\": \"3\" }\n",
	      out);
}

void report_where(const struct snapshot *snapshot, const struct disk_ledger *usage, bool all,
		  unsigned width, FILE *out)
{
	struct lines lines = lines_of(usage, all);

	print_lines(usage, &lines, width, out);
	print_total(&snapshot->disk, usage, out);
	print_log_lines(usage, out);
	free(lines.v);
}

/* ---- JSON ---- */

static struct json_object *row_object(const struct usage_row *row)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "kind", usage_kind_to_string(row->kind));
	json_add_text(object, "id", row->id);
	json_add_text(object, "name", row->name);
	json_add_number(object, "bytes", row->bytes, row->bytes >= 0);
	if (row->kind == USAGE_IMAGE)
		json_add_number(object, "shared", row->shared, row->shared >= 0);
	json_add_text(object, "why", row->why);
	json_add_text(object, "advice", words[row->kind].advice);
	return object;
}

static struct json_object *disk_object(const struct disk *disk)
{
	struct json_object *object = json_object_new_object();
	bool known = disk->state == FACT_KNOWN;

	json_add_text(object, "path", disk->path);
	json_add_number(object, "total", disk->total, known);
	json_add_number(object, "used", disk->used, known);
	json_add_number(object, "available", disk->available, known);
	return object;
}

void report_where_json(const struct snapshot *snapshot, const struct disk_ledger *usage,
		       FILE *out)
{
	struct json_object *root = json_root(&snapshot->engine);
	struct json_object *rows = json_object_new_array();

	json_add(root, "filesystem", disk_object(&snapshot->disk));
	json_add(root, "walked", json_object_new_boolean(usage->walked));
	json_add(root, "unknown", json_object_new_boolean(usage->unknown));
	json_add_number(root, "over", usage->over, true);
	for (size_t i = 0; i < usage->n; i++)
		if (json_object_array_add(rows, row_object(&usage->rows[i])) < 0)
			mem_die();
	json_add(root, "rows", rows);
	json_print(root, out);
}
