#pragma once

#include "cmd/session.h"
#include "plan/use.h"

/* What came and went since the plan was made, and left nothing that the engine could show: a
 * job with its container. The watcher saw it. */

struct last_word {
	const struct session *session;
	const volatile int *stop;
	struct users *users; /* of images, as the plan knows them; NULL: not asked for yet */
	int64_t containers_gone; /* when those of the run had been removed */
	int naps;		 /* waiting for the watcher */
};

/* To be called when the state was written after the plan was made: that asks the watcher to
 * write what it saw until then. */
void last_word_prepare(struct last_word *last_word, const struct session *session,
		       const volatile int *stop);

/* Ends the removal of an image or a volume that was used meanwhile as OUTCOME_CHANGED, and of
 * one that goes because nobody used it when nobody watches that any more. Before the first of
 * those it waits for the watcher, some seconds at most. */
void last_word_say(struct last_word *last_word, struct removal *removal);
