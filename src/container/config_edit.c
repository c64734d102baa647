/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changing single lines of a configuration file. The file is held as its lines; what is not concerned
 * is written back byte by byte.
 */
#include "container/config.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/ini_file.h"
#include "container/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The file while it is edited. */
struct edit {
	char *path; /* with symlinks resolved: the file itself is replaced, not a link to it */
	struct stat st;
	struct strings lines; /* without newlines */
	const char *section, *key;
	struct ini_line parsed; /* the line looked at last */
};

static void edit_done(struct edit *edit)
{
	free(edit->path);
	strings_done(&edit->lines);
}

static int edit_open(struct edit *edit, const char *file, const char *section, const char *key,
                     struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r;

	edit->section = section;
	edit->key = key;
	edit->path = realpath(file, NULL);
	if (!edit->path)
		return fail(err, errno, "open '%s'", file);
	if (stat(edit->path, &edit->st) < 0)
		return fail(err, errno, "look at '%s'", edit->path);
	r = ini_file_read(edit->path, &text, NULL, err);
	if (r < 0)
		return r;
	if (text.length && strlen(text.data) != text.length)
		return fail_plain(err, EINVAL, "'%s' is not a text file", edit->path);
	for (const char *at = text.data; at && *at;) {
		size_t length = strcspn(at, "\n");

		strings_give(&edit->lines, must_printf("%.*s", (int)length, at));
		at += length + (at[length] == '\n');
	}
	return 0;
}

static void edit_print(const struct edit *edit, struct text *out)
{
	for (size_t i = 0; i < edit->lines.count; i++)
		text_addf(out, "%s\n", edit->lines.items[i]);
}

static int edit_save(const struct edit *edit, bool lasting, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	const char *bytes;
	int r;

	edit_print(edit, &text);
	bytes = text.data ? text.data : "";
	r = lasting ? file_replace(AT_FDCWD, edit->path, bytes, text.length,
	                           edit->st.st_mode & 07777, err)
	            : file_replace_volatile(AT_FDCWD, edit->path, bytes, text.length,
	                                    edit->st.st_mode & 07777, err);
	if (r < 0)
		return r;
	if ((edit->st.st_uid != geteuid() || edit->st.st_gid != getegid()) &&
	    fchownat(AT_FDCWD, edit->path, edit->st.st_uid, edit->st.st_gid, AT_SYMLINK_NOFOLLOW) <
	            0)
		return fail(err, errno, "give '%s' back to its owner", edit->path);
	return 0;
}

static enum ini_kind parse_at(struct edit *edit, size_t i)
{
	return ini_line_parse(&edit->parsed, edit->lines.items[i], strlen(edit->lines.items[i]));
}

/* Puts line (taken over) before place i. */
static void insert_line(struct edit *edit, size_t i, char *line)
{
	strings_give(&edit->lines, line);
	for (size_t j = edit->lines.count - 1; j > i; j--)
		edit->lines.items[j] = edit->lines.items[j - 1];
	edit->lines.items[i] = line;
}

static void remove_line(struct edit *edit, size_t i)
{
	free(edit->lines.items[i]);
	edit->lines.count--;
	memmove(&edit->lines.items[i], &edit->lines.items[i + 1],
	        (edit->lines.count - i + 1) * sizeof(char *)); /* with the NULL at the end */
}

/* What a walk over the file finds of section and key. */
struct found {
	size_t first, last; /* lines of the key, when count */
	size_t count;
	size_t section_end; /* behind the last line with something in it, when has_section */
	bool has_section, has_include;
};

static struct found find(struct edit *edit)
{
	struct found found = {0};
	bool inside = false, has_value = false;

	for (size_t i = 0; i < edit->lines.count; i++) {
		enum ini_kind kind = parse_at(edit, i);

		if (kind == INI_SECTION) {
			inside = text_is(edit->parsed.name, edit->section);
			found.has_section |= inside;
		}
		if (kind == INI_VALUE && text_is(edit->parsed.name, "include"))
			found.has_include = true;
		/* comments below the last value stay below it: they mostly head what follows */
		if (inside && kind != INI_BLANK)
			found.section_end = i + 1;
		if (!inside || kind != INI_VALUE || !text_is(edit->parsed.name, edit->key))
			continue;
		/* of a list the first that is not merely clearing what an include says */
		if (!found.count++ || !has_value)
			found.first = i;
		has_value |= *edit->parsed.value != '\0';
		found.last = i;
	}
	return found;
}

/* The line with another value: its indentation, blanks around '=' and comment stay. */
static void change_value(struct edit *edit, size_t i, const char *value)
{
	const char *line = edit->lines.items[i], *at = strchr(line, '=') + 1;
	char *changed;

	(void)parse_at(edit, i);
	at += strspn(at, " \t");
	if (at > edit->parsed.comment)
		at = edit->parsed.comment; /* there was no value */
	changed = must_printf("%.*s%s%s%.*s", (int)(at - line), line,
	                      at[-1] == '=' && *value && !*edit->parsed.value ? " " : "", value,
	                      (int)edit->parsed.comment_length, edit->parsed.comment);
	free(edit->lines.items[i]);
	edit->lines.items[i] = changed;
}

static void remove_others(struct edit *edit, size_t keep)
{
	bool inside = false;

	for (size_t i = 0; i < edit->lines.count; i++) {
		enum ini_kind kind = parse_at(edit, i);

		if (kind == INI_SECTION)
			inside = text_is(edit->parsed.name, edit->section);
		if (i == keep || !inside || kind != INI_VALUE ||
		    !text_is(edit->parsed.name, edit->key))
			continue;
		remove_line(edit, i);
		keep -= i < keep;
		i--;
	}
}

