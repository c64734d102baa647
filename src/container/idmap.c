/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maps of ids: text to ranges, ranges to the kernel. Choosing a free range is in idmap_choose.c. */
#include "container/idmap.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define MAP_TEXT_MAX 4096 /* the kernel takes at most one page */

/* (uid_t)-1 is no id, so the last one of a range is at most 4294967294. */
#define ID_LIMIT 4294967295ULL

static bool overlaps(uint32_t a, uint32_t b, uint64_t a_count, uint64_t b_count)
{
	return a < b + b_count && b < a + a_count;
}

static int parse_range(const char *text, struct id_range *range, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	const char *kind;
	uint64_t numbers[3] = {0};

	strings_split(&words, text, " \t");
	kind = words.count == 4 ? words.items[0] : "";
	range->users = text_is(kind, "u") || text_is(kind, "b");
	range->groups = text_is(kind, "g") || text_is(kind, "b");
	if (!range->users && !range->groups)
		return fail_plain(err, EINVAL,
		                  "'%s' is not of the form 'u|g|b INSIDE OUTSIDE COUNT' "
		                  "(b 0 1048576 65536)",
		                  text);
	for (size_t i = 0; i < 3; i++)
		if (parse_uint(words.items[i + 1], ID_LIMIT, &numbers[i]) < 0)
			return fail_plain(err, EINVAL, "'%s' in '%s' is not an id",
			                  words.items[i + 1], text);
	if (!numbers[2] || numbers[0] + numbers[2] > ID_LIMIT || numbers[1] + numbers[2] > ID_LIMIT)
		return fail_plain(err, EINVAL, "'%s' holds no ids or goes beyond the last one",
		                  text);
	range->inside = (uint32_t)numbers[0];
	range->outside = (uint32_t)numbers[1];
	range->count = (uint32_t)numbers[2];
	return 0;
}

int idmap_add(struct idmap *map, const char *text, struct error *err)
{
	struct id_range range = {0};
	int r = parse_range(text, &range, err);

	if (r < 0)
		return r;
	if (map->count == IDMAP_RANGES_MAX)
		return fail_plain(err, E2BIG, "more than %d ranges of ids", IDMAP_RANGES_MAX);
	for (unsigned int i = 0; i < map->count; i++) {
		const struct id_range *other = &map->ranges[i];

		if (!(range.users && other->users) && !(range.groups && other->groups))
			continue;
		if (overlaps(range.inside, other->inside, range.count, other->count) ||
		    overlaps(range.outside, other->outside, range.count, other->count))
			return fail_plain(err, EINVAL, "'%s' overlaps the range %u %u %u before it",
			                  text, other->inside, other->outside, other->count);
	}
	map->ranges[map->count++] = range;
	return 0;
}

int idmap_parse(struct idmap *map, const struct strings *lines, struct error *err)
{
	struct idmap parsed = {0};

	for (size_t i = 0; i < lines->count; i++) {
		int r = idmap_add(&parsed, lines->items[i], err);

		if (r < 0)
			return r;
	}
	*map = parsed;
	return 0;
}

int idmap_format(const struct idmap *map, bool groups, char *out, size_t room)
{
	size_t used = 0;

	if (!room)
		return -ENOSPC;
	*out = '\0';
	for (unsigned int i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];
		int n;

		if (groups ? !range->groups : !range->users)
			continue;
		n = snprintf(out + used, room - used, "%u %u %u\n", range->inside, range->outside,
		             range->count);
		if (n < 0 || (size_t)n >= room - used)
			return -ENOSPC;
		used += (size_t)n;
	}
	return 0;
}

static int write_map(const struct idmap *map, bool groups, pid_t pid, struct error *err)
{
	char path[64], text[MAP_TEXT_MAX];

	(void)snprintf(path, sizeof(path), "/proc/%d/%cid_map", (int)pid, groups ? 'g' : 'u');
	if (idmap_format(map, groups, text, sizeof(text)) < 0)
		return fail(err, ENOSPC, "write '%s'", path);
	if (!*text)
		return fail_plain(err, EINVAL, "the id map has no %s", groups ? "groups" : "users");
	return file_write(AT_FDCWD, path, text, err);
}

int idmap_write(const struct idmap *map, pid_t pid, struct error *err)
{
	int r = write_map(map, false, pid, err);

	return r < 0 ? r : write_map(map, true, pid, err);
}

/* The range that has it; NULL: none. */
static const struct id_range *find_range(const struct idmap *map, bool groups, uint32_t inside)
{
	for (unsigned int i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];

		if (groups ? !range->groups : !range->users)
			continue;
		if (inside >= range->inside && inside - range->inside < range->count)
			return range;
	}
	return NULL;
}

bool idmap_has(const struct idmap *map, bool groups, uint32_t inside)
{
	return find_range(map, groups, inside) != NULL;
}

int64_t idmap_to_host(const struct idmap *map, bool groups, uint32_t inside)
{
	const struct id_range *range = find_range(map, groups, inside);

	if (range)
		return (int64_t)range->outside + (inside - range->inside);
	return map->others ? (int64_t)map->others : -ENOENT;
}

void idmap_invert(const struct idmap *map, struct idmap *out)
{
	*out = *map;
	out->others = IDMAP_NOBODY;
	for (unsigned int i = 0; i < map->count; i++) {
		out->ranges[i].inside = map->ranges[i].outside;
		out->ranges[i].outside = map->ranges[i].inside;
	}
}

/* The child that holds the new namespace open: it ends when its parent closes the pipe, or dies. */
static void wait_for_end(const int ends[2])
{
	char byte;

	close(ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		continue;
	_exit(0);
}

static int open_namespace(const struct idmap *map, pid_t pid, struct error *err)
{
	char path[64];
	int fd, r = idmap_write(map, pid, err);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? fail(err, errno, "open '%s'", path) : fd;
}

int idmap_namespace(const struct idmap *map, struct error *err)
{
	/* no exit signal: a caller that reads SIGCHLD from a signalfd never hears of this child */
	struct clone_args args = {.flags = CLONE_NEWUSER};
	int ends[2], result;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	pid = sys_clone3(&args);
	if (pid == 0)
		wait_for_end(ends);
	close(ends[0]);
	if (pid < 0) {
		int code = errno;

		close(ends[1]);
		(void)fail(err, code, "make a user namespace");
		return code == ENOSPC ? fail_hint(err, "set sysctl user.max_user_namespaces higher")
		                      : -code;
	}
	result = open_namespace(map, pid, err);
	close(ends[1]);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		continue;
	return result;
}
