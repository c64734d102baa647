/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of single values that have nothing to do with the network; see the header. */
#include "container/check.h"
#include "container/calendar.h"
#include "container/keep.h"
#include "container/rlimits.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "container/container.h"
#include "container/idmap.h"

#include <errno.h>
#include <string.h>
#include <uuid/uuid.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

static int not_a(struct error *err, const char *value, const char *what)
{
	return fail_plain(err, EINVAL, "'%s' is not %s", value, what);
}

/* All of value is made of the characters in set, and there is one. */
static bool only(const char *value, const char *set)
{
	return *value && value[strspn(value, set)] == '\0';
}

static bool is_one_of(const char *value, const char *const *choices)
{
	for (; *choices; choices++)
		if (text_is(value, *choices))
			return true;
	return false;
}

int check_choice(const char *value, const char *const *choices, struct error *err)
{
	CLEAN(text_done) struct text all = {0};
	const char *near = text_nearest(value, choices);

	if (is_one_of(value, choices))
		return 0;
	for (size_t i = 0; choices[i]; i++)
		text_addf(&all, "%s%s", i ? ", " : "", choices[i]);
	(void)fail_plain(err, EINVAL, "'%s' is none of %s", value, all.data);
	return near ? fail_hint(err, "did you mean '%s'?", near) : -EINVAL;
}

int check_word(const char *value, struct error *err)
{
	if (!only(value, LETTERS DIGITS "_.-"))
		return not_a(err, value, "a word of letters, digits, '_', '.' and '-'");
	return 0;
}

int check_host_name(const char *value, struct error *err)
{
	if (strlen(value) > 64)
		return not_a(err, value, "a host name of at most 64 characters");
	if (!only(value, LETTERS DIGITS "_.-") || strchr(".-", *value))
		return not_a(err, value, "a host name (letters, digits, '-' and '.')");
	return 0;
}

int check_uuid(const char *value, struct error *err)
{
	uuid_t id;

	return uuid_parse(value, id) < 0 ? not_a(err, value, "a UUID") : 0;
}

int check_environment(const char *value, struct error *err)
{
	size_t length = strspn(value, LETTERS DIGITS "_");

	if (!length || value[length] != '=' || strchr(DIGITS, *value))
		return not_a(err, value, "of the form NAME=value");
	return 0;
}

int check_command(const char *value, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};

	if (strings_split_command(&words, value) < 0)
		return fail_plain(err, EINVAL, "a quote is not closed in '%s'", value);
	if (!words.count || words.items[0][0] != '/')
		return not_a(err, value, "a command that begins with an absolute path");
	return 0;
}

int check_inside_command(const char *value, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};

	if (strings_split_command(&words, value) < 0)
		return fail_plain(err, EINVAL, "a quote is not closed in '%s'", value);
	return words.count ? 0 : not_a(err, value, "a command");
}

int check_container_name(const char *value, struct error *err)
{
	return container_check_name(value, err);
}

int check_ready(const char *value, struct error *err)
{
	static const char *const all[] = {"running", "network", "notify", "command COMMAND", NULL};
	const char *command = text_starts(value, "command ") ? value + strlen("command ") : NULL;

	if (command)
		return check_inside_command(command, err);
	return check_choice(value, all, err);
}

int check_calendar(const char *value, struct error *err)
{
	struct calendar calendar;

	return calendar_parse(value, &calendar, err);
}

int check_keep(const char *value, struct error *err)
{
	struct keep keep;

	return keep_parse(value, &keep, err);
}

int check_apparmor(const char *value, struct error *err)
{
	if (!only(value, LETTERS DIGITS "_.-/:&"))
		return not_a(err, value, "'auto', 'unconfined' or the name of a profile");
	return 0;
}

int check_backend(const char *value, struct error *err)
{
	static const char *const all[] = {"dir", "overlay", "btrfs", "loop",
	                                  "lvm", "zfs",     "best",  NULL};

	return check_choice(value, all, err);
}

/* Each part an absolute path; of an overlay there are two or more. */
static int check_paths(const char *value, bool is_overlay, struct error *err)
{
	CLEAN(strings_done) struct strings parts = {0};

	if (is_overlay)
		strings_split(&parts, value, ":");
	else
		strings_add(&parts, value);
	for (size_t i = 0; i < parts.count; i++)
		if (parts.items[i][0] != '/')
			return not_a(err, parts.items[i],
			             "an absolute path (dir:/var/lib/sysc/web1/rootfs)");
	if (is_overlay && parts.count < 2)
		return not_a(err, value, "of the form /LOWER:/FOLDER");
	return 0;
}

