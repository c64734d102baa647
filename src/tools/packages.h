/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The packages that a guest's own databases tell of. */
#ifndef SYSC_TOOLS_PACKAGES_H
#define SYSC_TOOLS_PACKAGES_H

struct call;
struct error;
struct strings;

/*
 * "NAME VERSION" of each package, sorted, by the first database of dpkg, apk or rpm in the tree that has any.
 * -EOPNOTSUPP: there is none. tree_fd is a detached mount (storage_visit()), which cannot be used afterwards.
 */
int packages_read(const struct call *call, int tree_fd, struct strings *out, struct error *err);

#endif
