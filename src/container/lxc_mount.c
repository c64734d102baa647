/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Root file system and mounts of an LXC configuration; what a mount is depends on both, so it waits until all was read. */
#include "base/cleanup.h"
#include "base/error.h"
#include "container/lxc_translate.h"

#include <string.h>

/* --- root file system --- */

static void take_path(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *star)
{
	(void)row, (void)star;
	t->rootfs.path = *line;
}

/* Version 2 tells it apart from the path; later ones put it in front. */
static void take_backend(struct lxc_translation *t, const struct lxc_row *row,
                         const struct lxc_line *line, const char *star)
{
	(void)row, (void)star;
	t->rootfs.backend = *line;
}

static void take_options(struct lxc_translation *t, const struct lxc_row *row,
                         const struct lxc_line *line, const char *star)
{
	(void)row, (void)star;
	t->rootfs.options = *line;
}

static void take_place(struct lxc_translation *t, const struct lxc_row *row,
                       const struct lxc_line *line, const char *star)
{
	(void)row, (void)star;
	t->rootfs.place = *line;
}

static void take_managed(struct lxc_translation *t, const struct lxc_row *row,
                         const struct lxc_line *line, const char *star)
{
	(void)star;
	if (text_is(line->value, "0"))
		(void)lxc_set_row(t, row, "no", line);
	else
		lxc_clear(t, "rootfs", "managed"); /* the default */
}

/* "[TYPE:]PATH" as one of the words that LXC has for it, spelled one way. */
static char *whole_path(const struct lxc_rootfs *rootfs)
{
	static const char *const types[] = {
		"dir:", "btrfs:",   "loop:",      "lvm:",  "zfs:", "rbd:",
		"nbd:", "overlay:", "overlayfs:", "aufs:", "blk:"};
	const char *path = rootfs->path.value;
	bool has_backend = rootfs->backend.key && *rootfs->backend.value;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!text_starts(path, types[i]))
			continue;
		if (text_is(types[i], "overlayfs:"))
			return must_printf("overlay:%s", path + strlen(types[i]));
		return must_dup(path);
	}
	/* of a folder or a volume by its name alone it does not matter */
	return must_printf("%s:%s", has_backend ? rootfs->backend.value : "dir", path);
}

static void set_path(struct lxc_translation *t, const char *whole)
{
	const struct lxc_line *line = &t->rootfs.path;
	CLEAN_FREE char *volume = NULL;

	if (text_starts(whole, "overlay:"))
		lxc_leave(t, line,
		          "sysc keeps layers in folders of another form (sysc-import --lxc takes "
		          "what they show)");
	else if (text_starts(whole, "rbd:") || text_starts(whole, "nbd:") ||
	         text_starts(whole, "aufs:") || text_starts(whole, "blk:"))
		lxc_leave(t, line, "there is no backend for it: mount it, and name the folder");
	else if (text_starts(whole, "lvm:/dev/"))
		volume = must_printf("lvm:%s", whole + strlen("lvm:/dev/"));
	else
		volume = must_dup(whole);
	if (volume)
		(void)lxc_set(t, "rootfs", "path", volume, line);
}

/* Whether the ids of the map are laid over the tree when it is mounted, as here; otherwise they are on disk. */
static bool set_options(struct lxc_translation *t)
{
	const struct lxc_line *line = &t->rootfs.options;
	CLEAN(strings_done) struct strings words = {0};
	bool is_mapped = false;

	if (line->key)
		strings_split(&words, line->value, ",");
	for (size_t i = 0; i < words.count; i++) {
		const char *word = words.items[i];

		if (text_is(word, "idmap=container"))
			is_mapped = true;
		else if (text_is(word, "ro"))
			(void)lxc_set(t, "rootfs", "readonly", "yes", line);
		else if (!text_is(word, "rw") && !text_is(word, "defaults"))
			lxc_leave(t, line,
			          "option '%s' of the root file system's mount is not known", word);
	}
	return is_mapped;
}

void lxc_rootfs_finish(struct lxc_translation *t)
{
	const struct lxc_line *path = &t->rootfs.path;
	bool is_mapped = set_options(t), has_path = path->key && *path->value;

	if (t->rootfs.backend.key && !has_path)
		lxc_leave(t, &t->rootfs.backend, "there is no lxc.rootfs.path to go with it");
	if (t->rootfs.place.key && *t->rootfs.place.value)
		lxc_leave(t, &t->rootfs.place,
		          "not needed: the root file system is mounted where nobody else sees it");
	if (!has_path)
		return;
	t->out->rootfs = whole_path(&t->rootfs);
	t->out->is_shifted = t->out->map.count && !is_mapped;
	set_path(t, t->out->rootfs);
	if (!t->out->map.count)
		(void)lxc_set(t, "container", "privileged", "yes", path); /* as LXC runs it */
	else if (t->out->is_shifted && lxc_find(t, "rootfs", "path"))
		(void)lxc_set(t, "rootfs", "options", "shifted", path);
}

