/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration parser: what it takes is checked, asked for and edited, and must come back the
 * same; what it refuses must have a place. The input is the text of the file, as it is.
 */
#include "container/config.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/ini_file.h"
#include "container/keys.h"
#include "replay.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Every value in force is found again under its own name. */
static void ask(const struct config *config)
{
	struct error err = {0};
	char place[512];

	(void)config_check(config, NULL, &err);
	for (size_t i = 0; i < config->item_count; i++) {
		const struct config_item *item = &config->items[i];
		CLEAN(strings_done) struct strings values = {0};

		assert(config_get(config, item->section, item->name, &values, &err) == 0);
		assert(strings_has(&values, item->value));
		assert(*config_where(config, item->section, item->name, 0, place, sizeof(place)));
		assert(config_check_value(item->section, item->name, item->value, &err) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(config_done) struct config config;
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};
	CLEAN_FD int fd = memfd_create("config", MFD_CLOEXEC);
	char path[64];
	int r;

	if (fd < 0 || size > INI_FILE_MAX || fchmod(fd, 0600) < 0 ||
	    write(fd, data, size) != (ssize_t)size)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	config_init(&config);
	r = config_load(&config, path, &errors, &err);
	assert((r < 0) == (errors.count > 0) && (r < 0) == (*err.text != '\0'));
	/* a place (of this file or of one that it includes), and nothing that a terminal obeys */
	for (size_t i = 0; i < errors.count; i++)
		assert(strchr(errors.items[i], ':') && !text_has_control(errors.items[i], true));
	ask(&config);
	return 0;
}
