/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container from a tree that somebody else packed; see the header. */
#include "tools/import_plain.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "tools/command.h"
#include "tools/create_template.h"
#include "tools/creation.h"
#include "tools/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RELEASE_MAX 65536 /* bytes of os-release(5) */

/* ID of os-release(5), "" when it does not tell. */
static void read_release(const char *rootfs, char *out, size_t room)
{
	CLEAN_FD int root = open(rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int fd = root < 0 ? -1
	                           : file_open_in_root(root, "etc/os-release",
	                                               O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	CLEAN(text_done) struct text text = {0};
	struct stat st;

	*out = '\0';
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    file_read_fd(fd, "os-release", RELEASE_MAX, &text, NULL) < 0)
		return;
	for (char *line = text.data, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
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

/* The settings of the distribution that was found in the tree, or those of any other. */
static int include_snippet(const struct creation *creation, const char *rootfs, struct error *err)
{
	const char *folder = creation->call->paths.config;
	CLEAN_FREE char *file = must_printf("%s/config", creation->dir);
	char id[64];
	CLEAN_FREE char *snippet = NULL;

	read_release(rootfs, id, sizeof(id));
	snippet = must_printf("%s/%s.conf", folder, *id ? id : "local");
	if (!file_exists(AT_FDCWD, snippet)) {
		free(snippet);
		snippet = must_printf("%s/local.conf", folder);
	}
	return config_edit_set(file, "container", "include", snippet, false, err);
}

/* The template does for a plain tree all that it needs to be a guest. */
static int fill(struct creation *creation, const char *map, struct error *err)
{
	struct import *import = creation->user;
	CLEAN_FREE char *fifo = must_printf("%s/input", creation->dir);
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	CLEAN_FREE char *path = import->chain.links[0].input.is_file
	                                ? realpath(import->chain.links[0].input.file, NULL)
	                                : NULL;
	char *words[] = {(char[]){"--skip-devices"}, (char[]){"--rootfs"}, path ? path : fifo,
	                 NULL};
	struct template_run run = {
		.paths = &creation->call->paths,
		.name = creation->name,
		.dir = creation->dir,
		.map = map,
		.config = &creation->config.merged,
		.words = words,
		.quiet = creation->call->quiet,
		.signals_fd = creation->signals_fd,
	};
	int r;

	if (!path) {
		if (mkfifo(fifo, 0600) < 0)
			return fail(err, errno, "make '%s'", fifo);
		r = import_input_relay(&import->chain.links[0].input, fifo, err);
		if (r < 0)
			return r;
	}
	r = template_run(&run, import->program, err);
	if (!path && unlink(fifo) < 0 && r == 0)
		r = fail(err, errno, "remove '%s'", fifo);
	return r < 0 ? r : include_snippet(creation, rootfs, err);
}

int import_plain_prepare(struct import *import, struct creation *creation, struct error *err)
{
	import->program = template_find(&import->call->paths, "local", err);
	if (!import->program)
		return -err->code;
	creation->config.base = import->base;
	creation->fill = fill;
	return 0;
}