/* --- mounts --- */

static void take_entry(struct lxc_translation *t, const struct lxc_row *row,
                       const struct lxc_line *line, const char *star)
{
	(void)row, (void)star;
	if (*line->value)
		lxc_lines_add(&t->mounts, line);
	else
		lxc_lines_done(&t->mounts);
}

/* Each line of the file is an entry; remarks name its place there. */
static void take_fstab(struct lxc_translation *t, const struct lxc_row *row,
                       const struct lxc_line *line, const char *star)
{
	CLEAN(text_done) struct text text = {0};
	struct lxc_line entry = *line;
	struct error err = {0};

	(void)row, (void)star;
	if (!*line->value)
		return;
	if (lxc_reader_text(&t->reader, line->value, &text, &err) < 0) {
		lxc_leave(t, line, "%s", err.text);
		return;
	}
	entry.file = line->value;
	entry.number = 0;
	for (char *at = text.data, *next; at && *at; at = next) {
		const char *words;

		next = at + strcspn(at, "\n");
		if (*next)
			*next++ = '\0';
		entry.number++;
		words = text_trim(at);
		if (!*words || *words == '#')
			continue;
		if (t->reader.lines++ >= LXC_LINES_MAX)
			break;
		entry.value = lxc_keep(t, must_dup(words));
		lxc_lines_add(&t->mounts, &entry);
	}
}

/* Where "proc:rw" and its like go. */
static void take_auto(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *star)
{
	static const struct {
		const char *word, *name, *value; /* name NULL: nothing is needed */
	} words[] = {
		{"proc",       "proc", "mixed"},
                {"proc:mixed", "proc", "mixed"},
		{"proc:rw",    "proc", "rw"   },
                {"sys",        "sys",  "mixed"},
		{"sys:mixed",  "sys",  "mixed"},
                {"sys:ro",     "sys",  "ro"   },
		{"sys:rw",     "sys",  "rw"   },
	};
	CLEAN(strings_done) struct strings given = {0};
	size_t at;

	(void)row, (void)star;
	if (!*line->value) {
		lxc_clear(t, "mounts", "proc");
		lxc_clear(t, "mounts", "sys");
	}
	strings_split(&given, line->value, " \t");
	for (size_t i = 0; i < given.count; i++) {
		for (at = 0; at < ARRAY_SIZE(words); at++)
			if (text_is(words[at].word, given.items[i]))
				break;
		if (at < ARRAY_SIZE(words))
			(void)lxc_set(t, "mounts", words[at].name, words[at].value, line);
		else if (text_starts(given.items[i], "cgroup"))
			lxc_leave(t, line,
			          "'%s' is not needed: a container always has its own cgroup2",
			          given.items[i]);
		else
			lxc_leave(t, line, "'%s' has no counterpart", given.items[i]);
	}
}

/* What a container has in any case, where configurations of LXC mount it. */
static bool is_usual(const char *target)
{
	static const char *const usual[] = {
		"/proc",
		"/sys",
		"/dev/pts",
		"/dev/shm",
		"/dev/mqueue",
		"/dev/.lxc/proc",
		"/dev/.lxc/sys",
		"/sys/fs/fuse/connections",
		"/sys/kernel/debug",
		"/sys/kernel/security",
		"/sys/fs/pstore",
	};

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (text_is(usual[i], target))
			return true;
	return false;
}

static const char *below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	while (length > 1 && folder[length - 1] == '/')
		length--;
	if (length < 2 || strncmp(path, folder, length) != 0 || path[length] != '/')
		return NULL;
	return path + length;
}

/* The place inside; NULL: LXC would not mount it either. */
static char *inside(const struct lxc_translation *t, const char *target)
{
	const struct lxc_line *place = &t->rootfs.place;
	const char *path = t->out->rootfs ? strchr(t->out->rootfs, ':') + 1 : NULL, *found = NULL;

	if (target[0] != '/')
		return must_printf("/%s", target + (text_starts(target, "./") ? 2 : 0));
	if (path)
		found = below(target, path);
	if (!found && place->key)
		found = below(target, place->value);
	if (!found && strstr(target, "/lxc/rootfs/")) /* where LXC mounts it by itself */
		found = strstr(target, "/lxc/rootfs/") + strlen("/lxc/rootfs");
	return found ? must_dup(found) : NULL;
}

