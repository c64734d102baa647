/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits and accounting of one container, the same on cgroup v2, v1 and hybrid hosts. A container has
 * one fixed cgroup, "sysc/NAME" or the one of systemd.h (on v2 its processes are in the leaf "payload"),
 * in every hierarchy that is mounted. What is below a directory called sysfs here is /sys/fs/cgroup, or a captured tree
 * in a test.
 */
#ifndef SYSC_CGROUP_CGROUP_H
#define SYSC_CGROUP_CGROUP_H

#include "container/config.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

#define CGROUP_HIERARCHIES_MAX 20

enum cgroup_layout {
	CGROUP_V2,
	CGROUP_HYBRID,
	CGROUP_V1
};

/* One mounted hierarchy. */
struct cgroup_hierarchy {
	char controllers[64]; /* "cpu", "cpu,cpuacct", "name=systemd", "" for v2 */
	char mount[128];      /* "/sys/fs/cgroup/cpu" */
	bool is_v2;
};

/* What the host offers. */
struct cgroup_host {
	enum cgroup_layout layout;
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	unsigned int count;
	int v2; /* index of the v2 hierarchy, -1 when there is none */
};

/* The cgroup of one container while a command or the supervisor works on it. */
struct cgroup {
	struct cgroup_host host;
	char path[256];                    /* "sysc/web1" */
	int dirs[CGROUP_HIERARCHIES_MAX];  /* O_DIRECTORY fd of path, -1 unopened */
	int enter[CGROUP_HIERARCHIES_MAX]; /* fd of "tasks" (v1), opened by cgroup_create */
	int payload; /* v2: O_DIRECTORY fd of the leaf for CLONE_INTO_CGROUP */
};

/*
 * The part of the time in which tasks waited for a resource (Documentation/accounting/psi.rst), over the
 * last 10 and 60 seconds in hundredths of a percent, and in all.
 */
struct cgroup_stall {
	uint64_t avg10, avg60, total_us;
};
struct cgroup_pressure {
	struct cgroup_stall some, full; /* one task at least; all of them at once */
};

/* What a container uses and may use now; LIMIT_UNSET (UINT64_MAX) where unknown or unlimited. */
struct cgroup_usage {
	uint64_t memory, memory_limit, memory_peak, swap, swap_limit;
	uint64_t cpu_ns, cpu_user_ns, cpu_system_ns, millicpus_limit;
	uint64_t cpu_throttles, cpu_throttled_ns; /* times and time held back by limits.cpus */
	uint64_t pids, pids_limit;
	uint64_t io_read, io_written; /* bytes */
	uint64_t io_reads, io_writes; /* operations */
	/* how often memory was reclaimed over memory_high, hit the limit, hit it in vain; processes killed */
	uint64_t memory_highs, memory_maxes, ooms, oom_kills;
	struct cgroup_pressure cpu_pressure, memory_pressure, io_pressure; /* of v2 */
	char cpuset[64];
};

/* Reads what is mounted (mountinfo_path: NULL for /proc/self/mountinfo). */
int cgroup_detect(struct cgroup_host *host, const char *mountinfo_path, struct error *err);

/* Empty object: all fds -1. Pair: cgroup_close(), which accepts a zeroed-by-init object. */
void cgroup_init(struct cgroup *cgroup);
void cgroup_close(struct cgroup *cgroup);

/*
 * Makes path ("sysc/web1") in every hierarchy (a left-over of a crash that holds no process is reused, one
 * that does is -EBUSY), ready to be entered, and opens its fds. On error nothing is left, and
 * cgroup_remove() of the object does nothing.
 */
int cgroup_create(struct cgroup *cgroup, const char *path, struct error *err);
/*
 * On a host with cgroup v2 alone, the fd of PARENT/.supervisors, made when absent: for CLONE_INTO_CGROUP of a
 * supervisor, which so is neither in the cgroup of the session that it was started from nor under the
 * limits of a container. -1 elsewhere: on v1 it would have to be moved, which takes long. One stat(2) then.
 */
int cgroup_open_supervisors(const char *parent);
/*
 * Opens what cgroup_create() made (path as in struct state), for a command on a running container.
 * -ENOENT when no hierarchy has it.
 */
int cgroup_open(struct cgroup *cgroup, const char *path, struct error *err);
/*
 * After cgroup_open(), before a process is cloned into a running container: cgroup_clone_fd() becomes
 * the fd of the leaf's child ".sysc". A cgroup either holds processes or turns controllers on for its
 * children (the no internal processes rule of cgroups(7)): what joins the leaf itself fails when the
 * guest has done so, and keeps the guest from doing so when it has not yet.
 */
