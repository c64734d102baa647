/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a container's cgroup: what is left inside is killed, the last exit is waited for by
 * event, then every directory goes. With all processes gone it is one rmdir per directory.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/events.h"
#include "cgroup/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#define PACE_MS 2 /* only where no event exists, see wait_without_event() */

/* Kills the tree at full and waits for cgroup.events to say that it is empty. */
static int empty_v2(const char *full, int64_t deadline_ms)
{
	CLEAN_FD int dir = open(full, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (dir < 0)
		return -errno;
	r = events_wait(dir, "populated", 0, process_clock_ms());
	if (r != -ETIMEDOUT)
		return r;
	if (file_write(dir, "cgroup.kill", "1", NULL) < 0) { /* before Linux 5.14 */
		r = tree_kill(full, deadline_ms);
		if (r < 0)
			return r;
	}
	return events_wait(dir, "populated", 0, deadline_ms);
}

/*
 * v1 has no event for the last exit, and a process may count for a moment after its pidfd has told
 * its end; there is nothing to wait for but time then.
 */
static void wait_without_event(void)
{
	(void)poll(NULL, 0, PACE_MS);
}

/* A frozen v1 cgroup lets nothing die (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst). */
static void thaw_v1(const struct cgroup *cgroup)
{
	int index = tree_find_v1(&cgroup->host, "freezer");
	char file[TREE_PATH_MAX];

	if (index >= 0 &&
	    tree_path(&cgroup->host.hierarchies[index], cgroup->path, "freezer.state", file) == 0)
		(void)file_write(AT_FDCWD, file, "THAWED", NULL); /* killing shows if it worked */
}

static int empty_v1(const char *full, int64_t deadline_ms)
{
	int r = tree_kill(full, deadline_ms);

	if (r == 0)
		wait_without_event();
	return r < 0 ? r : 0;
}

/*
 * What was made above the container's cgroup, for its unit. EBUSY: the supervisor is in there, so systemd put
 * it there and will remove it.
 */
static void remove_unit(const struct cgroup *cgroup, unsigned int index)
{
	size_t length = tree_unit_length(cgroup->path);
	CLEAN_FREE char *unit = must_printf("%.*s", (int)length, cgroup->path);
	char full[TREE_PATH_MAX];

	if (length && !cgroup->host.hierarchies[index].is_v2 &&
	    tree_path(&cgroup->host.hierarchies[index], unit, NULL, full) == 0)
		(void)rmdir(full); /* see above */
}

static int remove_from(const struct cgroup *cgroup, unsigned int index, int64_t deadline_ms,
                       struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = &cgroup->host.hierarchies[index];
	char full[TREE_PATH_MAX];
	int r = tree_path(hierarchy, cgroup->path, NULL, full);

	if (r < 0)
		return fail(err, -r, "cgroup '%s'", cgroup->path);
	for (;;) {
		r = tree_remove(full);
		if (r != -EBUSY || process_clock_ms() > deadline_ms)
			break;
		thaw_v1(cgroup);
		r = hierarchy->is_v2 ? empty_v2(full, deadline_ms) : empty_v1(full, deadline_ms);
		if (r < 0 && r != -ETIMEDOUT && r != -ENOENT)
			break;
	}
	if (r == -EBUSY)
		return fail_plain(err, EBUSY, "remove cgroup '%s': process %d does not end", full,
		                  tree_first_process(full));
	return r < 0 ? fail(err, -r, "remove cgroup '%s'", full) : 0;
}

int cgroup_remove(struct cgroup *cgroup, int64_t timeout_ms, struct error *err)
{
	int64_t deadline = process_clock_ms() + (timeout_ms > 0 ? timeout_ms : 0);
	struct error first = {0};
	int r = 0;

	if (!cgroup->path[0])
		return 0;
	cgroup_close(cgroup);
	/* v2 first: its event tells the end for the v1 hierarchies as well */
	if (cgroup->host.v2 >= 0)
		r = remove_from(cgroup, (unsigned int)cgroup->host.v2, deadline, &first);
	for (unsigned int i = 0; i < cgroup->host.count; i++) {
		int one = 0;

		if ((int)i != cgroup->host.v2)
			one = remove_from(cgroup, i, deadline, r < 0 ? NULL : &first);
		remove_unit(cgroup, i);
		if (r == 0)
			r = one;
	}
	if (r < 0 && err)
		*err = first;
	return r;
}

int cgroup_remove_parent(const char *parent, struct error *err)
{
	struct cgroup_host host;
	int r = cgroup_detect(&host, NULL, err);

	for (unsigned int i = 0; i < host.count && r == 0; i++) {
		char full[TREE_PATH_MAX];

		r = tree_path(&host.hierarchies[i], parent, NULL, full);
		if (r == 0 && rmdir(full) < 0 && errno != ENOENT)
			r = -errno;
		if (r < 0)
			return fail(err, -r, "remove cgroup '%s' of '%s'", parent,
			            host.hierarchies[i].mount);
	}
	return r;
}
