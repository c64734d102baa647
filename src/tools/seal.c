/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running from a sealed copy of the program; see the header. */
#include "tools/seal.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/paths.h"
#include "tools/command.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3; an older kernel refuses the flag and needs none */
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int open_memory(void)
{
	int fd = memfd_create("sysc", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("sysc", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

static int copy_all(int from, int to)
{
	struct stat st;
	off_t left;

	if (fstat(from, &st) < 0)
		return -errno;
	left = st.st_size;
	while (left > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		left -= n;
	}
	return 0;
}

void seal_begin(struct strings *argv, const struct call *call, const char *verb)
{
	const struct {
		const char *option, *value;
	} rows[] = {
		{"--path",      call->paths.store},
		{"--log",       call->log_file   },
		{"--log-level", call->log_level  },
	};

	strings_add(argv, "sysc");
	strings_add(argv, verb);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].value)
			continue;
		strings_add(argv, rows[i].option);
		strings_add(argv, rows[i].value);
	}
	if (call->quiet)
		strings_add(argv, "--quiet");
	if (call->verbose)
		strings_add(argv, "--verbose");
}

int seal_program(const struct strings *argv, struct error *err)
{
	CLEAN_FD int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CLEAN_FD int copy = -1;
	char program[4096];
	ssize_t n;
	int r;

	if (self < 0)
		return fail(err, errno, "open '/proc/self/exe'");
	if (fcntl(self, F_GET_SEALS) == SEALS)
		return 0;
	n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	copy = open_memory();
	r = n < 0 || copy < 0 ? -errno : copy_all(self, copy);
	if (r == 0 && fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		r = -errno;
	if (r < 0)
		return fail(err, -r, "make a sealed copy of sysc for a privileged container");
	program[n] = '\0';
	/* the copy has no path: this is where it finds its templates and helpers */
	if (setenv(PATHS_PROGRAM_VARIABLE, program, 1) < 0)
		return fail(err, errno, "set %s", PATHS_PROGRAM_VARIABLE);
	(void)syscall(SYS_execveat, copy, "", argv->items, environ, AT_EMPTY_PATH);
	return fail(err, errno, "run the sealed copy of sysc");
}

int seal_call(const struct call *call, struct error *err)
{
	CLEAN(strings_done) struct strings argv = {0};

	for (char **word = call->argv; *word; word++)
		strings_add(&argv, *word);
	return seal_program(&argv, err);
}
