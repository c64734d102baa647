/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names to containers, and several of them side by side in forked children; see the header. */
#include "tools/names.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "container/container.h"
#include "tools/command.h"

#include <errno.h>
#include <fnmatch.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define JOBS_LEAST 4
#define JOBS_MOST  64

bool names_is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

bool names_match(const struct strings *patterns, const char *name)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (fnmatch(patterns->items[i], name, 0) == 0)
			return true;
	return patterns->count == 0;
}

bool names_in_groups(const struct call *call, const char *name)
{
	CLEAN(container_done) struct container container = {0};

	if (!call->groups.count)
		return true;
	if (container_open(&container, &call->paths, name, NULL, NULL) < 0)
		return false;
	for (size_t i = 0; i < call->groups.count; i++)
		if (!strings_has(&container.config.groups, call->groups.items[i]))
			return false;
	return true;
}

static void keep_groups(const struct call *call, struct strings *names)
{
	struct strings kept = {0};

	for (size_t i = 0; i < names->count; i++)
		if (names_in_groups(call, names->items[i]))
			strings_add(&kept, names->items[i]);
	strings_done(names);
	*names = kept;
}

/* Those that were not named, but asked for by --all or --group. */
static void keep_meant(const struct call *call, struct strings *names)
{
	struct strings kept = {0};

	for (size_t i = 0; i < names->count; i++)
		if (!call->command->leaves_out(call, names->items[i]))
			strings_add(&kept, names->items[i]);
	strings_done(names);
	*names = kept;
}

int names_expand(const struct call *call, struct strings *names, struct error *err)
{
	CLEAN(strings_done) struct strings found = {0};
	int r = 0;

	if (call->names.count == 1 && !names_is_glob(call->names.items[0]))
		strings_add(&found, call->names.items[0]);
	else if (call->names.count)
		r = container_match(&call->paths, &call->names, &found, err);
	else
		r = container_list(&call->paths, &found, err);
	if (r < 0)
		return r;
	if (call->groups.count)
		keep_groups(call, &found);
	if (!call->names.count && call->command->leaves_out)
		keep_meant(call, &found);
	*names = found;
	found = (struct strings){0};
	return 0;
}

int names_error(const struct call *call, const struct error *err)
{
	int code = output_error(call, NULL, err);

	return err->code == ENOENT ? EXIT_NO_CONTAINER : code;
}

unsigned int names_jobs(const struct call *call)
{
	unsigned int jobs;
	cpu_set_t cpus;

	if (call->jobs > 0)
		return call->jobs > JOBS_MOST ? JOBS_MOST : (unsigned int)call->jobs;
	CPU_ZERO(&cpus);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return JOBS_LEAST;
	jobs = 2 * (unsigned int)CPU_COUNT(&cpus);
	return jobs < JOBS_LEAST ? JOBS_LEAST : jobs > JOBS_MOST ? JOBS_MOST : jobs;
}

/* One child per name, the result line printed when it ends. */
struct crew {
	pid_t *pids; /* of names->items[i]; 0: not started or reaped */
	unsigned int working;
	unsigned int failed;
};

static int start_one(struct call *call, struct crew *crew, size_t i, const char *name)
{
	struct error err = {0};
	pid_t pid = fork();

	if (pid == 0) {
		call->many = true;
		_exit(call->command->run_one(call, name));
	}
	if (pid < 0) {
		(void)fail(&err, errno, "start a process");
		(void)output_error(call, name, &err);
		crew->failed++;
		return -err.code;
	}
	crew->pids[i] = pid;
	crew->working++;
	return 0;
}

static const char *done_of(const struct command *command)
{
	if (command->done_now)
		return command->done_now();
	return command->done ? command->done : "done";
}

static void reap_one(const struct call *call, struct crew *crew, const struct strings *names)
{
	int status = 0;
	pid_t pid = waitpid(-1, &status, 0); /* all children of this process are ours */

	if (pid < 0 && errno == EINTR)
		return;
	for (size_t i = 0; pid > 0 && i < names->count; i++) {
		if (crew->pids[i] != pid)
			continue;
		crew->pids[i] = 0;
		crew->working--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			output_line(call, "%s: %s", names->items[i], done_of(call->command));
			return;
		}
		crew->failed++;
		if (WIFSIGNALED(status))
			output_note(call, "%s: killed by signal %d", names->items[i],
			            WTERMSIG(status));
		return;
	}
	if (pid < 0)
		crew->working =
			0; /* ECHILD: somebody ignores SIGCHLD for us; nothing to wait for */
}

static int run_many(struct call *call, const struct strings *names)
{
	CLEAN_FREE pid_t *pids = must_alloc(names->count * sizeof(*pids));
	struct crew crew = {.pids = pids};
	unsigned int jobs = names_jobs(call);

	for (size_t i = 0; i < names->count; i++) {
		while (crew.working >= jobs)
			reap_one(call, &crew, names);
		(void)start_one(call, &crew, i, names->items[i]); /* counted as failed */
	}
	while (crew.working)
		reap_one(call, &crew, names);
	return crew.failed ? EXIT_SOME_FAILED : EXIT_DONE;
}

int names_run(struct call *call)
{
	CLEAN(strings_done) struct strings names = {0};
	struct error err = {0};

	if (names_expand(call, &names, &err) < 0)
		return names_error(call, &err);
	if (names.count == 1)
		return call->command->run_one(call, names.items[0]);
	if (names.count)
		return run_many(call, &names);
	output_note(call, "no container matches");
	return call->names.count ? EXIT_NO_CONTAINER : EXIT_DONE;
}
