/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc copy: containers (copying.h) that are like another one, but for what makes each itself. */
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/table.h"
#include "container/check.h"
#include "container/lock.h"
#include "container/state.h"
#include "container/uuid.h"
#include "monitor/client.h"
#include "storage/identity.h"
#include "storage/snapshot.h"
#include "storage/sweep.h"
#include "storage/unstarted.h"
#include "tools/command.h"
#include "tools/copying.h"
#include "tools/output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_MS 30000

static bool opt_snapshot, opt_ephemeral, opt_start;
static const char *opt_backend, *opt_memory, *opt_path;
static char memory[24];
static struct strings opt_mounts, opt_set, opt_keep, opt_address;

/* All copies of one call. */
struct batch {
	struct call *call;
	struct paths other;        /* with -p: the store of the copies */
	const struct paths *paths; /* of the copies */
	unsigned int keep;
	struct strings mounts, address;
	struct container source;
	bool runs;
	int lock, signals_fd;
	struct strings made;
	struct json json;
};

static void batch_done(struct batch *batch)
{
	strings_done(&batch->mounts);
	strings_done(&batch->address);
	container_done(&batch->source);
	fd_close(&batch->lock);
	fd_close(&batch->signals_fd);
	strings_done(&batch->made);
	json_done(&batch->json);
	paths_done(&batch->other);
}

/* --- -m --- */

/* "bind=SOURCE[:TARGET][:ro|rw]" as a line of [mounts]. */
static int add_mount(const char *word, struct strings *out, struct error *err)
{
	CLEAN(strings_done) struct strings parts = {0};
	const char *target, *mode = NULL;
	struct stat st;

	if (!text_starts(word, "bind="))
		return fail_plain(err, EINVAL,
		                  "option '--mount': '%s' does not begin with bind=", word);
	strings_split(&parts, word + strlen("bind="), ":");
	if (parts.count > 1 && (text_is(parts.items[parts.count - 1], "ro") ||
	                        text_is(parts.items[parts.count - 1], "rw")))
		mode = parts.items[parts.count - 1];
	if (!parts.count || parts.count - (mode ? 1 : 0) > 2 || parts.items[0][0] != '/' ||
	    strpbrk(word, " \t"))
		return fail_plain(err, EINVAL,
		                  "option '--mount': '%s' is not bind=/SOURCE[:/TARGET][:ro|rw]",
		                  word);
	if (stat(parts.items[0], &st) < 0)
		return fail(err, errno, "option '--mount': look at '%s'", parts.items[0]);
	target = parts.count - (mode ? 1 : 0) == 2 ? parts.items[1] : parts.items[0];
	strings_give(out, must_printf("%s %s none bind,%s,create=%s 0 0", parts.items[0],
	                              target + strspn(target, "/"), mode ? mode : "rw",
	                              S_ISDIR(st.st_mode) ? "dir" : "file"));
	return 0;
}

static int read_mounts(struct strings *mounts, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < opt_mounts.count && r == 0; i++) {
		CLEAN(strings_done) struct strings words = {0};

		strings_split(&words, opt_mounts.items[i], ",");
		for (size_t j = 0; j < words.count && r == 0; j++)
			r = add_mount(words.items[j], mounts, err);
	}
	return r;
}

/* --- other options --- */

static int read_keep(unsigned int *keep, struct error *err)
{
	for (size_t i = 0; i < opt_keep.count; i++) {
		CLEAN(strings_done) struct strings words = {0};

		strings_split(&words, opt_keep.items[i], ",");
		for (size_t j = 0; j < words.count; j++) {
			unsigned int bits = identity_parse(words.items[j]);

			if (!bits)
				return fail_plain(err, EINVAL,
				                  "option '--keep': '%s' is none of uuid, mac, "
				                  "hostname, machine-id, ssh, leases, all",
				                  words.items[j]);
			*keep |= bits;
		}
	}
	return 0;
}

/* Of one interface of one container: two copies would have the same. */
static int read_address(const struct call *call, struct strings *out, struct error *err)
{
	for (size_t i = 0; i < opt_address.count; i++)
		strings_split(out, opt_address.items[i], ",");
	for (size_t i = 0; i < out->count; i++) {
		bool is_given = !text_is(out->items[i], "auto") && !text_is(out->items[i], "dhcp");

		if (is_given && check_address(out->items[i], err) < 0)
			return fail_in(err, "option '--address'");
		if (is_given && call->names.count > 2)
			return fail_plain(err, EINVAL,
			                  "option '--address': %s is for one copy, not for %zu",
			                  out->items[i], call->names.count - 1);
	}
	return 0;
}

