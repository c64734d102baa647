/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The standard mounts of a container, and the child's half: making them and putting them in place. */
#include "runtime/mounts.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/mounts_config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define SAFE       (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define DEV        (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)
#define EMPTY_FILE "/dev/.sysc-empty"

/* When a standard row is wanted. */
enum when {
	ALWAYS,
	WHEN_PROC_FENCED, /* [mounts] proc is auto or mixed */
	WHEN_SYS_FENCED,  /* [mounts] sys is not rw */
	WHEN_NESTING,
	WHEN_NOTIFY,
};

struct standard_row {
	enum when when;
	enum mount_source source;
	const char *target, *type, *options;
	uint64_t attributes;
	unsigned int flags;
};

/*
 * In the order of mounting. The fenced paths are those of systemd's container interface: what the
 * kernel does not guard by the user namespace alone, or what only confuses a guest.
 */
static const struct standard_row standard[] = {
	{ALWAYS,           MOUNT_MADE,  "/proc",               "proc",    NULL,                                      SAFE,                                 MOUNT_NO_SYMLINK | MOUNT_MAKE_DIR},
	{ALWAYS,           MOUNT_MADE,  "/sys",                "sysfs",   NULL,                                      SAFE,                                 MOUNT_NO_SYMLINK | MOUNT_MAKE_DIR},
	{ALWAYS,           MOUNT_MADE,  "/sys/fs/cgroup",      "cgroup2", NULL,                                      SAFE,                                 MOUNT_NO_SYMLINK                 },
	{ALWAYS,           MOUNT_MADE,  "/dev",                "tmpfs",   "mode=755,size=4m,nr_inodes=4096",         DEV,
         MOUNT_NO_SYMLINK | MOUNT_MAKE_DIR																		  },
	{ALWAYS,           MOUNT_MADE,  "/dev/pts",            "devpts",  "newinstance,gid=5,mode=620,ptmxmode=666", DEV,
         MOUNT_NO_SYMLINK | MOUNT_MAKE_DIR																		  },
	{ALWAYS,           MOUNT_MADE,  "/dev/shm",            "tmpfs",   "mode=1777",                               MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
         MOUNT_NO_SYMLINK | MOUNT_MAKE_DIR																		  },
	{ALWAYS,           MOUNT_MADE,  "/dev/mqueue",         "mqueue",  NULL,                                      SAFE,
         MOUNT_NO_SYMLINK | MOUNT_MAKE_DIR | MOUNT_NO_TYPE_OK															       },
	{WHEN_NOTIFY,      MOUNT_MADE,  "/run",                "tmpfs",   "mode=755,size=20%,nr_inodes=800k",
         MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,													     MOUNT_MAKE_DIR                   },
 /* whole instances for nested containers, which may mount their own only where such are visible */
	{WHEN_NESTING,     MOUNT_MADE,  "/dev/.sysc/proc",     "proc",    NULL,                                      SAFE,                                 MOUNT_MAKE_DIR                   },
	{WHEN_NESTING,     MOUNT_MADE,  "/dev/.sysc/sys",      "sysfs",   NULL,                                      SAFE,                                 MOUNT_MAKE_DIR                   },
	{WHEN_PROC_FENCED, MOUNT_AGAIN, "/proc/sys",           NULL,      NULL,                                      MOUNT_ATTR_RDONLY,                    0                                },
	{WHEN_PROC_FENCED, MOUNT_AGAIN, "/proc/sys/net",       NULL,      NULL,                                      0,                                    MOUNT_OPTIONAL                   },
	{WHEN_PROC_FENCED, MOUNT_AGAIN, "/proc/sysrq-trigger", NULL,      NULL,                                      MOUNT_ATTR_RDONLY,
         MOUNT_OPTIONAL																				     },
	{WHEN_PROC_FENCED, MOUNT_AGAIN, "/proc/bus",           NULL,      NULL,                                      MOUNT_ATTR_RDONLY,                    MOUNT_OPTIONAL                   },
	{WHEN_PROC_FENCED, MOUNT_AGAIN, "/proc/fs",            NULL,      NULL,                                      MOUNT_ATTR_RDONLY,                    MOUNT_OPTIONAL                   },
	{WHEN_PROC_FENCED, MOUNT_AGAIN, "/proc/irq",           NULL,      NULL,                                      MOUNT_ATTR_RDONLY,                    MOUNT_OPTIONAL                   },
	{WHEN_PROC_FENCED, MOUNT_EMPTY, "/proc/kcore",         NULL,      NULL,                                      0,                                    MOUNT_OPTIONAL                   },
	{WHEN_PROC_FENCED, MOUNT_EMPTY, "/proc/keys",          NULL,      NULL,                                      0,                                    MOUNT_OPTIONAL                   },
	{WHEN_PROC_FENCED, MOUNT_EMPTY, "/proc/timer_list",    NULL,      NULL,                                      0,                                    MOUNT_OPTIONAL                   },
	{WHEN_PROC_FENCED, MOUNT_EMPTY, "/proc/latency_stats", NULL,      NULL,                                      0,                                    MOUNT_OPTIONAL                   },
	{WHEN_PROC_FENCED, MOUNT_EMPTY, "/proc/acpi",          NULL,      NULL,                                      0,                                    MOUNT_OPTIONAL                   },
	{WHEN_PROC_FENCED, MOUNT_EMPTY, "/proc/scsi",          NULL,      NULL,                                      0,                                    MOUNT_OPTIONAL                   },
	{WHEN_SYS_FENCED,  MOUNT_EMPTY, "/sys/firmware",       NULL,      NULL,                                      0,                                    MOUNT_OPTIONAL                   },
};

