/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration that comes with what sysc-import reads, as that of the new container. */
#ifndef SYSC_TOOLS_IMPORT_SETTINGS_H
#define SYSC_TOOLS_IMPORT_SETTINGS_H

struct creation;
struct error;
struct import;
struct text;

/*
 * Takes text (which stays the caller's) by import_config.h, once now and once under the store lock; -f takes its
 * place. old_name: what the container was called there. where: what errors call it.
 */
int import_settings_prepare(struct import *import, struct creation *creation,
                            const struct text *text, const char *old_name, const char *where,
                            struct error *err);

#endif
