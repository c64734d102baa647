/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting on cgroup.events of a v2 cgroup. Internal to src/cgroup. */
#ifndef SYSC_CGROUP_EVENTS_H
#define SYSC_CGROUP_EVENTS_H

#include <stdint.h>

/*
 * Waits until the line "key value" stands in cgroup.events of the directory dirfd, by POLLPRI
 * (Documentation/admin-guide/cgroup-v2.rst), until deadline_ms of process_clock_ms().
 * 0, -ETIMEDOUT, -ENODATA when there is no such key, -errno.
 */
int events_wait(int dirfd, const char *key, unsigned int value, int64_t deadline_ms);

#endif
