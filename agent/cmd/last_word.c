#include "cmd/last_word.h"

#include <stdio.h>
#include <time.h>

void last_word_prepare(struct last_word *last_word, const struct session *session)
{
	last_word->session = session;
	use_collect(&last_word->use, session->snapshot, session->now);
}

void last_word_clear(struct last_word *last_word)
{
	use_clear(&last_word->use);
}

static int64_t newest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What is remembered of an image was written down after the plan was made, with the use by
 * containers that the plan knows. */
static int64_t known_use(const struct last_word *last_word, const struct image *image)
{
	const struct memory *memory = &image->memory;
	int64_t used = last_word->use.images[image - last_word->session->snapshot->images];

	return newest(used, newest(memory->last_used, memory->pulled));
}

static const char *why_it_stays(const struct last_word *last_word, enum kind kind,
				const char *key, bool by_use, int64_t known)
{
	const struct session *session = last_word->session;
	int64_t watched_from = session->snapshot->watched_from, used;
	struct err err;

	if (!session->state)
		return NULL;
	if (by_use && state_watched_from(session->state, time(NULL)) != watched_from)
		return "nobody watches its use any more";
	if (state_last_use(session->state, kind, key, &used, &err) < 0)
		return "its last use cannot be read any more";
	return used > known ? "it was used meanwhile" : NULL;
}

void last_word_say(const struct last_word *last_word, struct removal *removal)
{
	const struct image *image = removal->image;
	const struct volume *volume = removal->volume;
	const char *why = NULL;

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
