/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Composing the configuration of a new container from the defaults and the options; see the header. */
#include "tools/create_config.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/keys.h"
#include "container/paths.h"
#include "container/uuid.h"
#include "tools/making.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#define OVERRIDE "option -s"

void create_config_done(struct create_config *create)
{
	config_done(&create->merged);
	free(create->base_file);
	create->base_file = NULL;
}

/* -f, or default.conf of the host, or the one that came with the program. */
static char *find_base(const struct create_config *create)
{
	char *file;

	if (create->base_text)
		return must_dup(create->base);
	if (create->base)
		return create->base[0] == '/' ? must_dup(create->base)
		                              : realpath(create->base, NULL);
	file = must_printf("%s/default.conf", create->paths->etc);
	if (file_exists(AT_FDCWD, file))
		return file;
	free(file);
	return must_printf("%s/default.conf", create->paths->config);
}

static bool is_overridden(const struct create_config *create, const char *key)
{
	for (size_t i = 0; i < create->overrides->count; i++)
		if (text_starts(create->overrides->items[i], key) &&
		    create->overrides->items[i][strlen(key)] == '=')
			return true;
	return false;
}

static int check_rootfs(const struct create_config *create, struct error *err)
{
	if (!create->has_tree || !create->merged.rootfs_path)
		return 0;
	(void)fail_plain(err, EINVAL, "rootfs.path cannot be chosen with a template");
	return fail_hint(err,
	                 "-B chooses how it is kept; -t none is for a tree that is there already");
}

int create_config_read(struct create_config *create, struct strings *errors, struct error *err)
{
	int r;

	config_init(&create->merged);
	create->base_file = find_base(create);
	if (!create->base_file)
		return fail(err, errno, "open '%s'", create->base);
	r = create->base_text ? config_load_text(&create->merged, create->base_file,
	                                         create->base_text, errors, err)
	                      : config_load(&create->merged, create->base_file, errors, err);
	for (size_t i = 0; i < create->overrides->count && r == 0; i++) {
		r = config_override(&create->merged, create->overrides->items[i], OVERRIDE, err);
		if (r < 0)
			strings_add(errors, err->text);
	}
	return r < 0 ? r : check_rootfs(create, err);
}

bool create_config_needs_ids(const struct create_config *create)
{
	const struct strings *map = &create->merged.idmap;

	if (create->merged.privileged)
		return false;
	return !map->count || (map->count == 1 && text_is(map->items[0], "auto"));
}

/* A value of the defaults as the new file says it. */
static char *own_value(const struct create_config *create, const struct config_item *item)
{
	const char *slash = strrchr(create->base_file, '/');
	char *value;

	if (slash && text_is(item->name, "include") && item->value[0] != '/' && item->value[0])
		return must_printf("%.*s/%s", (int)(slash - create->base_file), create->base_file,
		                   item->value);
	/* the defaults that come with the program name its default bridge */
	if (text_is(item->name, "bridge") && text_starts(create->base_file, create->paths->config))
		return must_dup(create->paths->bridge);
	value = must_dup(item->value);
	if (text_is(item->name, "mac"))
		uuid_fill_mac(value);
	return value;
}

/* What is given anew to each container is not copied. */
static bool is_copied(const struct create_config *create, const struct config_item *item)
{
	if (item->file != create->base_file && !text_is(item->file, create->base_file))
		return false; /* of an included file, which is included again, or of an option */
	if (text_is(item->section, "idmap"))
		return create->merged.privileged || !create_config_needs_ids(create);
	return !(text_is(item->section, "container") && text_is(item->name, "uuid"));
}

static void add_base(const struct create_config *create, struct text *text)
{
	const char *section = "";

	for (size_t i = 0; i < create->merged.item_count; i++) {
		const struct config_item *item = &create->merged.items[i];
		CLEAN_FREE char *value = NULL;

		if (!is_copied(create, item))
			continue;
		if (!text_is(section, item->section))
			text_addf(text, "[%s]\n", item->section);
		section = item->section;
		value = own_value(create, item);
		text_addf(text, "%s = %s\n", item->name, value);
	}
}

static void add_head(const struct create_config *create, const char *rootfs, const char *map,
                     struct text *text)
{
	time_t now = time(NULL);
	char day[32] = "", uuid[37];
	struct tm parts;

	if (gmtime_r(&now, &parts))
		(void)strftime(day, sizeof(day), "%Y-%m-%d", &parts);
	uuid_make(uuid);
	text_addf(text, "; %s: made by %s on %s\n[container]\n", create->name, create->origin, day);
	if (create->snippet)
		text_addf(text, "include = %s\n", create->snippet);
	text_addf(text, "uuid = %s\n", create->uuid ? create->uuid : uuid);
	if (!create->merged.rootfs_path)
		text_addf(text, "[rootfs]\npath = %s\n", rootfs);
	else if (!is_overridden(create, "rootfs.managed"))
		/* a tree that was there before is not ours to remove */
		text_add(text, "[rootfs]\nmanaged = no\n");
	if (map)
		text_addf(text, "[idmap]\nmap = %s\n", map);
}

int create_config_write(const struct create_config *create, const char *dir, const char *rootfs,
                        const char *map, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config", dir);
	CLEAN(text_done) struct text text = {0};
	int r;

	add_head(create, rootfs, map, &text);
	add_base(create, &text);
	r = file_replace_volatile(AT_FDCWD, file, text.data, text.length, 0640, err);
	return r < 0 ? r : making_edit_overrides(file, create->overrides, OVERRIDE, err);
}
