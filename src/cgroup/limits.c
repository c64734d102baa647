/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Carries limits out: finds the row of each key for the version that has the controller, writes,
 * reads back, and puts old values back when something fails. What is written is planned by the rows.
 */
#include "cgroup/limits.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FILE_ROOM   4096
#define CPUS_ONLINE "/sys/devices/system/cpu/online"

enum key_kind {
	KEY_IS_NUMBER,
	KEY_IS_STRING,
	KEY_IS_STRINGS
};

struct limit_key {
	const char *name;
	enum key_kind kind;
	size_t offset;
	const char *v1, *v2; /* controller */
};

#define KEY(name, kind, v1, v2)                                           \
	{                                                                 \
#name, kind, offsetof(struct limits_config, name), v1, v2 \
	}

static const struct limit_key limit_keys[] = {
	KEY(memory, KEY_IS_NUMBER, "memory", "memory"),
	KEY(memory_high, KEY_IS_NUMBER, "memory", "memory"),
	KEY(memory_low, KEY_IS_NUMBER, "memory", "memory"),
	KEY(swap, KEY_IS_NUMBER, "memory", "memory"),
	{"cpus", KEY_IS_NUMBER, offsetof(struct limits_config, millicpus), "cpu", "cpu"},
	KEY(cpu_weight, KEY_IS_NUMBER, "cpu", "cpu"),
	KEY(cpuset, KEY_IS_STRING, "cpuset", "cpuset"),
	KEY(pids, KEY_IS_NUMBER, "pids", "pids"),
	KEY(io_weight, KEY_IS_NUMBER, "blkio", "io"),
	KEY(io, KEY_IS_STRINGS, "blkio", "io"),
};

int limit_blame(const struct config *config, const char *section, const char *key, size_t nth,
                struct error *err)
{
	char where[TREE_PATH_MAX];
	size_t length;

	fail_in(err, "%s.%s", section, key);
	config_where(config, section, key, nth, where, sizeof(where));
	length = strlen(where);
	if (length > 3) /* " (FILE:LINE)"; fail_hint adds its own frame */
		fail_hint(err, "%.*s", (int)(length - 3), where + 2);
	return err ? -err->code : -EIO;
}

static int read_back(int fd, const char *file, char text[FILE_ROOM], struct error *err)
{
	ssize_t n = pread(fd, text, FILE_ROOM - 1, 0);

	if (n < 0)
		return fail(err, errno, "read '%s' back", file);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return 0;
}

static int fail_open(const struct limit_write *write, int code, struct error *err)
{
	if (code != ENOENT)
		return fail(err, code, "open '%s'", write->file);
	fail_plain(err, ENOTSUP, "this host has no '%s'", write->file);
	return write->missing ? fail_hint(err, "%s", write->missing) : -ENOTSUP;
}

static int check_other(int dir, const struct limit_write *write, struct error *err)
{
	char text[FILE_ROOM];
	int r = file_read_small(dir, write->check, text, sizeof(text));

	if (r < 0)
		return fail(err, -r, "read '%s'", write->check);
	if (!limit_is_same(write->form, write->value, write->reset, text))
		return fail_plain(err, EINVAL, "'%s' was written to '%s', but '%s' is '%s'",
		                  write->value, write->file, write->check, text);
	return 0;
}

/* "12.5M" of a file that holds a number of bytes; as it stands when it does not. */
static const char *size_in(int dir, const char *file, char text[FILE_ROOM])
{
	uint64_t bytes;

	if (file_read_small(dir, file, text, FILE_ROOM) < 0)
		return "more";
	if (parse_uint(text, UINT64_MAX, &bytes) == 0)
		format_size(bytes, text);
	return text;
}

static int fail_in_use(int dir, const struct limit_write *write, struct error *err)
{
	char text[FILE_ROOM], wanted[24] = "";
	uint64_t bytes;

	if (parse_uint(write->value, UINT64_MAX, &bytes) == 0)
		format_size(bytes, wanted);
	(void)fail_plain(err, EBUSY, "%s is in use, and it cannot be brought below %s",
	                 size_in(dir, write->use, text), wanted);
	return fail_hint(err, "end something inside first, or allow more");
}

static int fail_write(int dir, const struct limit_write *write, int code, struct error *err)
{
	char online[256];

	if (code == EBUSY && write->use)
		return fail_in_use(dir, write, err);
	(void)fail(err, code, "write '%s' to '%s'", write->value, write->file);
	if (write->form == LIMIT_CPUS &&
	    file_read_small(AT_FDCWD, CPUS_ONLINE, online, sizeof(online)) > 0)
		return fail_hint(err, "this host has the cpus %s", online);
	return err ? -err->code : -code;
}

static uint64_t bytes_in(int dir, const char *file)
{
	char text[64];
	uint64_t value;

	if (file_read_small(dir, file, text, sizeof(text)) < 0 ||
	    parse_uint(text, UINT64_MAX, &value) < 0)
		return LIMIT_UNSET;
	return value;
}

