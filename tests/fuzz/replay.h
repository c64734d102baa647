/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main() of a fuzzer in "make check": gives LLVMFuzzerTestOneInput() every file of tests/fuzz/corpus/X,
 * one TAP case each, in a child of its own so that a crash or a hang is one failed case. "make fuzz"
 * builds with LIBFUZZER defined, where libFuzzer brings main(). Included once, by fuzz-X.c.
 */
#ifndef TESTS_FUZZ_REPLAY_H
#define TESTS_FUZZ_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef LIBFUZZER
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPLAY_SIZE_MAX    (1 << 20)
#define REPLAY_SECONDS_MAX 10

static void replay_one(const char *path)
{
	uint8_t *data = malloc(REPLAY_SIZE_MAX);
	FILE *file = fopen(path, "rbe");

	if (!data || !file)
		_exit(2);
	size_t size = fread(data, 1, REPLAY_SIZE_MAX, file);
	(void)fclose(file);
	/* exactly as large as the input, so that reading past its end is seen by the sanitizers */
	uint8_t *exact = malloc(size ? size : 1);
	if (!exact)
		_exit(2);
	memcpy(exact, data, size);
	free(data);
	(void)alarm(REPLAY_SECONDS_MAX);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	exit(0); /* not _exit: the leak check runs here */
}

int main(int argc, char **argv)
{
	const char *source = secure_getenv("top_srcdir");
	const char *name = strrchr(argv[0], '/');
	static struct dirent **entries; /* static: children keep it until their leak check */
	char folder[4096], path[8192];
	int number = 0;

	(void)argc;
	name = name ? name + 1 : argv[0];
	name = strncmp(name, "fuzz-", 5) == 0 ? name + 5 : name;
	(void)snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", source ? source : ".",
	               name);
	int count = scandir(folder, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		int status = 0;

		(void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		free(entries[i]);
		if (strrchr(path, '/')[1] == '.')
			continue;
		(void)fflush(stdout);
		pid_t pid = fork();
		if (pid == 0)
			replay_one(path);
		(void)waitpid(pid, &status, 0);
		printf("%s %d - %s %s\n", pid > 0 && status == 0 ? "ok" : "not ok", ++number, name,
		       strrchr(path, '/') + 1);
		if (status != 0)
			printf("# status 0x%x (wait(2)) on %s\n", (unsigned int)status, path);
	}
	if (count >= 0)
		free(entries);
	if (number == 0)
		printf("not ok %d - no corpus in %s\n", ++number, folder);
	printf("1..%d\n", number);
	return 0;
}
#endif
#endif
