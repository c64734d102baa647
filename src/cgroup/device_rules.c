/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of device rules of a container: reading and writing one, and which there are. Who enforces
 * them: devices.c (v1) and devices_bpf.c (v2).
 */
#include "cgroup/device_rules.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "cgroup/limits.h"
#include "container/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* What every guest has in /dev; nodes of any kind may be made (m), but not opened. */
static const struct device_rule base_set[] = {
	{'c', 1,          3,          DEVICE_ACCESS_ALL}, /* null */
	{'c', 1,          5,          DEVICE_ACCESS_ALL}, /* zero */
	{'c', 1,          7,          DEVICE_ACCESS_ALL}, /* full */
	{'c', 1,          8,          DEVICE_ACCESS_ALL}, /* random */
	{'c', 1,          9,          DEVICE_ACCESS_ALL}, /* urandom */
	{'c', 5,          0,          DEVICE_ACCESS_ALL}, /* tty */
	{'c', 5,          1,          DEVICE_ACCESS_ALL}, /* console */
	{'c', 5,          2,          DEVICE_ACCESS_ALL}, /* ptmx */
	{'c', 136,        DEVICE_ANY, DEVICE_ACCESS_ALL}, /* pts */
	{'c', DEVICE_ANY, DEVICE_ANY, DEVICE_MKNOD     },
	{'b', DEVICE_ANY, DEVICE_ANY, DEVICE_MKNOD     },
};

/* In the order in which the kernel writes them. */
static const struct {
	char letter;
	unsigned int bit;
} accesses[] = {
	{'r', DEVICE_READ },
	{'w', DEVICE_WRITE},
	{'m', DEVICE_MKNOD},
};

void device_rules_done(struct device_rules *rules)
{
	free(rules->rows);
	*rules = (struct device_rules){0};
}

void device_rules_add(struct device_rules *rules, const struct device_rule *rule)
{
	for (size_t i = 0; i < rules->count; i++) {
		struct device_rule *row = &rules->rows[i];

		if (row->type == rule->type && row->major == rule->major &&
		    row->minor == rule->minor) {
			row->access |= rule->access;
			return;
		}
	}
	rules->rows = must_realloc(rules->rows, (rules->count + 1) * sizeof(*rules->rows));
	rules->rows[rules->count++] = *rule;
}

bool device_rules_allow_all(const struct device_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->rows[i].type == 'a')
			return true;
	return false;
}

static int parse_access(const char *text, unsigned int *access, struct error *err)
{
	*access = 0;
	for (const char *at = text; *at; at++) {
		unsigned int bit = 0;

		for (size_t i = 0; i < ARRAY_SIZE(accesses); i++)
			bit |= accesses[i].letter == *at ? accesses[i].bit : 0;
		if (!bit)
			*access = 0;
		if (!bit)
			break;
		*access |= bit;
	}
	if (!*access)
		return fail_plain(err, EINVAL, "'%s' is no access: some of r, w, m", text);
	return 0;
}

/* "10:229", "136:*", "*:*" */
static int parse_numbers(const char *text, struct device_rule *rule, struct error *err)
{
	CLEAN(strings_done) struct strings parts = {0};
	uint32_t *const numbers[] = {&rule->major, &rule->minor};
	bool good;

	strings_split(&parts, text, ":");
	good = parts.count == ARRAY_SIZE(numbers);
	for (size_t i = 0; i < ARRAY_SIZE(numbers) && good; i++) {
		uint64_t value = DEVICE_ANY;

		good = text_is(parts.items[i], "*") ||
		       parse_uint(parts.items[i], DEVICE_ANY - 1, &value) == 0;
		*numbers[i] = (uint32_t)value;
	}
	if (!good)
		return fail_plain(err, EINVAL, "'%s' is not MAJOR:MINOR", text);
	return 0;
}

/* A rule by path stands for the device that is there now. */
static int find_device(const char *path, int flags, struct device_rule *rule, struct error *err)
{
	struct stat st;

	if (fstatat(AT_FDCWD, path, &st, flags) < 0)
		return fail(err, errno, "device '%s'", path);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return fail_plain(err, ENODEV, "'%s' is no device", path);
	rule->type = S_ISCHR(st.st_mode) ? 'c' : 'b';
	rule->major = major(st.st_rdev);
	rule->minor = minor(st.st_rdev);
	return 0;
}

int device_rules_parse(const char *line, struct device_rule *rule, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	bool is_path, is_numbers;
	int r;

	strings_split(&words, line, " \t");
	is_path = words.count >= 1 && words.count <= 2 && *words.items[0] == '/';
	is_numbers = words.count >= 2 && words.count <= 3 &&
	             (text_is(words.items[0], "c") || text_is(words.items[0], "b"));
	if (words.count == 1 && text_is(words.items[0], "a")) {
		*rule = (struct device_rule){'a', DEVICE_ANY, DEVICE_ANY, DEVICE_ACCESS_ALL};
		return 0;
	}
	if (!is_path && !is_numbers)
		return fail_plain(err, EINVAL,
		                  "'%s' is neither 'PATH ACCESS' nor 'c|b MAJOR:MINOR ACCESS'",
		                  line);
	if (words.count < (is_path ? 2 : 3))
		strings_add(&words, "rwm");
	rule->type = *words.items[0];
	r = parse_access(words.items[words.count - 1], &rule->access, err);
	if (r < 0)
		return r;
	return is_path ? find_device(words.items[0], 0, rule, err)
	               : parse_numbers(words.items[1], rule, err);
}

static void format_number(uint32_t number, char out[12])
{
	if (number == DEVICE_ANY)
		(void)snprintf(out, 12, "*");
	else
		(void)snprintf(out, 12, "%u", number);
}

void device_rules_format(const struct device_rule *rule, char out[DEVICE_RULE_ROOM])
{
	char numbers[2][12], access[4];
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++)
		if (rule->access & accesses[i].bit)
			access[used++] = accesses[i].letter;
	access[used] = '\0';
	format_number(rule->major, numbers[0]);
	format_number(rule->minor, numbers[1]);
	if (rule->type == 'a')
		(void)snprintf(out, DEVICE_RULE_ROOM, "a");
	else
		(void)snprintf(out, DEVICE_RULE_ROOM, "%c %s:%s %s", rule->type, numbers[0],
		               numbers[1], access);
}

/* "/dev/fuse [MODE [UID:GID]]": who is given the node may use it. Opened without following there. */
static int parse_node(const char *line, struct device_rule *rule, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};

	strings_split(&words, line, " \t");
	if (!words.count)
		return fail_plain(err, EINVAL, "'%s' is no path of a device", line);
	rule->access = DEVICE_READ | DEVICE_WRITE;
	return find_device(words.items[0], AT_SYMLINK_NOFOLLOW, rule, err);
}

static int add_lines(struct device_rules *rules, const struct config *config, const char *key,
                     const struct strings *lines,
                     int (*parse)(const char *, struct device_rule *, struct error *),
                     struct error *err)
{
	for (size_t i = 0; i < lines->count; i++) {
		struct device_rule rule;

		if (parse(lines->items[i], &rule, err) < 0)
			return limit_blame(config, "devices", key, i, err);
		device_rules_add(rules, &rule);
	}
	return 0;
}

int device_rules_build(struct device_rules *rules, const struct config *config, struct error *err)
{
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(base_set); i++)
		device_rules_add(rules, &base_set[i]);
	r = add_lines(rules, config, "node", &config->device_node, parse_node, err);
	if (r == 0)
		r = add_lines(rules, config, "allow", &config->device_allow, device_rules_parse,
		              err);
	return r;
}
