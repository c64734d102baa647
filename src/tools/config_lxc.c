/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An LXC configuration in, ours out; see the header. */
#include "tools/config_lxc.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/table.h"
#include "container/lxc_config.h"
#include "tools/command.h"
#include "tools/output.h"

/* "FILE:LINE: KEY = VALUE: TEXT"; a file that could not be read has no line, a broken line no key. */
static void note_remark(const struct call *call, const struct lxc_remark *remark, const char *what)
{
	CLEAN(text_done) struct text text = {0};

	text_add(&text, remark->file);
	if (remark->line)
		text_addf(&text, ":%d", remark->line);
	if (*remark->key)
		text_addf(&text, ": %s%s%s", remark->key, *remark->value ? " = " : "",
		          remark->value);
	output_note(call, "%s: %s%s", text.data, what, remark->text);
}

void config_lxc_note(const struct call *call, const struct lxc_config *lxc)
{
	for (size_t i = 0; i < lxc->notes.count; i++)
		note_remark(call, &lxc->notes.items[i], "");
	for (size_t i = 0; i < lxc->left.count; i++)
		note_remark(call, &lxc->left.items[i], "left out: ");
}

static void add_remarks(struct json *json, const char *name, const struct lxc_remarks *remarks)
{
	json_array(json, name);
	for (size_t i = 0; i < remarks->count; i++) {
		const struct lxc_remark *remark = &remarks->items[i];

		json_object(json, NULL);
		json_string(json, "file", remark->file);
		json_number(json, "line", remark->line);
		json_string(json, "key", remark->key);
		json_string(json, "value", remark->value);
		json_string(json, "reason", remark->text);
		json_end_object(json);
	}
	json_end_array(json);
}

void config_lxc_json(struct json *json, const struct lxc_config *lxc)
{
	add_remarks(json, "left_out", &lxc->left);
	add_remarks(json, "notes", &lxc->notes);
}

int config_lxc_run(struct call *call, char **words)
{
	CLEAN(lxc_config_done) struct lxc_config lxc = {.text = {0}};
	CLEAN(json_done) struct json json = {0};
	struct error err = {0};

	if (lxc_config_read(&lxc, words[0], &call->paths, true, &err) < 0) {
		(void)output_error(call, NULL, &err);
		return EXIT_FAILED;
	}
	if (!call->json) {
		config_lxc_note(call, &lxc);
		return output_text(call, &lxc.text);
	}
	output_json_begin(&json);
	json_string(&json, "file", words[0]);
	json_string(&json, "config", lxc.text.data);
	config_lxc_json(&json, &lxc);
	json_end_object(&json);
	return output_json(call, &json);
}
