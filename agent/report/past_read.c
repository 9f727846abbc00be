#include "report/past.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "report/journal.h"

/* What is longer is cut: a run's own texts are far shorter. */
#define TEXT_MAX 4096
#define USEC_PER_SEC 1000000

static const enum event wanted[] = {
	EVENT_RUN_REMOVED, EVENT_RUN_NOTHING, EVENT_RUN_MISSED,
	EVENT_BRAKE,	   EVENT_PROBLEM,     EVENT_NO_RUN,
};

/* ---- fields ---- */

/* A copy of the field's bytes, not cleaned; NULL if there is none or it holds a NUL. */
static char *raw(sd_journal *journal, const char *name)
{
	size_t skip = strlen(name) + 1, length;
	const void *data;
	char *copy;

	if (sd_journal_get_data(journal, name, &data, &length) < 0 || length < skip)
		return NULL;
	length -= skip;
	if (length > TEXT_MAX)
		length = TEXT_MAX;
	if (memchr((const char *)data + skip, '\0', length))
		return NULL;
	copy = mem_zalloc(length + 1, 1);
	memcpy(copy, (const char *)data + skip, length);
	return copy;
}

static char *text(sd_journal *journal, const char *name)
{
	_cleanup_free_ char *bytes = raw(journal, name);

	return bytes ? text_clean(bytes) : NULL;
}

static int64_t number(sd_journal *journal, const char *name)
{
	_cleanup_free_ char *bytes = raw(journal, name);
	const char *digits = bytes && *bytes == '-' ? bytes + 1 : bytes;
	intmax_t value;

	if (!digits || !*digits || digits[strspn(digits, "0123456789")])
		return PAST_UNKNOWN;
	errno = 0;
	value = strtoimax(bytes, NULL, 10);
	return errno ? PAST_UNKNOWN : value;
}

/* What only grows cannot be negative. */
static int64_t count(sd_journal *journal, const char *name)
{
	int64_t value = number(journal, name);

	return value < 0 ? PAST_UNKNOWN : value;
}

static void read_kinds(sd_journal *journal, const char *verb, int64_t ret[KIND_MAX_])
{
	for (int kind = 0; kind < KIND_MAX_; kind++) {
		_cleanup_free_ char *name =
			mem_printf("RECLAIMD_%s_%s", verb, journal_kind_field((enum kind)kind));

		ret[kind] = count(journal, name);
	}
}

/* ---- whose entry ---- */

static bool is_program(const char *path)
{
	static const char deleted[] = " (deleted)"; /* replaced by an upgrade meanwhile */
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t length = strlen("reclaimd");

	return strncmp(name, "reclaimd", length) == 0 &&
	       (name[length] == '\0' || strcmp(name + length, deleted) == 0);
}

/* The container engines' own log drivers run as root and pass fields on that containers choose.
 */
static bool is_ours(sd_journal *journal)
{
	_cleanup_free_ char *comm = raw(journal, "_COMM"), *exe = raw(journal, "_EXE");

	return (!comm || is_program(comm)) && (!exe || is_program(exe));
}

static int find_event(sd_journal *journal)
{
	_cleanup_free_ char *id = raw(journal, "MESSAGE_ID");

	for (size_t i = 0; id && i < ARRAY_SIZE(wanted); i++)
		if (strcmp(id, event_row(wanted[i])->message_id) == 0)
			return (int)wanted[i];
	return -1;
}

static bool is_of_engine(const char *socket, const struct past_query *query)
{
	_cleanup_free_ char *escaped = query->socket ? text_escape(query->socket) : NULL;

	return !escaped || !socket || strcmp(escaped, socket) == 0;
}

/* ---- entries ---- */

static void clear_row(struct past_row *row)
{
	char *texts[] = { row->run_id,	row->engine, row->version, row->socket,
			  row->trigger, row->mode,   row->message };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
}

static void read_row(sd_journal *journal, struct past_row *row)
{
	row->run_id = text(journal, "RECLAIMD_RUN_ID");
	row->engine = text(journal, "RECLAIMD_ENGINE");
	row->version = text(journal, "RECLAIMD_ENGINE_VERSION");
	row->socket = text(journal, "RECLAIMD_ENGINE_SOCKET");
	row->trigger = text(journal, "RECLAIMD_TRIGGER");
	row->mode = text(journal, "RECLAIMD_MODE");
	row->message = text(journal, "MESSAGE");
	read_kinds(journal, "REMOVED", row->removed);
	read_kinds(journal, "WOULD_REMOVE", row->would_remove);
	row->claimed = count(journal, "RECLAIMD_CLAIMED");
	row->upper_bound = count(journal, "RECLAIMD_CLAIMED_IS_UPPER_BOUND");
	row->measured = number(journal, "RECLAIMD_MEASURED");
	row->kept = count(journal, "RECLAIMD_KEPT");
	row->failed = count(journal, "RECLAIMD_FAILED");
	row->exit_status = count(journal, "RECLAIMD_EXIT_STATUS");
}

/* False: the entry is damaged; the matches let only wanted ones through. */
static bool take_entry(sd_journal *journal, const struct past_query *query, struct past *past)
{
	int event = find_event(journal);
	struct past_row row = { 0 };
	uint64_t usec;

	if (event < 0 || sd_journal_get_realtime_usec(journal, &usec) < 0 || usec > INT64_MAX)
		return false;
	if (!is_ours(journal))
		return true;
	row.event = (enum event)event;
	row.at = (int64_t)(usec / USEC_PER_SEC);
	if (query->since != TIME_UNKNOWN && row.at < query->since)
		return true;
	read_row(journal, &row);
	if (!is_of_engine(row.socket, query)) {
		clear_row(&row);
		return true;
	}
	past->rows = mem_grow(past->rows, past->n, sizeof(*past->rows));
	past->rows[past->n++] = row;
	return true;
}

