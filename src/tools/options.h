/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line, by the tables of command.h: parsing it, and the help that is made from them. */
#ifndef SYSC_TOOLS_OPTIONS_H
#define SYSC_TOOLS_OPTIONS_H

#include "tools/command.h"

#include <stddef.h>

struct text;

#define OPTIONS_MAX 64 /* rows of one command, the common ones included */

/*
 * Reads argv (argv[0] is the program or the verb) into call, whose command is set. 0, or EXIT_USAGE
 * after one line on stderr that names the option.
 */
int options_parse(struct call *call, int argc, char **argv);

/*
 * The rows that a command understands: its own, then the common ones that fit its flags (from
 * *common on). A letter or name that its own rows use is theirs. Values point into call, which may be
 * NULL for help. Returns how many.
 */
size_t options_rows(const struct command *command, struct call *call,
                    struct option_row rows[OPTIONS_MAX], size_t *common);

/* Help of one command, at most 80 columns wide. */
void options_help(const struct command *command, struct text *out);
/* The list of commands. */
void options_overview(struct text *out);

#endif
