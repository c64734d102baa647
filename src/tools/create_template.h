/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running a template for sysc-create: sysc-template(7) has the contract. */
#ifndef SYSC_TOOLS_CREATE_TEMPLATE_H
#define SYSC_TOOLS_CREATE_TEMPLATE_H

struct creation;
struct error;
struct paths;

/* The program of a template: a path as it is, otherwise TEMPLATES/sysc-NAME. NULL and err: none. */
char *template_find(const struct paths *paths, const char *template, struct error *err);
/*
 * Runs it for a container that is being made, whose tree it fills, in a mount and a PID namespace of its own that end
 * with it or with us. map: as creation's fill() is given it; words: the user's own, ended by NULL; may be NULL. What it
 * prints goes to our standard error. 0; -EINTR when a signal came; otherwise err has the last line that it printed.
 */
int template_run(const struct creation *creation, const char *map, char *const *words,
                 const char *program, struct error *err);
/* Becomes the template to show its help; returns only on failure. */
int template_help(const char *program, struct error *err);

#endif