int check_rootfs(const char *value, struct error *err)
{
	static const char *const all[] = {"dir", "overlay", "btrfs", "loop", "lvm", "zfs", NULL};
	static const char *const volumes[] = {"lvm", "zfs", NULL};
	const char *colon = strchr(value, ':');
	CLEAN_FREE char *backend = NULL;
	int r;

	if (*value == '/' || !colon)
		return check_paths(value, false, err);
	backend = must_printf("%.*s", (int)(colon - value), value);
	r = check_choice(backend, all, err);
	if (r < 0)
		return r;
	if (!is_one_of(backend, volumes))
		return check_paths(colon + 1, text_is(backend, "overlay"), err);
	if (!only(colon + 1, LETTERS DIGITS "_.-+:/") || !strchr(colon + 1, '/') || colon[1] == '/')
		return not_a(err, colon + 1, "of the form GROUP/VOLUME");
	return 0;
}

int check_idmap(const char *value, struct error *err)
{
	struct idmap map = {0};

	return text_is(value, "auto") ? 0 : idmap_add(&map, value, err);
}

/* "0-3" or "6"; at most CONFIG_CPU_MAX. */
static bool is_cpu_range(const char *text)
{
	CLEAN(strings_done) struct strings ends = {0};
	uint64_t first = 0, last = 0;

	strings_split(&ends, text, "-");
	if (!ends.count || ends.count > 2 || parse_uint(ends.items[0], 65535, &first) < 0 ||
	    parse_uint(ends.items[ends.count - 1], 65535, &last) < 0)
		return false;
	return first <= last && *text != '-' && !text_ends(text, "-");
}

int check_cpuset(const char *value, struct error *err)
{
	CLEAN(strings_done) struct strings ranges = {0};
	bool good = only(value, DIGITS ",-") && !strstr(value, ",,") && !strstr(value, "--") &&
	            *value != ',' && !text_ends(value, ",");

	strings_split(&ranges, value, ",");
	for (size_t i = 0; good && i < ranges.count; i++)
		good = is_cpu_range(ranges.items[i]);
	return good ? 0 : not_a(err, value, "a list of cpus (0-3,6)");
}

/* One "rbps=10M" of an io limit. */
static int check_io_limit(const char *word, struct error *err)
{
	static const char *const names[] = {"rbps", "wbps", "riops", "wiops", NULL};
	const char *equals = strchr(word, '=');
	CLEAN_FREE char *name = NULL;
	uint64_t number = 0;
	bool bytes;
	int r;

	if (!equals)
		return not_a(err, word, "of the form rbps=10M, wbps=, riops= or wiops=");
	name = must_printf("%.*s", (int)(equals - word), word);
	r = check_choice(name, names, err);
	if (r < 0 || text_is(equals + 1, "max"))
		return r;
	bytes = text_ends(name, "bps");
	r = bytes ? parse_size(equals + 1, &number) : parse_uint(equals + 1, UINT64_MAX, &number);
	if (r < 0 || !number)
		return not_a(err, word,
		             bytes ? "a rate in bytes a second (rbps=10M)"
		                   : "a number of operations a second (riops=500)");
	return 0;
}