/* What becomes of an option; one that is not here goes to the file system. */
enum option_way {
	OPTION_KEEP,
	OPTION_DROP, /* the kernel's default, or nothing here */
	OPTION_STOP, /* it means something that is not here */
};

static const struct {
	const char *name;
	enum option_way way;
} mount_options[] = {
	{"dev",         OPTION_DROP},
        {"suid",        OPTION_DROP},
        {"exec",        OPTION_DROP},
	{"async",       OPTION_DROP},
        {"atime",       OPTION_DROP},
        {"diratime",    OPTION_DROP},
	{"relatime",    OPTION_DROP},
        {"auto",        OPTION_DROP},
        {"noauto",      OPTION_DROP},
	{"nouser",      OPTION_DROP},
        {"private",     OPTION_DROP},
        {"rprivate",    OPTION_DROP},
	{"slave",       OPTION_STOP},
        {"rslave",      OPTION_STOP},
        {"shared",      OPTION_STOP},
	{"rshared",     OPTION_STOP},
        {"unbindable",  OPTION_STOP},
        {"runbindable", OPTION_STOP},
	{"relative",    OPTION_STOP},
        {"remount",     OPTION_STOP},
        {"move",        OPTION_STOP},
	{"sync",        OPTION_STOP},
        {"dirsync",     OPTION_STOP},
        {"mand",        OPTION_STOP},
	{"strictatime", OPTION_STOP},
};

static enum option_way way_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(mount_options); i++)
		if (text_is(mount_options[i].name, word))
			return mount_options[i].way;
	return text_starts(word, "idmap=") ? OPTION_STOP : OPTION_KEEP;
}

/* "ro,bind,idmap=container" as here; NULL after saying which one cannot be. */
static char *translate_options(struct lxc_translation *t, const struct lxc_line *line,
                               const char *options)
{
	CLEAN(strings_done) struct strings words = {0};
	CLEAN(text_done) struct text text = {0};

	strings_split(&words, options, ",");
	for (size_t i = 0; i < words.count; i++) {
		const char *word = words.items[i];

		if (text_is(word, "idmap=container"))
			word = "idmap";
		switch (way_of(word)) {
		case OPTION_STOP:
			lxc_leave(t, line, "option '%s' of a mount is not known", word);
			return NULL;
		case OPTION_KEEP:
			text_addf(&text, "%s%s", text.length ? "," : "", word);
			break;
		case OPTION_DROP:
			break;
		}
	}
	return text.length ? text_take(&text) : must_dup("defaults");
}

static void finish_entry(struct lxc_translation *t, const struct lxc_line *line)
{
	CLEAN(strings_done) struct strings words = {0};
	CLEAN_FREE char *target = NULL, *options = NULL, *entry = NULL;

	strings_split(&words, line->value, " \t");
	if (words.count < 3) {
		lxc_leave(t, line, "it is no line of fstab(5)");
		return;
	}
	target = inside(t, words.items[1]);
	if (!target) {
		lxc_leave(t, line, "its target is outside of the container");
		return;
	}
	if (is_usual(target)) {
		lxc_leave(t, line, "not needed: a container has it anyway, as far as it may");
		return;
	}
	options = translate_options(t, line, words.count > 3 ? words.items[3] : "");
	if (!options)
		return;
	entry = must_printf("%s %s %s %s", words.items[0], target, words.items[2], options);
	(void)lxc_set(t, "mounts", "entry", entry, line);
}

void lxc_mount_finish(struct lxc_translation *t)
{
	for (size_t i = 0; i < t->mounts.count; i++)
		finish_entry(t, &t->mounts.items[i]);
	lxc_lines_done(&t->mounts);
}

/* clang-format off */
const struct lxc_row lxc_rows_mount[] = {
	{"lxc.rootfs.path", "lxc.rootfs", "rootfs.path", take_path, NULL},
	{"lxc.rootfs.backend", NULL, "rootfs.path", take_backend, NULL},
	{"lxc.rootfs.options", NULL, "rootfs.readonly", take_options, NULL},
	{"lxc.rootfs.managed", NULL, "rootfs.managed", take_managed, NULL},
	{"lxc.rootfs.mount", NULL, NULL, take_place, NULL},
	{"lxc.pivotdir", NULL, NULL, lxc_take_none, "not needed: the root is changed without a folder in the guest"},
	{"lxc.mount.entry", NULL, "mounts.entry", take_entry, NULL},
	{"lxc.mount.fstab", "lxc.mount", "mounts.entry", take_fstab, NULL},
	{"lxc.mount.auto", NULL, "mounts.proc", take_auto, NULL},
	{0},
};
/* clang-format on */
