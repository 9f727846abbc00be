#include "engine/mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/mem.h"

struct mount {
	char point[4096];
	dev_t device;
	char type[64];
};

/* Blanks, newlines and backslashes stand as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		unsigned value;

		if (*text == '\\' && sscanf(text + 1, "%3o", &value) == 1 && strlen(text) > 3) {
			*to++ = (char)value;
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* proc(5): ID, parent, device, root, mount point, options, …, "-", type, … */
static bool parse_line(const char *line, struct mount *ret)
{
	const char *separator = strstr(line, " - ");
	unsigned major, minor;

	if (!separator ||
	    sscanf(line, "%*u %*u %u:%u %*s %4095s", &major, &minor, ret->point) != 3 ||
	    sscanf(separator, " - %63s", ret->type) != 1)
		return false;
	unescape(ret->point);
	ret->device = makedev(major, minor);
	return true;
}

static bool lies_in(const char *path, const char *point)
{
	size_t length = strlen(point);

	if (strcmp(point, "/") == 0)
		return true;
	return strncmp(path, point, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/');
}

bool mountinfo_is_device(const char *mountinfo, const char *path, dev_t device)
{
	struct mount best = { .point = "" }, mount;

	/* The deepest mount point holds the path; of several on one the last covers the others.
	 */
	for (const char *line = mountinfo; *line; line = strchrnul(line, '\n')) {
		_cleanup_free_ char *copy = NULL;

		line += *line == '\n';
		copy = strndup(line, strcspn(line, "\n"));
		if (!copy)
			mem_die();
		if (parse_line(copy, &mount) && lies_in(path, mount.point) &&
		    strlen(mount.point) >= strlen(best.point))
			best = mount;
	}
	/* Each btrfs subvolume shows a device number of its own. */
	return best.point[0] && (best.device == device || strcmp(best.type, "btrfs") == 0);
}

static char *read_all(FILE *file)
{
	char *text = NULL;
	size_t size = 0;

	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

bool mount_is_device(const char *path, dev_t device)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *text = file ? read_all(file) : NULL;

	if (file)
		fclose(file);
	return text && mountinfo_is_device(text, path, device);
}
