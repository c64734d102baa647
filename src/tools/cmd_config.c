/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc config: reads, changes and checks the configuration of a container. Its words are rows of a
 * table at the end; changes are made under the container's lock, and only when the whole still makes
 * sense with them.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/table.h"
#include "base/text.h"
#include "container/config.h"
#include "container/container.h"
#include "container/keys.h"
#include "storage/snapshot.h"
#include "tools/command.h"
#include "tools/config_change.h"
#include "tools/config_lxc.h"
#include "tools/config_show.h"
#include "tools/inspect.h"
#include "tools/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define LOCK_WAIT_MS 10000

static bool wants_defaults, wants_replace;

/* Fills container (names and configuration); the exit code after saying what is wrong. */
static int load(struct call *call, const char *name, struct container *container)
{
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};

	if (!inspect_exists(call, name, &err) ||
	    container_init(container, &call->paths, name, &err) < 0)
		return output_error(call, name, &err);
	if (config_load(&container->config, container->file, &errors, &err) < 0)
		return output_errors(call, name, &errors, &err);
	return 0;
}

static int run_get(struct call *call, char **words)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN_FREE char *section = NULL, *key = NULL;
	CLEAN(strings_done) struct strings values = {0};
	CLEAN(json_done) struct json json = {0};
	CLEAN(text_done) struct text text = {0};
	struct error err = {0};
	int code = load(call, words[0], &container);

	if (code)
		return code;
	if (config_split_key(words[1], &section, &key, &err) < 0 ||
	    config_get(&container.config, section, key, &values, &err) < 0) {
		(void)output_error(call, words[0], &err);
		return EXIT_FAILED;
	}
	output_json_begin(&json);
	json_string(&json, "name", words[0]);
	json_string(&json, "key", words[1]);
	json_array(&json, "values");
	for (size_t i = 0; i < values.count; i++) {
		json_string(&json, NULL, values.items[i]);
		text_addf(&text, "%s\n", values.items[i]);
	}
	json_end_array(&json);
	json_end_object(&json);
	return call->json ? output_json(call, &json) : output_text(call, &text);
}

static int run_show(struct call *call, char **words)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN(json_done) struct json json = {0};
	CLEAN(text_done) struct text text = {0};
	int code = load(call, words[0], &container);

	if (code)
		return code;
	if (!call->json) {
		config_show_print(&container.config, wants_defaults, &text);
		return output_text(call, &text);
	}
	output_json_begin(&json);
	json_string(&json, "name", words[0]);
	json_array(&json, "values");
	config_show_json(&container.config, wants_defaults, &json);
	json_end_array(&json);
	json_end_object(&json);
	return output_json(call, &json);
}

/* Would the whole configuration still be right with this value? */
static int check_with(const struct call *call, struct container *container, const char *word,
                      const char *value)
{
	CLEAN(strings_done) struct strings errors = {0};
	CLEAN_FREE char *assignment = must_printf("%s=%s", word, value);
	CLEAN_FREE char *clear = must_printf("%s=", word);
	struct error err = {0};

	if (config_check(&container->config, NULL, NULL) < 0)
		return 0; /* it is wrong already: this may be a step towards mending it */
	if (wants_replace && *value)
		(void)config_override(&container->config, clear, "config set", NULL);
	if (config_override(&container->config, assignment, "config set", &err) < 0)
		return output_error(call, container->name, &err);
	if (config_check(&container->config, &errors, &err) < 0)
		return output_errors(call, container->name, &errors, &err);
	return 0;
}

/* Not the code of its errno: of a limit that is in use, too, it is a change that failed. */
static int fail_change(const struct call *call, const char *name, const struct error *err)
{
	(void)output_error(call, name, err);
	return EXIT_FAILED;
}

static int run_set(struct call *call, char **words)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN_FREE char *section = NULL, *key = NULL, *copy = must_dup(words[1]);
	CLEAN_FD int lock = -1;
	char *equals = words[2] ? NULL : strchr(copy, '=');
	const char *value = words[2] ? words[2] : equals ? equals + 1 : NULL;
	struct config_edit change;
	struct error err = {0};
	int code;

	if (!value)
		return output_usage(call, "config set: no value given");
	if (equals)
		*equals = '\0';
	if (!inspect_exists(call, words[0], &err) ||
	    container_init(&container, &call->paths, words[0], &err) < 0)
		return output_error(call, words[0], &err);
	if (config_split_key(copy, &section, &key, &err) < 0 ||
	    config_check_value(section, key, value, &err) < 0) {
		(void)output_error(call, words[0], &err);
		return EXIT_FAILED;
	}
	lock = snapshot_lock(&container, LOCK_WAIT_MS, &err);
	if (lock < 0)
		return output_error(call, words[0], &err);
	/* one that cannot be loaded may be mended by this */
	if (config_load(&container.config, container.file, NULL, NULL) == 0) {
		code = check_with(call, &container, copy, value);
		if (code)
			return code;
	}
	change = (struct config_edit){
		.section = section, .key = key, .value = value, .replace = wants_replace};
	return config_change(call, &container, &change, &err) < 0
	               ? fail_change(call, words[0], &err)
	               : EXIT_DONE;
}

