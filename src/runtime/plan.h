/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything a start needs, decided and opened before anything is made: the child only carries it out.
 * Filled by the supervisor, const for the child (which gets a copy of the memory by clone).
 */
#ifndef SYSC_RUNTIME_PLAN_H
#define SYSC_RUNTIME_PLAN_H

#include "base/text.h"
#include "container/idmap.h"
#include "runtime/devices.h"
#include "runtime/init.h"
#include "runtime/mounts.h"
#include "security/lsm.h"
#include "security/seccomp.h"
#include "storage/storage.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

struct container;
struct error;

#define PLAN_RLIMITS_MAX 16

struct plan_rlimit {
	int resource;
	struct rlimit value;
};

/* What `execute` changes in a start; NULL for a start of the whole system. */
struct plan_execute {
	char *const *argv; /* program and its arguments, ended by NULL */
	const int *stdio;  /* three fds of the caller, -1: the console */
};

struct plan {
	const struct container *container; /* not owned */
	bool has_userns;
	bool has_notify; /* init has a socket to say that it is ready: RUN/NAME/notify, bound already */
	struct idmap map;
	uint64_t namespaces; /* CLONE_NEW… of the child, without CLONE_NEWCGROUP */
	struct storage_root root;
	const struct init_kind *init;
	int halt_signal, reboot_signal, kill_signal;
	struct strings argv, env;
	int init_fd;  /* program to execute by fd; -1: argv[0] in the container */
	int stdio[3]; /* -1: the console */
	struct mount_list mounts;
	struct device_list devices;
	struct seccomp_program seccomp;
	struct lsm_choice lsm;
	int proc_fd; /* the host's /proc, for the label; -1: no label */
	uint64_t keep_capabilities;
	bool no_new_privileges;
	char hostname[65];
	struct plan_rlimit rlimits[PLAN_RLIMITS_MAX];
	unsigned int rlimit_count;
	struct strings sysctl_files; /* "net/ipv4/ip_forward", below /proc/sys */
	unsigned long personality;
	char boot_id[38];  /* a fresh UUID and a newline */
	char *resolv_conf; /* text for /etc/resolv.conf, NULL: leave it alone */
};

/* Empty, all fds -1. Pair: plan_done(). */
void plan_init(struct plan *plan);
void plan_done(struct plan *plan);

/* Decides and opens everything for a start of container; errors name the config line to blame. */
int plan_make(struct plan *plan, const struct container *container,
              const struct plan_execute *execute, struct error *err);

#endif
