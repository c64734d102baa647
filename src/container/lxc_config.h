/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the configuration of an LXC container (versions 1 to 7) and saying the same as a configuration of sysc,
 * with a list of what cannot be said. lxc_rows.c has the table of keys.
 *
 *   lxc_file.c   lines of a file and of what it includes     lxc_cgroup.c   limits, devices
 *   lxc_rows.c   the table, what is simple                    lxc_network.c  interfaces
 *   lxc_values.c what was found until now                     lxc_mount.c    root file system, mounts
 *   lxc_config.c the whole: in, together, out                 lxc_snippet.c  files that come with LXC
 */
#ifndef SYSC_CONTAINER_LXC_CONFIG_H
#define SYSC_CONTAINER_LXC_CONFIG_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;
struct paths;

/* What is to be said of one line: FILE:LINE: KEY = VALUE: TEXT. Nothing in it is harmful to print. */
struct lxc_remark {
	char *file;
	int line;
	char *key, *value;
	char *text;
	unsigned int order; /* of reading */
	const void *row;    /* of the key, while it is translated */
};

struct lxc_remarks {
	struct lxc_remark *items;
	size_t count;
};

struct lxc_config {
	struct text text;        /* as an INI file: config_load_text() and config_check() take it */
	struct lxc_remarks left; /* has no counterpart, or needs none; text says which and why */
	struct lxc_remarks notes; /* is taken, but is not quite what it was */
	char *rootfs;       /* "dir:/P", "overlay:/LOWER:/UPPER", "nbd:…"; NULL: it has none */
	struct strings map; /* "u 0 100000 65536": its ids; none: root inside is root outside */
	bool is_shifted;    /* its tree has those ids on disk */
	char *hostname;     /* NULL: not set */
	char *snippet; /* "debian": the distribution whose settings of LXC it includes; NULL: none */
	uid_t owner;   /* of the file */
};

void lxc_config_done(struct lxc_config *config);

/*
 * Reads FILE and what it includes. with_snippets: files that come with LXC become our own of the same distribution;
 * otherwise only config->snippet tells. -errno when FILE itself cannot be read; whatever else is wrong is a remark.
 */
int lxc_config_read(struct lxc_config *out, const char *file, const struct paths *paths,
                    bool with_snippets, struct error *err);
/* The same of a text, whose name is only said in remarks. */
void lxc_config_parse(struct lxc_config *out, const char *name, const struct text *text,
                      const struct paths *paths, bool with_snippets);

#endif
