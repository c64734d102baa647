/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sysc program: finds the verb in argv[0] (sysc-start) or in the first word (sysc start), reads
 * its options, runs it. What a command does not need is not done before it: the time of main is part
 * of every start.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "storage/relocate.h"
#include "tools/command.h"
#include "tools/names.h"
#include "tools/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void call_done(struct call *call)
{
	paths_done(&call->paths);
	strings_done(&call->names);
	strings_done(&call->groups);
}

static int print_overview(const struct call *call)
{
	CLEAN(text_done) struct text text = {0};

	options_overview(&text);
	return output_text(call, &text);
}

static int print_help(const struct call *call)
{
	CLEAN(text_done) struct text text = {0};

	options_help(call->command, &text);
	return output_text(call, &text);
}

static int print_version(const struct call *call)
{
	CLEAN(text_done) struct text text = {0};

	text_add(&text, "sysc " PACKAGE_VERSION "\n");
	return output_text(call, &text);
}

static int unknown_verb(const struct call *call, const char *verb)
{
	const char *names[128], *near;
	size_t count = 0;

	if (verb[0] == '-')
		return output_usage(call, "unknown option '%s': options follow the verb", verb);
	for (const struct command *const *c = commands_table; *c && count < 127; c++)
		if (!((*c)->flags & COMMAND_HIDDEN))
			names[count++] = (*c)->name;
	names[count] = NULL;
	near = text_nearest(verb, names);
	if (near)
		return output_usage(call, "unknown command '%s', did you mean '%s'?", verb, near);
	return output_usage(call, "unknown command '%s'", verb);
}

/* The verb; skips the words of argv that named it. NULL with *code set when there is none to run. */
static const struct command *find_verb(struct call *call, int *argc, char ***argv, int *code)
{
	const char *program = *argc > 0 ? (*argv)[0] : "sysc", *slash = strrchr(program, '/');
	const struct command *command = NULL;
	const char *verb = NULL;

	if (slash)
		program = slash + 1;
	if (text_starts(program, "sysc-")) {
		verb = program + 5;
	} else if (*argc > 1) {
		verb = (*argv)[1];
		(*argc)--;
		(*argv)++;
	}
	(void)snprintf(call->program, sizeof(call->program), "sysc");
	if (!verb || text_is(verb, "--help") || text_is(verb, "-h"))
		*code = print_overview(call);
	else if (text_is(verb, "--version"))
		*code = print_version(call);
	else if (!(command = command_find(verb)))
		*code = unknown_verb(call, verb);
	else
		(void)snprintf(call->program, sizeof(call->program), "sysc-%s", command->name);
	return command;
}

static int start_log(const struct call *call)
{
	CLEAN(text_done) struct text words = {0};
	enum log_level level = LOG_LEVEL_INFO;
	struct error err = {0};
	int r;

	if (call->log_level && log_parse_level(call->log_level, &level) < 0)
		return output_usage(call,
		                    "option '--log-level': '%s' is not error, warn, info or debug",
		                    call->log_level);
	if (!call->log_file)
		return 0;
	r = log_open_command(call->log_file, level);
	if (r < 0) {
		(void)fail(&err, -r, "open the log '%s'", call->log_file);
		return output_error(call, NULL, &err);
	}
	for (char **word = call->argv; *word; word++)
		text_addf(&words, "%s%s", words.length ? " " : "", *word);
	log_command(LOG_LEVEL_DEBUG, words.data ? words.data : "");
	return 0;
}

static int run_command(struct call *call)
{
	const struct command *command = call->command;
	struct error err = {0};
	int r;

	if (call->log_file || call->log_level) {
		r = start_log(call);
		if (r)
			return r;
	}
	if ((command->flags & COMMAND_ROOT) && geteuid() != 0) {
		(void)fail_plain(&err, EPERM, "needs root (try: sudo %s)", call->program);
		return output_error(call, NULL, &err);
	}
	if (!(command->flags & COMMAND_BARE) && paths_init(&call->paths, call->store, &err) < 0)
		return output_error(call, NULL, &err);
	/* a container whose rename was killed has neither name otherwise */
	if (call->paths.store && relocate_is_pending(&call->paths) && geteuid() == 0 &&
	    relocate_finish(&call->paths, &err) < 0)
		output_note(call, "%s", err.text);
	return command->run ? command->run(call) : names_run(call);
}

int main(int argc, char **argv)
{
	CLEAN(call_done) struct call call = {0};
	int code = EXIT_FAILED;

	call.argv = argv;
	call.command = find_verb(&call, &argc, &argv, &code);
	if (!call.command)
		return code;
	code = options_parse(&call, argc, argv);
	if (code)
		return code;
	if (call.help)
		return print_help(&call);
	if (call.version)
		return print_version(&call);
	return run_command(&call);
}
