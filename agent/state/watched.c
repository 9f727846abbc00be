#include "state/watched.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/watch.h"

/* A watcher that has not written for so long has lost sight, whatever it holds. */
#define SILENCE_MAX ((int64_t)3 * WATCH_HEARTBEAT_SEC)

/* Beside the state: whoever sees that, sees whether somebody watches. SQLite has locks of its
 * own in the file itself. */
static int open_lock(const char *path, int flags)
{
	_cleanup_free_ char *name = mem_printf("%s.watcher", path);

	return open(name, flags | O_CLOEXEC | O_NOFOLLOW, 0644);
}

int watched_lock(const char *path, int *ret_fd, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open_lock(path, O_RDWR | O_CREAT);

	if (fd < 0)
		return err_set(err, -errno, "%s.watcher: %s", path, strerror(errno));
	if (fchmod(fd, 0644) < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		int r = -errno;

		close(fd);
		return err_set(err, r == -EACCES ? -EWOULDBLOCK : r, "%s.watcher: %s", path,
			       strerror(-r));
	}
	*ret_fd = fd;
	return 0;
}

static bool is_locked(const char *path)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open_lock(path, O_RDONLY), r;

	if (fd < 0)
		return false;
	r = fcntl(fd, F_OFD_GETLK, &lock);
	close(fd);
	return r == 0 && lock.l_type != F_UNLCK;
}

struct interval {
	int64_t since, until;
	bool open;
};

static int last_intervals(const struct state *state, struct interval last[2], struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *rows = NULL;
	int r = sql_prepare(state,
			    "SELECT since, until, open FROM watched ORDER BY id DESC LIMIT 2",
			    &rows, err);

	for (size_t i = 0; r >= 0 && i < 2; i++) {
		last[i] = (struct interval){ TIME_UNKNOWN, TIME_UNKNOWN, false };
		r = sql_step(state, rows, err);
		if (r <= 0)
			continue;
		last[i].since = sql_time(rows, 0);
		last[i].until = sql_time(rows, 1);
		last[i].open = sqlite3_column_int(rows, 2) != 0;
	}
	return r < 0 ? r : 0;
}

static bool goes_on(const struct state *state, const struct interval *last, int64_t now)
{
	return last->open && now - last->until <= SILENCE_MAX && is_locked(state->path);
}

/* The interval that goes on, and where the one before it ended; TIME_UNKNOWN: none does. */
static int recall_intervals(const struct state *state, int64_t now, struct interval *ret,
			    int64_t *ret_before, struct err *err)
{
	struct interval last[2];
	int r = last_intervals(state, last, err);

	*ret = (struct interval){ TIME_UNKNOWN, TIME_UNKNOWN, false };
	*ret_before = TIME_UNKNOWN;
	if (r < 0 || last[0].since == TIME_UNKNOWN || !goes_on(state, &last[0], now))
		return r;
	*ret = last[0];
	ret->since = last[0].since < now ? last[0].since : now;
	*ret_before = last[1].until < ret->since ? last[1].until : ret->since;
	return 0;
}

static int recall_volumes(const struct state *state, struct snapshot *snapshot, int64_t now,
			  struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *rows = NULL;
	int r;

	if (snapshot->n_volumes == 0)
		return 0;
	r = sql_prepare(state, "SELECT name, at FROM volume_uses", &rows, err);
	while (r >= 0 && (r = sql_step(state, rows, err)) > 0) {
		struct volume *volume = snapshot_volume(snapshot, sql_text(rows, 0));
		int64_t at = sql_time(rows, 1);

		/* The time of creation says nothing: Docker's moves with what is written (d20,
		 * live). */
		if (volume)
			volume->memory.last_used = at < now ? at : now;
	}
	return r;
}

int watched_recall(const struct state *state, struct snapshot *snapshot, int64_t now,
		   struct err *err)
{
	struct interval interval;
	int r = recall_intervals(state, now, &interval, &snapshot->unwatched_from, err);

	snapshot->watched_from = interval.since;
	return r < 0 ? r : recall_volumes(state, snapshot, now, err);
}

int watched_forget_volumes(const struct state *state, struct err *err)
{
	return sql_run(state,
		       "DELETE FROM volume_uses WHERE name NOT IN "
		       "(SELECT id FROM objects WHERE kind = 'volume')",
		       err);
}

static const char *const last_uses[KIND_MAX_] = {
	[KIND_IMAGE] = "SELECT coalesce(max(last_used, pulled), last_used, pulled) "
		       "FROM objects WHERE kind = 'image' AND id = ?",
	[KIND_VOLUME] = "SELECT at FROM volume_uses WHERE name = ?",
};

int state_last_use(const struct state *state, enum kind kind, const char *key, int64_t *ret,
		   struct err *err)
{
	_cleanup_(statementp) sqlite3_stmt *row = NULL;
	int r = 0;

	*ret = TIME_UNKNOWN;
	if (state->db)
		r = sql_prepare(state, last_uses[kind], &row, err);
	if (!row)
		return r;
	sql_bind_text(row, 1, key);
	r = sql_step(state, row, err);
	if (r > 0)
		*ret = sql_time(row, 0);
	return r < 0 ? r : 0;
}

int64_t state_watched_from(const struct state *state, int64_t now, int64_t *ret_until)
{
	struct interval interval = { TIME_UNKNOWN, TIME_UNKNOWN, false };
	int64_t before;
	struct err err;

	if (state && state->db && recall_intervals(state, now, &interval, &before, &err) < 0)
		interval.since = TIME_UNKNOWN;
	if (ret_until)
		*ret_until = interval.until;
	return interval.since;
}