void mount_list_init(struct mount_list *list)
{
	*list = (struct mount_list){0};
}

void mount_list_done(struct mount_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		fd_close(&list->rows[i].fd);
	free(list->rows);
	strings_done(&list->texts);
	*list = (struct mount_list){0};
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return text_is(word, a) || text_is(word, b);
}

static bool is_wanted(enum when when, const struct config *config,
                      const struct mount_policy *policy)
{
	switch (when) {
	case ALWAYS:
		return true;
	case WHEN_PROC_FENCED:
		return !config->mount_proc || !is_one_of(config->mount_proc, "rw", "ro");
	case WHEN_SYS_FENCED:
		return !text_is(config->mount_sys, "rw");
	case WHEN_NESTING:
		return policy->nesting;
	case WHEN_NOTIFY:
		return policy->notify != NULL;
	}
	return false;
}

static bool is_sys_readonly(const struct config *config, const struct mount_policy *policy)
{
	if (!config->mount_sys || text_is(config->mount_sys, "auto"))
		return policy->sys_readonly || policy->privileged;
	return is_one_of(config->mount_sys, "ro", "mixed");
}

/*
 * /run is a tmpfs then, which an init leaves as it is: one that it mounted itself would hide the socket. Its
 * bounds are those that systemd gives it.
 */
