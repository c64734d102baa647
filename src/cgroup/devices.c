/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which device nodes a container may use, on the v1 controller: everything is denied, then the base
 * set and the [devices] allow list are allowed, then the kernel's list is read back
 * (Documentation/admin-guide/cgroup-v1/devices.rst). The filter of v2 is a BPF program, not here.
 */
#include "cgroup/devices.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/limits.h"
#include "cgroup/tree.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define LIST_MAX (1U << 20)

/* What every guest has in /dev; nodes of any kind may be made (m), but not opened. */
static const char *const base_set[] = {
	"c 1:3 rwm",   /* null */
	"c 1:5 rwm",   /* zero */
	"c 1:7 rwm",   /* full */
	"c 1:8 rwm",   /* random */
	"c 1:9 rwm",   /* urandom */
	"c 5:0 rwm",   /* tty */
	"c 5:1 rwm",   /* console */
	"c 5:2 rwm",   /* ptmx */
	"c 136:* rwm", /* pts */
	"c *:* m",     "b *:* m",
};

static int check_access(const char *access, struct error *err)
{
	if (!*access || strspn(access, "rwm") != strlen(access))
		return fail_plain(err, EINVAL, "'%s' is no access: some of r, w, m", access);
	return 0;
}

/* "10:229", "136:*", "*:*" */
static int check_numbers(const char *numbers, struct error *err)
{
	CLEAN(strings_done) struct strings parts = {0};
	uint64_t value;
	bool good;

	strings_split(&parts, numbers, ":");
	good = parts.count == 2;
	for (size_t i = 0; i < parts.count; i++)
		good &= text_is(parts.items[i], "*") ||
		        parse_uint(parts.items[i], UINT32_MAX, &value) == 0;
	if (!good)
		return fail_plain(err, EINVAL, "'%s' is not MAJOR:MINOR", numbers);
	return 0;
}

/* A rule by path stands for the device that is there now. */
static int rule_of_path(const char *path, const char *access, char **out, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fail(err, errno, "device '%s'", path);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return fail_plain(err, ENODEV, "'%s' is no device", path);
	*out = must_printf("%c %u:%u %s", S_ISCHR(st.st_mode) ? 'c' : 'b', major(st.st_rdev),
	                   minor(st.st_rdev), access);
	return 0;
}

int devices_parse(const char *line, char **rule, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	bool is_path, is_numbers;
	int r;

	strings_split(&words, line, " \t");
	is_path = words.count >= 1 && words.count <= 2 && *words.items[0] == '/';
	is_numbers = words.count >= 2 && words.count <= 3 &&
	             (text_is(words.items[0], "c") || text_is(words.items[0], "b"));
	if (words.count == 1 && text_is(words.items[0], "a")) {
		*rule = must_dup("a");
		return 0;
	}
	if (!is_path && !is_numbers)
		return fail_plain(err, EINVAL,
		                  "'%s' is neither 'PATH ACCESS' nor 'c|b MAJOR:MINOR ACCESS'",
		                  line);
	if (words.count < (is_path ? 2 : 3))
		strings_add(&words, "rwm");
	r = check_access(words.items[words.count - 1], err);
	if (r == 0 && is_numbers)
		r = check_numbers(words.items[1], err);
	if (r < 0)
		return r;
	if (is_path)
		return rule_of_path(words.items[0], words.items[1], rule, err);
	*rule = must_printf("%s %s %s", words.items[0], words.items[1], words.items[2]);
	return 0;
}

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

static int check_list(int dir, const struct strings *rules, struct error *err)
{
	CLEAN(strings_done) struct strings list = {0};
	int r = read_list(dir, &list, err);

	for (size_t i = 0; i < rules->count && r == 0; i++) {
		if (!text_is(rules->items[i], "a") && !is_listed(&list, rules->items[i]))
			return fail_plain(err, EPERM,
			                  "'%s' was allowed, but 'devices.list' has it not",
			                  rules->items[i]);
	}
	return r;
}

static int allow_base(int dir, struct strings *rules, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(base_set) && r == 0; i++) {
		r = file_write(dir, "devices.allow", base_set[i], err);
		strings_add(rules, base_set[i]);
	}
	return r;
}

static int allow_list(int dir, const struct config *config, struct strings *rules,
                      struct error *err)
{
	for (size_t i = 0; i < config->device_allow.count; i++) {
		char *rule = NULL;
		int r = devices_parse(config->device_allow.items[i], &rule, err);

		if (r == 0) {
			strings_give(rules, rule);
			r = file_write(dir, "devices.allow", rule, err);
		}
		if (r < 0)
			return limit_blame(config, "devices", "allow", i, err);
	}
	return 0;
}

int cgroup_set_devices(struct cgroup *cgroup, const struct config *config, struct error *err)
{
	CLEAN(strings_done) struct strings rules = {0};
	int index = tree_find_v1(&cgroup->host, "devices");
	int dir = index < 0 ? -1 : tree_dir(cgroup, index, err);
	int r;

	if (index < 0)
		return 0;
	if (dir < 0)
		return dir;
	r = deny_all(dir, err);
	if (r == 0)
		r = allow_base(dir, &rules, err);
	if (r < 0)
		return fail_in(err, "devices of cgroup '%s'", cgroup->path);
	r = allow_list(dir, config, &rules, err);
	if (r < 0)
		return r;
	r = strings_has(&rules, "a") ? 0 : check_list(dir, &rules, err);
	return r < 0 ? fail_in(err, "devices of cgroup '%s'", cgroup->path) : 0;
}
