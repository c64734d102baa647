/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The columns of sysc-ls. To add one: a row in ls_columns.c, its line in man/sysc-ls.1. */
#ifndef SYSC_TOOLS_LS_COLUMNS_H
#define SYSC_TOOLS_LS_COLUMNS_H

struct inspect;
struct json;
struct text;

struct ls_column {
	const char *title;  /* "MEMORY" */
	const char *alias;  /* the word lxc-ls has for it, or NULL */
	unsigned int wants; /* enum inspect_want */
	void (*print)(const struct inspect *inspect, struct text *out); /* nothing: prints as "-" */
	void (*print_json)(const struct inspect *inspect, struct json *json);
};

extern const struct ls_column ls_columns[]; /* ended by a NULL title */

/* By title or alias, in any case; NULL. */
const struct ls_column *ls_column_find(const char *word);

#endif
