/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Below the administrator's parent cgroup, or in a unit of systemd; see the header. */
#include "monitor/place.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/log.h"
#include "cgroup/cgroup.h"
#include "container/container.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static int place_plainly(const struct container *container, struct systemd_place *out,
                         struct error *err)
{
	int length;

	out->unit[0] = '\0';
	length = snprintf(out->cgroup, sizeof(out->cgroup), "%s/%s", container->paths->cgroup,
	                  container->name);
	if (length >= (int)sizeof(out->cgroup))
		return fail(err, ENAMETOOLONG, "cgroup '%s/%s'", container->paths->cgroup,
		            container->name);
	return 0;
}

/* No unit of systemd for it: there is none, or the administrator has set another place. */
static bool is_plain(const struct container *container)
{
	return container->paths->has_cgroup || !systemd_is_running("");
}

int place_choose(const struct container *container, struct systemd_place *out, struct error *err)
{
	const struct systemd_request request = {.name = container->name,
	                                        .tag = container->paths->tag,
	                                        .stop_timeout_ms =
	                                                container->config.stop_timeout_ms};
	struct error reason = {0};
	int r;

	if (is_plain(container))
		return place_plainly(container, out, err);
	r = systemd_enter(&request, out, &reason);
	if (r == -EBUSY)
		*err = reason;
	if (r == 0 || r == -EBUSY)
		return r;
	r = place_plainly(container, out, err);
	if (r == 0)
		log_line(LOG_LEVEL_WARN,
		         "systemd does not know of this container, and may end it or change its "
		         "limits (cgroup '%s'): %s",
		         out->cgroup, reason.text);
	return r;
}

pid_t place_fork(const struct container *container)
{
	CLEAN_FD int leaf =
		is_plain(container) ? cgroup_open_supervisors(container->paths->cgroup) : -1;
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP, .cgroup = (uint64_t)leaf, .exit_signal = SIGCHLD};
	pid_t pid = leaf < 0 ? -1 : sys_clone3(&args);

	return pid < 0 ? fork() : pid; /* a cgroup that takes no process: where we are */
}
