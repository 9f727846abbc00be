#pragma once

#include "cmd/cmd.h"

/* Parses argv into *ret. Returns -1 if a verb is to be run, else the status to exit with at
 * once: help and version were printed, or one line said what is wrong with the command line. */
int options_parse(int argc, char **argv, const struct verb *verbs, size_t n_verbs,
		  struct options *ret);
