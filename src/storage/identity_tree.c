/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is inside a copy's tree. The tree is hostile: every path is opened as if it were the root, only
 * regular files are read or written, only entries of folders that were opened so are removed.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "container/paths.h"
#include "storage/identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MOST   (64U << 10) /* bytes of a file that is rewritten */
#define KEYS_MOST   8
#define KEYGEN_MS   60000
#define KEY_PATTERN "ssh_host_*_key"

/* Where guests write their name. */
static const char *const host_files[] = {
	"/etc/hostname", "/etc/HOSTNAME",        "/etc/hosts",
	"/etc/mailname", "/etc/conf.d/hostname", "/etc/sysconfig/network",
};

/* What belongs to one machine only and is made anew when it is missing. */
static const struct {
	unsigned int keep;
	const char *folder, *pattern;
} own_files[] = {
	{IDENTITY_MACHINE_ID, "/var/lib/systemd",                "random-seed"            },
	{IDENTITY_MACHINE_ID, "/var/lib/urandom",                "random-seed"            },
	{IDENTITY_MACHINE_ID, "/var/lib/misc",                   "random-seed"            },
	{IDENTITY_MACHINE_ID, "/var/lib/seedrng",                "seed.*"                 },
	{IDENTITY_MACHINE_ID, "/var/lib",                        "random-seed"            },
	{IDENTITY_MACHINE_ID, "/etc",                            "random-seed"            },
	{IDENTITY_SSH,        "/etc/ssh",                        "ssh_host_*_key-cert.pub"},
	{IDENTITY_SSH,        "/etc/dropbear",                   "dropbear_*_host_key"    },
	{IDENTITY_LEASES,     "/var/lib/dhcp",                   "dhclient*.leases"       },
	{IDENTITY_LEASES,     "/var/lib/dhclient",               "*.lease*"               },
	{IDENTITY_LEASES,     "/var/lib/dhcpcd",                 "*.lease*"               },
	{IDENTITY_LEASES,     "/var/lib/dhcpcd",                 "duid"                   },
	{IDENTITY_LEASES,     "/var/lib/dhcpcd",                 "secret"                 },
	{IDENTITY_LEASES,     "/etc",                            "dhcpcd.duid"            },
	{IDENTITY_LEASES,     "/var/lib/NetworkManager",         "*.lease"                },
	{IDENTITY_LEASES,     "/var/lib/NetworkManager",         "secret_key"             },
	{IDENTITY_LEASES,     "/var/lib/systemd/network/leases", "*"                      },
};

static bool is_absent(int code)
{
	return code == ENOENT || code == ENOTDIR || code == ELOOP;
}

