/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holding a container to its device rules: by the v1 controller (everything is denied, then each rule
 * is allowed, then the kernel's list is read back; Documentation/admin-guide/cgroup-v1/devices.rst),
 * or by the program of devices_bpf.c. A container without either is not started.
 */
#include "cgroup/devices.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/device_rules.h"
#include "cgroup/devices_bpf.h"
#include "cgroup/tree.h"

#include <errno.h>
#include <string.h>

#define LIST_MAX (1U << 20)

/* rule stands in list, maybe with more access than asked for: the kernel joins rules of a device. */
static bool is_listed(const struct strings *list, const char *rule)
{
	size_t device = (size_t)(strrchr(rule, ' ') - rule) + 1;

	for (size_t i = 0; i < list->count; i++) {
		const char *line = list->items[i];

		if (strncmp(line, rule, device) == 0 &&
		    strspn(rule + device, line + device) == strlen(rule + device))
			return true;
	}
	return false;
}

static int read_list(int dir, struct strings *list, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r = file_read(dir, "devices.list", LIST_MAX, &text, err);

	if (r == 0 && text.data)
		strings_split(list, text.data, "\n");
	return r;
}

static int deny_all(int dir, struct error *err)
{
	CLEAN(strings_done) struct strings list = {0};
	int r = file_write(dir, "devices.deny", "a", err);

	if (r == 0)
		r = read_list(dir, &list, err);
	if (r == 0 && list.count > 0)
		return fail_plain(err, EPERM, "'devices.list' is not empty after 'a' was denied");
	return r;
}

static int check_list(int dir, const struct device_rules *rules, struct error *err)
{
	CLEAN(strings_done) struct strings list = {0};
	int r = read_list(dir, &list, err);

	for (size_t i = 0; i < rules->count && r == 0; i++) {
		char rule[DEVICE_RULE_ROOM];

		device_rules_format(&rules->rows[i], rule);
		if (!is_listed(&list, rule))
			return fail_plain(err, EPERM,
			                  "'%s' was allowed, but 'devices.list' has it not", rule);
	}
	return r;
}

static int set_v1(int dir, const struct device_rules *rules, struct error *err)
{
	int r = deny_all(dir, err);

	for (size_t i = 0; i < rules->count && r == 0; i++) {
		char rule[DEVICE_RULE_ROOM];

		device_rules_format(&rules->rows[i], rule);
		r = file_write(dir, "devices.allow", rule, err);
	}
	/* "a" empties the list */
	return r < 0 || device_rules_allow_all(rules) ? r : check_list(dir, rules, err);
}

/* Where there is no hierarchy for it, no fence is an error, never a start without one. */
static int no_fence(const struct cgroup *cgroup, enum devices_fence fence, struct error *err)
{
	static const char *const missing[] = {
		[DEVICES_AUTO] = "neither cgroup v2 nor the v1 devices controller is",
		[DEVICES_V1] = "the v1 devices controller is not",
		[DEVICES_BPF] = "cgroup v2 is not",
	};

	fail_plain(err, ENOSYS, "nothing fences the devices of cgroup '%s': %s mounted",
	           cgroup->path, missing[fence]);
	return fail_hint(err, "mount cgroup2 below /sys/fs/cgroup");
}

int devices_set(struct cgroup *cgroup, const struct config *config, enum devices_fence fence,
                struct error *err)
{
	CLEAN(device_rules_done) struct device_rules rules = {0};
	int v1 = fence == DEVICES_BPF ? -1 : tree_find_v1(&cgroup->host, "devices");
	int index = v1 >= 0 || fence == DEVICES_V1 ? v1 : cgroup->host.v2;
	int dir, r;

	if (index < 0)
		return no_fence(cgroup, fence, err);
	dir = tree_dir(cgroup, index, err);
	if (dir < 0)
		return dir;
	r = device_rules_build(&rules, config, err);
	if (r < 0)
		return r;
	r = v1 >= 0 ? set_v1(dir, &rules, err) : devices_bpf_attach(dir, &rules, err);
	return r < 0 ? fail_in(err, "devices of cgroup '%s'", cgroup->path) : 0;
}

int cgroup_set_devices(struct cgroup *cgroup, const struct config *config, struct error *err)
{
	return devices_set(cgroup, config, DEVICES_AUTO, err);
}