static int plan_notify(struct mount_list *list, const char *socket, struct error *err)
{
	struct mount_row *row = &list->rows[list->count];

	*row = (struct mount_row){
		.source = MOUNT_OPENED,
		.target = MOUNTS_NOTIFY,
		.attributes = SAFE,
		.flags = MOUNT_MAKE_FILE,
		.fd = sys_open_tree(AT_FDCWD, socket, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
		.blame = ""};
	if (row->fd < 0)
		return fail(err, errno, "open '%s' as a mount", socket);
	list->count++;
	return 0;
}

int mounts_plan(struct mount_list *list, const struct config *config,
                const struct mount_policy *policy, struct error *err)
{
	list->rows =
		must_alloc((ARRAY_SIZE(standard) + config->mounts.count + 1) * sizeof(*list->rows));
	for (size_t i = 0; i < ARRAY_SIZE(standard); i++) {
		const struct standard_row *from = &standard[i];
		struct mount_row *row = &list->rows[list->count];

		if (!is_wanted(from->when, config, policy))
			continue;
		*row = (struct mount_row){.source = from->source,
		                          .target = from->target,
		                          .type = from->type,
		                          .options = from->options,
		                          .attributes = from->attributes,
		                          .flags = from->flags,
		                          .fd = -1,
		                          .blame = ""};
		if (strcmp(row->target, "/sys") == 0 && is_sys_readonly(config, policy))
			row->attributes |= MOUNT_ATTR_RDONLY;
		if (strcmp(row->target, "/proc") == 0 && text_is(config->mount_proc, "ro"))
			row->attributes |= MOUNT_ATTR_RDONLY;
		list->count++;
	}
	for (size_t i = 0; i < config->mounts.count; i++) {
		int r = mounts_config_row(list, config, i, err);

		if (r < 0)
			return r;
	}
	return policy->notify ? plan_notify(list, policy->notify, err) : 0;
}

int mounts_blame(const struct mount_row *row, struct error *err)
{
	return *row->blame ? fail_hint(err, "%s", row->blame) : -err->code;
}

int mounts_map(struct mount_list *list, int userns_fd, struct error *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns_fd};

	for (size_t i = 0; i < list->count; i++) {
		const struct mount_row *row = &list->rows[i];

		if (!(row->flags & MOUNT_MAP_IDS) || row->fd < 0)
			continue;
		if (sys_mount_setattr(row->fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0) {
			(void)fail(err, errno, "map the ids of the mount on '%s'", row->target);
			return mounts_blame(row, err);
		}
	}
	return 0;
}

/* Gives one "key=value" or "key" to the file system that is being configured. */
static int configure(int fd, char *option)
{
	char *value = strchr(option, '=');

	if (!value)
		return sys_fsconfig(fd, FSCONFIG_SET_FLAG, option, NULL, 0);
	*value++ = '\0';
	return sys_fsconfig(fd, FSCONFIG_SET_STRING, option, value, 0);
}

static int make(struct mount_row *row, struct error *err)
{
	CLEAN_FD int fs = sys_fsopen(row->type, FSOPEN_CLOEXEC);
	char options[256], *rest = NULL;

	if (fs < 0 && errno == ENODEV && row->flags & MOUNT_NO_TYPE_OK)
		return 0;
	if (fs < 0)
		return fail(err, errno, "mount '%s': open file system type '%s'", row->target,
		            row->type);
	if (row->options) {
		size_t length = strlen(row->options);

		if (length >= sizeof(options))
			return fail(err, ENAMETOOLONG, "mount '%s': options '%s'", row->target,
			            row->options);
		memcpy(options, row->options, length + 1);
		for (char *option = strtok_r(options, ",", &rest); option;
		     option = strtok_r(NULL, ",", &rest))
			if (configure(fs, option) < 0)
				return fail(err, errno, "mount '%s': option '%s' of %s",
				            row->target, option, row->type);
	}
	/* only what mount(8) shows; a type that takes no source is none the worse */
	(void)sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", row->type, 0);
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail(err, errno, "mount '%s': make a %s file system", row->target,
		            row->type);
	row->fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)row->attributes);
	if (row->fd < 0)
		return fail(err, errno, "mount '%s': %s", row->target, row->type);
	return 0;
}

int mounts_make(struct mount_list *list, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		int r = 0;

		if (list->rows[i].source == MOUNT_MADE)
			r = make(&list->rows[i], err);
		if (r < 0)
			return mounts_blame(&list->rows[i], err);
	}
	return 0;
}

