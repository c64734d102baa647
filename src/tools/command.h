/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of commands and of their options. Help, completion and the man page check are made from
 * it.
 *
 * To add a command: cmd_NAME.c with one exported struct command cmd_NAME, its line in COMMANDS
 * (commands.c), its file and its verb in src/tools/local.mk, man/sysc-NAME.1, a case in tests/cli.
 */
#ifndef SYSC_TOOLS_COMMAND_H
#define SYSC_TOOLS_COMMAND_H

#include "base/error.h"
#include "base/text.h"
#include "container/paths.h"
#include "tools/output.h"

#include <stdbool.h>
#include <stdint.h>

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_CONTAINER = 3,
	EXIT_WRONG_STATE = 4,
	EXIT_TIMED_OUT = 5,
	EXIT_SOME_FAILED = 6,
	EXIT_SYSC = 125, /* attach, execute: sysc itself failed */
};

enum option_type {
	OPTION_FLAG,     /* bool *: set to true */
	OPTION_STRING,   /* const char ** */
	OPTION_LIST,     /* struct strings *: may be given several times */
	OPTION_DURATION, /* int64_t * ms; "-1" (no limit) is -1 */
	OPTION_NUMBER,   /* int64_t *, not negative */
	OPTION_MAYBE,    /* const char **: --name[=ARGUMENT], "" when given without one */
};

struct option_row {
	char letter;      /* 0: long name only */
	const char *name; /* long name */
	enum option_type type;
	void *value; /* where it goes; option values of the one running command are static */
	const char *argument; /* "SIZE" in help; NULL for flags */
	const char *help;     /* one line, no full stop; NULL: hidden */
};

/* Which containers a command's NAME completes to, and how many it takes. */
enum command_needs {
	NEEDS_NONE,    /* no container name */
	NEEDS_NEW,     /* a name that is not taken */
	NEEDS_DEFINED, /* any */
	NEEDS_STOPPED,
	NEEDS_RUNNING,
	NEEDS_FROZEN,
};

enum command_flag {
	COMMAND_MANY = 1,    /* several names, globs, --all, -j */
	COMMAND_REST = 2,    /* takes "-- COMMAND…" or words after NAME */
	COMMAND_JSON = 4,    /* has --json */
	COMMAND_ROOT = 8,    /* needs root */
	COMMAND_VERBS = 16,  /* first word is a verb of its own (config get, net up) */
	COMMAND_HIDDEN = 32, /* not in the list of commands */
	COMMAND_LOWER = 64,  /* names optional: none means all (ls, monitor) */
	COMMAND_NAMES = 128, /* several names, but run sees to all of them (info) */
	COMMAND_BARE = 256,  /* call->paths is not filled (help, version) */
};

/* What options.c found on the command line. */
struct call {
	const struct command *command;
	char program[32]; /* "sysc-start", for messages */
	char **argv;      /* all words of the command line, as they were */
	struct paths paths;
	struct strings names;  /* operands; for COMMAND_VERBS the verb is names.items[0] */
	struct strings groups; /* --group, split at commas: a container must be in all of them */
	char **rest;           /* what follows "--" (or NAME for COMMAND_REST), ended by NULL */
	bool all, json, quiet, verbose;
	bool many;    /* one of several: run_one was called in a child of its own */
	int64_t jobs; /* --jobs, 0: as many as the machine does well */
	const char *store, *log_file, *log_level; /* as given, NULL: not */
	bool help, version;
};

struct command {
	const char *name;     /* "start" */
	const char *operands; /* "NAME…" */
	const char *summary;  /* one line, no full stop */
	const char *details;  /* further help, whole lines of at most 80 columns; may be NULL */
	const struct option_row *options; /* ended by a NULL name; may be NULL */
	enum command_needs needs;
	unsigned int flags;            /* enum command_flag */
	const char *const *verbs;      /* COMMAND_VERBS: its own verbs, ended by NULL */
	int (*run)(struct call *call); /* returns an exit code */
	/* COMMAND_MANY: called once per container, side by side in forked children; run is NULL */
	int (*run_one)(struct call *call, const char *name);
	const char *done; /* COMMAND_MANY: "started", for the result line of one of several */
	const char *(*done_now)(void); /* the same where it depends on the options; may be NULL */
	/* COMMAND_MANY: true for one that --all and --group do not mean; may be NULL */
	bool (*leaves_out)(const struct call *call, const char *name);
};

/* One row per command, by topic; ended by NULL. */
extern const struct command *const commands_table[]; /* ended by NULL */

/* The row of verb; NULL when there is none. */
const struct command *command_find(const char *verb);

#endif