static int add_match(sd_journal *journal, const char *name, const char *value)
{
	_cleanup_free_ char *match = mem_printf("%s=%s", name, value);

	return sd_journal_add_match(journal, match, 0);
}

static int select_entries(sd_journal *journal, int64_t since)
{
	_cleanup_free_ char *user = mem_printf("%u", (unsigned)geteuid());
	int r = add_match(journal, "_TRANSPORT", "journal");

	/* Matches on one field are alternatives. */
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(wanted); i++)
		r = add_match(journal, "MESSAGE_ID", event_row(wanted[i])->message_id);
	if (r >= 0)
		r = add_match(journal, "_UID", "0");
	if (r >= 0)
		r = add_match(journal, "_UID", user);
	if (r < 0)
		return r;
	if (since == TIME_UNKNOWN || since < 0)
		return sd_journal_seek_head(journal);
	return sd_journal_seek_realtime_usec(journal, (uint64_t)since * USEC_PER_SEC);
}

static int read_entries(sd_journal *journal, const struct past_query *query, struct past *past)
{
	uint64_t before = 0, after = 0;
	bool damaged = false;
	int r = select_entries(journal, query->since);

	(void)sd_journal_set_data_threshold(journal, TEXT_MAX + 256);
	(void)sd_journal_get_usage(journal, &before);
	while (r >= 0 && (r = sd_journal_next(journal)) > 0)
		damaged = !take_entry(journal, query, past) || damaged;
	if (r < 0)
		return r;
	/* libsystemd drops a file in which it loses its way, and does not say so. */
	if (damaged || (sd_journal_get_usage(journal, &after) >= 0 && after < before))
		problems_add(&past->problems,
			     "a file of the journal is damaged; runs may be missing "
			     "('journalctl --verify' names it)");
	return 0;
}

/* ---- files ---- */

static void add_unreadable(struct past *past, const char *path, int r)
{
	_cleanup_free_ char *shown = text_escape(path);

	if (r == -ENOENT) /* rotated away */
		return;
	if (r == -EACCES || r == -EPERM)
		past->denied = true;
	problems_add(&past->problems, "%s cannot be read: %s; runs may be missing", shown,
		     r == -EBADMSG || r == -ENODATA ? "it is damaged" : strerror(-r));
}

static void check_file(struct past *past, const char *path)
{
	const char *paths[] = { path, NULL };
	_cleanup_(sd_journal_closep) sd_journal *journal = NULL;
	int r;

	if (access(path, R_OK) < 0)
		r = -errno;
	else
		r = sd_journal_open_files(&journal, paths, 0);
	if (r < 0)
		add_unreadable(past, path, r);
}

static bool has_ending(const char *name, const char *ending)
{
	size_t length = strlen(name), end = strlen(ending);

	return length > end && strcmp(name + length - end, ending) == 0;
}

/* libsystemd passes over what it cannot open, and does not say so. It looks one level deep. */
static void check_folder(struct past *past, const char *path, int depth)
{
	DIR *folder = opendir(path);
	struct dirent *item;

	if (!folder) {
		add_unreadable(past, path, -errno);
		return;
	}
	while ((item = readdir(folder))) {
		_cleanup_free_ char *inner = mem_printf("%s/%s", path, item->d_name);
		struct stat info;

		if (item->d_name[0] == '.' || stat(inner, &info) < 0)
			continue;
		if (S_ISDIR(info.st_mode) && depth > 0)
			check_folder(past, inner, depth - 1);
		else if (S_ISREG(info.st_mode) && (has_ending(item->d_name, ".journal") ||
						   has_ending(item->d_name, ".journal~")))
			check_file(past, inner);
	}
	closedir(folder);
}

static void check_own_folders(struct past *past)
{
	static const char *const roots[] = { "/var/log/journal", "/run/log/journal" };
	char id[SD_ID128_STRING_MAX];
	sd_id128_t machine;

	if (sd_id128_get_machine(&machine) < 0)
		return;
	sd_id128_to_string(machine, id);
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		_cleanup_free_ char *path = mem_printf("%s/%s", roots[i], id);

		check_folder(past, path, 0);
	}
}

int past_read(const struct past_query *query, struct past *past, struct err *err)
{
	_cleanup_(sd_journal_closep) sd_journal *journal = NULL;
	int r;

	if (query->folder)
		r = sd_journal_open_directory(&journal, query->folder, 0);
	else
		r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
	past->denied = r == -EACCES || r == -EPERM;
	if (r < 0)
		return err_set(err, r, "%s cannot be opened: %s",
			       query->folder ? query->folder : "the journal", strerror(-r));
	if (query->folder)
		check_folder(past, query->folder, 1);
	else
		check_own_folders(past);
	r = read_entries(journal, query, past);
	if (r < 0)
		return err_set(err, r, "the journal cannot be read: %s", strerror(-r));
	return 0;
}

void past_clear(struct past *past)
{
	for (size_t i = 0; i < past->n; i++)
		clear_row(&past->rows[i]);
	free(past->rows);
	problems_clear(&past->problems);
	*past = (struct past){ 0 };
}
