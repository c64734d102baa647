/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The records of `sysc net up`; see the header. */
#include "tools/net_record.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "container/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define RECORD_MOST 4096 /* bytes */

char *net_record_path(const struct paths *paths, const char *bridge, const char *suffix)
{
	return must_printf("%s/.net/%s%s", paths->run, bridge, suffix);
}

int net_record_lock(const struct paths *paths, struct error *err)
{
	CLEAN_FREE char *folder = must_printf("%s/.net", paths->run);
	CLEAN_FD int fd = -1;

	if (file_make_dirs(folder, 0700, err) < 0)
		return -err->code;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "open '%s'", folder);
	/* whoever holds it waits for helpers with time limits only */
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return fail(err, errno, "lock '%s'", folder);
	return fd_take(&fd);
}

static void read_line(struct net_record *record, const char *line)
{
	CLEAN(strings_done) struct strings words = {0};
	int64_t pid = 0;
	uint64_t birth = 0;

	strings_split(&words, line, " ");
	if (words.count < 2)
		return;
	if (text_is(words.items[0], "address"))
		(void)snprintf(record->address, sizeof(record->address), "%s", words.items[1]);
	else if (text_is(words.items[0], "bridge"))
		record->bridge = text_is(words.items[1], "made");
	else if (text_is(words.items[0], "forwarding"))
		record->forwarding = text_is(words.items[1], "made");
	else if (text_is(words.items[0], "nat"))
		record->nat = text_is(words.items[1], "made");
	else if (text_is(words.items[0], "dhcp") && words.count == 3 &&
	         parse_int(words.items[1], 1, INT_MAX, &pid) == 0 &&
	         parse_uint(words.items[2], UINT64_MAX, &birth) == 0) {
		record->dhcp_pid = (pid_t)pid;
		record->dhcp_birth = birth;
	}
}

int net_record_read(const struct paths *paths, const char *bridge, struct net_record *out,
                    struct error *err)
{
	CLEAN_FREE char *path = net_record_path(paths, bridge, "");
	CLEAN(text_done) struct text text = {0};
	CLEAN(strings_done) struct strings lines = {0};
	struct net_record record = {.bridge = false};
	int r = file_read(AT_FDCWD, path, RECORD_MOST, &text, err);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0)
		error_clear(err);
	strings_split(&lines, text.data ? text.data : "", "\n");
	for (size_t i = 0; i < lines.count; i++)
		read_line(&record, lines.items[i]);
	*out = record;
	return 0;
}

bool net_record_is_empty(const struct net_record *record)
{
	return !record->bridge && !record->forwarding && !record->nat && !record->dhcp_pid;
}

int net_record_write(const struct paths *paths, const char *bridge, const struct net_record *record,
                     struct error *err)
{
	CLEAN_FREE char *path = net_record_path(paths, bridge, "");
	CLEAN(text_done) struct text text = {0};

	if (net_record_is_empty(record)) {
		if (unlinkat(AT_FDCWD, path, 0) < 0 && errno != ENOENT)
			return fail(err, errno, "remove '%s'", path);
		return 0;
	}
	text_addf(&text, "address %s\n", record->address);
	text_addf(&text, "bridge %s\n", record->bridge ? "made" : "found");
	text_addf(&text, "forwarding %s\n", record->forwarding ? "made" : "found");
	text_addf(&text, "nat %s\n", record->nat ? "made" : "none");
	if (record->dhcp_pid)
		text_addf(&text, "dhcp %d %llu\n", (int)record->dhcp_pid,
		          (unsigned long long)record->dhcp_birth);
	return file_replace_volatile(AT_FDCWD, path, text.data, text.length, 0600, err);
}

int net_record_pass_forwarding(const struct paths *paths, const char *bridge, struct error *err)
{
	CLEAN_FREE char *folder = must_printf("%s/.net", paths->run);
	CLEAN_DIR DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct net_record other;

		/* beside the record of a bridge are its BRIDGE@pid and BRIDGE@leases */
		if (entry->d_name[0] == '.' || strchr(entry->d_name, '@') ||
		    text_is(entry->d_name, bridge))
			continue;
		if (net_record_read(paths, entry->d_name, &other, err) < 0)
			return -err->code;
		other.forwarding = true;
		if (net_record_write(paths, entry->d_name, &other, err) < 0)
			return -err->code;
		return 1;
	}
	return 0;
}
