#include "unit.h"

#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static const char *parent(void)
{
	const char *run = getenv("RECLAIMD_TEST_FOLDER");

	if (run)
		return run;
	return geteuid() == 0 ? "/run" : "/tmp";
}

char *folder_make(void)
{
	char *folder = mem_printf("%s/rcl-XXXXXX", parent());

	umask(022);
	if (!mkdtemp(folder) || chmod(folder, 0755) < 0)
		fail_msg("%s cannot be made", folder);
	return folder;
}

static int remove_one(const char *path, const struct stat *info _unused_, int type _unused_,
		      struct FTW *ftw _unused_)
{
	return remove(path);
}

void folder_remove(char *folder)
{
	if (nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
		fail_msg("%s cannot be removed", folder);
	free(folder);
}

char *folder_write(const char *folder, const char *name, const void *bytes, size_t length)
{
	char *path = mem_printf("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	if (!file || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
		fail_msg("%s cannot be written", path);
	return path;
}

char *folder_write_text(const char *folder, const char *name, const char *text)
{
	return folder_write(folder, name, text, strlen(text));
}