static int run_unset(struct call *call, char **words)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN(strings_done) struct strings errors = {0};
	CLEAN_FREE char *section = NULL, *key = NULL;
	CLEAN(text_done) struct text text = {0};
	CLEAN_FD int lock = -1;
	struct config_edit change;
	struct error err = {0};
	int r;

	if (!inspect_exists(call, words[0], &err) ||
	    container_init(&container, &call->paths, words[0], &err) < 0)
		return output_error(call, words[0], &err);
	if (config_split_key(words[1], &section, &key, &err) < 0) {
		(void)output_error(call, words[0], &err);
		return EXIT_FAILED;
	}
	lock = snapshot_lock(&container, LOCK_WAIT_MS, &err);
	if (lock < 0)
		return output_error(call, words[0], &err);
	change = (struct config_edit){
		.section = section, .key = key, .value = words[2], .unset = true};
	r = config_edit_preview(container.file, &change, &text, &err);
	if (r == -ENOENT && keys_find(section, key)) {
		output_note(call, "%s: %s", words[0], err.text);
		return EXIT_DONE; /* it already is so */
	}
	if (r == 0)
		r = config_change(call, &container, &change, &err);
	if (r < 0)
		return fail_change(call, words[0], &err);
	if (config_load(&container.config, container.file, NULL, NULL) == 0 &&
	    config_check(&container.config, &errors, NULL) < 0)
		for (size_t i = 0; i < errors.count; i++)
			output_note(call, "%s: now wrong: %s", words[0], errors.items[i]);
	return EXIT_DONE;
}

/*
 * All errors of a container or file. What concerns the whole is asked of whole configurations only: a
 * file to be included has no root file system.
 */
static int find_errors(const struct call *call, const char *word, struct strings *errors,
                       struct error *err)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN(config_done) struct config config = {0};
	bool is_name = !strchr(word, '/') && container_check_name(word, NULL) == 0;
	const char *file = word;
	int r;

	config_init(&config);
	if (is_name && container_init(&container, &call->paths, word, err) < 0)
		return -err->code;
	if (is_name && (container_exists(&container) || !file_exists(AT_FDCWD, word))) {
		file = container.file;
		if (!inspect_exists(call, word, err))
			return -err->code;
	}
	r = config_load(&config, file, errors, err);
	if (r < 0 || (file == word && !config.rootfs_path))
		return r;
	return config_check(&config, errors, err);
}

static int check_one(const struct call *call, const char *word, struct json *json)
{
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};
	int code = 0;

	if (find_errors(call, word, &errors, &err) < 0) {
		code = EXIT_FAILED;
		if (!errors.count) { /* no text was read: there is no such container or file */
			strings_add(&errors, err.text);
			code = strchr(word, '/') ? EXIT_FAILED : EXIT_NO_CONTAINER;
		}
	}
	json_object(json, NULL);
	json_string(json, "name", word);
	json_array(json, "errors");
	for (size_t i = 0; i < errors.count; i++)
		json_string(json, NULL, errors.items[i]);
	json_end_array(json);
	json_end_object(json);
	if (call->json)
		return code;
	if (code)
		(void)output_errors(call, word, &errors, &err);
	else
		output_line(call, "%s: no errors", word);
	return code;
}

static int run_check(struct call *call, char **words)
{
	CLEAN(strings_done) struct strings all = {0};
	CLEAN(json_done) struct json json = {0};
	struct error err = {0};
	int code = EXIT_DONE, r;

	if (!words[0]) {
		if (container_list(&call->paths, &all, &err) < 0)
			return output_error(call, NULL, &err);
		words = all.items;
	}
	output_json_begin(&json);
	json_array(&json, "checked");
	for (size_t i = 0; words && words[i]; i++) {
		r = check_one(call, words[i], &json);
		code = !r || code == EXIT_FAILED ? code : r;
	}
	json_end_array(&json);
	json_end_object(&json);
	r = call->json ? output_json(call, &json) : EXIT_DONE;
	return code ? code : r;
}

static const struct {
	const char *verb;
	size_t least, most; /* words after it */
	const char *form;
	int (*run)(struct call *call, char **words);
} rows[] = {
	{"get",        2, 2,        "NAME SECTION.KEY",         run_get       },
	{"set",        2, 3,        "NAME SECTION.KEY VALUE",   run_set       },
	{"unset",      2, 3,        "NAME SECTION.KEY [VALUE]", run_unset     },
	{"show",       1, 1,        "NAME",                     run_show      },
	{"check",      0, SIZE_MAX, "[NAME|FILE…]",           run_check     },
	{"import-lxc", 1, 1,        "FILE",                     config_lxc_run},
};

static int run(struct call *call)
{
	size_t words = call->names.count - 1;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!text_is(rows[i].verb, call->names.items[0]))
			continue;
		if (words < rows[i].least || words > rows[i].most)
			return output_usage(call, "config %s takes %s", rows[i].verb, rows[i].form);
		return rows[i].run(call, call->names.items + 1);
	}
	return output_usage(call, "unknown word '%s'", call->names.items[0]);
}

static const char *const verbs[] = {"get", "set", "unset", "show", "check", "import-lxc", NULL};

/* clang-format off */
static const struct option_row options[] = {
	{0,   "defaults", OPTION_FLAG, &wants_defaults, NULL, "show: the keys that no line sets too"},
	{'r', "replace",  OPTION_FLAG, &wants_replace,  NULL, "set: in place of all lines of a list"},
	{0}
};
/* clang-format on */

const struct command cmd_config = {
	.name = "config",
	.operands = "get NAME SECTION.KEY\n"
		    "set NAME SECTION.KEY VALUE\n"
		    "unset NAME SECTION.KEY [VALUE]\n"
		    "show NAME\n"
		    "check [NAME|FILE…]\n"
		    "import-lxc FILE",
	.summary = "Read, change and check the configuration of a container",
	.details = "A list gets a further line by set, and loses the line with VALUE by unset.\n"
		   "check finds all errors at once; without a name, those of all containers.\n"
		   "import-lxc prints what a configuration of LXC is here.\n",
	.options = options,
	.needs = NEEDS_DEFINED,
	.flags = COMMAND_VERBS | COMMAND_JSON,
	.verbs = verbs,
	.run = run,
};
