/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc-import --lxc: an LXC container, its configuration by container/lxc_config.h, its tree copied. Nothing of it is
 * changed, and it must not run (container/lxc_running.h).
 */
#ifndef SYSC_TOOLS_IMPORT_LXC_H
#define SYSC_TOOLS_IMPORT_LXC_H

struct creation;
struct error;
struct import;
struct import_lxc;
struct json;

void import_lxc_init(struct import_lxc *lxc);
void import_lxc_done(struct import_lxc *lxc);

/* path: its folder, or its configuration file. Sets lxc, and own_name where it has one. */
int import_lxc_look(struct import *import, const char *path, struct error *err);
int import_lxc_prepare(struct import *import, struct creation *creation, struct error *err);
/* What there is to say of it, when it was made: on stderr, as JSON. */
void import_lxc_note(const struct import *import, const struct creation *creation);
void import_lxc_json(const struct import *import, struct json *json);

#endif
