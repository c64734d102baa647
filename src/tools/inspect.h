/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can be told about a container from outside, for ls and info: from its state file, its cgroup
 * files, its network namespace. Nobody is asked, so a container that hangs holds nothing up.
 */
#ifndef SYSC_TOOLS_INSPECT_H
#define SYSC_TOOLS_INSPECT_H

#include "base/text.h"
#include "cgroup/cgroup.h"
#include "container/container.h"
#include "container/state.h"

#include <stdbool.h>

struct call;

enum inspect_want {
	INSPECT_STATE = 1,
	INSPECT_ADDRESSES = 2,
	INSPECT_CONFIG = 4,
	INSPECT_IDS = 8, /* privileged or not: needs the configuration only while stopped */
	INSPECT_MEMORY = 16,
	INSPECT_CPU = 32,
	INSPECT_PIDS = 64,
	INSPECT_USAGE = 128, /* use and limits, all of them */
	INSPECT_IO = 256,
	INSPECT_OOM = 512,
	INSPECT_CPU_PRESSURE = 1024,
	INSPECT_MEMORY_PRESSURE = 2048,
	INSPECT_IO_PRESSURE = 4096,
	/* figures that a list of everything leaves out: each is a file more to read */
	INSPECT_EXTRA = INSPECT_IO | INSPECT_OOM | INSPECT_CPU_PRESSURE | INSPECT_MEMORY_PRESSURE |
	                INSPECT_IO_PRESSURE,
	INSPECT_ANY_USAGE =
		INSPECT_MEMORY | INSPECT_CPU | INSPECT_PIDS | INSPECT_USAGE | INSPECT_EXTRA,
};

struct inspect {
	const char *name; /* not owned */
	struct state state;
	bool has_state; /* false: it may not be read (rights) */
	bool is_alive;  /* init_pid is there */
	struct cgroup_usage usage;
	struct strings ipv4, ipv6;
	struct container container; /* with its configuration when that was wanted */
	bool has_config;
	bool is_privileged;
};

/*
 * Looks at name. host may be NULL without INSPECT_ANY_USAGE. What cannot be read stays empty: there is
 * always something to show. Pair: inspect_done().
 */
void inspect_open(struct inspect *inspect, const struct call *call, const struct cgroup_host *host,
                  const char *name, unsigned int wants);
void inspect_done(struct inspect *inspect);

/* True when the container is defined; otherwise err says so, with a near name. */
bool inspect_exists(const struct call *call, const char *name, struct error *err);

#endif
