/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running a template for sysc-create: sysc-template(7) has the contract. */
#ifndef SYSC_TOOLS_CREATE_TEMPLATE_H
#define SYSC_TOOLS_CREATE_TEMPLATE_H

struct call;
struct config;
struct error;
struct paths;

struct template_run {
	const struct call *call; /* its paths; -q and --json */
	const char *name;
	const char *dir; /* STORE/.NAME.creating: config and rootfs/ are in it */
	const char *map; /* "b 0 1048576 65536", NULL: none, or the tree cannot be mapped */
	const struct config *config; /* merged: network and consoles are told to the template */
	char *const *words;          /* the user's own, ended by NULL; may be NULL */
	int signals_fd;              /* signalfd: one that comes ends the template */
};

/* The program of a template: a path as it is, otherwise TEMPLATES/sysc-NAME. NULL and err: none. */
char *template_find(const struct paths *paths, const char *template, struct error *err);
/*
 * Runs it in a mount and a PID namespace of its own that end with it or with us. What it prints goes to
 * our standard error. 0; -EINTR when a signal came; otherwise err has the last line that it printed.
 */
int template_run(const struct template_run *run, const char *program, struct error *err);
/* Becomes the template to show its help; returns only on failure. */
int template_help(const char *program, struct error *err);

#endif
