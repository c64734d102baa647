/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Run inside a privileged container by job-apparmor.sh: exit code 0 when each call that makes or changes mounts by
 * fd answers ENOSYS. Static, since the guest has no libraries.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

#define CALL(name)                \
	{                         \
#name, SYS_##name \
	}

int main(void)
{
	static const struct {
		const char *name;
		long number;
	} calls[] = {
		CALL(open_tree), CALL(open_tree_attr), CALL(move_mount), CALL(fsopen),
		CALL(fsconfig),  CALL(fsmount),        CALL(fspick),     CALL(mount_setattr),
	};
	int failures = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		/* without rights or arguments the real calls say something else */
		long r = syscall(calls[i].number, -1, "", 0, "", 0, 0);

		if (r == -1 && errno == ENOSYS)
			continue;
		printf("%s: %ld, %s\n", calls[i].name, r, strerror(errno));
		failures++;
	}
	return failures ? 1 : 0;
}
