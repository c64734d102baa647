/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a running container was started with and changed to; see the header. */
#include "container/applied.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define APPLIED_FILE "applied"
#define APPLIED_MAX  (1U << 24) /* bytes: a long life of changes */

static bool has_item(const struct config *config, const char *section, const char *name)
{
	for (size_t i = 0; i < config->item_count; i++)
		if (text_is(config->items[i].section, section) &&
		    text_is(config->items[i].name, name))
			return true;
	return false;
}

/* An interface may be there by its section alone, or by keys that are not kept. */
static void add_networks(struct text *text, const struct config *config)
{
	for (size_t i = 0; i < config->network_count; i++) {
		CLEAN_FREE char *section = must_printf("network.%s", config->networks[i].name);
		const struct key *type = keys_find(section, "type");

		if (type && !has_item(config, section, type->name))
			text_addf(text, "%s.%s=%s\n", section, type->name,
			          type->choices[config->networks[i].type]);
	}
}

int applied_write(const char *run_dir, const struct config *config, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/" APPLIED_FILE, run_dir);
	CLEAN(text_done) struct text text = {0};

	for (size_t i = 0; i < config->item_count; i++) {
		const struct config_item *item = &config->items[i];

		if (item->key->type != KEY_INCLUDE)
			text_addf(&text, "%s.%s=%s\n", item->section, item->name, item->value);
	}
	add_networks(&text, config);
	return file_replace_volatile(AT_FDCWD, path, text.data ? text.data : "", text.length, 0600,
	                             err);
}

static int parse(struct config *config, const char *path, char *text, struct error *err)
{
	char *rest = text, *line;
	int r = 0;

	while (r == 0 && (line = strsep(&rest, "\n")))
		if (*line)
			r = config_override(config, line, path, err);
	return r;
}

int applied_open(struct applied *applied, const char *run_dir, bool for_change, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/" APPLIED_FILE, run_dir);
	CLEAN_FD int fd =
		open(path, (for_change ? O_RDWR | O_APPEND : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(text_done) struct text text = {0};
	int r;

	*applied = (struct applied){.fd = -1};
	config_init(&applied->config);
	if (fd < 0 && errno == ENOENT)
		return fail_plain(err, ENOENT,
		                  "what it runs with was not kept: an older sysc started it "
		                  "(restart it once)");
	if (fd < 0)
		return fail(err, errno, "open '%s'", path);
	r = file_read_fd(fd, path, APPLIED_MAX, &text, err);
	if (r == 0 && text.data)
		r = parse(&applied->config, path, text.data, err);
	if (r == 0 && for_change)
		applied->fd = fd_take(&fd);
	return r;
}

void applied_done(struct applied *applied)
{
	fd_close(&applied->fd);
	config_done(&applied->config);
}

void applied_line(struct text *lines, const struct config *config, const char *section,
                  const char *name)
{
	text_addf(lines, "%s.%s=\n", section, name);
	for (size_t i = 0; i < config->item_count; i++) {
		const struct config_item *item = &config->items[i];

		if (text_is(item->section, section) && text_is(item->name, name))
			text_addf(lines, "%s.%s=%s\n", section, name, item->value);
	}
}

int applied_add(struct applied *applied, const struct text *lines, struct error *err)
{
	ssize_t n;

	applied->size = lseek(applied->fd, 0, SEEK_END);
	n = applied->size < 0 ? -1 : write(applied->fd, lines->data, lines->length);
	if (n >= 0 && (size_t)n == lines->length)
		return 0;
	(void)fail(err, n < 0 ? errno : ENOSPC, "write '" APPLIED_FILE "'");
	applied_take_back(applied);
	return err ? -err->code : -EIO;
}

void applied_take_back(struct applied *applied)
{
	/* it only grows smaller: a plan that finds too much says so */
	if (applied->size >= 0)
		(void)!ftruncate(applied->fd, applied->size);
}
