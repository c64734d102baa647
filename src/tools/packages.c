/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading databases of packages; see the header. Those of dpkg and apk are text, that of rpm is sysc-packages' matter. */
#include "tools/packages.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "tools/command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define DATABASE_MOST   (32U << 20)
#define TIME_MOST_MS    600000 /* for one that hangs; rpm has a shorter time of its own */
#define NO_RPM_DATABASE 3      /* exit code of sysc-packages */

/* A line "KEY VALUE" of the paragraphs of a database, whose lines are cut apart. */
static void read_paragraphs(char *database, const char *name_key, const char *version_key,
                            struct strings *out)
{
	const char *name = NULL;

	for (char *line = database, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (text_starts(line, name_key))
			name = line + strlen(name_key);
		else if (text_is(line, "Status: deinstall ok config-files"))
			name = NULL;
		else if (name && text_starts(line, version_key)) {
			strings_give(out, must_printf("%s %s", name, line + strlen(version_key)));
			name = NULL;
		}
	}
}

/* 1: one of them has packages; 0: none has, or there is none, which *is_there tells. */
static int read_text(int tree_fd, struct strings *out, bool *is_there, struct error *err)
{
	/* apk has P before V in each paragraph */
	static const struct {
		const char *path, *name_key, *version_key;
	} databases[] = {
		{"var/lib/dpkg/status",      "Package: ", "Version: "},
		{"lib/apk/db/installed",     "P:",        "V:"       },
		{"usr/lib/apk/db/installed", "P:",        "V:"       },
	};

	for (size_t i = 0; i < ARRAY_SIZE(databases) && !out->count; i++) {
		CLEAN_FD int fd =
			file_open_in_root(tree_fd, databases[i].path, O_RDONLY | O_NONBLOCK, 0);
		CLEAN(text_done) struct text text = {0};

		if (fd < 0)
			continue;
		if (file_read_fd(fd, databases[i].path, DATABASE_MOST, &text, err) < 0)
			return -err->code;
		*is_there = true;
		read_paragraphs(text.data, databases[i].name_key, databases[i].version_key, out);
	}
	return out->count > 0;
}

/* As read_text(). */
static int read_rpm(const struct call *call, int tree_fd, struct strings *out, bool *is_there,
                    struct error *err)
{
	CLEAN_FREE char *program = must_printf("%s/sysc-packages", call->paths.libexec);
	CLEAN(text_done) struct text text = {0};
	CLEAN(strings_done) struct strings lines = {0};
	const struct process_options options = {
		.argv = (char *[]){program, NULL},
		.input_fd = tree_fd,
		.output_fd = -1,
		.error_fd = -1, /* its error, where that is all that it says */
		.output = &text,
		.output_most = DATABASE_MOST,
		.timeout_ms = TIME_MOST_MS,
	};
	int code = process_run(&options, err);

	if (code < 0 || code == NO_RPM_DATABASE)
		return code < 0 ? code : 0;
	strings_split(&lines, text.data ? text.data : "", "\n");
	if (code)
		return fail_plain(err, EBADMSG, "%s",
		                  lines.count ? lines.items[0] : "sysc-packages failed");
	*is_there = true;
	/* one without a version is none: its name has a line end in it */
	for (size_t i = 0; i < lines.count; i++)
		if (strchr(lines.items[i], ' '))
			strings_add(out, lines.items[i]);
	return out->count > 0;
}

int packages_read(const struct call *call, int tree_fd, struct strings *out, struct error *err)
{
	bool is_there = false;
	int r = read_text(tree_fd, out, &is_there, err);

	if (r == 0)
		r = read_rpm(call, tree_fd, out, &is_there, err);
	if (r < 0)
		return r;
	strings_sort(out);
	return is_there ? 0
	                : fail_plain(err, EOPNOTSUPP,
	                             "its packages are not known: no database of dpkg, apk or rpm");
}
