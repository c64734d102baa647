/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Going through a foreign configuration line by line; see the header. */
#include "tools/import_config.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "container/config.h"
#include "container/ini_file.h"
#include "container/keys.h"
#include "container/paths.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define NEW_MAC "10:66:6a:xx:xx:xx"

/* One walk over the lines. */
struct walk {
	struct import_config *import;
	struct strings uuids, macs; /* of the containers there are: "UUID NAME" */
	char *section;              /* the last that was written */
	struct error first;         /* what cannot be taken at all */
};

void import_config_done(struct import_config *import)
{
	text_done(&import->text);
	free(ptr_take(import->uuid));
	strings_done(&import->left);
	strings_done(&import->notes);
	import->is_twin = false;
}

/* What is given anew to each container, or decided by the import. */
static const char *const decided[] = {"rootfs.path",    "rootfs.backend", "rootfs.options",
                                      "rootfs.managed", "idmap.map",      NULL};
/* Admin keys that only narrow what a container may, as long as they have a value. */
static const char *const harmless[] = {"rootfs.size", "rootfs.readonly",
                                       "security.drop_capabilities", NULL};

static bool is_among(const char *const *list, const char *section, const char *name)
{
	CLEAN_FREE char *word = must_printf("%s.%s", section, name);

	for (; *list; list++)
		if (text_is(*list, word))
			return true;
	return false;
}

/* What of one container there must not be twice. folder: of the store. */
static void list_one(struct walk *walk, const char *folder)
{
	static const char making[] = ".creating";
	const char *name = folder + (*folder == '.');
	int length = (int)(strlen(name) - (*folder == '.' ? sizeof(making) - 1 : 0));
	CLEAN_FREE char *file = must_printf("%s/%s/config", walk->import->paths->store, folder);
	CLEAN(config_done) struct config config;
	struct error ignored = {0};

	config_init(&config);
	(void)config_load(&config, file, NULL, &ignored);
	if (config.uuid)
		strings_give(&walk->uuids, must_printf("%s %.*s", config.uuid, length, name));
	for (size_t i = 0; i < config.network_count; i++)
		if (config.networks[i].mac)
			strings_give(&walk->macs,
			             must_printf("%s %.*s", config.networks[i].mac, length, name));
}

/*
 * The containers of this store, and those that are being made by other commands, so that nothing that tells them apart
 * comes twice.
 */
static void list_taken(struct walk *walk)
{
	CLEAN_DIR DIR *dir = opendir(walk->import->paths->store);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' || text_ends(entry->d_name, ".creating"))
			list_one(walk, entry->d_name);
}

/* Who has it; NULL: nobody. */
static const char *find_owner(const struct strings *taken, const char *value)
{
	size_t length = strlen(value);

	for (size_t i = 0; i < taken->count; i++)
		if (strncasecmp(taken->items[i], value, length) == 0 &&
		    taken->items[i][length] == ' ')
			return taken->items[i] + length + 1;
	return NULL;
}

static void write_line(struct walk *walk, const char *section, const char *name, const char *value)
{
	if (!walk->section || !text_is(walk->section, section)) {
		text_addf(&walk->import->text, "[%s]\n", section);
		free(walk->section);
		walk->section = must_dup(section);
	}
	text_addf(&walk->import->text, "%s = %s\n", name, value);
}

static void refuse_twin(struct walk *walk, const char *what, const char *value, const char *owner)
{
	if (walk->first.code)
		return;
	(void)fail_plain(&walk->first, EEXIST, "its %s %s is that of container '%s'", what, value,
	                 owner);
	(void)fail_hint(&walk->first, "without --keep it gets a new one");
}

static void take_uuid(struct walk *walk, const char *value)
{
	struct import_config *import = walk->import;
	const char *owner = find_owner(&walk->uuids, value);

	import->is_twin = owner != NULL;
	if (!owner) {
		free(import->uuid);
		import->uuid = must_dup(value);
	} else if (import->keep) {
		refuse_twin(walk, "UUID", value, owner);
	} else {
		strings_give(&import->notes,
		             must_printf("a new UUID: '%s' has that of the archive", owner));
	}
}

static void take_mac(struct walk *walk, const char *section, const char *name, const char *value)
{
	const char *owner = find_owner(&walk->macs, value);

	if (owner && walk->import->keep)
		refuse_twin(walk, "MAC address", value, owner);
	if (owner)
		strings_give(&walk->import->notes,
		             must_printf("a new MAC address for %s: '%s' has that of the archive",
		                         section + strlen("network."), owner));
	write_line(walk, section, name, owner ? NEW_MAC : value);
}

/* The file of the distribution, wherever the other host has it. */
static bool is_snippet(const struct import_config *import, const char *value)
{
	CLEAN_FREE char *end = must_printf("/%s.conf", import->snippet);

	return *import->snippet && text_ends(value, end);
}

/* Without trust it comes into the default bridge of this host, as a new container does. */
static void take_bridge(struct walk *walk, const char *section, const char *name, const char *value)
{
	const struct import_config *import = walk->import;
	const char *own = import->paths->bridge;

	if (!import->trust && !text_is(value, own)) {
		strings_give(&walk->import->notes,
		             must_printf("%s.bridge: %s in place of %s (--trust keeps it)", section,
		                         own, value));
		value = own;
	}
	write_line(walk, section, name, value);
}

static void take_value(void *user, const char *section, const char *name, const char *value,
                       int line)
{
	struct walk *walk = user;
	struct import_config *import = walk->import;
	const struct key *key = keys_find(section, name);

	(void)line;
	if (is_among(decided, section, name))
		return;
	if (text_is(section, "container") && text_is(name, "include") && is_snippet(import, value))
		return;
	if (text_is(section, "container") && text_is(name, "uuid"))
		take_uuid(walk, value);
	else if (text_is(section, "container") && text_is(name, "hostname") &&
	         text_is(value, import->old_name) && !text_is(import->name, import->old_name))
		return; /* it follows the name */
	else if (text_starts(section, "network.") && text_is(name, "bridge") && *value)
		take_bridge(walk, section, name, value);
	else if (key && key->flags & KEY_ADMIN_ONLY && !import->trust &&
	         (!*value || !is_among(harmless, section, name)))
		strings_give(&import->left, must_printf("%s.%s = %s", section, name, value));
	else if (text_starts(section, "network.") && text_is(name, "mac"))
		take_mac(walk, section, name, value);
	else
		write_line(walk, section, name, value);
}

/* An empty [network.eth0] is a network, too. */
static void take_section(void *user, const char *section, int line)
{
	struct walk *walk = user;

	(void)line;
	if (!text_starts(section, "network."))
		return;
	text_addf(&walk->import->text, "[%s]\n", section);
	free(walk->section);
	walk->section = must_dup(section);
}

static void take_problem(void *user, int line, const char *text)
{
	struct walk *walk = user;

	if (!walk->first.code)
		(void)fail_plain(&walk->first, EINVAL, "its configuration, line %d: %s", line,
		                 text);
}

int import_config_take(struct import_config *import, const struct text *from, struct error *err)
{
	struct walk walk = {.import = import};
	const struct ini_handler handler = {take_section, take_value, take_problem, &walk};

	import_config_done(import); /* of an earlier look */
	list_taken(&walk);
	ini_file_parse(from, &handler);
	strings_done(&walk.uuids);
	strings_done(&walk.macs);
	free(walk.section);
	if (walk.first.code && err)
		*err = walk.first;
	return -walk.first.code;
}
