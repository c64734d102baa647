/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc create: a container (creation.h) whose tree a template fills. */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/table.h"
#include "storage/sweep.h"
#include "tools/command.h"
#include "tools/create_template.h"
#include "tools/creation.h"
#include "tools/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

static const char *template = "busybox";
static const char *backend, *size, *file_system, *base_file;
static struct strings overrides;

/* An option that is short for -s KEY=VALUE. */
static void add_override(const char *key, const char *prefix, const char *value)
{
	if (value)
		strings_give(&overrides, must_printf("%s=%s%s", key, prefix, value));
}

static int fill(struct creation *creation, const char *map, struct error *err)
{
	CLEAN_FREE char *cache = must_dup(creation->call->paths.cache);

	if (file_make_dirs(cache, 0700, err) < 0)
		return -err->code;
	return template_run(creation, map, creation->call->rest, creation->user, err);
}

static int report(const struct creation *creation)
{
	CLEAN(json_done) struct json json = {0};

	if (!creation->call->json) {
		output_line(creation->call, "%s: created (%s)", creation->name,
		            creation->target.dir);
		return EXIT_DONE;
	}
	output_json_begin(&json);
	json_string(&json, "name", creation->name);
	json_string(&json, "path", creation->target.dir);
	json_end_object(&json);
	return output_json(creation->call, &json);
}

static int show_help(const struct call *call)
{
	struct error err = {0};
	CLEAN_FREE char *program = template_find(&call->paths, template, &err);

	if (program)
		(void)template_help(program, &err);
	return output_error(call, NULL, &err);
}

static bool asks_for_help(const struct call *call)
{
	const char *first = call->names.count ? call->names.items[0] : "";

	for (char **word = call->rest; word && *word; word++)
		if (text_is(*word, "--help") || text_is(*word, "-h"))
			return true;
	return text_is(first, "--help") || text_is(first, "-h");
}

/* The template, and what it is told of; *program and *snippet are the caller's. */
static int choose_template(struct creation *creation, char **program, char **snippet,
                           struct error *err)
{
	const struct paths *paths = &creation->call->paths;

	if (text_is(template, "none"))
		return backend || size || file_system
		               ? fail_plain(err, EINVAL,
		                            "-t none makes no tree that --backend, --size and "
		                            "--fstype speak of")
		               : 0;
	*program = template_find(paths, template, err);
	if (!*program)
		return -EINVAL;
	*snippet = must_printf("%s/%s.conf", paths->config, template);
	if (!strchr(template, '/') && file_exists(AT_FDCWD, *snippet))
		creation->config.snippet = *snippet;
	creation->user = *program;
	creation->fill = fill;
	return 0;
}

static int create(struct creation *creation, struct strings *errors, struct error *err)
{
	CLEAN_FREE char *origin = must_printf("sysc-create -t %s", template);
	CLEAN_FREE char *program = NULL, *snippet = NULL;
	int r = choose_template(creation, &program, &snippet, err);

	add_override("rootfs.backend", "", backend);
	add_override("rootfs.size", "", size);
	add_override("rootfs.options", "fstype=", file_system);
	creation->config.origin = origin;
	creation->config.base = base_file;
	creation->config.overrides = &overrides;
	if (r == 0)
		r = creation_prepare(creation, errors, err);
	return r < 0 ? r : creation_make(creation, errors, err);
}

static int run(struct call *call)
{
	CLEAN(creation_done) struct creation creation;
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};

	creation_init(&creation, call, NULL);
	if (asks_for_help(call))
		return show_help(call);
	if (!call->names.count)
		return output_usage(call, "the NAME of the new container is needed");
	creation.name = call->names.items[0];
	if (container_check_name(creation.name, &err) < 0)
		return output_usage(call, "%s", err.text);
	if (sweep_all(&call->paths, &err) < 0)
		output_note(call, "%s", err.text);
	error_clear(&err);
	if (create(&creation, &errors, &err) == 0)
		return report(&creation);
	if (!errors.count)
		(void)fail_in(&err, "%s", creation.name);
	return err.code == EINTR ? (output_errors(call, NULL, &errors, &err), 128 + SIGINT)
	                         : output_errors(call, NULL, &errors, &err);
}

/* clang-format off */
static const struct option_row options[] = {
	{'t', "template", OPTION_STRING, &template,  "TEMPLATE",          "busybox, alpine, debian, local, a PATH or none (busybox)"},
	{'B', "backend",  OPTION_STRING, &backend,   "BACKEND",           "how the root file system is kept: dir, overlay, btrfs, loop, lvm, zfs or best (dir)"},
	{0,   "size",     OPTION_STRING, &size,      "SIZE",              "most that it may take"},
	{0,   "fstype",   OPTION_STRING, &file_system, "TYPE",            "ext4, xfs or btrfs, where it is an image or a volume (ext4)"},
	{'f', "config",   OPTION_STRING, &base_file, "FILE",              "what the configuration starts from"},
	{'s', "set",      OPTION_LIST,   &overrides, "SECTION.KEY=VALUE", "a line of the configuration"},
	{0}
};
/* clang-format on */

const struct command cmd_create = {
	.name = "create",
	.operands = "NAME [-- TEMPLATE-OPTION…]",
	.summary = "Make a container from a template",
	.details = "The options of a template: sysc create -t TEMPLATE -- --help\n",
	.options = options,
	.needs = NEEDS_NEW,
	.flags = COMMAND_REST | COMMAND_JSON | COMMAND_ROOT,
	.run = run,
};
