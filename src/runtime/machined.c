/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call to systemd-machined; see the header. */
#include "runtime/machined.h"

#include "base/bus.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "container/uuid.h"
#include "runtime/start.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define CALL_MS 10000
#define MANAGER \
	"org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager"

static const struct bus_method register_machine = {MANAGER, "RegisterMachineWithNetwork"};
static const struct bus_method unregister_machine = {MANAGER, "UnregisterMachine"};

/* The root file system where it is a plain tree on the host, else "": not known. */
static const char *root_of(const struct container *container)
{
	const char *path = container->config.rootfs_path;

	return path && text_starts(path, "dir:/") ? path + strlen("dir:") : "";
}

static int register_as(struct bus *bus, const char *name, const struct container *container,
                       const struct running *running, struct error *err)
{
	const char *uuid = container->config.uuid;
	unsigned char id[16] = {0}; /* all zero: none */
	int32_t links[NETWORK_LINKS_MAX];
	size_t count = 0;

	if (uuid && uuid_read(uuid, id) < 0)
		memset(id, 0, sizeof(id));
	for (unsigned int i = 0; i < running->network.count; i++)
		if (running->network.links[i].host_index > 0)
			links[count++] = running->network.links[i].host_index;
	bus_begin(bus, &register_machine);
	bus_add(bus, "s", name);
	bus_add_array(bus, 'y', id, sizeof(id));
	bus_add(bus, "ssus", "sysc", "container", (uint32_t)running->pid, root_of(container));
	bus_add_array(bus, 'i', links, count * sizeof(links[0]));
	return bus_send(bus, &register_machine, CALL_MS, err);
}

int machined_register(const struct container *container, const struct running *running,
                      struct error *err)
{
	CLEAN_FREE char *name = must_printf("%s%s", container->name, container->paths->tag);
	CLEAN(bus_close) struct bus bus = {0};
	int r = bus_open(&bus, err);

	if (r < 0)
		return r;
	r = register_as(&bus, name, container, running, err);
	if (r == -EEXIST) { /* it rebooted */
		r = bus_call(&bus, &unregister_machine, CALL_MS, err, "s", name);
		if (r == 0 || r == -ENOENT)
			r = register_as(&bus, name, container, running, err);
	}
	return r < 0 ? fail_in(err, "register with machined") : 0;
}
