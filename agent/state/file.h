#pragma once

#include "state/state.h"

/* Looks at the file before SQLite does, which would take an empty one for a new database, make
 * files beside one in WAL mode, and open one that it cannot write for reading. Makes a missing
 * one, with its folder, when writable. 1: there is something to open; 0: there is nothing (only
 * while reading). */
_must_check_ int state_file_check(const char *path, int writable, struct err *err);
