/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc-import: A root file system in a tar file, which the template "local" makes a guest of. */
#ifndef SYSC_TOOLS_IMPORT_PLAIN_H
#define SYSC_TOOLS_IMPORT_PLAIN_H

struct creation;
struct error;
struct import;

int import_plain_prepare(struct import *import, struct creation *creation, struct error *err);

#endif
