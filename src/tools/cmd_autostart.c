/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc autostart: all containers that are to run, in their order; with -s all that run, backwards. What
 * the service of the host calls. The parts are in autostart.h.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "storage/sweep.h"
#include "tools/autostart.h"
#include "tools/command.h"
#include "tools/names.h"
#include "tools/seal.h"

#include <errno.h>
#include <unistd.h>

/* Below the 90 s that service managers give a service to stop. */
#define STOP_TIMEOUT_MS 80000
#define STOP_JOBS       128 /* children that only wait */
#define JOBS_MOST       128
#define TIMEOUT_UNSET   INT64_MIN

static bool opt_list, opt_shutdown, opt_kill, opt_reboot, opt_all;
static int64_t opt_timeout = TIMEOUT_UNSET, opt_jobs;

/* clang-format off */
static const struct option_row options[] = {
	{'L', "list",     OPTION_FLAG,     &opt_list,     NULL,   "only tell what would start in which order, and why"},
	{'s', "shutdown", OPTION_FLAG,     &opt_shutdown, NULL,   "stop all that run, in the reverse order"},
	{'k', "kill",     OPTION_FLAG,     &opt_kill,     NULL,   "the same without asking their init"},
	{'r', "reboot",   OPTION_FLAG,     &opt_reboot,   NULL,   "stop all that run and start those again"},
	{'a', "all",      OPTION_FLAG,     &opt_all,      NULL,   "start also those without autostart = yes"},
	{'A', "ignore-auto", OPTION_FLAG,  &opt_all,      NULL,   NULL}, /* of lxc-autostart */
	{'t', "timeout",  OPTION_DURATION, &opt_timeout,  "TIME", "for all of it (start: none, stop: 80s; -1: none)"},
	{'j', "jobs",     OPTION_NUMBER,   &opt_jobs,     "N",    "at most this many side by side, each until it is ready"},
	{0}
};
/* clang-format on */

static enum autostart_action action_of(void)
{
	if (opt_kill)
		return AUTOSTART_KILL;
	return opt_shutdown || opt_reboot ? AUTOSTART_STOP : AUTOSTART_START;
}

static int check_options(const struct call *call)
{
	if (opt_shutdown + opt_kill + opt_reboot > 1)
		return output_usage(call, "give one of --shutdown, --kill and --reboot");
	if (opt_all && call->names.count)
		return output_usage(call, "give names or --all, not both");
	return 0;
}

static struct autostart_options options_for(const struct call *call, enum autostart_action action)
{
	struct autostart_options chosen = {.action = action, .timeout_ms = opt_timeout};

	chosen.jobs = action == AUTOSTART_START ? names_jobs(call) : STOP_JOBS;
	if (opt_jobs)
		chosen.jobs = chosen.unsettled =
			opt_jobs > JOBS_MOST ? JOBS_MOST : (unsigned int)opt_jobs;
	if (opt_timeout == TIMEOUT_UNSET)
		chosen.timeout_ms = action == AUTOSTART_START ? -1 : STOP_TIMEOUT_MS;
	return chosen;
}

/* One privileged container is enough: it must not reach the program through its own /proc. */
static int seal_for(const struct call *call, const struct autostart_set *set, struct error *err)
{
	for (size_t i = 0; i < set->order.sequence_count; i++)
		if (set->members[set->order.sequence[i]].container.config.privileged)
			return seal_call(call, err);
	return 0;
}

/* Before a restart: what could not be started again must not be stopped. */
static void keep_unstartable(const struct call *call, struct autostart_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct autostart_member *member = &set->members[i];

		if (!member->is_wanted || (!member->broken && !member->container.config.ephemeral))
			continue;
		member->is_wanted = false;
		member->result = member->broken ? RESULT_FAILED : RESULT_NONE;
		if (member->broken)
			member->reason = must_printf("left running: %s", member->broken);
		else
			output_note(call, "%s: left running: a stop would remove it (ephemeral)",
			            member->container.name);
		autostart_report_line(call, member, AUTOSTART_STOP);
	}
	autostart_set_plan(set, AUTOSTART_STOP);
}

/* Behind the stop of a restart: those that it stopped are what is to start. */
static void want_stopped(struct autostart_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct autostart_member *member = &set->members[i];

		member->is_wanted =
			member->result == RESULT_STOPPED || member->result == RESULT_KILLED;
	}
	autostart_set_plan(set, AUTOSTART_START);
}

static int work(const struct call *call, struct autostart_set *set, enum autostart_action action,
                struct error *err)
{
	struct autostart_options chosen = options_for(call, action);
	bool was_interrupted = false;
	int r;

	if (opt_reboot)
		keep_unstartable(call, set);
	r = autostart_run(call, set, &chosen, &was_interrupted, err);
	if (r < 0 || was_interrupted || !opt_reboot)
		return r;
	want_stopped(set);
	chosen = options_for(call, AUTOSTART_START);
	return autostart_run(call, set, &chosen, &was_interrupted, err);
}

/* Behind the starts, since a large tree takes its time. */
static void sweep(const struct call *call)
{
	struct error err = {0};
	int removed = sweep_all(&call->paths, &err);

	if (removed < 0)
		output_note(call, "%s", err.text);
	else if (removed && call->verbose)
		output_note(call, "removed %d folders that killed commands left", removed);
}

static int run(struct call *call)
{
	static const char *const names[] = {
		[AUTOSTART_START] = "start", [AUTOSTART_STOP] = "stop", [AUTOSTART_KILL] = "kill"};
	enum autostart_action action = action_of();
	const struct autostart_choice choice = {.action = action, .all = opt_all};
	CLEAN(autostart_set_done) struct autostart_set set = {0};
	struct error err = {0};
	int code = check_options(call);

	if (code)
		return code;
	if (!opt_list && geteuid() != 0) {
		(void)fail_plain(&err, EPERM, "needs root (try: sudo %s)", call->program);
		return output_error(call, NULL, &err);
	}
	if (autostart_set_open(&set, call, &choice, &err) < 0)
		return names_error(call, &err);
	if (opt_list)
		return autostart_report_list(call, &set, action);
	if ((action == AUTOSTART_START || opt_reboot) && seal_for(call, &set, &err) < 0)
		return output_error(call, NULL, &err);
	if (work(call, &set, action, &err) < 0)
		return output_error(call, NULL, &err);
	code = autostart_report_code(&set);
	if (call->json && autostart_report_json(call, &set, opt_reboot ? "reboot" : names[action]))
		code = EXIT_FAILED;
	if (action == AUTOSTART_START)
		sweep(call);
	return code;
}

const struct command cmd_autostart = {
	.name = "autostart",
	.operands = "[NAME…]",
	.summary = "Start what is to run, in order; or stop all in reverse",
	.details = "Without names: all containers with [boot] autostart = yes.\n"
		   "-g keeps to a group. What a container comes after is started for it.\n",
	.options = options,
	.needs = NEEDS_DEFINED,
	.flags = COMMAND_LOWER | COMMAND_JSON,
	.run = run,
};
