/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The caller's terminal (or pipes) joined to a tty of a running container. */
#ifndef SYSC_TOOLS_CONSOLE_H
#define SYSC_TOOLS_CONSOLE_H

struct container;
struct error;

/*
 * Copies both ways until the container ends (1), the escape is typed or standard input ends (0), or it
 * fails (-errno). escape is the prefix in ^a form, typed before q; NULL: none. Replays what the tty printed
 * before.
 */
int console_run(const struct container *container, int tty, const char *escape, struct error *err);
/* The byte of "^a" or of a single character; -EINVAL. */
int console_parse_escape(const char *text);

#endif
