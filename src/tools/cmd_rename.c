/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc rename: another name for a stopped container (storage/relocate.h), and for what it calls itself. */
#include "base/cleanup.h"
#include "container/container.h"
#include "container/state.h"
#include "monitor/client.h"
#include "storage/relocate.h"
#include "storage/snapshot.h"
#include "storage/sweep.h"
#include "tools/command.h"
#include "tools/output.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define LOCK_MS    30000
#define OTHERS_MAX 256

static bool opt_references;

struct locks {
	int fds[OTHERS_MAX];
	size_t count;
	struct strings names;
};

static void locks_done(struct locks *locks)
{
	while (locks->count)
		close(locks->fds[--locks->count]);
	strings_done(&locks->names);
}

static int take_lock(struct locks *locks, const struct container *container, struct error *err)
{
	int fd;

	if (locks->count == OTHERS_MAX)
		return fail_plain(err, E2BIG, "more than %d containers stand on it",
		                  OTHERS_MAX - 1);
	fd = snapshot_lock(container, LOCK_MS, err);
	if (fd < 0)
		return fd;
	locks->fds[locks->count++] = fd;
	strings_add(&locks->names, container->name);
	return 0;
}

/* Those whose configurations name its folder: nobody else changes them meanwhile. */
static int lock_others(struct locks *locks, const struct container *container, struct error *err)
{
	CLEAN(strings_done) struct strings others = {0};
	int r = 0;

	relocate_users(container, &others);
	for (size_t i = 0; i < others.count && r == 0; i++) {
		CLEAN(container_done) struct container other = {0};

		r = container_init(&other, container->paths, others.items[i], err);
		if (r == 0)
			r = take_lock(locks, &other, err);
	}
	return r;
}

static int check_stopped(const struct container *container, struct error *err)
{
	struct state state;
	int r = client_settled_state(container, &state, err);

	if (r < 0 || state.phase == STATE_STOPPED)
		return r;
	(void)fail_plain(err, EBUSY, "it is %s", state_name(state.phase));
	return fail_hint(err, "stop it first");
}

/* [boot] after of another container. */
static int change_reference(const struct container *other, const char *old_name, const char *name,
                            struct error *err)
{
	CLEAN_FD int lock = snapshot_lock(other, LOCK_MS, err);
	int r = lock < 0 ? lock : config_edit_set(other->file, "boot", "after", name, false, err);

	return r < 0 ? r : config_edit_unset(other->file, "boot", "after", old_name, err);
}

static void see_references(const struct call *call, const char *old_name, const char *name)
{
	CLEAN(strings_done) struct strings names = {0};

	(void)container_list(&call->paths, &names, NULL); /* it was there a moment ago */
	for (size_t i = 0; i < names.count; i++) {
		CLEAN(container_done) struct container other = {0};
		struct error err = {0};

		if (container_open(&other, &call->paths, names.items[i], NULL, &err) < 0 ||
		    !strings_has(&other.config.boot.after, old_name))
			continue;
		error_clear(&err);
		if (!opt_references)
			output_note(call, "%s: boot.after still names '%s' (rename -r changes it)",
			            names.items[i], old_name);
		else if (change_reference(&other, old_name, name, &err) < 0)
			output_note(call, "%s: boot.after: %s", names.items[i], err.text);
	}
}

static int rename_container(struct call *call, const char *old_name, const char *name,
                            struct error *err)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN(locks_done) struct locks locks = {.count = 0};
	struct error inside = {0};
	int r = container_open(&container, &call->paths, old_name, NULL, err);

	if (r == 0)
		r = take_lock(&locks, &container, err);
	if (r == 0)
		r = check_stopped(&container, err);
	if (r == 0)
		r = lock_others(&locks, &container, err);
	if (r < 0)
		return r;
	/* as it is now that nobody else changes it */
	config_done(&container.config);
	config_init(&container.config);
	r = container_load(&container, NULL, err);
	if (r == 0)
		r = relocate(&container, name, &locks.names, &inside, err);
	if (r == 0 && inside.code)
		output_note(call, "%s: its name inside is still '%s': %s", name, old_name,
		            inside.text);
	return r;
}

static int run(struct call *call)
{
	const char *old_name, *name;
	struct error err = {0};

	if (call->names.count != 2)
		return output_usage(call, "the NAME and the NEWNAME are needed");
	old_name = call->names.items[0];
	name = call->names.items[1];
	if (container_check_name(name, &err) < 0)
		return output_usage(call, "%s", err.text);
	if (sweep_all(&call->paths, &err) < 0)
		output_note(call, "%s", err.text);
	error_clear(&err);
	if (rename_container(call, old_name, name, &err) < 0)
		return output_error(call, old_name, &err);
	see_references(call, old_name, name);
	output_line(call, "%s: renamed to %s", old_name, name);
	return EXIT_DONE;
}

static const struct option_row options[] = {
	{'r',          "references", OPTION_FLAG, &opt_references, NULL,
         "change boot.after of others that name it"},
	{0},
};

const struct command cmd_rename = {
	.name = "rename",
	.operands = "NAME NEWNAME",
	.summary = "Give a stopped container another name",
	.options = options,
	.needs = NEEDS_STOPPED,
	.flags = COMMAND_ROOT | COMMAND_NAMES,
	.run = run,
};
