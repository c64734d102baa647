/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A configuration in memory: defaults, single values from options, asking what is in force. */
#include "container/config.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "container/config_value.h"
#include "container/keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void config_init(struct config *config)
{
	*config = (struct config){0};
	config_value_defaults(config);
}

void config_done(struct config *config)
{
	config_value_done(config);
	strings_done(&config->files);
	*config = (struct config){0};
}

int config_split_key(const char *word, char **section, char **key, struct error *err)
{
	/* a name of an interface may hold dots (eth0.10), a key of [network.*] never does */
	const char *dot = text_starts(word, "network.") ? strrchr(word, '.') : strchr(word, '.');

	if (!dot || dot == word || !dot[1] || text_has_control(word, false))
		return fail_plain(err, EINVAL, "'%s' is not of the form SECTION.KEY", word);
	*section = must_printf("%.*s", (int)(dot - word), word);
	*key = must_dup(dot + 1);
	return 0;
}

int config_override(struct config *config, const char *assignment, const char *where,
                    struct error *err)
{
	const char *equals = strchr(assignment, '=');
	CLEAN_FREE char *word = NULL, *section = NULL, *key = NULL, *copy = NULL;
	int r;

	if (!equals)
		return fail_plain(err, EINVAL, "%s: '%s' is not of the form SECTION.KEY=VALUE",
		                  where, assignment);
	word = must_printf("%.*s", (int)(equals - assignment), assignment);
	copy = must_dup(equals + 1);
	r = config_split_key(text_trim(word), &section, &key, err);
	if (r < 0)
		return fail_in(err, "%s", where);
	if (!strings_has(&config->files, where))
		strings_add(&config->files, where);
	for (size_t i = 0; i < config->files.count; i++)
		if (text_is(config->files.items[i], where))
			where = config->files.items[i];
	r = config_value_set(config, section, key, text_trim(copy), where, 0, err);
	return r < 0 ? fail_in(err, "%s: %s.%s", where, section, key) : 0;
}

int config_check_value(const char *section, const char *key, const char *value, struct error *err)
{
	CLEAN(config_done) struct config scratch;

	config_init(&scratch);
	return config_value_set(&scratch, section, key, value, "", 0, err);
}

const char *config_where(const struct config *config, const char *section, const char *key,
                         size_t nth, char *buffer, size_t room)
{
	if (!room)
		return "";
	*buffer = '\0';
	for (size_t i = 0; i < config->item_count; i++) {
		const struct config_item *item = &config->items[i];

		if (!text_is(item->section, section) || !text_is(item->name, key) || nth--)
			continue;
		if (item->line)
			(void)snprintf(buffer, room, " (%s:%d)", item->file, item->line);
		else
			(void)snprintf(buffer, room, " (%s)", item->file);
		break;
	}
	return buffer;
}

static bool has_network(const struct config *config)
{
	for (size_t i = 0; i < config->network_count; i++)
		if (config->networks[i].type != NETWORK_NONE)
			return true;
	return false;
}

enum boot_ready config_ready(const struct config *config, const char **command)
{
	static const char prefix[] = "command ";
	const char *ready = config->boot.ready ? config->boot.ready : "running";

	if (command)
		*command = NULL;
	if (text_starts(ready, prefix)) {
		if (command)
			*command = ready + strlen(prefix);
		return READY_COMMAND;
	}
	if (text_is(ready, "notify"))
		return READY_NOTIFY;
	return text_is(ready, "network") && has_network(config) ? READY_NETWORK : READY_RUNNING;
}

int config_get(const struct config *config, const char *section, const char *key,
               struct strings *out, struct error *err)
{
	const struct key *row = keys_find(section, key);
	size_t before = out->count;

	if (!row) {
		(void)keys_unknown(section, key, err);
		if (err)
			err->code = ENOENT;
		return -ENOENT;
	}
	if (row->flags & KEY_NETWORK && !config_value_network(config, section))
		return fail_plain(err, ENOENT, "there is no section '%s'", section);
	for (size_t i = 0; i < config->item_count; i++)
		if (text_is(config->items[i].section, section) &&
		    text_is(config->items[i].name, key))
			strings_add(out, config->items[i].value);
	if (out->count == before && row->fallback)
		strings_add(out, row->fallback);
	return 0;
}
