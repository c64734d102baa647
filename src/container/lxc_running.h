/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether an LXC container runs. LXC keeps no file of it; three things tell, each of which is enough:
 *   the abstract socket "@LXCPATH/NAME/command" (or "@lxc/HASH/command" where that is too long), seen from the network
 *   namespace that it was started in;
 *   its supervisor, which calls itself "[lxc monitor] LXCPATH NAME";
 *   a process whose root directory is the container's root file system.
 */
#ifndef SYSC_CONTAINER_LXC_RUNNING_H
#define SYSC_CONTAINER_LXC_RUNNING_H

struct error;
struct stat;

/*
 * proc: "/proc". folder: the container's, LXCPATH/NAME. root: its root directory, NULL where that is not at hand. 0, or
 * -EBUSY with what was seen.
 */
int lxc_running_check(const char *proc, const char *folder, const struct stat *root,
                      struct error *err);

#endif
