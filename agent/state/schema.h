#pragma once

#include "state/sql.h"

/* Marks a file as ours in SQLite's header: "rclm". */
#define SCHEMA_APPLICATION_ID 0x72636c6d

/* Brings the tables of an open file up to date; while reading only checks that they are. */
_must_check_ int schema_ready(const struct state *state, int writable, struct err *err);
