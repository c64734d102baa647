/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of [devices] allow as text. Internal to src/cgroup. */
#ifndef SYSC_CGROUP_DEVICES_H
#define SYSC_CGROUP_DEVICES_H

struct error;

/*
 * One line of the list, "/dev/fuse rwm", "c 10:229 rwm", "a" (everything), as the rule that the kernel
 * takes; without an access it is rwm. *rule is the caller's to free.
 */
int devices_parse(const char *line, char **rule, struct error *err);

#endif
