/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an incremental sysc-export is to: an earlier archive, or the list that was kept of one. */
#ifndef SYSC_TOOLS_EXPORT_SINCE_H
#define SYSC_TOOLS_EXPORT_SINCE_H

#include "storage/manifest.h"

struct call;
struct container;
struct error;

struct earlier {
	int list_fd; /* the kept list (storage/manifest_list.h); -1 */
	struct manifest manifest;
	char digest[65]; /* that ends the list */
};

void earlier_init(struct earlier *earlier);
void earlier_done(struct earlier *earlier);
/* Reads all of an archive, which is verified on the way, or a list. */
int earlier_read(struct earlier *earlier, const struct call *call, const char *file,
                 struct error *err);
/* Takes the list of the part that was packed just now, which the next one is to; list_fd goes over. */
int earlier_take(struct earlier *earlier, int list_fd, struct error *err);
/* Whether it is of this container: by its UUID, or its name where the archive is an old one. */
int earlier_check(const struct earlier *earlier, const struct container *container,
                  struct error *err);

#endif
