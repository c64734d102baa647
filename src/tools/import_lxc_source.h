/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of an LXC container, to be read. */
#ifndef SYSC_TOOLS_IMPORT_LXC_SOURCE_H
#define SYSC_TOOLS_IMPORT_LXC_SOURCE_H

#include <stdbool.h>

struct error;
struct lxc_config;

struct import_lxc_source {
	int fd;         /* a detached mount, read-only; -1: none */
	char *text;     /* "dir:/var/lib/lxc/web1/rootfs" */
	bool is_folder; /* fd is a folder of the host, otherwise of a mount of its own */
};

void import_lxc_source_done(struct import_lxc_source *source);
/*
 * folder: the container's. A folder, btrfs subvolume, overlay or image is opened; for others the error says how to go
 * on. Where the configuration belongs to a user, the tree must be below the folder, unless the caller trusts it: it
 * could name files of others.
 */
int import_lxc_source_open(struct import_lxc_source *out, const char *folder,
                           const struct lxc_config *config, bool trust, struct error *err);

#endif
