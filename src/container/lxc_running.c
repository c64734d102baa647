/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking for a running LXC container in /proc; see the header. */
#include "container/lxc_running.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SOCKETS_MAX (16U << 20) /* bytes of /proc/net/unix */
#define TITLE_MAX   4096

/* Whether the path, as LXC was told it, is the folder, whose path has no symlinks. */
static bool is_folder(const char *path, const char *folder)
{
	CLEAN_FREE char *real = realpath(path, NULL);

	return text_is(path, folder) || text_is(real, folder);
}

/* "…: 00000002 … @/var/lib/lxc/web1/command" */
static bool is_its_socket(const char *line, const char *folder)
{
	static const char end[] = "/command";
	const char *at = strstr(line, " @");
	CLEAN_FREE char *path = NULL;
	CLEAN_FREE char *hashed = must_printf("lxc/%016llx", text_hash(folder));

	if (!at || !text_ends(at, end))
		return false;
	at += 2;
	path = must_printf("%.*s", (int)(strlen(at) + 1 - sizeof(end)), at);
	return text_is(path, hashed) || (path[0] == '/' && is_folder(path, folder));
}

static bool has_socket(int proc, const char *folder)
{
	CLEAN(text_done) struct text text = {0};

	if (file_read(proc, "net/unix", SOCKETS_MAX, &text, NULL) < 0)
		return false;
	for (char *line = text.data, *next; line && *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (is_its_socket(line, folder))
			return true;
	}
	return false;
}

/* "[lxc monitor] /var/lib/lxc web1" */
static bool is_its_monitor(int proc, const char *pid, const char *folder)
{
	static const char begin[] = "[lxc monitor] ";
	CLEAN_FREE char *file = must_printf("%s/cmdline", pid), *path = NULL;
	char title[TITLE_MAX];
	char *name;

	if (file_read_small(proc, file, title, sizeof(title)) < 0 || !text_starts(title, begin))
		return false;
	name = strrchr(title, ' ');
	*name++ = '\0';
	if (strlen(title) < sizeof(begin) - 1) /* no path: "[lxc monitor] web1" */
		return false;
	path = must_printf("%s/%s", title + sizeof(begin) - 1, name);
	return is_folder(path, folder);
}

static bool is_its_root(int proc, const char *pid, const struct stat *root)
{
	CLEAN_FREE char *file = must_printf("%s/root", pid);
	struct stat st;

	return root && fstatat(proc, file, &st, 0) == 0 && st.st_dev == root->st_dev &&
	       st.st_ino == root->st_ino;
}

/* err says by what it was seen. */
static int fail_running(const char *folder, struct error *err)
{
	const char *name = strrchr(folder, '/');

	(void)fail_in(err, "the LXC container runs");
	return fail_hint(err, "stop it: lxc-stop -P %.*s %s", (int)(name - folder), folder,
	                 name + 1);
}

/* What of a process tells; 0: nothing. */
static int check_process(int proc, const char *pid, const char *folder, const struct stat *root,
                         struct error *err)
{
	if (is_its_monitor(proc, pid, folder))
		return fail_plain(err, EBUSY, "process %s is its monitor", pid);
	if (is_its_root(proc, pid, root))
		return fail_plain(err, EBUSY, "process %s has its root file system as root", pid);
	return 0;
}

int lxc_running_check(const char *proc, const char *folder, const struct stat *root,
                      struct error *err)
{
	CLEAN_DIR DIR *dir = opendir(proc);
	CLEAN_FREE char *real = realpath(folder, NULL);
	const struct dirent *entry;
	int r = 0;

	if (!real)
		return fail(err, errno, "open '%s'", folder);
	if (!dir)
		return fail(err, errno, "open '%s'", proc);
	if (has_socket(dirfd(dir), real))
		r = fail_plain(err, EBUSY, "its command socket is there");
	while (r == 0 && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			r = check_process(dirfd(dir), entry->d_name, real, root, err);
	return r < 0 ? fail_running(real, err) : 0;
}
