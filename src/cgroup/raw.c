/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The [cgroup] section: files of the container's cgroup by their own names, a v1 file with "v1:" in
 * front. A name of the version that does not have the controller here is an error, never ignored.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/limits.h"
#include "cgroup/tree.h"

#include <errno.h>
#include <string.h>

struct spelling {
	const char *v2, *v1;
};

/* The same thing in the other version's words, for hints. */
static const struct spelling spellings[] = {
	{"memory.max",      "memory.limit_in_bytes"      },
	{"memory.low",      "memory.soft_limit_in_bytes" },
	{"memory.swap.max", "memory.memsw.limit_in_bytes"},
	{"cpu.max",         "cpu.cfs_quota_us"           },
	{"cpu.weight",      "cpu.shares"                 },
	{"io.bfq.weight",   "blkio.bfq.weight"           },
	{"io.weight",       "blkio.weight"               },
};

/* Files that move, kill or stop processes or change who may use the cgroup: no settings. */
static const char *const refused[] = {
	"cgroup.procs",         "cgroup.threads", "tasks",         "cgroup.kill",
	"cgroup.freeze",        "freezer.state",  "cgroup.type",   "cgroup.subtree_control",
	"cgroup.event_control", "release_agent",  "devices.allow", "devices.deny",
};

static const char *other_name(const char *name, bool is_v1)
{
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		if (text_is(is_v1 ? spellings[i].v1 : spellings[i].v2, name))
			return is_v1 ? spellings[i].v2 : spellings[i].v1;
	}
	return NULL;
}

static int check_name(const char *name, struct error *err)
{
	if (strchr(name, '/') || !strchr(name, '.') || *name == '.')
		return fail_plain(err, EINVAL, "'%s' is no file of a controller", name);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (text_is(refused[i], name))
			return fail_plain(err, EINVAL, "'%s' is not a setting", name);
	}
	return 0;
}

static int find_v1(const struct cgroup_host *host, const char *name, const char *controller,
                   struct error *err)
{
	int index = tree_find_v1(host, controller);
	const char *other = other_name(name, true);

	if (index >= 0)
		return index;
	fail_plain(err, ENOTSUP, "the controller '%s' is not on cgroup v1 here", controller);
	return other ? fail_hint(err, "use '%s'", other)
	             : fail_hint(err, "use the name that cgroup v2 has for it");
}

static int find_v2(const struct cgroup_host *host, const char *name, const char *controller,
                   struct error *err)
{
	const char *v1_controller = text_is(controller, "io") ? "blkio" : controller;
	const char *other = other_name(name, false);

	if (tree_find_v1(host, v1_controller) >= 0) {
		fail_plain(err, ENOTSUP, "the controller '%s' is on cgroup v1 here", v1_controller);
		return other ? fail_hint(err, "use 'v1:%s'", other)
		             : fail_hint(err, "use 'v1:' and the name that v1 has for it");
	}
	if (host->v2 < 0)
		return fail_plain(err, ENOTSUP, "no cgroup v2 hierarchy is mounted");
	return host->v2;
}

/* name: "memory.oom.group" or "v1:memory.swappiness"; returns the hierarchy, *file the file name. */
static int find_hierarchy(const struct cgroup_host *host, const char *name, const char **file,
                          struct error *err)
{
	bool is_v1 = text_starts(name, "v1:");
	CLEAN_FREE char *controller = NULL;
	int r;

	*file = is_v1 ? name + 3 : name;
	r = check_name(*file, err);
	if (r < 0)
		return r;
	controller = must_printf("%.*s", (int)strcspn(*file, "."), *file);
	return is_v1 ? find_v1(host, *file, controller, err)
	             : find_v2(host, *file, controller, err);
}

static int set_one(struct cgroup *cgroup, const struct config *config, size_t index,
                   struct error *err)
{
	CLEAN(limit_plan_done) struct limit_plan plan = {0};
	const char *name = config->cgroup.names.items[index], *file;
	int hierarchy = find_hierarchy(&cgroup->host, name, &file, err);
	struct limit_write *write;
	int dir;

	if (hierarchy < 0)
		return limit_blame(config, "cgroup", name, 0, err);
	dir = tree_dir(cgroup, hierarchy, err);
	if (dir < 0)
		return dir;
	write = limit_plan_add(&plan, name, file, LIMIT_TEXT, "%s",
	                       config->cgroup.values.items[index]);
	write->section = "cgroup";
	return limit_plan_run(&plan, dir, false, config, err);
}

int limit_set_raw(struct cgroup *cgroup, const struct config *config, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < config->cgroup.names.count && r == 0; i++)
		r = set_one(cgroup, config, i, err);
	return r;
}