/*
 * memory.max below what is in use makes the kernel kill until it fits. memory.high never kills: writing it
 * takes back what can be taken, and slows down whoever asks for more meanwhile
 * (Documentation/admin-guide/cgroup-v2.rst). So it goes first, and the limit itself only once all fits.
 * The caller puts the old value back from *old (to be freed), whatever comes of it.
 */
static int make_room(int dir, const struct limit_write *write, char **old, struct error *err)
{
	uint64_t wanted;
	char text[64];
	int r;

	if (parse_uint(write->value, UINT64_MAX, &wanted) < 0 ||
	    bytes_in(dir, write->file) <= wanted)
		return 0; /* no limit, or not a lower one */
	r = file_read_small(dir, write->brake, text, sizeof(text));
	if (r < 0)
		return fail(err, -r, "read '%s'", write->brake);
	*old = must_dup(text);
	/* one that is lower already is written all the same: that takes back again */
	r = file_write(dir, write->brake,
	               bytes_in(dir, write->brake) < wanted ? text : write->value, err);
	if (r < 0)
		return r;
	return bytes_in(dir, write->use) > wanted ? fail_in_use(dir, write, err) : 0;
}

static int write_value(int fd, int dir, const struct limit_write *write, struct error *err)
{
	CLEAN_FREE char *brake = NULL;
	int r = write->brake ? make_room(dir, write, &brake, err) : 0;

	if (r == 0 && pwrite(fd, write->value, strlen(write->value), 0) < 0)
		r = fail_write(dir, write, errno, err);
	/* it was so a moment ago: only the end of the container can be in the way */
	if (brake)
		(void)file_write(dir, write->brake, brake, NULL);
	return r;
}

static int run_one(int dir, struct limit_write *write, bool want_undo, struct error *err)
{
	CLEAN_FD int fd = openat(dir, write->file, O_RDWR | O_CLOEXEC);
	bool can_read = fd >= 0;
	char text[FILE_ROOM];
	int r = 0;

	if (fd < 0 && errno == EACCES) /* a file that is only written, memory.reclaim */
		fd = openat(dir, write->file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_open(write, errno, err);
	if (can_read && want_undo) {
		r = read_back(fd, write->file, text, err);
		if (r < 0)
			return r;
		write->old = must_dup(text);
	}
	r = write_value(fd, dir, write, err);
	if (r < 0)
		return r;
	if (write->check)
		return check_other(dir, write, err);
	if (can_read)
		r = read_back(fd, write->file, text, err);
	if (r < 0 || !can_read)
		return r;
	if (!limit_is_same(write->form, write->value, write->reset, text))
		return fail_plain(err, EINVAL, "'%s' was written to '%s', but it reads '%s'",
		                  write->value, write->file, text);
	return 0;
}

/* The line of one device from what a file held, as it can be written again. */
static char *old_line(const struct limit_write *write)
{
	CLEAN(strings_done) struct strings lines = {0};
	size_t device = strcspn(write->reset, " ") + 1;

	strings_split(&lines, write->old, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		if (strncmp(lines.items[i], write->reset, device) == 0)
			return must_dup(lines.items[i]);
	}
	return must_dup(write->reset);
}

/* Best effort: the failure that led here is the one to report. An empty file takes "\n". */
static void undo_one(int dir, const struct limit_write *write)
{
	CLEAN_FREE char *text = NULL;
	char parent[FILE_ROOM];

	if (!write->old)
		return;
	text = write->form == LIMIT_DEVICE ? old_line(write)
	       : *write->old               ? must_dup(write->old)
	                                   : must_dup("\n");
	if (file_write(dir, write->file, text, NULL) == 0 || write->form != LIMIT_CPUS)
		return;
	/* a cpuset with processes in it cannot be made empty again (v2.c) */
	if (file_read_small(dir, LIMIT_PARENT_CPUS, parent, sizeof(parent)) > 0)
		(void)file_write(dir, write->file, parent, NULL);
}

int limit_plan_run(struct limit_plan *plan, int dir, bool want_undo, const struct config *config,
                   struct error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct limit_write *write = &plan->writes[i];
		int r = run_one(dir, write, want_undo, err);

		if (r == 0)
			continue;
		/* the last one too: it may have been written and read back as something else */
		for (size_t done = i + 1; done-- > 0;)
			undo_one(dir, &plan->writes[done]);
		return limit_blame(config, write->section, write->key, write->nth, err);
	}
	return 0;
}

static bool is_set(const struct limit_key *key, const struct limits_config *limits)
{
	const char *field = (const char *)limits + key->offset;
	struct strings list;
	uint64_t number;
	const char *string;

	switch (key->kind) {
	case KEY_IS_STRING:
		memcpy(&string, field, sizeof(string));
		return string != NULL;
	case KEY_IS_STRINGS:
		memcpy(&list, field, sizeof(list));
		return list.count > 0;
	default:
		memcpy(&number, field, sizeof(number));
		return number != LIMIT_UNSET;
	}
}

