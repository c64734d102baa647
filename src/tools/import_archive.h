/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc-import: An archive of sysc-export: its configuration is taken by import_config.h, its tree as it is. */
#ifndef SYSC_TOOLS_IMPORT_ARCHIVE_H
#define SYSC_TOOLS_IMPORT_ARCHIVE_H

struct creation;
struct error;
struct import;

int import_archive_prepare(struct import *import, struct creation *creation, struct error *err);

#endif
