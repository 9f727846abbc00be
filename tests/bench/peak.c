#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* peak FILE COMMAND...: runs a command and writes the most memory that it had resident (KB)
 * into the file. A process inherits the peak of the one that it is forked from: this one is
 * small. */

static int run(char **command)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	struct rusage usage;
	FILE *file;
	int status;

	if (argc < 3)
		return 2;
	status = run(&argv[2]);
	file = fopen(argv[1], "w");
	if (!file || getrusage(RUSAGE_CHILDREN, &usage) < 0)
		return 1;
	fprintf(file, "%ld\n", usage.ru_maxrss);
	return fclose(file) == 0 ? status : 1;
}
