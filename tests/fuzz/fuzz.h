#pragma once

#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What each fuzzer has beside LLVMFuzzerTestOneInput(); FUZZER is its name. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void fail(const char *what, const char *text)
{
	fprintf(stderr, "fuzz_" FUZZER ": %s\n%s\n", what, text);
	abort();
}

#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
/* Replays the files given, else the corpus; as a unit test, in TAP. */

static void replay(const char *path)
{
	static uint8_t bytes[1 << 20];
	FILE *file = fopen(path, "r");
	size_t size;

	if (!file)
		fail("cannot be read", path);
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	LLVMFuzzerTestOneInput(bytes, size);
}

int main(int argc, char **argv)
{
	glob_t corpus;

	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc > 1)
		return 0;
	if (glob("tests/fuzz/corpus/" FUZZER "/*", 0, NULL, &corpus) != 0)
		fail("no corpus", "tests/fuzz/corpus/" FUZZER);
	printf("1..%zu\n", corpus.gl_pathc);
	for (size_t i = 0; i < corpus.gl_pathc; i++) {
		replay(corpus.gl_pathv[i]);
		printf("ok %zu - %s\n", i + 1, corpus.gl_pathv[i]);
		fflush(stdout);
	}
	globfree(&corpus);
	return 0;
}
#endif
