/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that comes from elsewhere: its name, and what distribution it is; see the header. */
#include "tools/import_tree.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "storage/identity.h"
#include "tools/command.h"
#include "tools/creation.h"
#include "tools/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RELEASE_MAX 65536 /* bytes of os-release(5) */

static void note_identity(const char *text, void *user)
{
	const struct creation *creation = user;

	output_note(creation->call, "%s: %s", creation->name, text);
}

int import_tree_rename(struct creation *creation, const char *old_name, bool is_twin,
                       struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	struct identity identity = {
		.paths = &creation->call->paths,
		.old_name = old_name,
		.new_name = creation->name,
		.keep = is_twin ? 0 : IDENTITY_ALL & ~IDENTITY_HOSTNAME,
		.note = note_identity,
		.user = creation,
	};
	CLEAN_FD int root = -1;

	if (!is_twin && text_is(creation->name, old_name))
		return 0;
	(void)snprintf(identity.old_host, sizeof(identity.old_host), "%s", old_name);
	(void)snprintf(identity.new_host, sizeof(identity.new_host), "%s", creation->name);
	root = open(rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail(err, errno, "open '%s'", rootfs);
	return identity_renew_tree(&identity, root, err);
}

/* ID of os-release(5), "" when it does not tell. */
static void read_release(int root, char *out, size_t room)
{
	CLEAN_FD int fd =
		file_open_in_root(root, "etc/os-release", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	CLEAN(text_done) struct text text = {0};
	struct stat st;

	*out = '\0';
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    file_read_fd(fd, "os-release", RELEASE_MAX, &text, NULL) < 0)
		return;
	for (char *line = text.data, *next; line && *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (!text_starts(line, "ID="))
			continue;
		line += 3;
		line += *line == '"';
		line[strcspn(line, "\"")] = '\0';
		if (strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(line))
			(void)snprintf(out, room, "%s", line);
	}
}

char *import_tree_snippet(const struct paths *paths, int root_fd, const char *fallback)
{
	char id[64];
	const char *names[] = {id, fallback};

	read_release(root_fd, id, sizeof(id));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEAN_FREE char *file =
			names[i] ? must_printf("%s/%s.conf", paths->config, names[i]) : NULL;

		if (file && *names[i] && !text_is(names[i], "default") &&
		    file_exists(AT_FDCWD, file))
			return ptr_take(file);
	}
	return must_printf("%s/local.conf", paths->config);
}

int import_tree_include(const struct creation *creation, struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	CLEAN_FREE char *file = must_printf("%s/config", creation->dir);
	CLEAN_FREE char *snippet = NULL;
	CLEAN_FD int root = open(rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return fail(err, errno, "open '%s'", rootfs);
	snippet = import_tree_snippet(&creation->call->paths, root, NULL);
	return config_edit_draft(file, "container", "include", snippet, false, err);
}
