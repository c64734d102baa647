/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration of a copy; see the header. identity_tree.c has what is inside. */
#include "storage/identity.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/config.h"
#include "container/idmap.h"
#include "container/paths.h"
#include "container/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_MOST (1U << 20)
#define CONFIG_MODE 0640
#define MAC_PREFIX  9 /* "10:66:6a:" */

/* clang-format off */
static const struct {
	const char *word;
	unsigned int bits;
} words[] = {
	{"uuid",       IDENTITY_UUID},
	{"mac",        IDENTITY_MAC},
	{"hostname",   IDENTITY_HOSTNAME},
	{"machine-id", IDENTITY_MACHINE_ID},
	{"ssh",        IDENTITY_SSH},
	{"leases",     IDENTITY_LEASES},
	{"all",        IDENTITY_ALL},
};
/* clang-format on */

const char *const identity_words[] = {"uuid", "mac",    "hostname", "machine-id",
                                      "ssh",  "leases", "all",      NULL};

unsigned int identity_parse(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (text_is(word, words[i].word))
			return words[i].bits;
	return 0;
}

static bool is_host_character(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

bool identity_replace_host(const char *text, const char *old, const char *new, struct text *out)
{
	size_t length = strlen(old);
	bool found = false;

	if (!length || text_is(old, "localhost")) {
		text_add(out, text);
		return false;
	}
	for (const char *at = text; *at;) {
		bool begins = at == text || !is_host_character(at[-1]);
		char next;

		if (!begins || strncmp(at, old, length) != 0) {
			text_add_bytes(out, at++, 1);
			continue;
		}
		next = at[length];
		if ((next == '.' || !is_host_character(next)) && next != '=') {
			text_add(out, new);
			found = true;
		} else {
			text_add_bytes(out, at, length);
		}
		at += length;
	}
	return found;
}

bool identity_replace_folder(const char *text, const char *old_dir, const char *new_dir,
                             struct text *out)
{
	size_t length = strlen(old_dir);
	bool found = false;

	for (const char *at = text; *at;) {
		/* not in the middle of another path */
		bool begins = at == text || !(is_host_character(at[-1]) || at[-1] == '/');

		if (!begins || strncmp(at, old_dir, length) != 0 || at[length] != '/') {
			text_add_bytes(out, at++, 1);
			continue;
		}
		text_add(out, new_dir);
		found = true;
		at += length;
	}
	return found;
}

__attribute__((format(printf, 2, 3))) static void note(const struct identity *identity,
                                                       const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (!identity->note)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* a note may be cut */
	va_end(arguments);
	identity->note(text, identity->user);
}

static int move_paths(const struct identity *identity, const char *file, struct error *err)
{
	const char *store = identity->paths->store;
	CLEAN_FREE char *old = identity->old_dir ? must_dup(identity->old_dir)
	                                         : must_printf("%s/%s", store, identity->old_name);
	CLEAN_FREE char *new = must_printf("%s/%s", store, identity->new_name);
	CLEAN(text_done) struct text text = {0}, changed = {0};
	int r = file_read(AT_FDCWD, file, CONFIG_MOST, &text, err);

	if (r < 0 || !text.data || !identity_replace_folder(text.data, old, new, &changed))
		return r < 0 ? r : 0;
	return file_replace_volatile(AT_FDCWD, file, changed.data, changed.length, CONFIG_MODE,
	                             err);
}

/* One range that sysc chose itself: of any other form only the administrator knows what is meant. */
static bool is_chosen(const struct strings *lines)
{
	CLEAN(strings_done) struct strings parts = {0};

	if (lines->count != 1)
		return false;
	if (text_is(lines->items[0], "auto"))
		return true;
	strings_split(&parts, lines->items[0], " \t");
	return parts.count == 4 && text_is(parts.items[0], "b") && text_is(parts.items[1], "0") &&
	       text_is(parts.items[3], "65536");
}

/* Whether a file that is included says something in the section. */
static bool is_included(const struct config *config, const char *section)
{
	for (size_t i = 0; i < config->item_count; i++)
		if (text_is(config->items[i].section, section) &&
		    !text_is(config->items[i].file, config->files.items[0]))
			return true;
	return false;
}

static int renew_ids(const struct identity *identity, const char *file, const struct config *config,
                     struct error *err)
{
	char map[64];
	int r;

	if (config->privileged || !config->idmap.count)
		return 0;
	if (!is_chosen(&config->idmap)) {
		note(identity, "idmap.map is kept: '%s' and '%s' have the same ids",
		     identity->old_name, identity->new_name);
		return 0;
	}
	r = idmap_choose(identity->paths, identity->old_store, map, err);
	if (r < 0 || is_included(config, "idmap"))
		return r < 0 ? r : config_edit_draft(file, "idmap", "map", map, true, err);
	/* one line in place of one, not one that clears and one that adds */
	r = config_edit_draft(file, "idmap", "map", NULL, true, err);
	return r < 0 ? r : config_edit_draft(file, "idmap", "map", map, false, err);
}

static bool is_given(const char *address)
{
	return !text_is(address, "auto") && !text_is(address, "dhcp");
}

/* Whether the caller sets section.key itself. */
static bool is_overridden(const struct identity *identity, const char *section, const char *key)
{
	CLEAN_FREE char *word = must_printf("%s.%s=", section, key);

	for (size_t i = 0; identity->overrides && i < identity->overrides->count; i++)
		if (text_starts(identity->overrides->items[i], word))
			return true;
	return false;
}

/* What the administrator gives instead of the source's; without that he is told of what both have. */
static int renew_address(const struct identity *identity, const char *file,
                         const struct network_config *network, const struct strings *given,
                         struct error *err)
{
	CLEAN_FREE char *section = must_printf("network.%s", network->name);
	int r = 0;

	for (size_t i = 0; given && i < given->count && r == 0; i++)
		r = config_edit_draft(file, section, "address", given->items[i], i == 0, err);
	if (given || is_overridden(identity, section, "address"))
		return r;
	for (size_t i = 0; i < network->address.count; i++)
		if (is_given(network->address.items[i]))
			note(identity,
			     "%s.address %s is kept: only one of '%s' and '%s' can run at a time "
			     "with it",
			     section, network->address.items[i], identity->old_name,
			     identity->new_name);
	return 0;
}

static int renew_network(const struct identity *identity, const char *file,
                         const struct network_config *network, const struct strings *given,
                         struct error *err)
{
	CLEAN_FREE char *section = must_printf("network.%s", network->name);
	int r = 0;

	if (network->mac && !(identity->keep & IDENTITY_MAC)) {
		CLEAN_FREE char *mac = must_printf("%.*sxx:xx:xx", MAC_PREFIX, network->mac);

		uuid_fill_mac(mac);
		r = config_edit_draft(file, section, "mac", mac, true, err);
	}
	if (r == 0 && network->host_name) {
		/* an interface of the host has a name once; an included file may say it again */
		r = config_edit_draft(file, section, "host_name", NULL, true, NULL);
		if (r < 0)
			note(identity,
			     "%s.host_name is kept: only one of the two can run at a time",
			     section);
		r = 0;
	}
	return r < 0 ? r : renew_address(identity, file, network, given, err);
}

/* What each of the two calls itself. A name that the administrator chose stays, and is told. */
static int renew_hostname(struct identity *identity, const char *file, const struct config *config,
                          struct error *err)
{
	const char *old = config->hostname ? config->hostname : identity->old_name;
	CLEAN(text_done) struct text host = {0};
	bool is_same = identity_replace_host(old, identity->old_name, identity->new_name, &host);

	(void)snprintf(identity->old_host, sizeof(identity->old_host), "%s", old);
	(void)snprintf(identity->new_host, sizeof(identity->new_host), "%s",
	               identity->keep & IDENTITY_HOSTNAME ? old : host.data);
	if (identity->keep & IDENTITY_HOSTNAME)
		return config->hostname
		               ? 0
		               : config_edit_draft(file, "container", "hostname", old, true, err);
	if (is_same)
		return config->hostname ? config_edit_draft(file, "container", "hostname",
		                                            host.data, true, err)
		                        : 0;
	note(identity, "container.hostname %s is kept: '%s' has the same", old, identity->old_name);
	return 0;
}

int identity_renew_config(struct identity *identity, const char *file, struct error *err)
{
	CLEAN(config_done) struct config config = {0};
	char uuid[37];
	int r = move_paths(identity, file, err);

	config_init(&config);
	if (r == 0)
		r = config_load(&config, file, NULL, err);
	if (r == 0 && !(identity->keep & IDENTITY_UUID)) {
		uuid_make(uuid);
		r = config_edit_draft(file, "container", "uuid", uuid, true, err);
	}
	if (r == 0)
		r = renew_ids(identity, file, &config, err);
	for (size_t i = 0; i < config.network_count && r == 0; i++)
		r = renew_network(identity, file, &config.networks[i],
		                  i == 0 ? identity->address : NULL, err);
	return r == 0 ? renew_hostname(identity, file, &config, err) : r;
}
