/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lxc.include. What comes with LXC (/usr/share/lxc/config/debian.common.conf) is not translated line by line: our own
 * settings of the same distribution take its place. Any other file is read where it stands.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/lxc_translate.h"
#include "container/paths.h"

#include <fcntl.h>
#include <string.h>

bool lxc_snippet_is(const char *path, const char **name)
{
	static const char folder[] = "/lxc/config/";
	CLEAN_FREE char *copy = must_dup(path);
	size_t length = strlen(copy);
	const char *slash;

	while (length > 1 && copy[length - 1] == '/')
		copy[--length] = '\0';
	slash = strrchr(copy, '/');
	if (!slash || (size_t)(slash + 1 - copy) < sizeof(folder) - 1 ||
	    strncmp(slash + 2 - sizeof(folder), folder, sizeof(folder) - 1) != 0)
		return false;
	*name = path + (slash + 1 - copy);
	return true;
}

/* "debian" of "debian.common.conf": our file of it, or that of any distribution. */
static void take_distribution(struct lxc_translation *t, const struct lxc_row *row,
                              const struct lxc_line *line, const char *name)
{
	CLEAN_FREE char *distribution = must_printf("%.*s", (int)strcspn(name, "."), name);
	CLEAN_FREE char *file = must_printf("%s/%s.conf", t->paths->config, distribution);
	CLEAN_FREE char *any = must_printf("%s/local.conf", t->paths->config);
	bool has_own = file_exists(AT_FDCWD, file);

	free(t->out->snippet);
	t->out->snippet = must_dup(distribution);
	if (!t->with_snippets)
		return;
	lxc_clear(t, "container", "include");
	if (lxc_set_row(t, row, has_own ? file : any, line) && !has_own)
		lxc_note(
			t, line,
			"there are no settings of '%s' here, so those of any distribution are taken",
			distribution);
}

/* What the other files of LXC stand for. */
static const struct snippet {
	const char *end;
	const char *section, *key, *value; /* NULL: nothing */
} snippets[] = {
	{".userns.conf",  NULL,        NULL,      NULL }, /* a user namespace is the default */
	{"userns.conf",   NULL,        NULL,      NULL },
        {"userns.conf.d", NULL,        NULL,      NULL },
	{"common.conf.d", NULL,        NULL,      NULL },
        {"nesting.conf",  "container", "nesting", "yes"},
};

/* False: it is read as any file, ubuntu.lucid.conf for example. */
static bool take_snippet(struct lxc_translation *t, const struct lxc_row *row,
                         const struct lxc_line *line, const char *name)
{
	CLEAN_FREE char *plain = must_printf("%.*s", (int)strcspn(name, "/"), name);

	if (text_is(plain, "common.conf") || text_ends(plain, ".common.conf")) {
		take_distribution(t, row, line, plain);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(snippets); i++) {
		const struct snippet *snippet = &snippets[i];

		if (!text_ends(plain, snippet->end))
			continue;
		if (snippet->key)
			(void)lxc_set(t, snippet->section, snippet->key, snippet->value, line);
		else
			lxc_leave(
				t, line,
				"not needed: it comes with LXC, and the defaults here are of that kind");
		return true;
	}
	return false;
}

void lxc_snippet_take(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *star)
{
	const char *name;
	struct error err = {0};

	(void)star;
	if (!*line->value)
		return; /* LXC does not take it back either */
	if (lxc_snippet_is(line->value, &name) && take_snippet(t, row, line, name))
		return;
	if (lxc_reader_read(&t->reader, line->value, &err) < 0)
		lxc_leave(t, line, "%s", err.text);
}
