/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits as rows: a row says which file of which controller carries a key and plans what is written
 * there. limits_v1 (v1.c) and limits_v2 (v2.c) are the tables, limits.c carries plans out. Internal
 * to src/cgroup.
 *
 * To add a key: a row in both tables (v1 may refuse it), a row in limit_keys of limits.c, the key
 * itself in container/keys.c, a test.
 */
#ifndef SYSC_CGROUP_LIMITS_H
#define SYSC_CGROUP_LIMITS_H

#include "container/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* How a file shows what was written to it. */
enum limit_form {
	LIMIT_NUMBER, /* the same text; "max" may read as v1's highest number */
	LIMIT_BYTES,  /* a size, rounded down to whole pages */
	LIMIT_CPUS,   /* a list of cpus in the kernel's own order: 0,1,2 reads 0-2 */
	LIMIT_WEIGHT, /* "100" reads "default 100" */
	LIMIT_DEVICE, /* the line of one device among those of others */
	LIMIT_TEXT    /* a free key: any of these */
};

/* One write, not done yet. */
struct limit_write {
	const char *section, *key; /* who asked: "limits" "memory" */
	size_t nth;                /* which value of a list */
	const char *file;          /* below the container's directory */
	const char *check;         /* the file to read back when it is another one, else NULL */
	const char *missing;       /* hint when there is no such file, NULL: none */
	const char *use;   /* the file that tells the use, of a limit that no use may be above */
	const char *brake; /* lowered first: makes room and kills nobody (make_room()) */
	enum limit_form form;
	char *value;
	char *reset; /* LIMIT_DEVICE: what takes the line of the device away */
	char *old;   /* what stood there, for undo; NULL unknown */
};

struct limit_plan {
	struct limit_write *writes;
	size_t count;
	size_t bad; /* of a list, the value that could not be planned */
};

void limit_plan_done(struct limit_plan *plan);
/* A further write, section "limits", without hint; the caller may change the rest of it. */
struct limit_write *limit_plan_add(struct limit_plan *plan, const char *key, const char *file,
                                   enum limit_form form, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
struct limit_row;
/* A write of the row's file, its key and its hint; the text unlimited for LIMIT_UNSET. */
struct limit_write *limit_plan_add_number(struct limit_plan *plan, const struct limit_row *row,
                                          uint64_t value, const char *unlimited);

/* The directory that a row writes to. */
struct limit_target {
	int dir;
	bool is_live; /* something may be set already: what is unset must be taken back */
};

struct limit_row {
	const char *key;        /* "memory" */
	const char *controller; /* by the name its own version has: "blkio", "io" */
	const char *file;       /* of two rows of one key the first whose file exists counts */
	int (*plan)(const struct limit_row *row, const struct limit_target *target,
	            const struct limits_config *limits, struct limit_plan *plan, struct error *err);
	size_t offset; /* of the value in struct limits_config */
	enum limit_form form;
	const char *missing; /* hint when the file does not exist */
};

extern const struct limit_row limits_v1[], limits_v2[]; /* ended by a NULL key */

/* v2: what a cpuset has that does not say anything itself */
#define LIMIT_PARENT_CPUS "../cpuset.cpus.effective"

#define LIMIT_PERIOD_US      100000
/* below a hundredth of a cpu the quota would be under the least that the kernel takes, 1 ms */
#define LIMIT_LONG_PERIOD_US 1000000

/* bfq takes 1-1000: weights up to the default of 100 as they are, above it in steps of eleven. */
int limit_plan_bfq(const struct limit_row *row, const struct limit_target *target,
                   const struct limits_config *limits, struct limit_plan *plan, struct error *err);

/* The uint64_t that the row is about. */
uint64_t limit_value(const struct limit_row *row, const struct limits_config *limits);

/*
 * Writes the plan below dir and reads each file back; when one fails, those before it get their old
 * values again (read first if want_undo).
 */
int limit_plan_run(struct limit_plan *plan, int dir, bool want_undo, const struct config *config,
                   struct error *err);
/* Puts "SECTION.KEY: " in front of err and the place in the configuration behind it. */
int limit_blame(const struct config *config, const char *section, const char *key, size_t nth,
                struct error *err);
/* True when got, read from a file, is what want, written to it, should give. */
bool limit_is_same(enum limit_form form, const char *want, const char *reset, const char *got);

/* The [cgroup] section: every key as it stands (raw.c). */
struct cgroup;
int limit_set_raw(struct cgroup *cgroup, const struct config *config, struct error *err);

/* One line of limits.io, "DEVICE rbps=10M wiops=500"; LIMIT_UNSET where not given or "max". */
enum {
	IO_RBPS,
	IO_WBPS,
	IO_RIOPS,
	IO_WIOPS,
	IO_RATES
};
struct io_limit {
	unsigned int major, minor; /* of the whole disk */
	size_t nth;                /* place in the list */
	uint64_t rates[IO_RATES];
};
/* sysfs: "/sys"; a partition becomes its disk, since the kernel throttles whole disks only. */
int io_parse(const char *line, const char *sysfs, struct io_limit *out, struct error *err);
/* All lines; two of one device are one limit. *out is an array of *count on the heap; on error *bad is
 * the place of the line. */
int io_parse_all(const struct strings *lines, const char *sysfs, struct io_limit **out,
                 size_t *count, size_t *bad, struct error *err);
/* Adds, without any rate, each device that file below dir has a line for and the list has not. */
int io_add_stale(int dir, const char *file, struct io_limit **items, size_t *count,
                 struct error *err);

#endif
