/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading passwd(5) and group(5) of a guest; see the header. */
#include "runtime/account.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (4 << 20)

void account_done(struct account *account)
{
	free(account->name);
	free(account->home);
	free(account->shell);
	*account = (struct account){0};
}

/* Non-blocking, so that a fifo put there holds nobody up. */
static int read_guest_file(const char *path, struct text *out)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	return file_read_fd(fd, path, FILE_MAX, out, NULL);
}

/* Splits "a:b::d" at its colons in place; returns the number of fields, at most room. */
static unsigned int split_line(char *line, char **fields, unsigned int room)
{
	unsigned int n = 0;

	while (line && n < room) {
		char *colon = strchr(line, ':');

		if (colon)
			*colon = '\0';
		fields[n++] = line;
		line = colon ? colon + 1 : NULL;
	}
	return n;
}

/* One line of passwd; 1 when it is the one wanted. */
static int take_passwd(char *line, const char *user, struct account *out)
{
	char *fields[7];
	uint64_t uid = 0, gid = 0;

	if (split_line(line, fields, 7) < 7 || parse_uint(fields[2], UINT32_MAX - 1, &uid) < 0 ||
	    parse_uint(fields[3], UINT32_MAX - 1, &gid) < 0)
		return 0;
	if (strcmp(fields[0], user) != 0 && strcmp(fields[2], user) != 0)
		return 0;
	out->uid = (uid_t)uid;
	out->gid = (gid_t)gid;
	out->name = must_dup(fields[0]);
	out->home = must_dup(fields[5][0] == '/' ? fields[5] : "/");
	out->shell = must_dup(fields[6][0] == '/' ? fields[6] : "/bin/sh");
	return 1;
}

static void find_groups(struct account *account)
{
	CLEAN(text_done) struct text text = {0};
	char *rest = NULL;

	if (read_guest_file("/etc/group", &text) < 0 || !text.data)
		return;
	for (char *line = strtok_r(text.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		CLEAN(strings_done) struct strings members = {0};
		char *fields[4];
		uint64_t gid = 0;

		if (split_line(line, fields, 4) < 4 ||
		    parse_uint(fields[2], UINT32_MAX - 1, &gid) < 0)
			continue;
		strings_split(&members, fields[3], ",");
		if (strings_has(&members, account->name) &&
		    account->group_count < ACCOUNT_GROUPS_MAX)
			account->groups[account->group_count++] = (gid_t)gid;
	}
}

int account_find(const char *user, struct account *out, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	struct account account = {0};
	uint64_t number = 0;
	char *rest = NULL;
	int found = 0;

	(void)read_guest_file("/etc/passwd", &text); /* absent: only numbers are known */
	for (char *line = text.data ? strtok_r(text.data, "\n", &rest) : NULL; line && !found;
	     line = strtok_r(NULL, "\n", &rest))
		found = take_passwd(line, user, &account);
	if (!found && parse_uint(user, UINT32_MAX - 1, &number) < 0 && strcmp(user, "root") != 0)
		return fail_plain(err, ENOENT, "the container has no user '%s'", user);
	if (!found) {
		account = (struct account){.uid = (uid_t)number,
		                           .gid = (gid_t)number,
		                           .name = must_dup(number ? user : "root"),
		                           .home = must_dup("/"),
		                           .shell = must_dup("/bin/sh")};
	}
	find_groups(&account);
	*out = account;
	return 0;
}
