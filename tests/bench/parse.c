#include <stdio.h>
#include <stdlib.h>

#include <json.h>

/* json-c alone: parses each file whole, in pieces as they would come from a socket. What
 * reclaimd needs for the same bytes is measured against it. */

#define PIECE (128 * 1024)

static void parse(const char *path)
{
	static char piece[PIECE];
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *document = NULL;
	FILE *file = fopen(path, "r");
	size_t n;

	if (!file || !tokener) {
		perror(path);
		exit(1);
	}
	while (!document && (n = fread(piece, 1, sizeof(piece), file)) > 0)
		document = json_tokener_parse_ex(tokener, piece, (int)n);
	if (!document) {
		fprintf(stderr, "%s: not JSON\n", path);
		exit(1);
	}
	json_object_put(document);
	json_tokener_free(tokener);
	fclose(file);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		parse(argv[i]);
	return 0;
}
