/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The unit of a container on a host that runs systemd; see the header. */
#include "cgroup/systemd.h"

#include "base/bus.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLICE           "sysc.slice"
#define LEAF            "monitor"
#define CONTAINER       "container"
#define CALL_MS         30000 /* for systemd, which may be busy with a boot */
#define TRIES           3
#define STOP_MARGIN_MS  10000 /* for the clean-up after the end of init */
#define PROCS_MAX       65536
#define MOVE_ROUNDS_MAX 16
#define ESCAPED_ROOM    256 /* four characters for one */

#define MANAGER \
	"org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"

static const struct bus_method start_unit = {MANAGER, "StartTransientUnit"};
static const struct bus_method stop_unit = {MANAGER, "StopUnit"};
static const struct bus_method reset_unit = {MANAGER, "ResetFailedUnit"};

bool systemd_is_running(const char *root)
{
	CLEAN_FREE char *path = must_printf("%s/run/systemd/system", root);

	return file_is_dir(AT_FDCWD, path);
}

/* As systemd-escape(1) writes a name: of what names of containers are made, only '-' changes. */
static void escape(const char *name, char out[ESCAPED_ROOM])
{
	size_t length = 0;

	for (; *name && length + 5 < ESCAPED_ROOM; name++)
		length += (size_t)snprintf(out + length, ESCAPED_ROOM - length,
		                           *name == '-' ? "\\x2d" : "%c", *name);
	out[length] = '\0';
}

static bool is_own_unit(const char *unit, const struct systemd_request *request)
{
	CLEAN_FREE char *scope = must_printf("sysc-%s%s.scope", request->name, request->tag);
	CLEAN_FREE char *service = must_printf("sysc@%s.service", request->name);
	CLEAN_FREE char *escaped = NULL;
	char name[ESCAPED_ROOM];

	escape(request->name, name);
	escaped = must_printf("sysc@%s.service", name);
	return text_is(unit, scope) ||
	       (!*request->tag && (text_is(unit, service) || text_is(unit, escaped)));
}

/* path, "/sysc.slice/sysc-web1.scope/monitor", is written to. */
static bool take_place(char *path, const struct systemd_request *request, struct systemd_place *out)
{
	const char *unit;
	int length;

	if (text_ends(path, "/" LEAF))
		path[strlen(path) - strlen("/" LEAF)] = '\0';
	unit = strrchr(path, '/');
	if (!unit || !is_own_unit(unit + 1, request))
		return false;
	length = snprintf(out->cgroup, sizeof(out->cgroup), "%s/" CONTAINER, path + 1);
	if (length >= (int)sizeof(out->cgroup))
		return false;
	return snprintf(out->unit, sizeof(out->unit), "%s", unit + 1) < (int)sizeof(out->unit);
}

int systemd_find_place(const char *cgroups, const struct systemd_request *request,
                       struct systemd_place *out)
{
	CLEAN(strings_done) struct strings lines = {0};
	struct systemd_place place;

	strings_split(&lines, cgroups, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		char *path = strstr(lines.items[i], ":/");
		bool is_tracked = text_starts(lines.items[i], "0::/") ||
		                  strstr(lines.items[i], ":name=systemd:/");

		if (!is_tracked || !path || !take_place(path + 1, request, &place))
			continue;
		*out = place;
		return 1;
	}
	return 0;
}

static int find_own_place(const struct systemd_request *request, struct systemd_place *out,
                          struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r = file_read(AT_FDCWD, "/proc/self/cgroup", PROCS_MAX, &text, err);

	return r < 0 ? r : systemd_find_place(text.data ? text.data : "", request, out);
}

/* The hierarchy in which systemd keeps its units: v2 where there is one. */
static int tracking_hierarchy(const struct cgroup_host *host)
{
	return host->v2 >= 0 ? host->v2 : tree_find_v1(host, "name=systemd");
}

/*
 * A scope of an earlier run that is still known: with processes in it, it is not ours to take; without,
 * systemd is told to have done with it.
 */
static int clear_scope(struct bus *bus, const char *scope, struct error *err)
{
	struct cgroup_host host;
	char path[TREE_PATH_MAX];
	int r = cgroup_detect(&host, NULL, err), index = tracking_hierarchy(&host);
	CLEAN_FREE char *cgroup = must_printf(SLICE "/%s", scope);
	pid_t pid = 0;

	if (r == 0 && index >= 0 && tree_path(&host.hierarchies[index], cgroup, NULL, path) == 0)
		pid = tree_wait_for_dying(path);
	if (pid)
		return fail_plain(err, EBUSY, "unit '%s' still holds processes (pid %d)", scope,
		                  pid);
	r = bus_run_job(bus, &stop_unit, CALL_MS, err, "ss", scope, "replace");
	if (r < 0 && r != -ENOENT)
		return r;
	r = bus_call(bus, &reset_unit, CALL_MS, err, "s", scope);
	return r == -ENOENT ? 0 : r;
}

/*
 * Before=sysc.service: at a shutdown that service, which stops the containers in their order, is stopped
 * first, then the scopes that are left. What is left gets SIGCONT, which does nothing to processes of the
 * guest, and tells the monitor to halt it (monitor.c); what is still there after the time is killed.
 */
static int start_scope(struct bus *bus, const char *scope, const struct systemd_request *request,
                       struct error *err)
{
	CLEAN_FREE char *description = must_printf("Container %s", request->name);
	uint64_t stop_us = UINT64_MAX;

