/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The child that parses foreign archives and databases: a process of its own user, mount, network, IPC and PID
 * namespaces, whose root is the target directory and nothing else, with only the capabilities that
 * writing files takes, bounded memory and file sizes, and a list of the system calls it may make.
 */
#ifndef SYSC_HELPERS_CONFINE_H
#define SYSC_HELPERS_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct idmap;

#define CONFINE_KEPT   4
#define CONFINE_MOUNTS 8

struct confine {
	int root_fd;                /* the directory that becomes its root; -1: an empty place */
	int input_fd;               /* stays open in the child */
	int kept_fds[CONFINE_KEPT]; /* so do these; 0: none. All others are closed there */
	const struct idmap *map;    /* ids of the child; NULL: 0-65535 as they are */
	bool devices;               /* may make device nodes: no user namespace then */
	bool packs; /* only reads, all owners: no user namespace; root_fd is a detached mount */
	/*
	 * work() becomes a program of the root by execve(2), without a capability: root_fd is a detached mount,
	 * in which programs may be run and nothing be written. Wants root.
	 */
	bool runs;
	/* With runs: detached mounts, and the folders of the root (by O_PATH) that they are put on; fd 0 ends them. */
	struct confine_mount {
		int fd, on_fd;
	} mounts[CONFINE_MOUNTS];
	int (*work)(void *data, struct error *err);
	void *data;
};

struct confined {
	pid_t pid;
	int pidfd, report_fd;
	bool runs;
};

/*
 * A detached, empty file system in memory that belongs to owner (seen from the user namespace of who calls) alone;
 * 0 bytes: without a limit. attributes: MOUNT_ATTR_* of mount_setattr(2); no devices and no set-user-ID in any case.
 */
int confine_tmpfs(uint32_t owner, uint64_t most_bytes, unsigned int attributes, struct error *err);
/* Starts the child, which runs work() once it is confined. Pair: confine_end(). */
int confine_start(const struct confine *confine, struct confined *out, struct error *err);
/*
 * Reaps the child, killing it first when asked, and gives what work() said, or the exit code of the program that
 * it became.
 */
int confine_end(struct confined *child, bool kill_it, struct error *err);

#endif
