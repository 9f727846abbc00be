#pragma once

#include <stddef.h>

/* A folder of a test's own, in which reclaimd reads settings also as root: not in /tmp, which
 * is everybody's to write. Below $RECLAIMD_TEST_FOLDER if that is set: tests/run removes it. */
char *folder_make(void);

/* With all that is in it. */
void folder_remove(char *folder);

/* Writes FOLDER/NAME and returns its path, to be freed. */
char *folder_write(const char *folder, const char *name, const void *bytes, size_t length);
char *folder_write_text(const char *folder, const char *name, const char *text);
