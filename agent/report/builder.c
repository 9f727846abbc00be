#include "report/builder.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define PREFIX "buildx_buildkit_"
#define SUFFIX "_state"

char *builder_command(const char *volume)
{
	_cleanup_free_ char *name = NULL;
	const char *end = volume + strlen(volume);

	if (!text_starts_with(volume, PREFIX) ||
	    (size_t)(end - volume) <= strlen(PREFIX SUFFIX) ||
	    strcmp(end - strlen(SUFFIX), SUFFIX) != 0)
		return NULL;
	volume += strlen(PREFIX);
	end -= strlen(SUFFIX);
	while (end > volume && strchr("0123456789", end[-1]))
		end--;
	name = mem_printf("%.*s", (int)(end - volume), volume);
	return *name ? mem_printf("docker buildx prune --builder %s", name) : NULL;
}
