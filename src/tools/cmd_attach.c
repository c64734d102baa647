/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc attach: a shell or a command inside a running container. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "runtime/attach.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/relay.h"
#include "tools/seal.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool opt_keep_env, opt_clear_env, opt_keep_group;
static const char *opt_user, *opt_cwd, *opt_namespaces, *opt_elevated;
static struct strings opt_env, opt_keep_var;

static const struct option_row options[] = {
	{'u',					  "user", OPTION_STRING, &opt_user, "USER", "run as this user of the guest (root)"},
	{'C',			       "cwd", OPTION_STRING, &opt_cwd, "DIR", "start in this directory (the user's home)"},
	{0,				      "env", OPTION_LIST, &opt_env, "NAME=VALUE", "set a variable"},
	{0,					    "keep-env", OPTION_FLAG, &opt_keep_env, NULL, "start from the caller's environment"},
	{0,         "clear-env", OPTION_FLAG, &opt_clear_env, NULL,
         "start from a clean environment (what it does anyway)"},
	{0,				    "keep-var", OPTION_LIST, &opt_keep_var, "NAME", "keep this variable of the caller"},
	{'s', "namespaces", OPTION_STRING, &opt_namespaces, "LIST",
         "enter only these: MOUNT|PID|UTSNAME|IPC|USER|NETWORK|CGROUP"},
	{'e',					    "elevated-privileges", OPTION_MAYBE, &opt_elevated, "LIST",
         "skip limits: CGROUP|CAP|LSM|SECCOMP; all without LIST"},
	{0,				 "keep-group", OPTION_FLAG, &opt_keep_group, NULL, NULL}, /* for the supervisor */
	{0			       },
};

struct word {
	const char *name;
	unsigned int value;
};

static const struct word namespace_words[] = {
	{"MOUNT",   CLONE_NEWNS    },
        {"PID",     CLONE_NEWPID   },
	{"UTSNAME", CLONE_NEWUTS   },
        {"IPC",     CLONE_NEWIPC   },
	{"USER",    CLONE_NEWUSER  },
        {"NETWORK", CLONE_NEWNET   },
	{"CGROUP",  CLONE_NEWCGROUP},
        {NULL,      0              },
};

enum {
	SKIP_CGROUP = 1,
	SKIP_CAP = 2,
	SKIP_SECCOMP = 4,
	SKIP_LSM = 8,
	SKIP_ALL = 15
};

static const struct word elevated_words[] = {
	{"CGROUP",  SKIP_CGROUP },
        {"CAP",     SKIP_CAP    },
        {"SECCOMP", SKIP_SECCOMP},
	{"LSM",     SKIP_LSM    },
        {NULL,      0           },
};

static int parse_words(const char *list, const struct word *words, unsigned int *out,
                       struct error *err)
{
	CLEAN(strings_done) struct strings parts = {0};
	unsigned int set = 0;

	strings_split(&parts, list, "|,");
	for (size_t i = 0; i < parts.count; i++) {
		const struct word *word = words;

		while (word->name && strcmp(word->name, parts.items[i]) != 0)
			word++;
		if (!word->name)
			return fail_plain(err, EINVAL, "unknown word '%s' in '%s'", parts.items[i],
			                  list);
		set |= word->value;
	}
	*out = set;
	return 0;
}

/* The words of -s and -e; entering only some namespaces implies all of -e, as the rest would not fit. */
static int parse_fences(struct attach_options *attach, struct error *err)
{
	unsigned int skip = opt_elevated || opt_namespaces ? SKIP_ALL : 0;
	int r = 0;

	if (opt_namespaces)
		r = parse_words(opt_namespaces, namespace_words, &attach->namespaces, err);
	if (r == 0 && opt_elevated && *opt_elevated)
		r = parse_words(opt_elevated, elevated_words, &skip, err);
	attach->keep_cgroup = skip & SKIP_CGROUP;
	attach->keep_capabilities = skip & SKIP_CAP;
	attach->no_seccomp = skip & SKIP_SECCOMP;
	attach->no_label = skip & SKIP_LSM;
	return r;
}

static void collect_env(struct attach_options *attach, const struct container *container)
{
	for (size_t i = 0; i < container->config.environment.count; i++)
		strings_add(&attach->env, container->config.environment.items[i]);
	for (size_t i = 0; i < opt_keep_var.count; i++) {
		const char *value = secure_getenv(opt_keep_var.items[i]);

		if (value)
			strings_give(&attach->env,
			             must_printf("%s=%s", opt_keep_var.items[i], value));
	}
	for (size_t i = 0; i < opt_env.count; i++)
		strings_add(&attach->env, opt_env.items[i]);
}

/* A broken configuration must not lock the administrator out: it only costs its environment. */
static int open_container(const struct call *call, const char *name, struct container *container,
                          struct error *err)
{
	if (!inspect_exists(call, name, err))
		return -ENOENT;
	if (container_open(container, &call->paths, name, NULL, err) == 0)
		return 0;
	output_note(call, "%s: %s", name, err->text);
	error_clear(err);
	container_done(container);
	return container_init(container, &call->paths, name, err);
}

static int exit_code_of_exec(const struct error *err)
{
	return err->code == ENOENT ? 127 : 126;
}

static void env_done(struct attach_options *attach)
{
	strings_done(&attach->env);
}

static int run(struct call *call)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN(env_done)
	struct attach_options attach = {.argv = call->rest,
	                                .user = opt_user,
	                                .cwd = opt_cwd,
	                                .keep_group = opt_keep_group,
	                                .term = secure_getenv("TERM"),
	                                .caller_env = opt_keep_env ? environ : NULL};
	const char *name = call->names.items[0];
	CLEAN_FD int signals = -1;
	struct attached attached;
	struct error err = {0};
	bool is_exec = false;
	int r = parse_fences(&attach, &err);

	if (r < 0)
		return output_usage(call, "%s", err.text);
	r = open_container(call, name, &container, &err);
	if (r < 0) {
		(void)output_error(call, name, &err);
		return r == -ENOENT ? EXIT_NO_CONTAINER : EXIT_SYSC;
	}
	if (container.config.privileged && seal_call(call, &err) < 0) {
		(void)output_error(call, name, &err);
		return EXIT_SYSC;
	}
	collect_env(&attach, &container);
	attach.no_new_privileges = container.config.no_new_privileges;
	for (int i = 0; i < 3; i++)
		attach.stream_is_tty[i] = isatty(i);
	signals = relay_signals(&err);
	r = signals < 0 ? signals : attach_start(&container, &attach, &attached, &is_exec, &err);
	if (r == 0)
		r = relay_run(attached.pidfd, attached.ptx_fd, fd_take(&signals), &err);
	if (r >= 0)
		return r;
	(void)output_error(call, name, &err);
	if (err.code == ESRCH || err.code == EBUSY)
		return EXIT_WRONG_STATE;
	return is_exec ? exit_code_of_exec(&err) : EXIT_SYSC;
}

const struct command cmd_attach = {
	.name = "attach",
	.operands = "NAME [-- COMMAND…]",
	.summary = "Run a shell or a command inside a running container",
	.details =
		"Ends with the command's exit code, 128+N when signal N ended it, 127 when there\n"
		"is no such command, 126 when it cannot be run, 125 when sysc itself failed.\n",
	.options = options,
	.needs = NEEDS_RUNNING,
	.flags = COMMAND_REST | COMMAND_ROOT,
	.run = run,
};
