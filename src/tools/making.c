/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hidden folder of a new container, from the look at its name to the rename; see the header. */
#include "tools/making.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/progress.h"
#include "base/text.h"
#include "container/container.h"
#include "container/uuid.h"
#include "tools/command.h"
#include "tools/tree_progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

int making_release_signals(int *signals_fd, int r, struct error *err)
{
	while (making_check_signals(*signals_fd, err))
		r = -EINTR;
	process_release_signals(signals_fd);
	return r;
}

int making_check_signals(int signals_fd, struct error *err)
{
	struct signalfd_siginfo info;

	if (signals_fd < 0 || read(signals_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	(void)fail_plain(err, EINTR, "interrupted");
	return (int)info.ssi_signo;
}

char *making_folder(const struct container *target)
{
	return must_printf("%s/.%s.creating", target->paths->store, target->name);
}

int making_check_free(const struct container *target, struct error *err)
{
	struct stat st;

	if (container_exists(target))
		return fail_plain(err, EBUSY, "a container of this name exists already");
	if (lstat(target->dir, &st) == 0) {
		(void)fail_plain(err, EBUSY, "'%s' is in the way", target->dir);
		return fail_hint(err, "it has no config file; remove it");
	}
	return 0;
}

static int edit_override(const char *file, const char *assignment, struct strings *seen,
                         struct error *err)
{
	CLEAN_FREE char *word = must_dup(assignment), *section = NULL, *key = NULL;
	char *equals = strchr(word, '='), *name, *value;
	int r;

	if (!equals)
		return fail_plain(err, EINVAL, "'%s' is not of the form SECTION.KEY=VALUE", word);
	*equals = '\0';
	name = text_trim(word);
	value = text_trim(equals + 1);
	if (text_ends(name, ".mac"))
		uuid_fill_mac(value);
	r = config_split_key(name, &section, &key, err);
	if (r < 0 || (text_is(section, "idmap") && text_is(value, "auto")))
		return r; /* the line is there already */
	r = config_edit_draft(file, section, key, value, !strings_has(seen, name), err);
	strings_add(seen, name);
	return r;
}

int making_edit_overrides(const char *file, const struct strings *overrides, const char *option,
                          struct error *err)
{
	CLEAN(strings_done) struct strings seen = {0};

	for (size_t i = 0; i < overrides->count; i++)
		if (edit_override(file, overrides->items[i], &seen, err) < 0)
			return fail_in(err, "%s", option);
	return 0;
}

int making_write(const struct call *call, const struct container *target, int folder_fd,
                 int signals_fd, struct error *err)
{
	CLEAN_FREE char *folder = making_folder(target);
	struct progress line;
	int r;

	progress_begin(&line, output_progress_fd(call), target->name);
	progress_say(&line, "writing to disk");
	r = syncfs(folder_fd) < 0 ? fail(err, errno, "write '%s' to disk", folder) : 0;
	progress_clear(&line);
	return r == 0 && making_check_signals(signals_fd, err) ? -EINTR : r;
}

int making_publish(const char *folder, const struct container *target, struct error *err)
{
	const char *store = target->paths->store;
	CLEAN_FD int store_fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (store_fd < 0)
		return fail(err, errno, "open '%s'", store);
	if (renameat2(AT_FDCWD, folder, AT_FDCWD, target->dir, RENAME_NOREPLACE) < 0)
		return fail(err, errno, "rename '%s' to '%s'", folder, target->dir);
	return fsync(store_fd) < 0 ? fail(err, errno, "write '%s' to disk", store) : 0;
}

void making_remove(const struct call *call, const struct container *target)
{
	CLEAN_FREE char *name = must_printf(".%s.creating", target->name);
	struct error err = {0};

	if (tree_progress_remove(call, target->name, target->paths->store, name, -1, &err) < 0)
		output_note(call, "%s", err.text);
}