/* The regular file, for reading and writing; -ENOENT also for anything else. */
static int open_file(int tree, const char *path, struct error *err)
{
	CLEAN_FD int fd = file_open_in_root(tree, path, O_RDWR | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	/* a device (nodev), a folder, a fifo without a reader: no file of ours to change */
	if (fd < 0 && (is_absent(-fd) || fd == -EISDIR || fd == -EACCES || fd == -ENXIO))
		return -ENOENT;
	if (fd < 0)
		return fail(err, -fd, "open '%s' of the copy", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	return fd_take(&fd);
}

/*
 * Never empty in between, nor with a rest of the old one: the tree of a renamed container has no other copy. What
 * is shorter is followed by blank lines for that moment. Owner, links and attributes stay.
 */
static int write_anew(int fd, const char *path, const char *bytes, size_t count, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	struct stat st;

	text_add_bytes(&text, bytes, count);
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at '%s' of the copy", path);
	while (count && text.length < (size_t)st.st_size && text.length < FILE_MOST)
		text_add(&text, "\n");
	/* all or nothing: it is less than what one call writes */
	if ((text.length && pwrite(fd, text.data, text.length, 0) != (ssize_t)text.length) ||
	    ((size_t)st.st_size > count && ftruncate(fd, (off_t)count) < 0))
		return fail(err, errno, "write '%s' of the copy", path);
	return 0;
}

static int rename_host(const struct identity *identity, int tree, const char *path,
                       struct error *err)
{
	CLEAN_FD int fd = open_file(tree, path, err);
	CLEAN(text_done) struct text text = {0}, changed = {0};

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	/* one of that size is none that an administrator wrote */
	if (file_read_fd(fd, path, FILE_MOST, &text, NULL) < 0 || !text.data)
		return 0;
	if (strlen(text.data) != text.length ||
	    !identity_replace_host(text.data, identity->old_host, identity->new_host, &changed))
		return 0;
	return write_anew(fd, path, changed.data, changed.length, err);
}

/* The names of all regular files of an open folder that match. */
static void list_files(int folder, const char *pattern, struct strings *out)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0 &&
		    fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			strings_add(out, entry->d_name);
	if (copy >= 0 && !dir)
		close(copy);
	strings_sort(out);
}

static int remove_file(int folder, const char *path, const char *name, struct error *err)
{
	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return fail(err, errno, "remove '%s/%s' of the copy", path, name);
	return 0;
}

/* -ENOENT: there is none. */
static int open_folder(int tree, const char *path, struct error *err)
{
	int fd = file_open_in_root(tree, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return is_absent(-fd) ? -ENOENT : fail(err, -fd, "open '%s' of the copy", path);
	return fd;
}

static int remove_files(int tree, const char *path, const char *pattern, struct error *err)
{
	CLEAN_FD int folder = open_folder(tree, path, err);
	CLEAN(strings_done) struct strings names = {0};
	int r = 0;

	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	list_files(folder, pattern, &names);
	for (size_t i = 0; i < names.count && r == 0; i++)
		r = remove_file(folder, path, names.items[i], err);
	return r;
}

static bool has_systemd(int tree)
{
	static const char *const places[] = {"/usr/lib/systemd/systemd", "/lib/systemd/systemd"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		CLEAN_FD int fd = file_open_in_root(tree, places[i], O_PATH, 0);

		if (fd >= 0)
			return true;
	}
	return false;
}

/*
 * An absent or "uninitialized" one would make the next boot a first boot: systemd would enable and disable
 * services as shipped and ask questions on the console. An empty one is only filled, from the container's
 * UUID. dbus-uuidgen(1), which other guests use, wants none at all.
 */
static int forget_machine(int tree, struct error *err)
{
	CLEAN_FD int fd = -1;
	int r = remove_files(tree, "/var/lib/dbus", "machine-id", err);

	if (r < 0)
		return r;
	if (!has_systemd(tree))
		return remove_files(tree, "/etc", "machine-id", err);
	fd = open_file(tree, "/etc/machine-id", err);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return write_anew(fd, "/etc/machine-id", "", 0, err);
}

/* --- ssh host keys --- */

/* "ed25519" of "ssh_host_ed25519_key". */
static char *type_of(const char *name)
{
	size_t skip = strlen("ssh_host_"), end = strlen("_key");

	return must_printf("%.*s", (int)(strlen(name) - skip - end), name + skip);
}

/* With the owner of the folder that it is in: a tree may be shifted. */
static int own_file(int folder, const char *name, mode_t mode, struct error *err)
{
	CLEAN_FD int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(folder, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0 ||
	    fchmod(fd, mode) < 0)
		return fail(err, errno, "write '/etc/ssh/%s' of the copy", name);
	return 0;
}

/* Both names are free, and nobody else writes into the copy: the program may open them by path. */
static int make_key(const struct identity *identity, int folder, const char *name,
                    struct error *err)
{
	CLEAN_FREE char *public = must_printf("%s.pub", name);
	CLEAN(strings_done) struct strings argv = {0};
	struct process_options options = {
		.input_fd = -1,
		.output_fd = -1,
		.error_fd = -1,
		.timeout_ms = KEYGEN_MS,
	};
	int r;

	strings_split(&argv, "ssh-keygen -q -t", " ");
	strings_give(&argv, type_of(name));
	strings_add(&argv, "-N");
	strings_add(&argv, "");
	strings_add(&argv, "-C");
	strings_give(&argv, must_printf("root@%s", identity->new_host));
	strings_add(&argv, "-f");
	strings_give(&argv, must_printf("/proc/%d/fd/%d/%s", (int)getpid(), folder, name));
	options.argv = argv.items;
	r = process_run(&options, err);
	/* a type that it does not make: dsa, in newer ones */
	if (r != 0)
		return r < 0 ? r : 0;
	r = own_file(folder, name, 0600, err);
	return r < 0 ? r : own_file(folder, public, 0644, err);
}

static int renew_keys(const struct identity *identity, int tree, struct error *err)
{
	CLEAN_FD int folder = open_folder(tree, "/etc/ssh", err);
	CLEAN(strings_done) struct strings names = {0};
	CLEAN_FREE char *program = process_find("ssh-keygen");
	int r = 0;

	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	list_files(folder, KEY_PATTERN, &names);
	for (size_t i = 0; i < names.count && r == 0; i++) {
		CLEAN_FREE char *public = must_printf("%s.pub", names.items[i]);

		r = remove_file(folder, "/etc/ssh", names.items[i], err);
		if (r == 0)
			r = remove_file(folder, "/etc/ssh", public, err);
	}
	if (r < 0 || !names.count)
		return r;
	if (program && names.count <= KEYS_MOST) {
		for (size_t i = 0; i < names.count && r == 0; i++)
			r = make_key(identity, folder, names.items[i], err);
		return r;
	}
	if (identity->note)
		identity->note("the ssh host keys are gone, and no ssh-keygen is here to make new "
		               "ones: run ssh-keygen -A inside",
		               identity->user);
	return 0;
}

int identity_renew_tree(const struct identity *identity, int tree_fd, struct error *err)
{
	int r = 0;

	if (!text_is(identity->old_host, identity->new_host))
		for (size_t i = 0; i < ARRAY_SIZE(host_files) && r == 0; i++)
			r = rename_host(identity, tree_fd, host_files[i], err);
	if (r == 0 && !(identity->keep & IDENTITY_MACHINE_ID))
		r = forget_machine(tree_fd, err);
	for (size_t i = 0; i < ARRAY_SIZE(own_files) && r == 0; i++)
		if (!(identity->keep & own_files[i].keep))
			r = remove_files(tree_fd, own_files[i].folder, own_files[i].pattern, err);
	if (r == 0 && !(identity->keep & IDENTITY_SSH))
		r = renew_keys(identity, tree_fd, err);
	return r;
}
