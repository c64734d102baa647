/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers on a host that runs systemd: its tree of cgroups belongs to it, and we get a part of it
 * delegated (systemd.resource-control(5), Delegate=). Each container is in a unit of its own:
 *
 *   sysc.slice/sysc-web1.scope      made by us, or sysc.slice/sysc@web1.service, in which we were started;
 *     |                             systemd owns the files of this one, and may write them anew at any time
 *     |- monitor                    our processes: no limit of the guest counts for them
 *     `- container                  the container's cgroup, with its limits
 *          `- payload               what the guest sees as the root
 */
#ifndef SYSC_CGROUP_SYSTEMD_H
#define SYSC_CGROUP_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

struct error;

/* For whom a place is wanted. */
struct systemd_request {
	const char *name;        /* of the container */
	const char *tag;         /* of its store (struct paths), "" for the default one */
	int64_t stop_timeout_ms; /* what a stop may take, -1: for ever */
};

struct systemd_place {
	char unit[128];   /* "sysc-web1.scope" */
	char cgroup[224]; /* of the container: "sysc.slice/sysc-web1.scope/container" */
};

/* True when systemd is PID 1 (sd_booted(3)); root: "", or the root of a captured tree. One stat(2). */
bool systemd_is_running(const char *root);

/*
 * The place of who has these cgroups (the text of /proc/PID/cgroup): 1 when it is in a unit of its own for
 * the container, "sysc@NAME.service" (escaped or not; default store only) or "sysc-NAMETAG.scope", in which
 * the leaf "monitor" counts as well; 0 when it is not.
 */
int systemd_find_place(const char *cgroups, const struct systemd_request *request,
                       struct systemd_place *out);

/*
 * Puts the calling process, the supervisor, into the unit of the container: the one that it is in already,
 * else a new transient scope; and there into the leaf "monitor", so that no process is in an inner cgroup.
 * -EBUSY when a process of an earlier run is left in that scope. Every other error means that there is no
 * such place: no libsystemd, no bus, or systemd refused.
 */
int systemd_enter(const struct systemd_request *request, struct systemd_place *out,
                  struct error *err);
/*
 * Puts the calling process, a new supervisor of a container that runs in cgroup (struct state), into the leaf
 * "monitor" of its unit, which that one's processes keep alive. Nothing to do without a unit.
 */
int systemd_rejoin(const char *cgroup, struct error *err);

#endif
