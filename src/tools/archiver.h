/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running sysc-archive for sysc-export and sysc-import. */
#ifndef SYSC_TOOLS_ARCHIVER_H
#define SYSC_TOOLS_ARCHIVER_H

#include <stddef.h>
#include <stdint.h>

struct call;
struct error;
struct progress;
struct strings;

/* What it counted. */
struct archiver_counts {
	uint64_t entries, bytes;            /* packed or unpacked */
	uint64_t kept, kept_bytes, removed; /* packing an increment: as they were; gone */
};

struct archiver_run {
	const struct call *call;
	const char *name;            /* in front of what it notes */
	const struct strings *words; /* "pack", its options */
	int input_fd, output_fd;     /* its standard input and output */
	int manifest_fd, config_fd;  /* -1: none; the options are added */
	int base_fd, save_fd;        /* kept lists, of what was before and what is now; 0: none */
	struct archiver_counts *counts; /* filled when it ends well; may be NULL */
	int signals_fd;                 /* one that comes ends it: -EINTR; -1: none */
	struct progress *progress;      /* drawn meanwhile, gone at the end; NULL: none */
};

/* Begins the line of part number (from 0) of count: "NAME" or "NAME (2 of 3)"; "archive" for "-". */
void archiver_begin_progress(struct progress *progress, const struct call *call, const char *name,
                             size_t number, size_t count);

/* To its end; what it notes is said. 0, 3 (head: no archive of sysc-export), -errno. It ends with us. */
int archiver_run(const struct archiver_run *run, struct error *err);

#endif
