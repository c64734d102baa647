/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [mounts] entry lines; see the header and fstab(5). */
#include "runtime/mounts_config.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/text.h"
#include "container/config.h"
#include "runtime/mounts.h"

#include <errno.h>
#include <string.h>

/* One entry, split into its fields and its options sorted by who they are for. */
struct entry {
	struct strings fields;
	struct text for_type; /* what is left for the file system itself */
	uint64_t attributes;
	unsigned int flags;
	bool is_bind, is_recursive;
};

static void entry_done(struct entry *entry)
{
	strings_done(&entry->fields);
	text_done(&entry->for_type);
}

struct option {
	const char *name;
	uint64_t attributes;
	unsigned int flags;
	bool bind, recursive;
};

static const struct option options[] = {
	{"ro",          MOUNT_ATTR_RDONLY,     0,               false, false},
	{"rw",          0,		     0,               false, false},
	{"nosuid",      MOUNT_ATTR_NOSUID,     0,               false, false},
	{"nodev",       MOUNT_ATTR_NODEV,      0,               false, false},
	{"noexec",      MOUNT_ATTR_NOEXEC,     0,               false, false},
	{"noatime",     MOUNT_ATTR_NOATIME,    0,               false, false},
	{"nodiratime",  MOUNT_ATTR_NODIRATIME, 0,               false, false},
	{"defaults",    0,                     0,               false, false},
	{"bind",        0,		     0,               true,  false},
	{"rbind",       0,		     0,               true,  true },
	{"optional",    0,                     MOUNT_OPTIONAL,  false, false},
	{"create=dir",  0,                     MOUNT_MAKE_DIR,  false, false},
	{"create=file", 0,                     MOUNT_MAKE_FILE, false, false},
	{"idmap",       0,		     MOUNT_MAP_IDS,   false, false},
};

static void take_option(struct entry *entry, const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(options[i].name, word) != 0)
			continue;
		entry->attributes |= options[i].attributes;
		entry->flags |= options[i].flags;
		entry->is_bind |= options[i].bind;
		entry->is_recursive |= options[i].recursive;
		return;
	}
	text_addf(&entry->for_type, "%s%s", entry->for_type.length ? "," : "", word);
}

/* \040 and its like: blanks in a field of fstab(5). */
static void unescape(char *field)
{
	char *to = field;

	for (const char *from = field; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
		    from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static int parse(struct entry *entry, const char *line, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};

	strings_split(&entry->fields, line, " \t");
	if (entry->fields.count < 3)
		return fail_plain(err, EINVAL,
		                  "mount entry '%s' needs at least source, target and type", line);
	for (size_t i = 0; i < entry->fields.count; i++)
		unescape(entry->fields.items[i]);
	if (entry->fields.count > 3)
		strings_split(&words, entry->fields.items[3], ",");
	for (size_t i = 0; i < words.count; i++)
		take_option(entry, words.items[i]);
	if (strcmp(entry->fields.items[2], "bind") == 0)
		entry->is_bind = true;
	return 0;
}

static int open_bind(struct mount_row *row, const struct entry *entry, struct error *err)
{
	const char *source = entry->fields.items[0];
	unsigned int recursive = entry->is_recursive ? AT_RECURSIVE : 0;
	struct mount_attr attr = {.attr_set = entry->attributes};

	row->fd = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
	if (row->fd < 0)
		return fail(err, errno, "mount '%s' on '%s'", source, row->target);
	if (attr.attr_set && sys_mount_setattr(row->fd, "", AT_EMPTY_PATH | recursive, &attr) < 0)
		return fail(err, errno, "set the options of mount '%s'", row->target);
	return 0;
}

static int open_device(struct mount_row *row, const struct entry *entry, struct error *err)
{
	CLEAN_FD int fs = sys_fsopen(entry->fields.items[2], FSOPEN_CLOEXEC);
	CLEAN(strings_done) struct strings words = {0};
	const char *source = entry->fields.items[0];

	if (fs < 0)
		return fail(err, errno, "mount '%s' on '%s': file system type '%s'", source,
		            row->target, entry->fields.items[2]);
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return fail(err, errno, "mount '%s' on '%s'", source, row->target);
	if (entry->for_type.length)
		strings_split(&words, entry->for_type.data, ",");
	for (size_t i = 0; i < words.count; i++) {
		char *value = strchr(words.items[i], '=');

		if (value)
			*value++ = '\0';
		if (sys_fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
		                 words.items[i], value, 0) < 0)
			return fail(err, errno, "mount '%s' on '%s': option '%s'", source,
			            row->target, words.items[i]);
	}
	if (entry->attributes & MOUNT_ATTR_RDONLY)
		(void)sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL,
		                   0); /* the mount is ro anyway */
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail(err, errno, "mount '%s' on '%s'", source, row->target);
	row->fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)entry->attributes);
	if (row->fd < 0)
		return fail(err, errno, "mount '%s' on '%s'", source, row->target);
	return 0;
}

static bool child_can_make(const char *type)
{
	static const char *const types[] = {"tmpfs", "proc", "sysfs", "mqueue", "cgroup2"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

/* Gives the list a string to own. */
static const char *keep(struct mount_list *list, const char *text)
{
	strings_add(&list->texts, text);
	return list->texts.items[list->texts.count - 1];
}

/* "FILE:LINE" of the nth entry. */
static const char *keep_blame(struct mount_list *list, const struct config *config, size_t nth)
{
	char where[512];
	size_t length;

	(void)config_where(config, "mounts", "entry", nth, where, sizeof(where));
	length = strlen(where);
	if (length < 3) /* " (FILE:LINE)" otherwise, whose frame fail_hint() makes */
		return "";
	where[length - 1] = '\0';
	return keep(list, where + 2);
}

int mounts_config_row(struct mount_list *list, const struct config *config, size_t nth,
                      struct error *err)
{
	CLEAN(entry_done) struct entry entry = {0};
	struct mount_row *row = &list->rows[list->count];
	CLEAN_FREE char *target = NULL;
	int r = parse(&entry, config->mounts.items[nth], err);

	*row = (struct mount_row){.source = MOUNT_OPENED,
	                          .attributes = entry.attributes,
	                          .flags = entry.flags,
	                          .fd = -1,
	                          .blame = keep_blame(list, config, nth)};
	if (r < 0)
		return mounts_blame(row, err);
	target = must_printf("%s%s", entry.fields.items[1][0] == '/' ? "" : "/",
	                     entry.fields.items[1]);
	row->target = keep(list, target);
	if (entry.is_bind) {
		r = open_bind(row, &entry, err);
	} else if (child_can_make(entry.fields.items[2])) {
		row->source = MOUNT_MADE;
		row->type = keep(list, entry.fields.items[2]);
		row->options = entry.for_type.length ? keep(list, entry.for_type.data) : NULL;
	} else {
		r = open_device(row, &entry, err);
	}
	if (r == -ENOENT && entry.flags & MOUNT_OPTIONAL) {
		error_clear(err);
		return 0; /* the row is not counted */
	}
	list->count++;
	return r < 0 ? mounts_blame(row, err) : 0;
}
