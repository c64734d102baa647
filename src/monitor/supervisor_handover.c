/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a supervisor to the sysc-monitor that it becomes: what is made for it and what it is told. */
#include "monitor/supervisor_parts.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "container/idmap.h"
#include "monitor/handover.h"
#include "monitor/monitor.h"
#include "monitor/notify.h"
#include "monitor/ready_network.h"
#include "monitor/restart.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* For what the terminals hold; the pages come when they are touched. */
static int make_memory(struct supervisor *supervisor, struct error *err)
{
	size_t size = monitor_memory_size(supervisor->running.tty_count,
	                                  supervisor->container->config.console_buffer);

	supervisor->memory_fd = memfd_create("sysc-console", MFD_CLOEXEC);
	if (supervisor->memory_fd < 0 || ftruncate(supervisor->memory_fd, (off_t)size) < 0)
		return fail(err, errno, "make a memory file");
	return 0;
}

/* For boot.ready = notify: before the mounts are planned. */
int supervisor_bind_notify(struct supervisor *supervisor, struct error *err)
{
	const struct config *config = &supervisor->container->config;
	struct idmap map = {0};
	int64_t uid = 0, gid = 0;
	int r = 0;

	if (supervisor->is_execute || config_ready(config, NULL) != READY_NOTIFY)
		return 0;
	if (!config->privileged) {
		r = idmap_parse(&map, &config->idmap, err);
		if (r < 0)
			return r;
		uid = idmap_to_host(&map, false, 0);
		gid = idmap_to_host(&map, true, 0);
	}
	if (uid < 0 || gid < 0)
		return fail_plain(err, EINVAL, "idmap.map does not map root (id 0)");
	supervisor->ready_fd =
		notify_bind(supervisor->container->run_dir, (uid_t)uid, (gid_t)gid, err);
	return supervisor->ready_fd < 0 ? supervisor->ready_fd : 0;
}

/* For boot.ready = network: while we are still init's parent and have its namespaces at hand. */
int supervisor_watch_network(struct supervisor *supervisor, struct error *err)
{
	char path[48];
	CLEAN_FD int netns = -1;

	if (supervisor->is_execute ||
	    config_ready(&supervisor->container->config, NULL) != READY_NETWORK)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", supervisor->running.pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return fail(err, errno, "open '%s'", path);
	supervisor->ready_fd = ready_network_open(netns, err);
	return supervisor->ready_fd < 0 ? supervisor->ready_fd : 0;
}

static bool wants_route(const struct config *config)
{
	for (size_t i = 0; i < config->network_count; i++)
		if (config->networks[i].type != NETWORK_NONE &&
		    !text_is(config->networks[i].gateway, "none"))
			return true;
	return false;
}

/* What the worker does on its own. The texts stay the config's. */
static void add_duties(const struct supervisor *supervisor, struct handover *handover)
{
	const struct config *config = &supervisor->container->config;
	const char *command;

	if (supervisor->is_execute)
		return;
	handover->ready = config_ready(config, &command);
	handover->ready_command = (char *)(uintptr_t)command;
	handover->ready_timeout_ms = (uint64_t)config->boot.ready_timeout_ms;
	handover->ready_wants_route = wants_route(config);
	handover->ready_fd = supervisor->ready_fd;
	handover->policy = restart_policy_of(config);
	handover->health_command = config->health.command;
	handover->health_interval_ms = (uint64_t)config->health.interval_ms;
	handover->health_timeout_ms = (uint64_t)config->health.timeout_ms;
	handover->health_retries = config->health.retries;
	handover->health_action = (uint64_t)config->health.on_failure;
}

int supervisor_write_handover(struct supervisor *supervisor, struct error *err)
{
	const struct container *container = supervisor->container;
	const struct config *config = &container->config;
	CLEAN_FREE char *monitor = must_printf("%s/sysc-monitor", container->paths->libexec);
	struct handover handover;
	int r = make_memory(supervisor, err);

	if (r < 0)
		return r;
	handover_init(&handover);
	handover.name = container->name;
	handover.store = container->paths->store;
	handover.run_dir = container->run_dir;
	handover.log = container->log;
	handover.console_log = config->console_log ? container->console : NULL;
	handover.program = container->paths->program;
	handover.monitor = monitor;
	handover.console_log_size = config->console_log_size;
	handover.console_buffer = config->console_buffer;
	handover.ephemeral = config->ephemeral;
	/* what was asked of the supervisor that is taken over from */
	handover.is_asked = handover.no_reboot = supervisor->state.phase == STATE_STOPPING;
	handover.pidfd = supervisor->running.pidfd;
	handover.listen_fd = supervisor->listen_fd;
	handover.client_fd = supervisor->console_fd;
	handover.memory_fd = supervisor->memory_fd;
	memcpy(handover.ttys, supervisor->running.ttys, sizeof(handover.ttys));
	handover.tty_count = supervisor->running.tty_count;
	add_duties(supervisor, &handover);
	return handover_write(&handover, err); /* the texts stay the container's */
}

/* From here on the fds belong to sysc-monitor. Returns only on failure. */
int supervisor_become_monitor(struct supervisor *supervisor, int handover_fd, struct error *err)
{
	const struct container *container = supervisor->container;
	CLEAN_FREE char *path = must_printf("%s/sysc-monitor", container->paths->libexec);
	CLEAN_FREE char *number = must_printf("%d", handover_fd);
	char *argv[] = {(char *)(uintptr_t) "sysc-monitor", container->name, number, NULL};

	(void)execv(path, argv);
	return fail(err, errno, "run '%s'", path);
}