int cgroup_prepare_join(struct cgroup *cgroup, struct error *err);

/*
 * Writes all limits of config and reads each back. The first that cannot be applied is the error, with
 * the key and the config line; nothing of it is left in force then (the caller removes the cgroup).
 */
int cgroup_set_limits(struct cgroup *cgroup, const struct config *config, struct error *err);
/*
 * Applies one [limits] key to a running container; on error the old value is in force. A limit of memory
 * below what is in use is refused (-EBUSY) when not enough can be taken back: no process is killed for it.
 * On v1 memory and swap are one limit: the one key writes the other's part, too.
 */
int cgroup_set_limit(struct cgroup *cgroup, const struct config *config, const char *key,
                     struct error *err);
/*
 * Whether the kernel has what config says of one [limits] key: 1, or 0 and found (room bytes) tells what it
 * has instead, "memory.max is 1048576"; -errno when that cannot be told.
 */
int cgroup_check_limit(struct cgroup *cgroup, const struct config *config, const char *key,
                       char *found, size_t room, struct error *err);
/* Hands the v2 leaf to the container's root (files of /sys/kernel/cgroup/delegate). */
int cgroup_delegate(struct cgroup *cgroup, uid_t uid, gid_t gid, struct error *err);
/*
 * Devices: denied but for the base set, [devices] node (rw) and [devices] allow; by the v1 controller
 * where it is mounted, else by a BPF program on the v2 cgroup, else an error: never without a fence.
 */
int cgroup_set_devices(struct cgroup *cgroup, const struct config *config, struct error *err);

/*
 * Called by the single-threaded child after clone, no allocation, async-signal-safe: moves itself
 * into the v1 hierarchies by writing "0" to each tasks file. 0 or -errno.
 */
int cgroup_enter(const struct cgroup *cgroup);
/* fd for clone_args.cgroup (CLONE_INTO_CGROUP), -1 when there is no v2 hierarchy. */
int cgroup_clone_fd(const struct cgroup *cgroup);

/* Freezes or thaws (v2 file where there is one, else the v1 freezer) and waits for it at most
 * timeout_ms; -ETIMEDOUT (and thawed again when it was to freeze). */
int cgroup_freeze(struct cgroup *cgroup, bool frozen, int64_t timeout_ms, struct error *err);
bool cgroup_is_frozen(const struct cgroup *cgroup);

/* Parts of struct cgroup_usage: a list of many reads no more files than it shows. */
enum cgroup_part {
	CGROUP_PART_MEMORY = 1, /* memory, swap and their limits */
	CGROUP_PART_CPU = 2,    /* the times */
	CGROUP_PART_PIDS = 4,
	CGROUP_PART_IO = 8,
	CGROUP_PART_MORE = 16, /* what has no other part */
	CGROUP_PART_OOM = 32,  /* the counters of memory.events */
	CGROUP_PART_CPU_PRESSURE = 64,
	CGROUP_PART_MEMORY_PRESSURE = 128,
	CGROUP_PART_IO_PRESSURE = 256,
	CGROUP_PART_ALL = 511,
};

/* Everything LIMIT_UNSET. */
void cgroup_usage_init(struct cgroup_usage *usage);

/*
 * Reads use and limits of the container at path without opening a struct cgroup: for lists. Missing
 * files leave the field LIMIT_UNSET.
 */
int cgroup_usage(const struct cgroup_host *host, const char *path, struct cgroup_usage *usage);
/* As cgroup_usage(), only these parts (enum cgroup_part); the others are LIMIT_UNSET. */
int cgroup_usage_of(const struct cgroup_host *host, const char *path, unsigned int parts,
                    struct cgroup_usage *usage);

/*
 * Kills what is left inside (cgroup.kill or signal by signal) and removes the cgroup in every
 * hierarchy, waiting for the last exit by cgroup.events at most timeout_ms. Of a unit of systemd what is
 * in v1 hierarchies goes as well, where nobody is in it: systemd does not look after all of them.
 */
int cgroup_remove(struct cgroup *cgroup, int64_t timeout_ms, struct error *err);
/* Removes PARENT itself, when nothing is below it, in every hierarchy; -EBUSY otherwise. */
int cgroup_remove_parent(const char *parent, struct error *err);

#endif
