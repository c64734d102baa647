/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running sysc-archive for sysc-export and sysc-import. */
#ifndef SYSC_TOOLS_ARCHIVER_H
#define SYSC_TOOLS_ARCHIVER_H

struct call;
struct error;
struct strings;

struct archiver_run {
	const struct call *call;
	const char *name;            /* in front of what it notes */
	const struct strings *words; /* "pack", its options */
	int input_fd, output_fd;     /* its standard input and output */
	int manifest_fd, config_fd;  /* -1: none; the options are added */
	int signals_fd;              /* one that comes ends it: -EINTR; -1: none */
};

/* To its end; what it notes is said. 0, 3 (head: no archive of sysc-export), -errno. It ends with us. */
int archiver_run(const struct archiver_run *run, struct error *err);

#endif
