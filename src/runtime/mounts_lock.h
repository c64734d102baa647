/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of a mount that root of the container cannot take away again. */
#ifndef SYSC_RUNTIME_MOUNTS_LOCK_H
#define SYSC_RUNTIME_MOUNTS_LOCK_H

struct error;
struct mount_list;

/*
 * Supervisor: locks the options (read-only, nosuid, nodev, noexec) of all opened mounts of the list, so that
 * a remount in a user namespace is refused with EPERM (mount_namespaces(7), "Restrictions on mount
 * namespaces"). The container can still unmount them. The fds of the rows are replaced. Costs one process
 * and nothing at all when the list has no opened mount.
 */
int mounts_lock(struct mount_list *list, struct error *err);

#endif
