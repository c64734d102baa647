/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A user of a guest, from the guest's own /etc/passwd and /etc/group: no name service of the host. */
#ifndef SYSC_RUNTIME_ACCOUNT_H
#define SYSC_RUNTIME_ACCOUNT_H

#include <sys/types.h>

struct error;

#define ACCOUNT_GROUPS_MAX 64

struct account {
	uid_t uid;
	gid_t gid;
	gid_t groups[ACCOUNT_GROUPS_MAX];
	unsigned int group_count;
	char *name, *home, *shell; /* never NULL after account_find() */
};

void account_done(struct account *account);

/*
 * Finds user (a name or a number) in the files below the current root, which is the guest's. A number
 * that no line has is fine: home "/", shell "/bin/sh", group 0 for 0, else the number. -ENOENT for an
 * unknown name. The files are the guest's: anything but a regular file is taken as absent.
 */
int account_find(const char *user, struct account *out, struct error *err);

#endif
