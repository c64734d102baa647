/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc import: a container (creation.h) from an archive of sysc-export, from a root file system in a tar file, or
 * from a container of LXC. An archive is hostile: it is read in a confined process (sysc-archive), and nothing of it is
 * visible before all of it was verified.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/table.h"
#include "base/text.h"
#include "container/config.h"
#include "container/container.h"
#include "storage/sweep.h"
#include "tools/command.h"
#include "tools/creation.h"
#include "tools/import.h"
#include "tools/import_archive.h"
#include "tools/import_config.h"
#include "tools/import_look.h"
#include "tools/import_lxc.h"
#include "tools/import_plain.h"
#include "tools/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

static const char *opt_backend, *opt_size, *opt_config, *opt_lxc;
static bool opt_keep, opt_trust, opt_show, opt_verify, opt_no_snapshots;
static struct strings overrides, opt_then;

static void import_done(struct import *import)
{
	import_chain_done(&import->chain);
	import_config_done(&import->taken);
	import_lxc_done(&import->lxc);
	strings_done(&import->overrides);
	free(import->own_name);
	free(import->origin);
	free(import->snippet);
	free(import->program);
}

/* How trees are kept here, before what the command line says: neither an archive nor LXC does. */
static int add_defaults(struct import *import, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/default.conf", import->call->paths.etc);
	CLEAN(config_done) struct config config;
	int r;

	config_init(&config);
	r = file_exists(AT_FDCWD, file) ? config_load(&config, file, NULL, err) : 0;
	for (size_t i = 0; i < config.item_count && r == 0; i++) {
		const struct config_item *item = &config.items[i];

		if (text_is(item->section, "rootfs") &&
		    (text_is(item->name, "backend") || text_is(item->name, "options")))
			strings_give(&import->overrides,
			             must_printf("rootfs.%s=%s", item->name, item->value));
	}
	return r;
}

static void add_options(struct import *import)
{
	static const struct {
		const char *key, **value;
	} rows[] = {
		{"rootfs.backend", &opt_backend},
		{"rootfs.size",    &opt_size   },
	};

	for (size_t i = 0; i < overrides.count; i++)
		strings_add(&import->overrides, overrides.items[i]);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (*rows[i].value)
			strings_give(&import->overrides,
			             must_printf("%s=%s", rows[i].key, *rows[i].value));
}

static int choose_name(struct import *import, struct creation *creation, struct error *err)
{
	if (!creation->name && !import->own_name) {
		(void)fail_plain(err, EINVAL, "it does not say what its name is");
		return fail_hint(err, opt_lxc ? "give the NAME" : "give the NAME before the file");
	}
	if (!creation->name)
		creation->name = import->own_name;
	return container_check_name(creation->name, err);
}

/* Opens what is imported, and finds out what it is. */
static int look(struct import *import, struct error *err)
{
	int r;

	if (opt_lxc)
		return import_lxc_look(import, opt_lxc, err);
	r = import_chain_open(&import->chain, err);
	if (r == 0)
		r = import_chain_check(&import->chain, false, err);
	if (r < 0)
		return r;
	import->last = &import->chain.links[import->chain.count - 1];
	if (import->last->is_export)
		import->own_name = must_dup(import->last->manifest.name);
	return r;
}

static int prepare(struct import *import, struct creation *creation, struct error *err)
{
	bool is_plain = !opt_lxc && !import->last->is_export;
	int r = is_plain || import->base ? 0 : add_defaults(import, err);

	add_options(import);
	if (r < 0)
		return r;
	return is_plain  ? import_plain_prepare(import, creation, err)
	       : opt_lxc ? import_lxc_prepare(import, creation, err)
	                 : import_archive_prepare(import, creation, err);
}

static int make(struct import *import, struct creation *creation, struct strings *errors,
                struct error *err)
{
	int r = look(import, err);

	if (r == 0 && choose_name(import, creation, err) < 0)
		r = fail_in(err, "'%s'", opt_lxc ? opt_lxc : import->last->input->file);
	if (r < 0)
		return r;
	import->origin = must_printf("sysc-import %s%s", opt_lxc ? "--lxc " : "",
	                             import->own_name ? import->own_name : "");
	(void)text_trim(import->origin);
	creation->config.origin = import->origin;
	creation->config.overrides = &import->overrides;
	creation->user = import;
	r = prepare(import, creation, err);
	if (r == 0)
		r = creation_prepare(creation, errors, err);
	if (r == 0)
		r = creation_make(creation, errors, err);
	return r;
}

static void note_changes(const struct import *import, const char *name)
{
	const struct import_config *taken = &import->taken;

	for (size_t i = 0; i < taken->notes.count; i++)
		output_note(import->call, "%s: %s", name, taken->notes.items[i]);
	for (size_t i = 0; i < taken->left.count; i++)
		output_note(import->call, "%s: left out (--trust takes it): %s", name,
		            taken->left.items[i]);
}

