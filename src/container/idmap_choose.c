/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Choosing ids for a new container: the lowest block that nobody has. Deterministic, so that a
 * listing of maps reads well, and cheap with a thousand containers: only the lines "map =" of their
 * files are looked at.
 */
#include "container/idmap.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "container/ini_file.h"
#include "container/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define ID_FILE_MAX (4U << 20) /* bytes of /etc/passwd and its like */

/* Ids that somebody has: first <= id < end. */
struct taken {
	struct span {
		uint64_t first, end;
	} * spans;
	size_t count, room;
};

static void taken_done(struct taken *taken)
{
	free(taken->spans);
}

static void take(struct taken *taken, uint64_t first, uint64_t count)
{
	if (taken->count == taken->room) {
		taken->room = taken->room ? taken->room * 2 : 64;
		taken->spans = must_realloc(taken->spans, taken->room * sizeof(*taken->spans));
	}
	taken->spans[taken->count++] = (struct span){first, first + count};
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *left = a, *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

/* Calls use with each line of a file (terminated, without its newline); an absent file has none. */
static int each_line(int dirfd, const char *path, struct taken *taken,
                     void (*use)(struct taken *taken, char *line), struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	struct error problem = {0};
	int r = file_read(dirfd, path, ID_FILE_MAX, &text, &problem);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0) {
		if (err)
			*err = problem;
		return r;
	}
	for (char *line = text.data, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		use(taken, line);
	}
	return 0;
}

/* "map = b 0 1048576 65536" of a container. */
static void use_config_line(struct taken *taken, char *line)
{
	struct ini_line parts;
	struct idmap map = {0};

	line += strspn(line, " \t");
	if (strncmp(line, "map", 3) != 0 ||
	    ini_line_parse(&parts, line, strlen(line)) != INI_VALUE ||
	    !text_is(parts.name, "map") || idmap_add(&map, parts.value, NULL) < 0)
		return;
	take(taken, map.ranges[0].outside, map.ranges[0].count);
}

/* "NAME:FIRST:COUNT" of subuid(5). */
static void use_subid_line(struct taken *taken, char *line)
{
	CLEAN(strings_done) struct strings parts = {0};
	uint64_t first = 0, count = 0;

	strings_split(&parts, line, ":");
	if (parts.count == 3 && parse_uint(parts.items[1], UINT32_MAX, &first) == 0 &&
	    parse_uint(parts.items[2], UINT32_MAX, &count) == 0 && count)
		take(taken, first, count);
}

/* "NAME:PASSWORD:ID:…" of passwd(5) and group(5). */
static void use_passwd_line(struct taken *taken, char *line)
{
	const char *at = strchr(line, ':');
	CLEAN_FREE char *number = NULL;
	uint64_t id = 0;

	at = at ? strchr(at + 1, ':') : NULL;
	if (!at)
		return;
	number = must_printf("%.*s", (int)strcspn(at + 1, ":"), at + 1);
	if (parse_uint(number, UINT32_MAX, &id) == 0)
		take(taken, id, 1);
}

static int take_host(struct taken *taken, struct error *err)
{
	static const struct {
		const char *path;
		void (*use)(struct taken *taken, char *line);
	} files[] = {
		{"/etc/subuid", use_subid_line },
		{"/etc/subgid", use_subid_line },
		{"/etc/passwd", use_passwd_line},
		{"/etc/group",  use_passwd_line},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int r = each_line(AT_FDCWD, files[i].path, taken, files[i].use, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Hidden folders count too: they are containers that are being made or restored. */
static int take_store(const char *store, struct taken *taken, struct error *err)
{
	CLEAN_DIR DIR *dir = opendir(store);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : fail(err, errno, "open '%s'", store);
	while ((entry = readdir(dir))) {
		char path[sizeof(entry->d_name) + sizeof("/config")];
		int r;

		if (text_is(entry->d_name, ".") || text_is(entry->d_name, ".."))
			continue;
		(void)snprintf(path, sizeof(path), "%s/config", entry->d_name);
		r = each_line(dirfd(dir), path, taken, use_config_line, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The lowest aligned block within first … end that no span touches; end when there is none. */
static uint64_t lowest_free(struct taken *taken, uint64_t first, uint64_t end)
{
	const uint64_t size = IDMAP_CONTAINER_COUNT;
	uint64_t at = (first + size - 1) / size * size;

	if (taken->count)
		qsort(taken->spans, taken->count, sizeof(*taken->spans), compare_spans);
	for (size_t i = 0; i < taken->count; i++) {
		const struct span *span = &taken->spans[i];

		if (span->end > at && span->first < at + size)
			at = (span->end + size - 1) / size * size;
	}
	return at + size <= end ? at : end;
}

int idmap_choose(const struct paths *paths, const char *other, char out[64], struct error *err)
{
	CLEAN(taken_done) struct taken taken = {0};
	uint64_t first, end = paths->idmap_base + paths->idmap_count;
	int r = take_host(&taken, err);

	if (r == 0)
		r = take_store(paths->store, &taken, err);
	if (r == 0 && other && !text_is(other, paths->store))
		r = take_store(other, &taken, err);
	if (r < 0)
		return fail_in(err, "choose ids");
	if (end > UINT32_MAX)
		end = UINT32_MAX;
	first = lowest_free(&taken, paths->idmap_base, end);
	if (first == end) {
		(void)fail_plain(err, ENOSPC,
		                 "no %d ids are free from %llu on: containers, /etc/subuid and "
		                 "/etc/subgid have them all",
		                 IDMAP_CONTAINER_COUNT, (unsigned long long)paths->idmap_base);
		return fail_hint(err, "set idmap_base and idmap_count in '%s/sysc.conf'",
		                 paths->etc);
	}
	(void)snprintf(out, 64, "b 0 %llu %d", (unsigned long long)first, IDMAP_CONTAINER_COUNT);
	return 0;
}
