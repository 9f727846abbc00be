#include "cmd/last_word.h"

#include <stdio.h>
#include <time.h>

/* 10 seconds: a watcher that does not write for so long sees nothing, or its disk is full. */
#define NAPS_MAX 200

void last_word_prepare(struct last_word *last_word, const struct session *session,
		       const volatile int *stop)
{
	*last_word = (struct last_word){ .session = session, .stop = stop };
}

static int64_t newest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Of an image that goes, all of the containers that the plan knows went before it: that the
 * watcher saw them go is no use. */
static int64_t known_use(struct last_word *last_word, const struct image *image)
{
	const struct session *session = last_word->session;
	const struct memory *memory = &image->memory;
	int64_t known = newest(memory->last_used, memory->pulled);

	if (!last_word->users)
		last_word->users = users_new(session->arena, session->snapshot, NULL, NULL);
	if (users_count(last_word->users, image) > 0)
		known = newest(known, last_word->containers_gone);
	return known;
}

enum watching { WATCHES_ON, WROTE, ENDED };

/* What the watcher did since the plan was made. */
static enum watching watching_since(const struct session *session)
{
	int64_t until;

	if (state_watched_from(session->state, time(NULL), &until) !=
	    session->snapshot->watched_from)
		return ENDED;
	return until > session->now ? WROTE : WATCHES_ON;
}

static bool is_watched(struct last_word *last_word)
{
	const struct session *session = last_word->session;
	const struct timespec nap = { .tv_nsec = 50000000 };

	while (watching_since(session) == WATCHES_ON && last_word->naps < NAPS_MAX &&
	       !*last_word->stop) {
		nanosleep(&nap, NULL);
		last_word->naps++;
	}
	return watching_since(session) == WROTE;
}

static const char *why_it_stays(struct last_word *last_word, enum kind kind, const char *key,
				bool by_use, int64_t known)
{
	const struct session *session = last_word->session;
	struct err err;
	int64_t used;

	if (!session->state)
		return NULL;
	if (by_use && session->snapshot->watched_from != TIME_UNKNOWN && !is_watched(last_word))
		return "nobody watches its use any more";
	if (state_last_use(session->state, kind, key, &used, &err) < 0)
		return "its last use cannot be read any more";
	return used > known ? "it was used meanwhile" : NULL;
}

void last_word_say(struct last_word *last_word, struct removal *removal)
{
	const struct image *image = removal->image;
	const struct volume *volume = removal->volume;
	const char *why = NULL;

	if (removal->kind != KIND_CONTAINER && last_word->containers_gone == 0)
		last_word->containers_gone = time(NULL);
	if (removal->kind == KIND_IMAGE)
		why = why_it_stays(last_word, KIND_IMAGE, image->id, removal->by_use,
				   known_use(last_word, image));
	else if (removal->kind == KIND_VOLUME)
		why = why_it_stays(last_word, KIND_VOLUME, volume->name, !volume->anonymous,
				   volume->memory.last_used);
	if (!why)
		return;
	removal->outcome = OUTCOME_CHANGED;
	snprintf(removal->detail, sizeof(removal->detail), "%s", why);
}