static int report(const struct import *import, const struct creation *creation)
{
	CLEAN(json_done) struct json json = {0};

	if (opt_lxc)
		import_lxc_note(import, creation);
	note_changes(import, creation->name);
	if (!creation->call->json) {
		output_line(creation->call, "%s: imported (%s)", creation->name,
		            creation->target.dir);
		return EXIT_DONE;
	}
	output_json_begin(&json);
	json_string(&json, "name", creation->name);
	json_string(&json, "path", creation->target.dir);
	json_array(&json, "left_out");
	for (size_t i = 0; i < import->taken.left.count; i++)
		json_string(&json, NULL, import->taken.left.items[i]);
	json_end_array(&json);
	if (opt_lxc)
		import_lxc_json(import, &json);
	json_end_object(&json);
	return output_json(creation->call, &json);
}

static int make_container(struct import *import, const char *name)
{
	CLEAN(creation_done) struct creation creation;
	CLEAN(strings_done) struct strings errors = {0};
	const struct call *call = import->call;
	struct error err = {0};
	int code;

	creation_init(&creation, call, name);
	if (name && container_check_name(name, &err) < 0)
		return output_usage(call, "%s", err.text);
	if (sweep_all(&call->paths, &err) < 0)
		output_note(call, "%s", err.text);
	error_clear(&err);
	if (make(import, &creation, &errors, &err) == 0)
		return report(import, &creation);
	if (!errors.count && creation.name)
		(void)fail_in(&err, "%s", creation.name);
	code = output_errors(call, NULL, &errors, &err);
	return err.code == EINTR ? 128 + SIGINT : code;
}

/* At most one of the files can be standard input. */
static int check_words(const struct call *call)
{
	size_t count = call->names.count, pipes = 0;

	if (opt_lxc && (count > 1 || opt_then.count || opt_show || opt_verify))
		return output_usage(call, "with --lxc only a NAME is understood");
	if (opt_lxc)
		return EXIT_DONE;
	if (count < 1)
		return output_usage(call, "the FILE of an archive is needed, or -");
	if (count > 2 || (count > 1 && (opt_show || opt_verify)))
		return output_usage(call, opt_show || opt_verify
		                                  ? "one FILE is understood"
		                                  : "at most a NAME and a FILE are understood");
	pipes = text_is(call->names.items[count - 1], "-");
	for (size_t i = 0; i < opt_then.count; i++)
		pipes += text_is(opt_then.items[i], "-");
	if (pipes > 1)
		return output_usage(call, "only one of the files can be standard input");
	return EXIT_DONE;
}

static int run(struct call *call)
{
	CLEAN(import_done)
	struct import import = {.no_snapshots = opt_no_snapshots,
	                        .call = call,
	                        .base = opt_config,
	                        .trust = opt_trust,
	                        .keep = opt_keep};
	const struct strings *names = &call->names;
	int code = check_words(call);

	import_lxc_init(&import.lxc);
	if (code != EXIT_DONE)
		return code;
	if (opt_lxc)
		return make_container(&import, names->count ? names->items[0] : NULL);
	import_chain_init(&import.chain, call, names->items[names->count - 1], &opt_then);
	if (opt_show || opt_verify)
		return import_look(&import.chain, opt_verify);
	return make_container(&import, names->count > 1 ? names->items[0] : NULL);
}

/* clang-format off */
static const struct option_row options[] = {
	{'B', "backend",  OPTION_STRING, &opt_backend, "BACKEND",           "how the root file system is kept, as of sysc-create (dir)"},
	{0,   "size",     OPTION_STRING, &opt_size,    "SIZE",              "most that it may take"},
	{'f', "config",   OPTION_STRING, &opt_config,  "FILE",              "this configuration instead of the archive's"},
	{'s', "set",      OPTION_LIST,   &overrides,   "SECTION.KEY=VALUE", "a line of the configuration"},
	{0,   "then",     OPTION_LIST,   &opt_then,    "FILE|-",            "an increment to what stands before it; may be given again"},
	{0,   "lxc",      OPTION_STRING, &opt_lxc,     "PATH",              "an LXC container: its folder or configuration"},
	{0,   "no-snapshots", OPTION_FLAG, &opt_no_snapshots, NULL,         "leave out the snapshots that are in the archive"},
	{0,   "keep",     OPTION_FLAG,   &opt_keep,    NULL,                "UUID and MAC addresses must stay as they are"},
	{0,   "trust",    OPTION_FLAG,   &opt_trust,   NULL,                "take all of its configuration: mounts, devices, hooks"},
	{0,   "show",     OPTION_FLAG,   &opt_show,    NULL,                "only say what the archive says of itself"},
	{0,   "verify",   OPTION_FLAG,   &opt_verify,  NULL,                "only read all of it and verify its digests"},
	{0}
};
/* clang-format on */

const struct command cmd_import = {
	.name = "import",
	.operands = "[NAME] FILE|-\n"
		    "--lxc PATH [NAME]",
	.summary = "Make a container from an archive, or from one of LXC",
	.details = "FILE is of sysc-export, or a root file system in a tar file.\n",
	.options = options,
	.needs = NEEDS_NONE,
	.flags = COMMAND_JSON | COMMAND_ROOT,
	.run = run,
};
