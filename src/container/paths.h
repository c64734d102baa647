/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where things are on disk. Resolved once at the start of a command from, in this order: options
 * (-P), the environment (SYSC_PATH, SYSC_RUN, SYSC_CACHE, SYSC_LOG, SYSC_CGROUP, SYSC_ETC),
 * /etc/sysc/sysc.conf, the built-in defaults; for a user without root the XDG folders. A store other
 * than the default one has its own RUN and LOG (".at/HASH" below them) and cgroup (its name with the
 * tag), unless these are given. A program
 * that runs from its build tree (a file "build-tree" beside it names the source folder) finds
 * templates, config and helpers there.
 */
#ifndef SYSC_CONTAINER_PATHS_H
#define SYSC_CONTAINER_PATHS_H

#include <stdbool.h>
#include <stdint.h>

struct error;

/* Tells a copy of the program in memory (tools/seal.h) the path of its original; read once, then unset. */
#define PATHS_PROGRAM_VARIABLE "SYSC_PROGRAM"

struct paths {
	char *etc;       /* /etc/sysc */
	char *store;     /* /var/lib/sysc */
	char *run;       /* /run/sysc; another one for each other store */
	char *cache;     /* /var/cache/sysc */
	char *log;       /* /var/log/sysc */
	char *templates; /* /usr/share/sysc/templates */
	char *config;    /* /usr/share/sysc/config */
	char *libexec;   /* /usr/libexec/sysc: sysc-monitor, sysc-archive, sysc-init */
	char *program;   /* the running sysc binary, absolute */
	char *cgroup; /* parent cgroup of all containers, below the root of each hierarchy: "sysc" */
	bool has_cgroup; /* cgroup was set by the administrator: nobody else chooses a place */
	char *bridge;    /* default bridge: syscbr0 */
	char *tag;       /* "" for the default store, else "-" and 6 hex digits of its path: keeps
			    host-wide names (cgroups, interfaces) of two stores apart */
	uint64_t idmap_base, idmap_count; /* where ranges of ids are taken from */
};

/* store: the option -P, or NULL. A relative one is made absolute. Pair: paths_done(). */
int paths_init(struct paths *paths, const char *store, struct error *err);
void paths_done(struct paths *paths);

#endif
