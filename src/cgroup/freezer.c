/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stopping all processes of a container where they are: cgroup.freeze where a v2 hierarchy is
 * mounted (it needs no controller, so on hybrid hosts too), else the v1 freezer.
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

#define PACE_MS 5 /* v1 has no event: freezer.state is read again */

static int wait_v1(int dir, const char *word, int64_t deadline_ms, struct error *err)
{
	for (;;) {
		char state[16];
		int r = file_read_small(dir, "freezer.state", state, sizeof(state));

		if (r < 0)
			return fail(err, -r, "read 'freezer.state'");
		if (text_is(state, word))
			return 0;
		if (process_clock_ms() >= deadline_ms)
			return -ETIMEDOUT;
		(void)poll(NULL, 0, PACE_MS);
	}
}

static int freeze_v1(int dir, bool frozen, int64_t deadline_ms, struct error *err)
{
	const char *word = frozen ? "FROZEN" : "THAWED";
	int r = file_write(dir, "freezer.state", word, err);

	if (r == 0)
		r = wait_v1(dir, word, deadline_ms, err);
	if (r == -ETIMEDOUT && frozen)
		(void)file_write(dir, "freezer.state", "THAWED", NULL); /* the timeout is told */
	return r;
}

static int freeze_v2(int dir, bool frozen, int64_t deadline_ms, struct error *err)
{
	int r = file_write(dir, "cgroup.freeze", frozen ? "1" : "0", err);

	if (r < 0)
		return r;
	r = events_wait(dir, "frozen", frozen, deadline_ms);
	if (r < 0 && frozen)
		(void)file_write(dir, "cgroup.freeze", "0", NULL); /* the first error is told */
	if (r < 0 && r != -ETIMEDOUT)
		return fail(err, -r, "wait for 'cgroup.events'");
	return r;
}

/* The hierarchy that freezes; on v2 before Linux 5.2 (no cgroup.freeze) the v1 freezer is left. */
static int find_freezer(const struct cgroup *cgroup)
{
	char file[TREE_PATH_MAX];
	int v2 = cgroup->host.v2;

	if (v2 >= 0 &&
	    tree_path(&cgroup->host.hierarchies[v2], cgroup->path, "cgroup.freeze", file) == 0 &&
	    file_exists(AT_FDCWD, file))
		return v2;
	return tree_find_v1(&cgroup->host, "freezer");
}

int cgroup_freeze(struct cgroup *cgroup, bool frozen, int64_t timeout_ms, struct error *err)
{
	int64_t deadline = process_clock_ms() + (timeout_ms > 0 ? timeout_ms : 0);
	const char *what = frozen ? "freeze" : "thaw";
	int index = find_freezer(cgroup);
	int dir, r;

	if (index < 0) {
		fail_plain(err, ENOTSUP, "no mounted cgroup hierarchy can %s '%s'", what,
		           cgroup->path);
		return fail_hint(err, "mount cgroup2, or the v1 controller freezer");
	}
	dir = tree_dir(cgroup, index, err);
	if (dir < 0)
		return dir;
	r = cgroup->host.hierarchies[index].is_v2 ? freeze_v2(dir, frozen, deadline, err)
	                                          : freeze_v1(dir, frozen, deadline, err);
	if (r == -ETIMEDOUT)
		return fail(err, ETIMEDOUT, "%s cgroup '%s'", what, cgroup->path);
	return r < 0 ? fail_in(err, "%s cgroup '%s'", what, cgroup->path) : 0;
}

bool cgroup_is_frozen(const struct cgroup *cgroup)
{
	int index = find_freezer(cgroup);
	char path[TREE_PATH_MAX], state[16];
	CLEAN_FD int dir = -1;

	if (index < 0 || tree_path(&cgroup->host.hierarchies[index], cgroup->path, NULL, path) < 0)
		return false;
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	if (cgroup->host.hierarchies[index].is_v2)
		return events_wait(dir, "frozen", 1, 0) == 0;
	return file_read_small(dir, "freezer.state", state, sizeof(state)) > 0 &&
	       text_is(state, "FROZEN");
}
