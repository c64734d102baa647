/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A container at rest: its name, its folder, its configuration file. A container is defined when
 * STORE/NAME/config exists. What begins with a dot in the store is not a container: it is being
 * made or being removed.
 */
#ifndef SYSC_CONTAINER_CONTAINER_H
#define SYSC_CONTAINER_CONTAINER_H

#include "container/config.h"
#include "container/paths.h"

struct error;

#define CONTAINER_NAME_MAX 63

struct container {
	const struct paths *paths; /* not owned */
	char *name;
	char *dir;     /* STORE/NAME */
	char *file;    /* STORE/NAME/config */
	char *run_dir; /* RUN/NAME */
	char *log;     /* LOG/NAME.log */
	char *console; /* LOG/NAME.console */
	struct config config;
};

/* Names: [A-Za-z0-9][A-Za-z0-9_.-]{0,62}. -EINVAL with the reason. */
int container_check_name(const char *name, struct error *err);

/* Fills the names only; says nothing about what exists. Pair: container_done(). */
int container_init(struct container *container, const struct paths *paths, const char *name,
                   struct error *err);
void container_done(struct container *container);

/* True when the configuration file is there. */
int container_exists(const struct container *container);

/*
 * The configuration of a container that container_init() filled, loaded and checked; what could be read
 * of a bad one stays. Errors as for config_load().
 */
int container_load(struct container *container, struct strings *errors, struct error *err);

/*
 * container_init() and its configuration, loaded and checked. -ENOENT ("no such container") with a
 * near name suggested; -EINVAL for a bad configuration: errors (may be NULL) has all of them.
 */
int container_open(struct container *container, const struct paths *paths, const char *name,
                   struct strings *errors, struct error *err);

/* The names of all defined containers, sorted; an absent store is an empty one. */
int container_list(const struct paths *paths, struct strings *names, struct error *err);

/* As container_list(), only those that match one of the globs (fnmatch(3)); -ENOENT for a plain
 * name that is not there. */
int container_match(const struct paths *paths, const struct strings *patterns,
                    struct strings *names, struct error *err);

#endif
