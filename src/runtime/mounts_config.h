/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [mounts] entry: a line in fstab(5) form becomes a row of the mount list. */
#ifndef SYSC_RUNTIME_MOUNTS_CONFIG_H
#define SYSC_RUNTIME_MOUNTS_CONFIG_H

#include <stddef.h>

struct config;
struct error;
struct mount_list;

/*
 * Adds the nth entry. A bind mount's source is opened here (detached, with its attributes); a type that a
 * user namespace may mount itself (tmpfs, proc, sysfs, mqueue) is left to the child; any other type (ext4,
 * xfs …) is mounted here. Errors carry the config line.
 */
int mounts_config_row(struct mount_list *list, const struct config *config, size_t nth,
                      struct error *err);

#endif
