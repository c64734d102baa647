/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules for names in archives. The input is lines: a letter for the type (f d l h c), then the path,
 * for h a tab and what it links to. What the rules let through must lie below the root, and never below
 * a symlink that was let through before.
 */
#include "helpers/archive_rules.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "replay.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static mode_t type_of(char letter)
{
	switch (letter) {
	case 'd':
		return S_IFDIR;
	case 'l':
		return S_IFLNK;
	case 'c':
		return S_IFCHR;
	default:
		return S_IFREG;
	}
}

static void must_be_below(const char *name)
{
	CLEAN(strings_done) struct strings parts = {0};

	assert(*name && *name != '/');
	strings_split(&parts, name, "/");
	for (size_t i = 0; i < parts.count; i++)
		assert(!text_is(parts.items[i], "..") &&
		       (parts.count == 1 || !text_is(parts.items[i], ".")));
}

static void must_pass_none(const struct strings *symlinks, const char *name)
{
	for (size_t i = 0; i < symlinks->count; i++) {
		size_t length = strlen(symlinks->items[i]);

		assert(!text_starts(name, symlinks->items[i]) || name[length] != '/');
	}
}

static void try_line(struct archive_rules *rules, struct strings *symlinks, char *line)
{
	static char name[ARCHIVE_NAME_MAX + 1], target[ARCHIVE_NAME_MAX + 1];
	char *tab = strchr(line, '\t'), shown[64];
	struct archive_item item = {.path = line + 1, .type = type_of(line[0])};
	struct error err = {0};
	int r;

	if (line[0] == 'h' && tab) {
		*tab = '\0';
		item.hard_link = tab + 1;
	}
	r = archive_rules_entry(rules, &item, name, target, &err);
	assert((r < 0) == (err.text[0] != '\0'));
	archive_escape(line, shown, sizeof(shown));
	assert(!text_has_control(shown, false));
	if (r <= 0)
		return;
	must_be_below(name);
	must_pass_none(symlinks, name);
	if (item.hard_link) {
		must_be_below(target);
		must_pass_none(symlinks, target);
	} else if (item.type == S_IFLNK) {
		strings_add(symlinks, name);
	}
	assert(item.hard_link || item.type != S_IFCHR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(archive_rules_done)
	struct archive_rules rules = {
		.limits = {.bytes = 1 << 20, .entries = 200, .ratio = 10}
        };
	CLEAN(strings_done) struct strings symlinks = {0};
	CLEAN_FREE char *copy = must_alloc(size + 1);
	struct error err = {0};

	if (size)
		memcpy(copy, data, size);
	for (char *line = copy, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (*line)
			try_line(&rules, &symlinks, line);
	}
	(void)archive_rules_bytes(&rules, size, size, &err);
	assert(rules.bytes <= rules.limits.bytes || err.code == EFBIG);
	return 0;
}
