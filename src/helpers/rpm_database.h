/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The database of rpm in a guest's tree: which one there is, and a copy of it that a confined process may open. */
#ifndef SYSC_HELPERS_RPM_DATABASE_H
#define SYSC_HELPERS_RPM_DATABASE_H

#include <stdint.h>

struct error;

struct rpm_database {
	const char *folder;       /* "/var/lib/rpm" */
	const char *backend;      /* what rpm calls its form: "sqlite" */
	const char *const *files; /* in the folder, ended by NULL */
	int folder_fd;            /* in the tree, O_PATH */
};

/* 1: found; 0: there is none. The fd is the caller's. Symlinks stay in the tree, and none is the database itself. */
int rpm_database_find(int tree_fd, struct rpm_database *out, struct error *err);
/*
 * A detached tmpfs with a copy of its files that belongs to this user and group alone. -EFBIG when it is larger than
 * any machine's.
 */
int rpm_database_copy(const struct rpm_database *database, uint32_t owner, struct error *err);

#endif
