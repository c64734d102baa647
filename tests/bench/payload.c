/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The init of the measured containers: writes the time of its first instructions (CLOCK_MONOTONIC, ns)
 * into /stamp, then reaps and waits for a signal to end. Called as "true" it ends at once, for attach.
 * Static, so that what is measured is the container and not a dynamic loader.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec now;
	char text[32];
	sigset_t all;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	size_t length = argc > 0 ? strlen(argv[0]) : 0;
	if (length >= 4 && strcmp(argv[0] + length - 4, "true") == 0)
		return 0;
	int size = snprintf(text, sizeof(text), "%lld\n",
	                    (long long)now.tv_sec * 1000000000LL + now.tv_nsec);
	int fd = open("/stamp", O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)size) != size)
		return 1;
	(void)close(fd);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	for (;;) {
		int number = 0;

		if (sigwait(&all, &number) != 0)
			return 1;
		if (number != SIGCHLD)
			return 0;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}
