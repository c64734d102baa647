/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The content and the attributes of one inode, for copy.c. Private to src/storage. */
#ifndef SYSC_STORAGE_COPY_FILE_H
#define SYSC_STORAGE_COPY_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What the two file systems cannot do together, found out once. */
struct copy_ways {
	atomic_bool no_clone, no_range;
};

struct copy_content {
	struct copy_ways *ways;
	bool write_out; /* what is big begins to be written to the disk when it is copied */
	/* bytes were copied; true ends the copy (-ECANCELED) */
	bool (*moved)(uint64_t bytes, bool shared, void *user);
	void *user;
};

/* Content of a regular file into an empty one, holes as holes. 0 or -errno. */
int copy_file_content(int from_fd, int to_fd, const struct stat *st,
                      const struct copy_content *how);

/*
 * Owner, extended attributes, mode and times, in the order in which the kernel lets them stand. For a
 * regular file or a folder by its fd (not O_PATH). *what: what failed. 0 or -errno.
 */
int copy_file_attributes(int from_fd, int to_fd, const struct stat *st, const char **what);
/* The same for an entry that is not opened: symlink, device, fifo. */
int copy_entry_attributes(int from_folder, int to_folder, const char *name, const struct stat *st,
                          const char **what);

#endif
