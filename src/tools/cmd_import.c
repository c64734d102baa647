/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc import: a container (creation.h) from an archive of sysc-export, or from a root file system in a tar
 * file. The archive is hostile: it is read in a confined process (sysc-archive), and nothing of it is visible
 * before all of it was verified.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/table.h"
#include "base/text.h"
#include "container/container.h"
#include "storage/sweep.h"
#include "tools/command.h"
#include "tools/creation.h"
#include "tools/import.h"
#include "tools/import_archive.h"
#include "tools/import_config.h"
#include "tools/import_look.h"
#include "tools/import_plain.h"
#include "tools/output.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static const char *opt_backend, *opt_size, *opt_config;
static bool opt_keep, opt_trust, opt_show, opt_verify;
static struct strings overrides, opt_then;

static void import_done(struct import *import)
{
	import_chain_done(&import->chain);
	import_config_done(&import->taken);
	free(import->origin);
	free(import->snippet);
	free(import->program);
}

static void add_override(const char *key, const char *value)
{
	if (value)
		strings_give(&overrides, must_printf("%s=%s", key, value));
}

static int choose_name(struct import *import, struct creation *creation, struct error *err)
{
	if (!creation->name && !import->last->is_export) {
		(void)fail_plain(err, EINVAL, "it does not say what its name is");
		return fail_hint(err, "give the NAME before the file");
	}
	if (!creation->name)
		creation->name = import->last->manifest.name;
	return container_check_name(creation->name, err);
}

static int make(struct import *import, struct creation *creation, struct strings *errors,
                struct error *err)
{
	const struct import_link *last = import->last;
	int r = import_chain_open(&import->chain, err);

	if (r == 0)
		r = import_chain_check(&import->chain, false, err);
	if (r == 0 && choose_name(import, creation, err) < 0)
		r = fail_in(err, "'%s'", last->input.file);
	if (r < 0)
		return r;
	import->origin = must_printf("sysc-import %s", last->is_export ? last->manifest.name : "");
	(void)text_trim(import->origin);
	add_override("rootfs.backend", opt_backend);
	add_override("rootfs.size", opt_size);
	creation->config.origin = import->origin;
	creation->config.overrides = &overrides;
	creation->user = import;
	r = last->is_export ? import_archive_prepare(import, creation, err)
	                    : import_plain_prepare(import, creation, err);
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
	struct import import = {
		.call = call, .base = opt_config, .trust = opt_trust, .keep = opt_keep};
	const struct strings *names = &call->names;
	int code = check_words(call);

	if (code != EXIT_DONE)
		return code;
	import_chain_init(&import.chain, call, names->items[names->count - 1], &opt_then);
	import.last = &import.chain.links[import.chain.count - 1];
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
	{0,   "keep",     OPTION_FLAG,   &opt_keep,    NULL,                "UUID and MAC addresses must stay as they are"},
	{0,   "trust",    OPTION_FLAG,   &opt_trust,   NULL,                "take all of its configuration: mounts, devices, hooks"},
	{0,   "show",     OPTION_FLAG,   &opt_show,    NULL,                "only say what the archive says of itself"},
	{0,   "verify",   OPTION_FLAG,   &opt_verify,  NULL,                "only read all of it and verify its digests"},
	{0}
};
/* clang-format on */

const struct command cmd_import = {
	.name = "import",
	.operands = "[NAME] FILE|-",
	.summary = "Make a container from an archive",
	.details = "FILE is of sysc-export, or a root file system in a tar file.\n",
	.options = options,
	.needs = NEEDS_NONE,
	.flags = COMMAND_JSON | COMMAND_ROOT,
	.run = run,
};