static void add_line(struct edit *edit, const struct found *found, char *line)
{
	size_t count = edit->lines.count;

	if (found->count) {
		insert_line(edit, found->last + 1, line);
	} else if (found->has_section) {
		insert_line(edit, found->section_end, line);
	} else {
		if (count && *edit->lines.items[count - 1])
			strings_add(&edit->lines, "");
		strings_give(&edit->lines, must_printf("[%s]", edit->section));
		strings_give(&edit->lines, line);
	}
}

/* What a line cannot carry, whatever the key. */
static int check_text(const char *section, const char *key, const char *value, struct error *err)
{
	CLEAN_FREE char *line = must_printf("%s = %s", key, value);
	struct ini_line parsed;
	enum ini_kind kind = ini_line_parse(&parsed, line, strlen(line));

	if (kind == INI_BROKEN)
		return fail_plain(err, EINVAL, "%s.%s: %s", section, key, parsed.problem);
	if (kind != INI_VALUE || !text_is(parsed.name, key) || !text_is(parsed.value, value))
		return fail_plain(err, EINVAL,
		                  "%s.%s: a value cannot hold ' ;' (a comment) nor begin or end "
		                  "with a blank",
		                  section, key);
	return 0;
}

static int change_lines(struct edit *edit, const char *file, const struct config_edit *change,
                        struct error *err)
{
	const char *section = change->section, *key = change->key, *value = change->value;
	const struct key *row = keys_find(section, key);
	struct found found;
	bool list;
	int r = config_check_value(section, key, value, err);

	if (r < 0)
		return row ? fail_in(err, "%s.%s", section, key) : r;
	r = check_text(section, key, value, err);
	if (r == 0)
		r = edit_open(edit, file, section, key, err);
	if (r < 0)
		return r;
	list = row && (row->type == KEY_LIST || row->type == KEY_INCLUDE);
	found = find(edit);
	if (found.count && (!list || change->replace)) {
		size_t keep = list ? found.first : found.last;

		change_value(edit, keep, value);
		remove_others(edit, keep);
	} else {
		add_line(edit, &found, must_printf("%s = %s", key, value));
	}
	if (list && change->replace && *value && found.has_include && row->type == KEY_LIST) {
		/* what an included file says before is to go too: an empty value clears */
		found = find(edit);
		insert_line(edit, found.first, must_printf("%s =", key));
	}
	return 0;
}

/* Removes the section with all in it; the number of lines removed. */
static size_t remove_section(struct edit *edit)
{
	size_t removed = 0;
	bool inside = false;

	for (size_t i = 0; i < edit->lines.count;) {
		if (parse_at(edit, i) == INI_SECTION)
			inside = text_is(edit->parsed.name, edit->section);
		if (inside) {
			remove_line(edit, i);
			removed++;
		} else {
			i++;
		}
	}
	return removed;
}

/* Removes the lines of the key, with match only those of that value. */
static size_t remove_key(struct edit *edit, const char *match)
{
	size_t removed = 0;
	bool inside = false;

	for (size_t i = 0; i < edit->lines.count;) {
		enum ini_kind kind = parse_at(edit, i);

		if (kind == INI_SECTION)
			inside = text_is(edit->parsed.name, edit->section);
		if (inside && kind == INI_VALUE && text_is(edit->parsed.name, edit->key) &&
		    (!match || text_is(edit->parsed.value, match))) {
			remove_line(edit, i);
			removed++;
		} else {
			i++;
		}
	}
	return removed;
}

static int remove_lines(struct edit *edit, const char *file, const struct config_edit *change,
                        struct error *err)
{
	const char *section = change->section, *key = change->key, *match = change->value;
	size_t removed;
	int r;

	if (key && !keys_find(section, key))
		return keys_unknown(section, key, err);
	r = edit_open(edit, file, section, key, err);
	if (r < 0)
		return r;
	removed = key ? remove_key(edit, match) : remove_section(edit);
	if (!removed)
		return key ? fail_plain(err, ENOENT, "'%s' does not set %s.%s%s%s%s", file, section,
		                        key, match ? " to '" : "", match ? match : "",
		                        match ? "'" : "")
		           : fail_plain(err, ENOENT, "'%s' has no section '%s'", file, section);
	return 0;
}

static int make(struct edit *edit, const char *file, const struct config_edit *change,
                struct error *err)
{
	return change->unset ? remove_lines(edit, file, change, err)
	                     : change_lines(edit, file, change, err);
}

static int make_and_save(const char *file, const struct config_edit *change, bool lasting,
                         struct error *err)
{
	CLEAN(edit_done) struct edit edit = {0};
	int r = make(&edit, file, change, err);

	return r < 0 ? r : edit_save(&edit, lasting, err);
}

int config_edit_preview(const char *file, const struct config_edit *change, struct text *out,
                        struct error *err)
{
	CLEAN(edit_done) struct edit edit = {0};
	int r = make(&edit, file, change, err);

	if (r == 0)
		edit_print(&edit, out);
	return r;
}

int config_edit_set(const char *file, const char *section, const char *key, const char *value,
                    bool replace, struct error *err)
{
	return make_and_save(
		file,
		&(struct config_edit){
			.section = section, .key = key, .value = value, .replace = replace},
		true, err);
}

int config_edit_unset(const char *file, const char *section, const char *key, const char *match,
                      struct error *err)
{
	return make_and_save(file,
	                     &(struct config_edit){
				     .section = section, .key = key, .value = match, .unset = true},
	                     true, err);
}

int config_edit_draft(const char *file, const char *section, const char *key, const char *value,
                      bool replace, struct error *err)
{
	const struct config_edit change = {
		.section = section,
		.key = key,
		.value = value,
		.unset = value == NULL,
		.replace = replace,
	};

	return make_and_save(file, &change, false, err);
}
