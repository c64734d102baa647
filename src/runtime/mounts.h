/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mounts of a container as a list of rows: first the standard ones, then those of [mounts] entry.
 * The supervisor decides the rows and opens what only it can open; the child makes the rest and moves
 * everything into place. Mount fds: fsopen(2), open_tree(2), move_mount(2), mount_setattr(2).
 */
#ifndef SYSC_RUNTIME_MOUNTS_H
#define SYSC_RUNTIME_MOUNTS_H

#include "container/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum mount_source {
	MOUNT_MADE,   /* the child makes it: fsopen(type) with options */
	MOUNT_OPENED, /* fd is a detached mount that the supervisor opened */
	MOUNT_AGAIN,  /* the target itself once more, with other attributes (read-only /proc/sys) */
	MOUNT_EMPTY, /* hides the target: the null device over a file, an empty tmpfs over a folder */
};

enum mount_row_flag {
	MOUNT_OPTIONAL = 1, /* an absent target, or a file system the kernel lacks, is skipped */
	MOUNT_MAKE_DIR = 2, /* the target is made when absent */
	MOUNT_MAKE_FILE = 4,
	MOUNT_NO_SYMLINK = 8,  /* a symlink in the target is refused: /dev /proc /sys */
	MOUNT_MAP_IDS = 16,    /* opened source: id-mapped through the container's user namespace */
	MOUNT_NO_TYPE_OK = 32, /* a file system type unknown to the kernel is skipped */
};

struct mount_row {
	enum mount_source source;
	const char *target;  /* absolute, in the container */
	const char *type;    /* MOUNT_MADE */
	const char *options; /* MOUNT_MADE: "mode=755,size=4m", may be NULL */
	uint64_t attributes; /* MOUNT_ATTR_… */
	unsigned int flags;  /* enum mount_row_flag */
	int fd;              /* -1: not opened */
	const char *blame;   /* "FILE:LINE" or "" */
};

struct mount_list {
	struct mount_row *rows;
	size_t count;
	struct strings texts; /* owns what the rows of the config point to */
};

void mount_list_init(struct mount_list *list);
void mount_list_done(struct mount_list *list);

/* Where init finds the socket of sd_notify(3), as systemd's container interface has it. */
#define MOUNTS_NOTIFY "/run/host/notify"

/* What the standard rows depend on. */
struct mount_policy {
	bool privileged, nesting;
	bool sys_readonly;  /* for "auto" of [mounts] sys */
	const char *notify; /* socket of the host for MOUNTS_NOTIFY, NULL none */
};

/* Adds where the row was written, if anywhere, to what went wrong with it; returns -err->code. */
int mounts_blame(const struct mount_row *row, struct error *err);

/* Supervisor: the standard rows, then those of the config, with their sources opened. */
int mounts_plan(struct mount_list *list, const struct config *config,
                const struct mount_policy *policy, struct error *err);
/* Supervisor, once the maps are written: id-maps the rows that ask for it. */
int mounts_map(struct mount_list *list, int userns_fd, struct error *err);

/* Child, in the new namespaces but still on the host's tree: makes what is MOUNT_MADE, since proc and
 * sysfs need a visible older instance (mount_too_revealing() in fs/namespace.c). No heap. */
int mounts_make(struct mount_list *list, struct error *err);
/* Child, after pivot_root: moves everything to its target. No heap. */
int mounts_place(struct mount_list *list, struct error *err);

/* Child: target opened below the current root, made when flags ask for it. -errno. */
int mounts_open_target(const char *target, unsigned int flags);

#endif
