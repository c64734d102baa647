/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the two ways fences the devices of a container. Internal to src/cgroup. */
#ifndef SYSC_CGROUP_DEVICES_H
#define SYSC_CGROUP_DEVICES_H

struct cgroup;
struct config;
struct error;

enum devices_fence {
	DEVICES_AUTO, /* the v1 controller where it is mounted, else BPF */
	DEVICES_V1,
	DEVICES_BPF
};

/* As cgroup_set_devices(), by this way or not at all. */
int devices_set(struct cgroup *cgroup, const struct config *config, enum devices_fence fence,
                struct error *err);

#endif
