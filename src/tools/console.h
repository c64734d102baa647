/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The caller's terminal (or pipes) joined to a tty of a running container. */
#ifndef SYSC_TOOLS_CONSOLE_H
#define SYSC_TOOLS_CONSOLE_H

struct container;
struct plan_execute;
struct error;

/*
 * Copies both ways until the container ends (1), the escape is typed or standard input ends (0), or it
 * fails (-errno). escape is the prefix in ^a form, typed before q; NULL: none. Replays what the tty printed
 * before.
 */
int console_run(const struct container *container, int tty, const char *escape, struct error *err);
/*
 * Starts container (its lock is held) with a client of its console that misses nothing, however short the
 * container lives. execute as in supervisor.h, may be NULL. Returns the client's fd, for console_join().
 */
int console_start(const struct container *container, const struct plan_execute *execute,
                  struct error *err);
/*
 * The same on a connection that is a client of the console already (start in the foreground): fd is taken
 * over.
 */
int console_join(int fd, const char *escape, struct error *err);
/* The byte of "^a" or of a single character; -EINVAL. */
int console_parse_escape(const char *text);

#endif
