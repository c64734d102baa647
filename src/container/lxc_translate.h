/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the translation share; see lxc_config.h. Private to the lxc_*.c, but for the tables of keys, which
 * sysc-help prints for programs.
 *
 * To add a key of LXC: its row in the table of its topic (lxc_rows.c, lxc_cgroup.c, lxc_network.c, lxc_mount.c), its
 * line in man/sysc-config.1, a line in tests/unit/test-container-lxc_config.c.
 */
#ifndef SYSC_CONTAINER_LXC_TRANSLATE_H
#define SYSC_CONTAINER_LXC_TRANSLATE_H

#include "container/lxc_config.h"
#include "container/lxc_file.h"

#include <stdint.h>

struct lxc_translation;

/* A key of LXC. */
struct lxc_row {
	/*
	 * "lxc.uts.name", "lxc.net.*.link" (one word), "lxc.sysctl.*" (all that follows); old: its spelling
	 * before LXC 3, NULL: none or the same.
	 */
	const char *key, *old;
	const char *to; /* "container.hostname", of an interface "network.bridge"; NULL: nothing */
	/* star: what '*' stands for; of an interface its section, "network.eth0" */
	void (*take)(struct lxc_translation *t, const struct lxc_row *row,
	             const struct lxc_line *line, const char *star);
	const char *text; /* why there is nothing, for lxc_take_none() */
};

struct lxc_lines {
	struct lxc_line *items;
	size_t count;
};

/* A line of the INI file to be. */
struct lxc_value {
	const char *section, *name, *value;
	struct lxc_line from;
};

struct lxc_net {
	const char *index; /* "0"; "old1" of version 2, which counts by the order */
	struct lxc_lines lines;
};

/* lxc.cgroup.* and lxc.cgroup2.* of one meaning: the latter count where both are there. */
enum lxc_version {
	LXC_V1,
	LXC_V2,
	LXC_VERSIONS
};

struct lxc_cgroup {
	struct lxc_line quota, period, memory,
		memory_swap; /* version 1: some make sense together */
	struct lxc_lines devices[LXC_VERSIONS];
};

struct lxc_rootfs {
	struct lxc_line path, backend, options, place;
};

struct lxc_translation {
	struct lxc_config *out;
	const struct paths *paths;
	bool with_snippets;
	struct lxc_reader reader;
	struct lxc_value *values;
	size_t value_count;
	struct lxc_net *nets;
	size_t net_count;
	unsigned int old_nets;
	struct lxc_cgroup cgroup;
	struct lxc_rootfs rootfs;
	struct lxc_lines mounts;
};

/* The tables, ended by NULL; their rows end by a NULL key. */
extern const struct lxc_row *const lxc_tables[];
extern const struct lxc_row lxc_rows_general[], lxc_rows_cgroup[], lxc_rows_network[],
	lxc_rows_mount[];

/* The row of a key and what stands for its '*' (on the heap, NULL: nothing); NULL: no key of LXC. */
const struct lxc_row *lxc_row_find(const char *key, char **star);

/* --- lxc_values.c --- */

void lxc_lines_done(struct lxc_lines *lines);
void lxc_lines_add(struct lxc_lines *lines, const struct lxc_line *line);
const char *lxc_keep(struct lxc_translation *t, char *string);

/* "has no counterpart": FILE:LINE: KEY = VALUE: text. */
void lxc_leave(struct lxc_translation *t, const struct lxc_line *line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void lxc_note(struct lxc_translation *t, const struct lxc_line *line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void lxc_remarks_sort(struct lxc_remarks *remarks); /* in the order of the lines */
/* Forgets what was said of keys of this row: they were cleared. */
void lxc_forget(struct lxc_translation *t, const struct lxc_row *row);
/*
 * section.name = value because of the line: replaces a scalar, adds to a list. What the key does not take is left with
 * the reason. True when it was taken.
 */
bool lxc_set(struct lxc_translation *t, const char *section, const char *name, const char *value,
             const struct lxc_line *line);
/* The same by "section.name" of a row. */
bool lxc_set_row(struct lxc_translation *t, const struct lxc_row *row, const char *value,
                 const struct lxc_line *line);
const struct lxc_value *lxc_find(const struct lxc_translation *t, const char *section,
                                 const char *name);
/* name NULL: of the whole section */
void lxc_clear(struct lxc_translation *t, const char *section, const char *name);
void lxc_drop(struct lxc_translation *t, size_t nth);

#define LXC_SIZE_ROOM 24
/* "512M": exact, by the largest unit that fits. */
void lxc_format_size(uint64_t bytes, char out[LXC_SIZE_ROOM]);

/* --- takers of rows --- */

/* The value as it is. An empty one clears, also in those below. */
void lxc_take_word(struct lxc_translation *t, const struct lxc_row *row,
                   const struct lxc_line *line, const char *star);
/* No counterpart, or none needed: row->text. */
void lxc_take_none(struct lxc_translation *t, const struct lxc_row *row,
                   const struct lxc_line *line, const char *star);

/* --- the parts, when all lines were read --- */

void lxc_network_take(struct lxc_translation *t, struct lxc_line *line);
void lxc_network_finish(struct lxc_translation *t);
void lxc_cgroup_finish(struct lxc_translation *t);
/* Before the mounts: they may name it. */
void lxc_rootfs_finish(struct lxc_translation *t);
void lxc_mount_finish(struct lxc_translation *t);
/* lxc.include */
void lxc_snippet_take(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *star);
/* Whether it is a file that comes with LXC ("…/lxc/config/NAME"); *name is its last part. */
bool lxc_snippet_is(const char *path, const char **name);

#endif