int check_io(const char *value, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};

	strings_split(&words, value, " \t");
	if (words.count < 2 ||
	    (!text_starts(words.items[0], "/dev/") && !only(words.items[0], DIGITS ":")))
		return not_a(err, value, "of the form '/dev/vda rbps=10M wiops=500'");
	for (size_t i = 1; i < words.count; i++) {
		int r = check_io_limit(words.items[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The name of "NAME=VALUE", heap. */
static char *pair_name(const char *pair, const char **value)
{
	const char *equals = strchr(pair, '=');

	*value = equals ? equals + 1 : "";
	return must_printf("%.*s", (int)(equals ? equals - pair : (long)strlen(pair)), pair);
}

int check_cgroup(const char *pair, struct error *err)
{
	const char *value;
	CLEAN_FREE char *name = pair_name(pair, &value);
	const char *file = text_starts(name, "v1:") ? name + 3 : name;

	/* one file name with a controller in front: nothing that leaves the directory */
	if (!only(file, LETTERS DIGITS "_.") || !strchr(file, '.') || *file == '.')
		return not_a(err, name,
		             "a file of a cgroup (memory.oom.group, v1:memory.swappiness)");
	if (text_starts(file, "cgroup.") && !text_starts(file, "cgroup.max."))
		return fail_plain(err, EINVAL, "'%s' is sysc's own business", name);
	return 0;
}

int check_rlimit(const char *pair, struct error *err)
{
	const char *value;
	CLEAN_FREE char *name = pair_name(pair, &value);
	struct rlimit limit;
	int resource;

	return rlimits_parse(name, value, &resource, &limit, err);
}

int check_sysctl(const char *pair, struct error *err)
{
	/* what sysctl(8) trees each container has of its own, given its namespaces */
	static const char *const trees[] = {"net.", "fs.mqueue.", "user.", NULL};
	static const char *const names[] = {"kernel.domainname",  "kernel.hostname",
	                                    "kernel.msgmax",      "kernel.msgmnb",
	                                    "kernel.msgmni",      "kernel.msg_next_id",
	                                    "kernel.auto_msgmni", "kernel.sem",
	                                    "kernel.sem_next_id", "kernel.shmall",
	                                    "kernel.shmmax",      "kernel.shmmni",
	                                    "kernel.shm_next_id", "kernel.shm_rmid_forced",
	                                    "kernel.ns_last_pid", NULL};
	const char *value;
	CLEAN_FREE char *name = pair_name(pair, &value);

	if (!only(name, LETTERS DIGITS "_.-/:") || strstr(name, "..") || *name == '.' ||
	    *name == '/' || strstr(name, "//"))
		return not_a(err, name, "the name of a sysctl (net.ipv4.ip_forward)");
	for (size_t i = 0; trees[i]; i++)
		if (text_starts(name, trees[i]) && name[strlen(trees[i])])
			return 0;
	if (is_one_of(name, names))
		return 0;
	return fail_plain(err, EINVAL,
	                  "'%s' is not of a namespace: it would change the whole host "
	                  "(set it there, by sysctl.d(5))",
	                  name);
}

int check_mount_mode(const char *value, struct error *err)
{
	static const char *const modes[] = {"auto", "rw", "ro", "mixed", NULL};

	return check_choice(value, modes, err);
}

int check_mount(const char *value, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	uint64_t number = 0;

	strings_split(&words, value, " \t");
	if (words.count < 3 || words.count > 6)
		return not_a(err, value, "a mount (SOURCE TARGET TYPE OPTIONS, as in fstab(5))");
	for (size_t i = 4; i < words.count; i++)
		if (parse_uint(words.items[i], 9, &number) < 0)
			return not_a(err, words.items[i],
			             "a number (fields 5 and 6; write a blank in a path as \\040)");
	for (const char *at = words.items[1]; *at; at++)
		if (at[0] == '.' && at[1] == '.' && (at == words.items[1] || at[-1] == '/') &&
		    (at[2] == '/' || !at[2]))
			return fail_plain(err, EINVAL, "the target '%s' holds '..'",
			                  words.items[1]);
	return 0;
}

/* Some of the letters r, w and m, each once. */
static bool is_device_access(const char *text)
{
	return only(text, "rwm") && strlen(text) <= 3 && (!text[1] || text[0] != text[1]) &&
	       (strlen(text) < 3 || (text[0] != text[2] && text[1] != text[2]));
}

/* "10:229", each part a number or '*'. */
static bool is_device_number(const char *text)
{
	CLEAN(strings_done) struct strings parts = {0};
	uint64_t number = 0;

	strings_split(&parts, text, ":");
	if (parts.count != 2)
		return false;
	for (size_t i = 0; i < 2; i++)
		if (!text_is(parts.items[i], "*") &&
		    parse_uint(parts.items[i], 1U << 20, &number) < 0)
			return false;
	return true;
}

int check_device(const char *value, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	const char *last;

	strings_split(&words, value, " \t");
	last = words.count ? words.items[words.count - 1] : "";
	if (words.count == 2 && text_starts(words.items[0], "/dev/") && is_device_access(last))
		return 0;
	if (words.count == 3 && (text_is(words.items[0], "c") || text_is(words.items[0], "b")) &&
	    is_device_number(words.items[1]) && is_device_access(last))
		return 0;
	return not_a(err, value, "a device rule ('/dev/fuse rwm' or 'c 10:229 rwm')");
}

int check_node(const char *value, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0}, owner = {0};
	unsigned int mode = 0;
	uint64_t id = 0;
	bool good;

	strings_split(&words, value, " \t");
	good = words.count >= 1 && words.count <= 3 && text_starts(words.items[0], "/dev/") &&
	       words.items[0][5] && !strstr(words.items[0], "/..");
	if (good && words.count > 1)
		good = parse_mode(words.items[1], &mode) == 0;
	if (good && words.count > 2) {
		strings_split(&owner, words.items[2], ":");
		good = owner.count == 2 && parse_uint(owner.items[0], UINT32_MAX - 1, &id) == 0 &&
		       parse_uint(owner.items[1], UINT32_MAX - 1, &id) == 0;
	}
	return good ? 0 : not_a(err, value, "a device node ('/dev/fuse', '/dev/fuse 0660 0:44')");
}

int check_capability(const char *value, struct error *err)
{
	if (!only(value, LETTERS DIGITS "_"))
		return not_a(err, value, "a capability (sys_time), one for each line");
	return 0;
}

int check_seccomp(const char *value, struct error *err)
{
	if (text_is(value, "default") || text_is(value, "none") || *value == '/')
		return 0;
	return not_a(err, value, "'default', 'none' or an absolute path");
}
