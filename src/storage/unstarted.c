/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The marks of ephemeral copies that wait for their start; see the header. */
#include "storage/unstarted.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "storage/storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ENDING        ".unstarted"
#define MARK_MOST     128
#define STORE_WAIT_MS 60000

static char *mark_of(const struct paths *paths, const char *name)
{
	return must_printf("%s/.%s" ENDING, paths->store, name);
}

/* The process by its birth too: a number is used again. The container by its UUID: so is a name. */
int unstarted_mark(const struct container *container, struct error *err)
{
	CLEAN_FREE char *path = mark_of(container->paths, container->name);
	CLEAN_FREE char *text = must_printf("%d %llu %s\n", (int)getpid(),
	                                    (unsigned long long)state_process_birth(getpid()),
	                                    container->config.uuid);

	return file_replace_volatile(AT_FDCWD, path, text, strlen(text), 0600, err);
}

void unstarted_clear(const struct paths *paths, const char *name)
{
	CLEAN_FREE char *path = mark_of(paths, name);

	(void)unlink(path); /* one that stays is looked at by the next sweep */
}

/* What the mark says; false: nothing that can be read. */
static bool read_mark(const struct paths *paths, const char *name, struct strings *words)
{
	CLEAN_FREE char *path = mark_of(paths, name);
	CLEAN(text_done) struct text text = {0};

	if (file_read(AT_FDCWD, path, MARK_MOST, &text, NULL) < 0 || !text.data)
		return false;
	strings_split(words, text.data, " \n");
	return words->count == 3;
}

static bool is_awaited(const struct strings *words)
{
	uint64_t pid = 0, birth = 0;

	return parse_uint(words->items[0], INT_MAX, &pid) == 0 &&
	       parse_uint(words->items[1], UINT64_MAX, &birth) == 0 && pid && birth &&
	       state_process_birth((pid_t)pid) == birth;
}

/* Ephemeral, never run, and nobody's ground. */
static bool is_unwanted(const struct container *container, const char *uuid)
{
	CLEAN(strings_done) struct strings children = {0};
	struct state state;

	if (!container->config.ephemeral || !text_is(container->config.uuid, uuid) ||
	    state_read(container->run_dir, &state, NULL, NULL) < 0 ||
	    state.phase != STATE_STOPPED || state.started_ms)
		return false;
	storage_children(container->paths, container->name, &children);
	return children.count == 0;
}

static int hide(const struct container *container, struct error *err)
{
	CLEAN_FREE char *hidden =
		must_printf("%s/.%s.destroying", container->paths->store, container->name);

	if (renameat2(AT_FDCWD, container->dir, AT_FDCWD, hidden, RENAME_NOREPLACE) < 0)
		return fail(err, errno, "rename '%s' to '%s'", container->dir, hidden);
	return 0;
}

/* With both locks: nobody starts it or comes to stand on it meanwhile. */
static int see_to(const struct paths *paths, const char *name, bool is_over, struct error *err)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN(strings_done) struct strings words = {0};
	bool is_readable = read_mark(paths, name, &words);
	CLEAN_FD int lock = -1, store = -1;
	int r = 0;

	if (is_readable && !is_over && is_awaited(&words))
		return 0;
	if (is_readable && container_open(&container, paths, name, NULL, NULL) == 0) {
		lock = lock_container(&container, 0, NULL);
		if (lock < 0)
			return 0; /* somebody is at work on it */
		store = lock_store(paths, STORE_WAIT_MS, err);
		if (store < 0)
			return store;
		r = is_unwanted(&container, words.items[2]) ? hide(&container, err) : 0;
	}
	if (r == 0)
		unstarted_clear(paths, name);
	return r;
}

int unstarted_give_up(const struct paths *paths, const char *name, struct error *err)
{
	return see_to(paths, name, true, err);
}

int unstarted_sweep(const struct paths *paths, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	CLEAN_DIR DIR *dir = opendir(paths->store);
	const struct dirent *entry;
	int r = 0;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] == '.' && text_ends(entry->d_name, ENDING))
			strings_give(&names,
			             must_printf("%.*s",
			                         (int)(strlen(entry->d_name) - 1 - strlen(ENDING)),
			                         entry->d_name + 1));
	for (size_t i = 0; i < names.count && r == 0; i++)
		r = see_to(paths, names.items[i], false, err);
	return r;
}