static int read_memory(struct error *err)
{
	uint64_t bytes = 0;

	if (opt_memory && !opt_ephemeral)
		return fail_plain(err, EINVAL, "option '--tmpfs' goes with --ephemeral only");
	if (opt_memory && (parse_size(opt_memory, &bytes) < 0 || !bytes))
		return fail_plain(err, EINVAL, "option '--tmpfs': '%s' is no size such as 512M",
		                  opt_memory);
	if (opt_memory) { /* tmpfs(5) reads no fractions */
		(void)snprintf(memory, sizeof(memory), "%llu", (unsigned long long)bytes);
		opt_memory = memory;
	}
	return 0;
}

static int read_options(struct batch *batch, struct error *err)
{
	int r = read_memory(err);

	if (r == 0)
		r = read_keep(&batch->keep, err);
	if (r == 0)
		r = read_mounts(&batch->mounts, err);
	return r < 0 ? r : read_address(batch->call, &batch->address, err);
}

/* --- the copies --- */

/* By the command of its own, which may have to become another program for it. */
static int start_copy(const struct batch *batch, const char *name)
{
	char *const argv[] = {batch->call->paths.program, (char[]){"start"},       (char[]){"-P"},
	                      batch->paths->store,        (char *)(uintptr_t)name, NULL};
	const struct process_options options = {
		.argv = argv,
		.env = environ,
		.input_fd = -1,
		.output_fd = STDOUT_FILENO,
		.error_fd = STDERR_FILENO,
	};
	struct error err = {0};
	int r = process_run(&options, &err);

	return r < 0 ? output_error(batch->call, name, &err) : r;
}

static void report(const struct copying *copying, struct json *json)
{
	int64_t frozen_us = hold_frozen_us((void *)(uintptr_t)&copying->hold);

	if (copying->call->json) {
		json_object(json, NULL);
		json_string(json, "name", copying->name);
		json_string(json, "source", copying->source->name);
		json_string(json, "path", copying->target.dir);
		json_string(json, "backend", storage_name(&copying->to));
		if (frozen_us >= 0)
			json_number(json, "frozen_us", frozen_us);
		json_end_object(json);
	} else if (frozen_us >= 0) {
		output_line(copying->call, "%s: copied from %s, which was frozen for %lld ms",
		            copying->name, copying->source->name,
		            (long long)(frozen_us + 999) / 1000);
	} else {
		output_line(copying->call, "%s: copied from %s", copying->name,
		            copying->source->name);
	}
}

/* Its configuration is loaded with the lock held: what changes it holds that. */
static int open_source(struct batch *batch, struct strings *errors, struct error *err)
{
	struct container *source = &batch->source;
	struct state state;
	int r = container_open(source, &batch->call->paths, batch->call->names.items[0], errors,
	                       err);

	if (r < 0)
		return r;
	batch->lock = lock_container(source, LOCK_MS, err);
	if (batch->lock < 0)
		return batch->lock;
	r = hold_mend(source, err);
	if (r >= 0)
		r = client_settled_state(source, &state, err);
	if (r < 0)
		return r;
	batch->runs = state.phase != STATE_STOPPED;
	r = snapshot_sweep(source, !batch->runs, err);
	if (r < 0)
		return r;
	config_done(&source->config);
	config_init(&source->config);
	r = container_load(source, errors, err);
	if (r == 0 && batch->address.count && !source->config.network_count)
		return fail_plain(err, EINVAL, "option '--address': it has no [network.*]");
	return r;
}

/* An ephemeral one that does not start is nobody's; what was printed says why. */
static int start_made(const struct batch *batch)
{
	int code = EXIT_DONE;

	for (size_t i = 0; i < batch->made.count; i++) {
		const char *name = batch->made.items[i];
		struct error err = {0};
		int one = start_copy(batch, name);

		code = one ? one : code;
		if (opt_ephemeral && one == 0)
			unstarted_clear(batch->paths, name);
		else if (opt_ephemeral && (unstarted_give_up(batch->paths, name, &err) < 0 ||
		                           sweep_all(batch->paths, &err) < 0))
			output_note(batch->call, "%s: %s", name, err.text);
	}
	return code;
}

/* One of them; the source is as it was left by the one before. */
static int copy_one(struct batch *batch, const char *name)
{
	struct call *call = batch->call;
	CLEAN(copying_done) struct copying copying;
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};
	int code;

	copying_init(&copying, call, &batch->source, name);
	copying.paths = batch->paths;
	copying.backend = opt_backend;
	copying.is_shared = opt_snapshot || opt_ephemeral;
	copying.is_ephemeral = opt_ephemeral;
	copying.memory = opt_memory;
	copying.source_runs = batch->runs;
	copying.keep = batch->keep;
	copying.overrides = &opt_set;
	copying.mounts = &batch->mounts;
	copying.address = batch->address.count ? &batch->address : NULL;
	copying.signals_fd = batch->signals_fd;
	if (copying_make(&copying, &errors, &err) < 0) {
		if (!errors.count)
			(void)fail_in(&err, "%s", name);
		code = output_errors(call, NULL, &errors, &err);
		return err.code == EINTR ? 128 + SIGINT : code;
	}
	report(&copying, &batch->json);
	strings_add(&batch->made, name);
	config_done(&batch->source.config);
	config_init(&batch->source.config);
	if (container_load(&batch->source, NULL, &err) < 0)
		return output_error(call, batch->source.name, &err);
	return EXIT_DONE;
}

