/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an archive may hold: the checks of one entry against what came before it, and the limits of
 * the whole. Pure: no file is touched here, so that a fuzzer can drive it. sysc-archive refuses the
 * whole archive at the first entry that breaks a rule; nothing is left out silently.
 */
#ifndef SYSC_HELPERS_ARCHIVE_RULES_H
#define SYSC_HELPERS_ARCHIVE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

#define ARCHIVE_NAME_MAX   4095        /* bytes of an entry's path */
#define ARCHIVE_ID_COUNT   65536       /* owners are 0..65535, the ids of a container */
#define ARCHIVE_RATIO_FROM (100 << 20) /* bytes unpacked before the ratio counts */

enum archive_devices {
	ARCHIVE_DEVICES_REFUSE,
	ARCHIVE_DEVICES_SKIP,
	ARCHIVE_DEVICES_ALLOW
};

struct archive_limits {
	uint64_t bytes;   /* file content in all */
	uint64_t entries; /* files, directories, links … */
	uint64_t ratio;   /* content per byte of the archive */
	enum archive_devices devices;
	bool skip_whiteouts; /* the tree is an overlay's, which would take them for its own */
	bool any_owner; /* one that a container has not is not refused; archive_fit.c gives it another */
};

/* What the rules have to know of one entry; the strings are borrowed. */
struct archive_item {
	const char *path;      /* as it stands in the archive */
	const char *hard_link; /* NULL when it is none */
	mode_t type;           /* S_IFMT bits; not looked at for a hard link */
	bool is_whiteout;      /* a character device 0:0 is one of overlayfs, which opens nothing */
	int64_t uid, gid;
};

/* Remembers the symlinks seen so far. Zeroed is empty; archive_rules_done() frees. */
struct archive_rules {
	struct archive_limits limits;
	uint64_t entries, bytes;
	void *symlinks; /* a tree of tsearch(3) */
	void *left_out; /* another: devices, whose further names go with them */
};

void archive_rules_done(struct archive_rules *rules);

/*
 * The path without leading "./", repeated and final slashes and "." parts; "." for the root itself.
 * Refused (-EINVAL): empty, absolute, with "..", too long. out holds ARCHIVE_NAME_MAX + 1 bytes.
 */
int archive_clean_path(const char *path, char *out, struct error *err);

/*
 * Checks one entry and counts it. name gets its clean path, target (when it is a hard link) that of
 * what it links to; both hold ARCHIVE_NAME_MAX + 1 bytes. 1: unpack it; 0: leave it out (a device,
 * as asked); -EINVAL, -ERANGE, -EFBIG: refused, with the reason.
 */
int archive_rules_entry(struct archive_rules *rules, const struct archive_item *item, char *name,
                        char *target, struct error *err);

/* Counts content; input is how many bytes of the archive were read by now. -EFBIG over a limit. */
int archive_rules_bytes(struct archive_rules *rules, uint64_t count, uint64_t input,
                        struct error *err);

/* The name with everything but printable ASCII and UTF-8 bytes as \xNN; cut at room. */
void archive_escape(const char *name, char *out, size_t room);

#endif
