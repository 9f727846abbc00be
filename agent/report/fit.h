#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What happens to a cell when the terminal is narrow. */
enum fit { FIT_AS_IS, FIT_CUT, FIT_WRAP };

/* Texts that fit a terminal, in its columns: a character takes two if it is wide as those of
 * East Asia, none if it is drawn over the one before. */

size_t fit_width(const char *text);

/* Width of the longest word: fit_wrap() makes no line narrower. */
size_t fit_word(const char *text);

/* Shortens the text in place to at most width columns, the last of them "…". width >= 1. */
void fit_cut(char *text, size_t width);

/* Leaves only ASCII in the text, in place: "≤" as "<=", other characters as "?". */
void fit_ascii(char *text);

/* Turns blanks into line ends so that no line is wider than width, if its words allow. */
void fit_wrap(char *text, size_t width);

/* Columns of the terminal that out is; 0: it is none. */
unsigned fit_terminal_width(FILE *out);

/* Whether the locale can read no more than ASCII: that of a unit or a cron job is C. */
bool fit_only_ascii(void);
