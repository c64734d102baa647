/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of inits. Signals: systemd(1) "SIGNALS", init(8) of busybox and sysvinit, runit(8). */
#include "runtime/init.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* SIGRTMIN is no constant: these stand for SIGRTMIN+n and are translated in init_detect() */
#define REALTIME(n) (-(n))

static const struct init_kind kinds[] = {
	{"systemd",  "systemd",     REALTIME(3), REALTIME(5), true,  true },
	{"busybox",  "busybox",     SIGUSR2,     SIGTERM,     false, false},
	{"runit",    "runit-init",  SIGCONT,     SIGINT,      false, false},
	{"runit",    "runit",       SIGCONT,     SIGINT,      false, false},
	{"procd",    "procd",       SIGUSR2,     SIGTERM,     false, false},
	{"finit",    "finit",       SIGUSR2,     SIGTERM,     false, false},
	{"openrc",   "openrc-init", SIGTERM,     SIGINT,      false, false},
	{"dinit",    "dinit",       SIGTERM,     SIGINT,      false, false},
	{"s6",       "s6-svscan",   SIGUSR2,     SIGINT,      false, false},
	{"sysvinit", "init",        SIGPWR,      SIGINT,      false, false},
	{"other",    NULL,          SIGPWR,      SIGINT,      false, false},
};

static int translate(int signal)
{
	return signal < 0 ? SIGRTMIN - signal : signal;
}

static const struct init_kind *find(const char *program)
{
	static struct init_kind
		found; /* the row with its signals translated: one init per process */
	const struct init_kind *kind = kinds;

	while (kind->program && strcmp(kind->program, program) != 0)
		kind++;
	found = *kind;
	found.halt_signal = translate(kind->halt_signal);
	found.reboot_signal = translate(kind->reboot_signal);
	return &found;
}

int init_detect(int root_fd, const char *path, const struct init_kind **out, struct error *err)
{
	char link[32], real[PATH_MAX];
	CLEAN_FD int fd = file_open_in_root(root_fd, path, O_PATH, 0);
	const char *base;
	struct stat st;
	ssize_t n;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP) {
		(void)fail_plain(err, ENOENT, "the root file system has no '%s'", path);
		return fail_hint(err, "install an init in it, or set container.init");
	}
	if (fd < 0)
		return fail(err, -fd, "open '%s' of the root file system", path);
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at '%s' of the root file system", path);
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return fail_plain(err, EACCES, "'%s' of the root file system is no executable file",
		                  path);
	/* the kernel names what the fd stands for, seen from the root of its own mount */
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, real, sizeof(real) - 1);
	if (n < 0)
		return fail(err, errno, "read '%s'", link);
	real[n] = '\0';
	base = strrchr(real, '/');
	*out = find(base ? base + 1 : real);
	return 0;
}
