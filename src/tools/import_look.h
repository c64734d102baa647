/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc-import --show and --verify: what archives say of themselves, and whether they are whole. Nothing is made. */
#ifndef SYSC_TOOLS_IMPORT_LOOK_H
#define SYSC_TOOLS_IMPORT_LOOK_H

#include <stdbool.h>

struct import_chain;

/* Prints it; verify: after all of each was read, with what it is an increment to. Returns an exit code. */
int import_look(struct import_chain *chain, bool verify);

#endif
