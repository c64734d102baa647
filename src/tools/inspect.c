/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking at containers from outside; see the header. */
#include "tools/inspect.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "network/network.h"
#include "tools/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static void read_addresses(struct inspect *inspect)
{
	CLEAN(strings_done) struct strings all = {0};
	CLEAN_FD int fd = -1;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)inspect->state.init_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || network_addresses(fd, &all, NULL) < 0)
		return; /* ended meanwhile, or no right to enter: no addresses to show */
	for (size_t i = 0; i < all.count; i++)
		strings_add(strchr(all.items[i], ':') ? &inspect->ipv6 : &inspect->ipv4,
		            all.items[i]);
}

static void read_config(struct inspect *inspect)
{
	const struct container *container = &inspect->container;

	if (inspect->has_config)
		return;
	inspect->has_config =
		config_load(&inspect->container.config, container->file, NULL, NULL) >= 0;
}

static void read_ids(struct inspect *inspect)
{
	if (inspect->is_alive) {
		inspect->is_privileged = !*inspect->state.id_map;
		return;
	}
	read_config(inspect);
	inspect->is_privileged = inspect->has_config && inspect->container.config.privileged;
}

static const struct {
	enum inspect_want want;
	enum cgroup_part part;
} usage_parts[] = {
	{INSPECT_MEMORY,          CGROUP_PART_MEMORY         },
	{INSPECT_CPU,             CGROUP_PART_CPU            },
	{INSPECT_PIDS,            CGROUP_PART_PIDS           },
	{INSPECT_IO,              CGROUP_PART_IO             },
	{INSPECT_OOM,             CGROUP_PART_OOM            },
	{INSPECT_CPU_PRESSURE,    CGROUP_PART_CPU_PRESSURE   },
	{INSPECT_MEMORY_PRESSURE, CGROUP_PART_MEMORY_PRESSURE},
	{INSPECT_IO_PRESSURE,     CGROUP_PART_IO_PRESSURE    },
	{INSPECT_USAGE,           CGROUP_PART_ALL            },
};

static unsigned int parts_of(unsigned int wants)
{
	unsigned int parts = 0;

	for (size_t i = 0; i < ARRAY_SIZE(usage_parts); i++)
		if (wants & usage_parts[i].want)
			parts |= usage_parts[i].part;
	return parts;
}

void inspect_open(struct inspect *inspect, const struct call *call, const struct cgroup_host *host,
                  const char *name, unsigned int wants)
{
	*inspect = (struct inspect){.name = name};
	state_init(&inspect->state);
	cgroup_usage_init(&inspect->usage);
	if (container_init(&inspect->container, &call->paths, name, NULL) < 0)
		return;
	if (wants & ~(unsigned int)INSPECT_CONFIG) {
		inspect->has_state =
			state_read(inspect->container.run_dir, &inspect->state, NULL, NULL) >= 0;
		inspect->is_alive = inspect->has_state && inspect->state.phase != STATE_STOPPED &&
		                    inspect->state.init_pid > 0;
	}
	if (wants & INSPECT_CONFIG)
		read_config(inspect);
	if (wants & INSPECT_IDS)
		read_ids(inspect);
	/* without a path it would be the use of the whole host */
	if ((wants & INSPECT_ANY_USAGE) && inspect->is_alive && host && inspect->state.cgroup[0])
		(void)cgroup_usage_of(host, inspect->state.cgroup, parts_of(wants),
		                      &inspect->usage); /* may be gone */
	if ((wants & INSPECT_ADDRESSES) && inspect->is_alive)
		read_addresses(inspect);
}

void inspect_done(struct inspect *inspect)
{
	strings_done(&inspect->ipv4);
	strings_done(&inspect->ipv6);
	container_done(&inspect->container);
	*inspect = (struct inspect){0};
}

bool inspect_exists(const struct call *call, const char *name, struct error *err)
{
	CLEAN(container_done) struct container container = {0};

	if (container_init(&container, &call->paths, name, err) < 0)
		return false;
	if (container_exists(&container))
		return true;
	container_done(&container);
	/* only now the search for a name that is near */
	if (container_open(&container, &call->paths, name, NULL, err) < 0)
		return false;
	return true; /* made just now */
}
