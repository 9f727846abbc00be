#pragma once

#include "state/sql.h"

/* Whose memory it is. Another engine may listen at the socket by now, or the same one have its
 * data elsewhere: an image of the same ID may have come there a minute ago. */

/* What tells an engine from others, to be freed; NULL: it did not tell. */
char *owner_key(const struct engine_info *engine);

/* 1: what was seen last was another engine; 0: the same, or one of them is not known. */
_must_check_ int owner_changed(const struct state *state, const struct engine_info *engine,
			       struct err *err);
