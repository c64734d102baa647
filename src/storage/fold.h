/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two layers of an overlay as one (Documentation/filesystems/overlayfs.rst). Private to src/storage. */
#ifndef SYSC_STORAGE_FOLD_H
#define SYSC_STORAGE_FOLD_H

struct error;

/*
 * Fills the empty folder to with what the layer upper on the layer lower are together, on top of deep, the tree
 * that all layers below them are (-1: none). Files are not copied: to has hard links to them. Nothing is
 * synced. After an error, -EOPNOTSUPP for layers that are not known well enough, the half of it is the caller's
 * to remove.
 */
int fold_layers(int upper, int lower, int deep, int to, struct error *err);

#endif
