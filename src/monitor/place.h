/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the cgroup of a container is to be made, and the supervisor's own part in that. */
#ifndef SYSC_MONITOR_PLACE_H
#define SYSC_MONITOR_PLACE_H

#include "cgroup/systemd.h"

#include <sys/types.h>

struct container;
struct error;

/*
 * Called by the supervisor before the container is started. On a host that runs systemd the place is in a
 * unit of its own, which the process is then in (cgroup/systemd.h); where systemd cannot be asked the log
 * says so, and the place is the one of a host without: "sysc/web1", out->unit "". So it is where the
 * administrator has chosen the cgroup. -EBUSY when an earlier run has left processes in the unit.
 */
int place_choose(const struct container *container, struct systemd_place *out, struct error *err);

/*
 * As fork(2), for the supervisor of container: where systemd does not choose the place and the host has
 * cgroup v2 alone, the child is born in a cgroup of ours (cgroup_open_supervisors()).
 */
pid_t place_fork(const struct container *container);

#endif