static int copy_all(struct batch *batch)
{
	const struct strings *names = &batch->call->names;
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};
	int code = EXIT_DONE;

	if (open_source(batch, &errors, &err) < 0)
		return output_errors(batch->call, names->items[0], &errors, &err);
	batch->signals_fd = process_catch_signals();
	for (size_t i = 1; i < names->count && code < 128; i++) {
		int one = copy_one(batch, names->items[i]);

		if (one != EXIT_DONE)
			code = names->count > 2 && one < 128 ? EXIT_SOME_FAILED : one;
	}
	return code == EXIT_SOME_FAILED && !batch->made.count ? EXIT_FAILED : code;
}

/* A name for an ephemeral copy that nobody wants to name. */
static void choose_name(struct call *call)
{
	char uuid[37];

	uuid_make(uuid);
	strings_give(&call->names, must_printf("%s-%.6s", call->names.items[0], uuid));
}

static int check_names(struct call *call)
{
	struct error err = {0};

	if (call->names.count == 1 && opt_ephemeral)
		choose_name(call);
	if (call->names.count < 2)
		return output_usage(call, "the NAME to copy and the NEWNAME are needed");
	for (size_t i = 1; i < call->names.count; i++)
		if (container_check_name(call->names.items[i], &err) < 0)
			return output_usage(call, "%s", err.text);
	return 0;
}

static void sweep(const struct call *call, const struct paths *paths)
{
	struct error err = {0};

	if (sweep_all(paths, &err) < 0)
		output_note(call, "%s", err.text);
}

static int run(struct call *call)
{
	CLEAN(batch_done)
	struct batch batch = {.call = call, .paths = &call->paths, .lock = -1, .signals_fd = -1};
	struct error err = {0};
	int code = check_names(call);

	if (code)
		return code;
	if (read_options(&batch, &err) < 0)
		return output_usage(call, "%s", err.text);
	if (opt_path) {
		if (paths_init(&batch.other, opt_path, &err) < 0)
			return output_error(call, opt_path, &err);
		batch.paths = &batch.other;
		sweep(call, batch.paths);
	}
	sweep(call, &call->paths);
	if (call->json) {
		output_json_begin(&batch.json);
		json_array(&batch.json, "copies");
	}
	code = copy_all(&batch);
	if ((opt_start || opt_ephemeral) && code < 128) {
		int started = start_made(&batch);

		code = started ? started : code;
	}
	if (call->json) {
		json_end_array(&batch.json);
		json_end_object(&batch.json);
		if (output_json(call, &batch.json) != EXIT_DONE)
			return EXIT_FAILED;
	}
	return code;
}

/* clang-format off */
static const struct option_row options[] = {
	{'s', "snapshot",  OPTION_FLAG,   &opt_snapshot,  NULL,                "copy-on-write: shares what both have, in no time"},
	{'e', "ephemeral", OPTION_FLAG,   &opt_ephemeral, NULL,                "copy-on-write, started at once, gone when it stops"},
	{'m', "mount",     OPTION_LIST,   &opt_mounts,    "bind=SOURCE[:TARGET][:ro]", "something of the host inside the copy"},
	{'t', "tmpfs",     OPTION_STRING, &opt_memory,    "SIZE",              "with -e: what it writes is kept in memory, at most so much"},
	{'p', "newpath",   OPTION_STRING, &opt_path,      "DIR",               "the store of the copies (as the source's)"},
	{0,   "address",   OPTION_LIST,   &opt_address,   "ADDRESS,…",         "of its first interface: 10.0.0.9/24, auto, dhcp"},
	{'B', "backend",   OPTION_STRING, &opt_backend,   "BACKEND",           "how its root file system is kept (as the source's)"},
	{'S', "set",       OPTION_LIST,   &opt_set,       "SECTION.KEY=VALUE", "a line of the copy's configuration"},
	{0,   "keep",      OPTION_LIST,   &opt_keep,      "WORD,…",            "the same: uuid mac hostname machine-id ssh leases all"},
	{0,   "start",     OPTION_FLAG,   &opt_start,     NULL,                "start it"},
	{0}
};
/* clang-format on */

const struct command cmd_copy = {
	.name = "copy",
	.operands = "NAME [NEWNAME…]",
	.summary = "Make containers like another one",
	.details = "Each gets its own UUID, ids, addresses, host name and keys.\n",
	.options = options,
	.needs = NEEDS_DEFINED,
	.flags = COMMAND_JSON | COMMAND_ROOT | COMMAND_NAMES,
	.run = run,
};
