/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files: reading with a bound, replacing as a whole, walking a tree by fd, opening below a root that
 * somebody else wrote. Paths are relative to a directory fd (AT_FDCWD where it does not matter).
 */
#ifndef SYSC_BASE_FILE_H
#define SYSC_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct stat;
struct text;

/* Reads at most most_bytes into out (appended); -EFBIG when the file is longer. */
int file_read(int dirfd, const char *path, size_t most_bytes, struct text *out, struct error *err);
/* As file_read, but from an open fd until its end. what names it in errors. */
int file_read_fd(int fd, const char *what, size_t most_bytes, struct text *out, struct error *err);
/* As read(2), over EINTR. */
ssize_t file_read_some(int fd, void *buffer, size_t room);
/* Reads a small file of /proc or /sys into a caller's buffer, terminated, trailing newline cut. */
int file_read_small(int dirfd, const char *path, char *buffer, size_t room);

/* Writes string by one write(2) into an existing file (as /proc and cgroup files want it). */
int file_write(int dirfd, const char *path, const char *string, struct error *err);
/* The whole of bytes, over short writes and EINTR; 0 or -errno. */
int file_write_all(int fd, const void *bytes, size_t count);
/*
 * Temporary beside it (".NAME.sysc-new", locked) + fsync + rename + fsync of the directory. Several at once wait for
 * each other; what a killed one left is used by the next.
 */
int file_replace(int dirfd, const char *path, const void *bytes, size_t count, mode_t mode,
                 struct error *err);
/* As file_replace without the two fsyncs: for /run, which does not outlive a power cut. */
int file_replace_volatile(int dirfd, const char *path, const void *bytes, size_t count, mode_t mode,
                          struct error *err);
/* Removes what a killed one left of path; whoever may write it is kept out by the caller. */
void file_drop_temporary(int dirfd, const char *path);

/*
 * mkdir -p of an absolute path that the administrator owns (never below a rootfs). What is missing above gets
 * 0755; the folder right above gets mode too when that is private (0700): /run/sysc of /run/sysc/web1.
 */
int file_make_dirs(const char *path, mode_t mode, struct error *err);

/*
 * Opens below root_fd as if it were /: symlinks resolve inside it, magic links are refused
 * (openat2(2), RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS). flags as open(2); O_CLOEXEC is added.
 */
int file_open_in_root(int root_fd, const char *path, int flags, mode_t mode);
/* As above, but a symlink anywhere is refused (RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS), as is ".." . */
int file_open_beneath(int root_fd, const char *path, int flags, mode_t mode);

/*
 * Removes what name is below dirfd, a whole tree too. Never follows a symlink, never crosses to
 * another mount (-EXDEV). 0 also when it is absent.
 */
int file_remove_tree(int dirfd, const char *name, struct error *err);

/* true when fd is the directory or file that the path named at this moment and type matches. */
bool file_is_dir(int dirfd, const char *path);
bool file_exists(int dirfd, const char *path);
/* Whether path names the file that fd has open; it may have been renamed or removed since. Symlinks are not followed. */
bool file_is_current(int dirfd, const char *path, int fd);
/* fstatfs(2).f_type of fd, -errno on failure. */
long file_system_of(int fd);
/* True when fd is the character device major:minor. */
bool file_is_char_device(int fd, unsigned int major, unsigned int minor);

/*
 * For estimates: the bytes of content that a walk over the tree meets at this name of a regular file, holes not counted
 * and each of several names with its part of them. 0 for anything else.
 */
uint64_t file_share(const struct stat *st);

#endif
