/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mkfs, the magic numbers of file systems, fsopen(2); see the header. */
#include "storage/block.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/process.h"
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MKFS_MS   600000
#define MKFS_SAYS 4096
#define WORDS_MAX 12

/* To add a type: its row, where its magic number is, the options of its mkfs. */
static const struct block_type {
	const char *name, *package;
	off_t magic_at;
	const char *magic;
	size_t magic_size;
	const char *mkfs[WORDS_MAX]; /* the device follows */
	const char *option;          /* of the mount; NULL: none */
} types[] = {
  /* lazy: the kernel writes the tables when it has time; no blocks for root, who is nobody here */
	{"ext4",
         "e2fsprogs",            0x438,
         "\x53\xef",                                  2,
         {"mkfs.ext4", "-q", "-F", "-m", "0", "-E",
          "lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0", NULL},
         NULL										      },
	{"xfs",   "xfsprogs",    0,       "XFSB",     4, {"mkfs.xfs", "-q", "-f", NULL},   "nouuid"},
	{"btrfs", "btrfs-progs", 0x10040, "_BHRfS_M", 8, {"mkfs.btrfs", "-q", "-f", NULL}, NULL    },
};

static const struct block_type *find_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (text_is(types[i].name, name))
			return &types[i];
	return NULL;
}

int block_choose_type(const struct storage *storage, const char **type, struct error *err)
{
	const char *wanted = storage_option(storage, "fstype");
	const struct block_type *found = find_type(wanted ? wanted : "ext4");
	CLEAN_FREE char *program = NULL;

	if (!found)
		return fail_plain(err, EINVAL,
		                  "rootfs.options: fstype '%s' is none of ext4, xfs, btrfs",
		                  wanted);
	program = process_find(found->mkfs[0]);
	if (!program) {
		(void)fail_plain(err, EOPNOTSUPP, "%s is not installed", found->mkfs[0]);
		return fail_hint(err, "install %s, or use another fstype", found->package);
	}
	*type = found->name;
	return 0;
}

/* Which one is on it, by its own mark. */
static const struct block_type *recognise(int fd)
{
	char mark[8];

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (pread(fd, mark, types[i].magic_size, types[i].magic_at) ==
		            (ssize_t)types[i].magic_size &&
		    memcmp(mark, types[i].magic, types[i].magic_size) == 0)
			return &types[i];
	return NULL;
}

const char *block_recognise(int device_fd)
{
	const struct block_type *type = recognise(device_fd);

	return type ? type->name : NULL;
}

int block_mount(const char *device, struct error *err)
{
	CLEAN_FD int fd = open(device, O_RDONLY | O_CLOEXEC), fs = -1;
	const struct block_type *type;
	int mount;

	if (fd < 0)
		return fail(err, errno, "open '%s'", device);
	type = recognise(fd);
	if (!type)
		return fail_plain(err, EINVAL, "'%s' holds no ext4, xfs or btrfs", device);
	fd_close(&fd);
	fs = sys_fsopen(type->name, FSOPEN_CLOEXEC);
	if (fs < 0)
		return fail(err, errno, "mount '%s': open file system type '%s'", device,
		            type->name);
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", device, 0) < 0 ||
	    (type->option && sys_fsconfig(fs, FSCONFIG_SET_FLAG, type->option, NULL, 0) < 0) ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail(err, errno, "mount '%s' (%s)", device, type->name);
	mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return mount < 0 ? fail(err, errno, "mount '%s' (%s)", device, type->name) : mount;
}

int block_make(const char *device, const char *type, struct error *err)
{
	const struct block_type *row = find_type(type);
	CLEAN(text_done) struct text says = {0};
	CLEAN(strings_done) struct strings argv = {0};
	struct process_options options = {
		.input_fd = -1,
		.output_fd = -1,
		.error_fd = -1,
		.output = &says,
		.output_most = MKFS_SAYS,
		.timeout_ms = MKFS_MS,
		.outlives_us = true, /* nobody removes or makes the same volume meanwhile */
	};
	int r;

	if (!row)
		return fail_plain(err, EINVAL, "'%s' is none of ext4, xfs, btrfs", type);
	for (size_t i = 0; row->mkfs[i]; i++)
		strings_add(&argv, row->mkfs[i]);
	strings_add(&argv, device);
	options.argv = argv.items;
	r = process_run(&options, err);
	if (r > 0) {
		(void)fail_plain(err, EIO, "%s '%s' failed with code %d", row->mkfs[0], device, r);
		return says.length ? fail_hint(err, "%s", text_trim(says.data)) : -EIO;
	}
	return r;
}
