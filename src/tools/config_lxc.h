/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc config import-lxc, and what it and sysc import --lxc say of a translation. */
#ifndef SYSC_TOOLS_CONFIG_LXC_H
#define SYSC_TOOLS_CONFIG_LXC_H

struct call;
struct json;
struct lxc_config;

/* words[0]: the file. */
int config_lxc_run(struct call *call, char **words);
/* Each remark as a line on stderr. */
void config_lxc_note(const struct call *call, const struct lxc_config *lxc);
/* The remarks as two lists, "left_out" and "notes". */
void config_lxc_json(struct json *json, const struct lxc_config *lxc);

#endif