/* The row of key whose file is there; the last one when none is, so that its hint is told. */
static const struct limit_row *find_row(const struct limit_row *rows, const char *key, int dir)
{
	const struct limit_row *last = NULL;

	for (; rows->key; rows++) {
		if (!text_is(rows->key, key))
			continue;
		last = rows;
		if (!text_is(rows[1].key, key) || file_exists(dir, rows->file))
			break;
	}
	return last;
}

/* The writes of one key, and the directory that they are for. */
static int plan_key(struct cgroup *cgroup, const struct limit_key *key, const struct config *config,
                    struct limit_target *target, struct limit_plan *plan, struct error *err)
{
	int v1 = tree_find_v1(&cgroup->host, key->v1);
	int index = v1 >= 0 ? v1 : cgroup->host.v2;
	const struct limit_row *row;
	int r;

	if (index < 0) {
		fail_plain(err, ENOTSUP, "no mounted cgroup hierarchy has the controller '%s'",
		           key->v1);
		return limit_blame(config, "limits", key->name, 0, err);
	}
	target->dir = tree_dir(cgroup, index, err);
	if (target->dir < 0)
		return target->dir;
	row = find_row(v1 >= 0 ? limits_v1 : limits_v2, key->name, target->dir);
	r = row ? row->plan(row, target, &config->limits, plan, err)
	        : fail_plain(err, ENOTSUP, "cgroup %s has no such limit", v1 >= 0 ? "v1" : "v2");
	return r < 0 ? limit_blame(config, "limits", key->name, plan->bad, err) : 0;
}

static int set_key(struct cgroup *cgroup, const struct limit_key *key, const struct config *config,
                   bool is_live, struct error *err)
{
	CLEAN(limit_plan_done) struct limit_plan plan = {0};
	struct limit_target target = {.dir = -1, .is_live = is_live};
	int r = plan_key(cgroup, key, config, &target, &plan, err);

	return r < 0 ? r : limit_plan_run(&plan, target.dir, is_live, config, err);
}

int cgroup_set_limits(struct cgroup *cgroup, const struct config *config, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(limit_keys); i++) {
		int r = is_set(&limit_keys[i], &config->limits)
		                ? set_key(cgroup, &limit_keys[i], config, false, err)
		                : 0;

		if (r < 0)
			return r;
	}
	return limit_set_raw(cgroup, config, err);
}

static const struct limit_key *find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(limit_keys); i++)
		if (text_is(limit_keys[i].name, name))
			return &limit_keys[i];
	return NULL;
}

int cgroup_set_limit(struct cgroup *cgroup, const struct config *config, const char *key,
                     struct error *err)
{
	const struct limit_key *row = find_key(key);

	if (!row)
		return fail_plain(err, EINVAL, "limits.%s: no such limit", key);
	return set_key(cgroup, row, config, true, err);
}

/* Of several writes to one file the last one stays; a key may write files of another one, too. */
static bool counts(const struct limit_plan *plan, size_t i, const char *key)
{
	if (!text_is(plan->writes[i].key, key))
		return false;
	for (size_t j = i + 1; j < plan->count; j++)
		if (text_is(plan->writes[j].file, plan->writes[i].file) && !plan->writes[j].reset)
			return false;
	return true;
}

int cgroup_check_limit(struct cgroup *cgroup, const struct config *config, const char *key,
                       char *found, size_t room, struct error *err)
{
	CLEAN(limit_plan_done) struct limit_plan plan = {0};
	struct limit_target target = {.dir = -1, .is_live = true};
	const struct limit_key *row = find_key(key);
	int r = row ? 0 : fail_plain(err, EINVAL, "limits.%s: no such limit", key);
	bool is_unset = row && !is_set(row, &config->limits);

	if (r == 0)
		r = plan_key(cgroup, row, config, &target, &plan, err);
	if (r < 0) /* what nobody wants need not be possible here */
		return is_unset ? 1 : r;
	for (size_t i = 0; i < plan.count; i++) {
		const struct limit_write *write = &plan.writes[i];
		char text[FILE_ROOM];

		if (!counts(&plan, i, key))
			continue;
		r = file_read_small(target.dir, write->file, text, sizeof(text));
		if (r == -ENOENT && is_unset)
			continue;
		if (r < 0)
			return fail(err, -r, "read '%s'", write->file);
		if (limit_is_same(write->form, write->value, write->reset, text))
			continue;
		for (char *c = text; *c; c++)
			*c = *c == '\n' ? ',' : *c; /* a line for each device */
		(void)snprintf(found, room, "%s is %s", write->file, *text ? text : "empty");
		return 0;
	}
	return 1;
}