/* Makes each missing part of a path below the root, never through a symlink out of it. */
static int make_parts(int root_fd, const char *target, bool is_file)
{
	char path[4096];
	size_t length = strlen(target);
	CLEAN_FD int fd = -1;

	if (length >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, target, length + 1);
	for (char *at = path + 1;; at++) {
		bool last = *at == '\0';
		CLEAN_FD int parent = -1;
		char *slash;

		if (*at != '/' && !last)
			continue;
		*at = '\0';
		slash = strrchr(path, '/');
		if (slash[1]) {
			*slash = '\0';
			parent = file_open_in_root(root_fd, *path ? path : "/",
			                           O_PATH | O_DIRECTORY, 0);
			*slash = '/';
			if (parent < 0)
				return parent;
			if (last && is_file)
				fd = openat(parent, slash + 1,
				            O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
			else
				(void)mkdirat(parent, slash + 1, 0755); /* seen by the open below */
		}
		if (last)
			return 0;
		*at = '/';
	}
}

int mounts_open_target(const char *target, unsigned int flags)
{
	CLEAN_FD int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (root_fd < 0)
		return -errno;
	/* a target below a mount of ours may be anywhere, but the links in it stay inside */
	if (flags & MOUNT_NO_SYMLINK)
		fd = file_open_beneath(root_fd, target + 1, O_PATH, 0);
	else
		fd = file_open_in_root(root_fd, target, O_PATH, 0);
	if (fd != -ENOENT || !(flags & (MOUNT_MAKE_DIR | MOUNT_MAKE_FILE)))
		return fd;
	fd = make_parts(root_fd, target, flags & MOUNT_MAKE_FILE);
	if (fd < 0)
		return fd;
	return file_open_in_root(root_fd, target, O_PATH, 0);
}

static int place(const struct mount_row *row, struct error *err)
{
	CLEAN_FD int target = mounts_open_target(row->target, row->flags);

	if (target == -ENOENT && row->flags & MOUNT_OPTIONAL)
		return 0;
	if (target == -ELOOP)
		return fail_plain(
			err, ELOOP,
			"mount on '%s': there is a symlink in that path of the root file system",
			row->target);
	if (target < 0)
		return fail(err, -target, "mount on '%s'", row->target);
	if (sys_move_mount(row->fd, "", target, "",
	                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return fail(err, errno, "mount on '%s'", row->target);
	return 0;
}

/* Opens a second mount of what is at the target now. */
static int open_again(struct mount_row *row, struct error *err)
{
	struct mount_attr attr = {.attr_set = row->attributes};

	row->fd = sys_open_tree(AT_FDCWD, row->target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (row->fd < 0 && row->flags & MOUNT_OPTIONAL)
		return 0;
	if (row->fd < 0)
		return fail(err, errno, "open '%s' as a mount", row->target);
	if (row->attributes && sys_mount_setattr(row->fd, "", AT_EMPTY_PATH, &attr) < 0)
		return fail(err, errno, "make '%s' read-only", row->target);
	return 0;
}

/* Hides a file behind an empty one without any rights, a folder behind an empty tmpfs. */
static int open_empty(struct mount_row *row, struct error *err)
{
	struct mount_row empty = {.target = row->target,
	                          .type = "tmpfs",
	                          .options = "mode=0,size=4k,nr_inodes=2",
	                          .attributes = SAFE | MOUNT_ATTR_RDONLY,
	                          .fd = -1,
	                          .blame = ""};
	struct mount_attr attr = {.attr_set = SAFE | MOUNT_ATTR_RDONLY};
	struct stat st;
	int r;

	if (lstat(row->target, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode)) {
		r = make(&empty, err);
		row->fd = empty.fd;
		return r;
	}
	row->fd = sys_open_tree(AT_FDCWD, EMPTY_FILE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (row->fd < 0 || sys_mount_setattr(row->fd, "", AT_EMPTY_PATH, &attr) < 0)
		return fail(err, errno, "hide '%s'", row->target);
	return 0;
}

/* Made in the container's /dev for as long as its binds are being made. */
static int make_empty_file(struct error *err)
{
	CLEAN_FD int fd = open(EMPTY_FILE, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);

	return fd < 0 ? fail(err, errno, "make '%s'", EMPTY_FILE) : 0;
}

/*
 * Rows that show a place once more are opened together when the first of them is reached: all their
 * sources are in place then and none is covered yet, so /proc/sys/net stays writable.
 */
static int open_all_again(struct mount_list *list, size_t first, struct error *err)
{
	int r = 0;

	for (size_t i = first; i < list->count && r == 0; i++)
		if (list->rows[i].source == MOUNT_AGAIN)
			r = open_again(&list->rows[i], err);
	return r;
}

/* What the first row of its kind needs before it can be placed. */
static int prepare(struct mount_list *list, size_t at, bool *opened, bool *has_empty,
                   struct error *err)
{
	struct mount_row *row = &list->rows[at];
	int r = 0;

	if (row->source == MOUNT_AGAIN && !*opened) {
		*opened = true;
		return open_all_again(list, at, err);
	}
	if (row->source != MOUNT_EMPTY)
		return 0;
	if (!*has_empty)
		r = make_empty_file(err);
	*has_empty = true;
	return r < 0 ? r : open_empty(row, err);
}

int mounts_place(struct mount_list *list, struct error *err)
{
	bool opened = false, has_empty = false;
	int r = 0;

	for (size_t i = 0; i < list->count && r == 0; i++) {
		struct mount_row *row = &list->rows[i];

		r = prepare(list, i, &opened, &has_empty, err);
		if (r == 0 && row->fd >= 0 && place(row, err) < 0)
			r = mounts_blame(row, err);
		fd_close(&row->fd);
	}
	if (has_empty && r == 0 && unlink(EMPTY_FILE) < 0)
		r = fail(err, errno, "remove '%s'", EMPTY_FILE);
	return r;
}
