#pragma once

#include "cmd/cmd.h"
#include "model/usage.h"
#include "report/report.h"

/* Prints the report on stdout as the options say: a table, or one JSON object. Colours only on
 * a terminal, and not with $NO_COLOR or TERM=dumb. */
void terminal_print(const struct options *options, const struct report *report);

/* The same for the ledger of the file system. */
void terminal_print_usage(const struct options *options, const struct snapshot *snapshot,
			  const struct disk_ledger *usage);

/* Whether the file descriptor leads to the journal ($JOURNAL_STREAM): what has an entry of its
 * own there need not be said again. */
bool terminal_is_journal(int fd);

/* Makes the journal look at this process while it lives: of one that is gone it could not tell
 * any more of which unit an entry was. Leaves no entry. */
void terminal_greet_journal(void);
