/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc version: what is installed and which kernel it runs on. */
#include "base/cleanup.h"
#include "base/table.h"
#include "base/text.h"
#include "tools/command.h"

#include <sys/utsname.h>

static int run(struct call *call)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN(json_done) struct json json = {0};
	struct utsname host = {0};

	(void)uname(&host); /* cannot fail with a valid buffer */
	if (call->json) {
		output_json_begin(&json);
		json_string(&json, "version", PACKAGE_VERSION);
		json_string(&json, "kernel", host.release);
		json_string(&json, "machine", host.machine);
		json_end_object(&json);
		return output_json(call, &json);
	}
	text_add(&text, "sysc " PACKAGE_VERSION "\n");
	if (call->verbose)
		text_addf(&text, "kernel %s\nmachine %s\n", host.release, host.machine);
	return output_text(call, &text);
}

const struct command cmd_version = {
	.name = "version",
	.operands = "",
	.summary = "Print the version of sysc, with -v of the kernel too",
	.needs = NEEDS_NONE,
	.flags = COMMAND_JSON | COMMAND_BARE,
	.run = run,
};
