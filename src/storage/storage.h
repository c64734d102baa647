/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Root file systems. Backends are rows of a table; today there is "dir". A start asks for a detached
 * mount, id-mapped for the container, without knowing the backend.
 */
#ifndef SYSC_STORAGE_STORAGE_H
#define SYSC_STORAGE_STORAGE_H

#include <stdbool.h>

struct config;
struct container;
struct error;
struct idmap;

/*
 * A detached clone of the container's root file system mount (open_tree(2)), read-only when the config
 * says so, nodev for an unprivileged one, not yet id-mapped. Returns the fd. The error names
 * rootfs.path with its config line.
 */
int storage_open(const struct container *container, struct error *err);
/*
 * Id-maps that mount through the container's user namespace (mount_setattr(2)). Where the tree was
 * shifted at create ([rootfs] options = shifted) it does nothing.
 */
int storage_map(const struct container *container, int mount_fd, int userns_fd, struct error *err);

/* Whether the file system of this directory can be id-mapped (tried, not guessed). */
int storage_can_map(const char *dir, bool *out, struct error *err);
/*
 * Changes owners of a tree once, from plain ids to the map's host ids (never follows a symlink, never
 * leaves the file system); for file systems that cannot be id-mapped. File capabilities are rewritten.
 */
int storage_shift(const char *dir, const struct idmap *map, struct error *err);

#endif
