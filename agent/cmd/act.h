#pragma once

#include "cmd/session.h"

/* What a run does with its plan: remembers what was seen, gives names, removes, looks at the
 * disk, under pressure once more if the mark was missed, and reports it all. Once *stop is set
 * no further removal starts. Returns the run's status. */
int act(struct session *session, const volatile int *stop);
