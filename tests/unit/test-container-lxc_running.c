/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tells that an LXC container runs, in made-up /proc trees. */
#include "container/lxc_running.h"

#include "../lib/folder.h"
#include "../lib/tap.h"
#include "base/error.h"

#include <errno.h>
#include <sys/stat.h>

/* A /proc with the lines in net/unix and one process of this title; checks the container folder/lxc/web1. */
static int check(const char *folder, const char *sockets, const char *title, const char *root,
                 struct error *err)
{
	CLEAN_FREE char *proc = must_printf("%s/proc", folder);
	CLEAN_FREE char *container = must_printf("%s/lxc/web1", folder);
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", container);
	CLEAN_FREE char *link = must_printf("%s/7/root", proc);
	struct stat st;

	CHECK_INT(file_make_dirs(rootfs, 0700, NULL), 0);
	free(folder_write(folder, "proc/net/unix", sockets));
	free(folder_write(folder, "proc/7/cmdline", title));
	free(folder_write(folder, "proc/self-like/cmdline", "[lxc monitor] /x web1"));
	(void)unlink(link);
	CHECK(symlink(root ? root : rootfs, link) == 0);
	CHECK(stat(rootfs, &st) == 0);
	return lxc_running_check(proc, container, &st, err);
}

TEST(each_sign_is_enough)
{
	FOLDER(folder);
	static const char form[] = "0000: 00000002 00000000 00010000 0001 01 8428341 @%s\n";
	CLEAN_FREE char *real = realpath(folder, NULL);
	CLEAN_FREE char *path = must_printf("%s/lxc/web1", real);
	CLEAN_FREE char *command = must_printf("%s/command", path);
	CLEAN_FREE char *hashed = must_printf("lxc/%016llx/command", text_hash(path));
	CLEAN_FREE char *other = must_printf("%s/lxc/web10/command", real);
	CLEAN_FREE char *title = must_printf("[lxc monitor] %s/lxc web1", real);
	CLEAN_FREE char *other_title = must_printf("[lxc monitor] %s/lxc web10", real);
	const struct {
		const char *socket, *title, *root, *says; /* says NULL: it does not run */
	} rows[] = {
		{"",      "init",          "/",  NULL                         },
		{other,   other_title,     "/",  NULL                         },
		{command, "init",          "/",  "command socket"             },
		{hashed,  "init",          "/",  "command socket"             },
		{"",      title,           "/",  "process 7 is its monitor"   },
		{"",      "[lxc monitor]", "/",  NULL                         },
		{"",      "init",          NULL, "process 7 has its root file"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN(text_done) struct text sockets = {0};
		struct error err = {0};
		int r;

		text_add(&sockets, "Num       RefCount Protocol Flags    Type St Inode Path\n");
		text_addf(&sockets, "%.*s%s\n", (int)(strstr(form, "%s") - form), form,
		          rows[i].socket);
		r = check(folder, sockets.data, rows[i].title, rows[i].root, &err);
		if (r != (rows[i].says ? -EBUSY : 0))
			printf("# row %zu: %d %s\n", i, r, err.text);
		CHECK_INT(r, rows[i].says ? -EBUSY : 0);
		CHECK(!rows[i].says ||
		      (strstr(err.text, rows[i].says) && strstr(err.text, "/lxc web1)")));
	}
}

TEST(a_folder_that_is_not_there)
{
	CHECK_INT(lxc_running_check("/proc", "/nowhere/web1", NULL, NULL), -ENOENT);
}