	if (request->stop_timeout_ms >= 0)
		stop_us = (uint64_t)(request->stop_timeout_ms + STOP_MARGIN_MS) * 1000;
	return bus_run_job(bus, &start_unit, CALL_MS, err, "ssa(sv)a(sa(sv))", scope, "fail", 9,
	                   "Description", "s", description,            /* of systemctl status */
	                   "Slice", "s", SLICE,                        /**/
	                   "PIDs", "au", 1, (uint32_t)getpid(),        /**/
	                   "Delegate", "b", 1,                         /**/
	                   "Before", "as", 1, "sysc.service",          /**/
	                   "TasksMax", "t", UINT64_MAX,                /* limits.pids tells */
	                   "KillSignal", "i", (int32_t)SIGCONT,        /**/
	                   "TimeoutStopUSec", "t", stop_us,            /**/
	                   "CollectMode", "s", "inactive-or-failed", 0 /* no auxiliary units */
	);
}

static int enter_scope(const struct systemd_request *request, struct error *err)
{
	CLEAN_FREE char *scope = must_printf("sysc-%s%s.scope", request->name, request->tag);
	CLEAN(bus_close) struct bus bus = {0};
	int r = bus_open(&bus, err);

	if (r < 0)
		return r;
	r = start_scope(&bus, scope, request, err);
	for (int i = 0; i < TRIES && r == -EEXIST; i++) {
		r = clear_scope(&bus, scope, err);
		if (r == 0)
			r = start_scope(&bus, scope, request, err);
	}
	return r < 0 ? fail_in(err, "start the unit '%s'", scope) : 0;
}

/* Every process of directory itself into its leaf; 0 when none was there any more. */
static int move_into_leaf(int dir, int leaf)
{
	CLEAN(strings_done) struct strings pids = {0};
	CLEAN(text_done) struct text text = {0};
	int r = file_read(dir, "cgroup.procs", PROCS_MAX, &text, NULL);

	strings_split(&pids, text.data ? text.data : "", "\n");
	for (size_t i = 0; i < pids.count && r == 0; i++) {
		r = file_write(leaf, "cgroup.procs", pids.items[i], NULL);
		if (r == -ESRCH) /* it ended */
			r = 0;
	}
	return r < 0 ? r : (int)pids.count;
}

/*
 * Not only the calling process: in a service the command that waits for us is there as well. On v1 a
 * process may be in an inner cgroup, and moving it costs a lot.
 */
static int enter_leaf(const struct systemd_place *place, struct error *err)
{
	CLEAN_FD int dir = -1, leaf = -1;
	struct cgroup_host host;
	char path[TREE_PATH_MAX];
	int r = cgroup_detect(&host, NULL, err);

	if (r < 0 || host.v2 < 0)
		return r;
	r = tree_path(&host.hierarchies[host.v2], place->cgroup, NULL, path);
	if (r < 0)
		return fail(err, -r, "cgroup '%s'", place->cgroup);
	*strrchr(path, '/') = '\0';
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT) /* systemd keeps its units on v1 alone */
		return 0;
	if (dir < 0)
		return fail(err, errno, "open '%s'", path);
	if (mkdirat(dir, LEAF, 0755) < 0 && errno != EEXIST)
		return fail(err, errno, "make cgroup '%s/" LEAF "'", path);
	leaf = openat(dir, LEAF, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (leaf < 0)
		return fail(err, errno, "open '%s/" LEAF "'", path);
	for (int i = 0; i < MOVE_ROUNDS_MAX && (r = move_into_leaf(dir, leaf)) > 0; i++)
		continue;
	return r < 0 ? fail(err, -r, "enter cgroup '%s/" LEAF "'", path) : 0;
}

int systemd_rejoin(const char *cgroup, struct error *err)
{
	CLEAN_FREE char *unit = must_printf("%.*s", (int)tree_unit_length(cgroup), cgroup);
	CLEAN_FREE char *leaf = NULL;
	struct cgroup_host host;
	char path[TREE_PATH_MAX];
	int index, r;

	if (!*unit)
		return 0;
	r = cgroup_detect(&host, NULL, err);
	index = r < 0 ? r : tracking_hierarchy(&host);
	if (index < 0)
		return r;
	leaf = must_printf("%s%s", unit, host.hierarchies[index].is_v2 ? "/" LEAF : "");
	r = tree_path(&host.hierarchies[index], leaf, NULL, path);
	if (r < 0)
		return fail(err, -r, "cgroup '%s'", leaf);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return fail(err, errno, "make cgroup '%s'", path);
	r = tree_path(&host.hierarchies[index], leaf, "cgroup.procs", path);
	return r < 0 ? fail(err, -r, "cgroup '%s'", leaf) : file_write(AT_FDCWD, path, "0", err);
}

int systemd_enter(const struct systemd_request *request, struct systemd_place *out,
                  struct error *err)
{
	struct systemd_place place;
	int r = find_own_place(request, &place, err);

	if (r == 0) {
		r = enter_scope(request, err);
		if (r == 0)
			r = find_own_place(request, &place, err);
		if (r == 0)
			r = fail_plain(err, EIO, "systemd made the unit of '%s' without us",
			               request->name);
	}
	if (r > 0)
		r = enter_leaf(&place, err);
	if (r == 0)
		*out = place;
	return r;
}
