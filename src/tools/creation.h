/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a container, all or nothing: in the hidden folder STORE/.NAME.creating, which is locked, under
 * its name by one rename at the end. What fills its tree is the caller's: a template, an archive.
 * storage/sweep.h sees to what a killed command leaves.
 */
#ifndef SYSC_TOOLS_CREATION_H
#define SYSC_TOOLS_CREATION_H

#include "container/container.h"
#include "storage/storage.h"
#include "tools/create_config.h"

#include <stdbool.h>

struct call;
struct error;
struct snapshot;

struct creation {
	/* the caller's to set after creation_init() */
	const struct call *call;
	const char *name;
	struct create_config config; /* its paths, name and has_tree are seen to */
	/*
	 * Fills the empty folder dir/rootfs, and may add lines to dir/config. map is what ids the tree is
	 * seen through, NULL: none. NULL: there is no tree to make.
	 */
	int (*fill)(struct creation *creation, const char *map, struct error *err);
	/*
	 * Under the store lock, before its configuration is written, for what depends on other containers. It may
	 * change config, and read it anew by create_config_read(). NULL: nothing does.
	 */
	int (*reserve)(struct creation *creation, struct strings *errors, struct error *err);
	void *user;

	/* for fill() to read, and for the caller afterwards */
	char *dir;               /* STORE/.NAME.creating */
	int signals_fd;          /* signalfd: one that comes ends it all */
	struct container target; /* with the configuration as it will be */

	/* creation.c only */
	int folder_fd;          /* holds the lock; -1: not made yet */
	char map[64];           /* "" when no ids are needed */
	bool can_map;           /* its file system takes id-mapped mounts */
	struct storage storage; /* with its paths in dir; no backend: no tree */
	bool is_made;           /* storage_make() did its work */
	int tree_fd;            /* of a file system of its own, mounted on dir/rootfs; -1: none */
	bool is_place_made;     /* dir/rootfs is there for that mount only */
	bool has_snapshots;     /* all paths in its configurations are those of dir for now */
};

void creation_init(struct creation *creation, const struct call *call, const char *name);
void creation_done(struct creation *creation);

/*
 * Before anything is made: reads the configuration (errors as config_load()), looks whether the name is
 * free and whether the storage can be here.
 */
int creation_prepare(struct creation *creation, struct strings *errors, struct error *err);
/* Makes it. On error nothing is left. -EINTR when a signal came; SIGINT and its like are blocked from here on. */
int creation_make(struct creation *creation, struct strings *errors, struct error *err);

/*
 * Within fill(): what is in dir/rootfs until now becomes the snapshot that what tells of, with the configuration
 * that config has (create_config_read() was done). Filling goes on in dir/rootfs afterwards, which may be another
 * mount. -EOPNOTSUPP where owners have to be shifted at the end.
 */
int creation_snapshot(struct creation *creation, const struct create_config *config,
                      struct snapshot *what, struct error *err);
/* What ids dir/rootfs is to be seen through now, as fill() was told before the first snapshot. */
const char *creation_map(const struct creation *creation);
/* After the last one: the container's own configuration, and the paths that all will have. */
int creation_settle(struct creation *creation, struct error *err);

/* --- creation_snapshot.c and creation.c only --- */

/* Mounts the tree on dir/rootfs, unless it is a folder that stands there already. */
int creation_mount(struct creation *creation, struct error *err);
/* Written to disk and gone from there. */
int creation_unmount(struct creation *creation, struct error *err);

#endif
