/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Configurations of LXC: whatever is in them, what comes out is a configuration of ours without an error, nothing that
 * is said of it harms a terminal, and every remark has a reason.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/config.h"
#include "container/lxc_config.h"
#include "container/paths.h"
#include "replay.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static void check_remarks(const struct lxc_remarks *remarks)
{
	for (size_t i = 0; i < remarks->count; i++) {
		const struct lxc_remark *remark = &remarks->items[i];

		assert(*remark->text && !text_has_control(remark->text, false));
		assert(!text_has_control(remark->file, false) &&
		       !text_has_control(remark->key, false) &&
		       !text_has_control(remark->value, false));
	}
}

/* Nothing of this host is read: lxc.include, lxc.mount.fstab, and what that was before, lxc.mount. */
static bool reads_files(const uint8_t *data, size_t size)
{
	static const char mount[] = "lxc.mount";
	const uint8_t *at = data, *end = data + size;

	if (memmem(data, size, "include", 7) || memmem(data, size, "fstab", 5))
		return true;
	while ((at = memmem(at, (size_t)(end - at), mount, sizeof(mount) - 1))) {
		at += sizeof(mount) - 1;
		if (at == end || *at != '.')
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct paths paths = {.config = (char[]){"/nowhere"}};
	CLEAN(lxc_config_done) struct lxc_config got = {.text = {0}};
	CLEAN(config_done) struct config config = {.description = NULL};
	CLEAN(strings_done) struct strings errors = {0};
	CLEAN(text_done) struct text text = {0};

	if (reads_files(data, size))
		return 0;
	text_add_bytes(&text, data, size);
	lxc_config_parse(&got, "config", &text, &paths, true);
	check_remarks(&got.left);
	check_remarks(&got.notes);
	config_init(&config);
	assert(config_load_text(&config, "translation", &got.text, &errors, NULL) == 0);
	if (config.rootfs_path)
		assert(config_check(&config, &errors, NULL) == 0);
	return 0;
}
