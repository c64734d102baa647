/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directories of hierarchies: which hierarchy has a controller, the path of a cgroup in it, and
 * taking a whole cgroup away. Internal to src/cgroup.
 */
#ifndef SYSC_CGROUP_TREE_H
#define SYSC_CGROUP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup;
struct cgroup_hierarchy;
struct cgroup_host;
struct error;

#define TREE_PATH_MAX  512 /* mount point, cgroup and one file name */
#define TREE_DEPTH_MAX 128 /* cgroups below one container; each level of a walk holds an fd */
#define TREE_LEAF      "payload"

/* True when the v1 hierarchy has controller ("cpu" is in "cpu,cpuacct"). */
bool tree_has(const struct cgroup_hierarchy *hierarchy, const char *controller);
/* The v1 hierarchy that has controller, -1 when there is none. */
int tree_find_v1(const struct cgroup_host *host, const char *controller);
/* The hierarchy that would have controller: v1 when it is there, else v2, else -1. */
int tree_find(const struct cgroup_host *host, const char *controller);

/* "MOUNT/PATH", "MOUNT/PATH/FILE" (file may be NULL). -ENAMETOOLONG. */
int tree_path(const struct cgroup_hierarchy *hierarchy, const char *path, const char *file,
              char out[TREE_PATH_MAX]);

/* The container's directory in hierarchy index, opened when first asked for; cgroup owns the fd. */
int tree_dir(struct cgroup *cgroup, int index, struct error *err);

/*
 * rmdir of the cgroup at the absolute path and of all below it; 0 also when it is absent. -EBUSY
 * when a process is in one of them. Follows no symlink.
 */
int tree_remove(const char *path);

/*
 * Sends SIGKILL through pidfds to what cgroup.procs below path lists and waits for their end until
 * deadline_ms (process_clock_ms()). Returns how many there were, or -errno.
 */
int tree_kill(const char *path, int64_t deadline_ms);
/* One process that is in path or below it, 0 when there is none. */
pid_t tree_first_process(const char *path);
/* The same of those that stay when what is dying (of a killed supervisor) had a moment to end. */
pid_t tree_wait_for_dying(const char *path);

/*
 * How much of path ("sysc.slice/sysc-web1.scope/container") is the cgroup of a unit of systemd, which hands
 * out what is below it; 0: nothing, all of it is ours.
 */
size_t tree_unit_length(const char *path);

#endif
