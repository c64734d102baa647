/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers at rest: names, folders, listing the store; see the header. */
#include "container/container.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

/* Why name is no name of a container, NULL when it is one. */
static const char *wrong_name(const char *name)
{
	if (!*name)
		return "is empty";
	if (strlen(name) > CONTAINER_NAME_MAX)
		return "is longer than 63 characters";
	if (!strchr(LETTERS DIGITS, *name))
		return "does not begin with a letter or digit";
	if (name[strspn(name, LETTERS DIGITS "_.-")])
		return "holds other characters than letters, digits, '_', '.' and '-'";
	return NULL;
}

int container_check_name(const char *name, struct error *err)
{
	const char *why = wrong_name(name);

	if (!why)
		return 0;
	if (text_has_control(name, false)) /* not to the terminal */
		return fail_plain(err, EINVAL, "the container's name %s", why);
	return fail_plain(err, EINVAL, "the container's name '%.80s' %s", name, why);
}

int container_init(struct container *container, const struct paths *paths, const char *name,
                   struct error *err)
{
	int r;

	*container = (struct container){.paths = paths};
	r = container_check_name(name, err);
	if (r < 0)
		return r;
	config_init(&container->config);
	container->name = must_dup(name);
	container->dir = must_printf("%s/%s", paths->store, name);
	container->file = must_printf("%s/config", container->dir);
	container->run_dir = must_printf("%s/%s", paths->run, name);
	container->log = must_printf("%s/%s.log", paths->log, name);
	container->console = must_printf("%s/%s.console", paths->log, name);
	return 0;
}

void container_done(struct container *container)
{
	config_done(&container->config);
	free(container->name);
	free(container->dir);
	free(container->file);
	free(container->run_dir);
	free(container->log);
	free(container->console);
	*container = (struct container){0};
}

int container_exists(const struct container *container)
{
	return file_exists(AT_FDCWD, container->file);
}

static int no_such(const struct paths *paths, const char *name, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	const char *near = NULL;

	(void)fail_plain(err, ENOENT, "no such container '%s' in '%s'", name, paths->store);
	if (container_list(paths, &names, NULL) == 0 && names.count)
		near = text_nearest(name, (const char *const *)names.items);
	return near ? fail_hint(err, "did you mean '%s'?", near) : -ENOENT;
}

int container_load(struct container *container, struct strings *errors, struct error *err)
{
	struct config *config = &container->config;
	int r = config_load(config, container->file, errors, err);

	if (r == 0)
		r = config_check(config, errors, err);
	if (!config->hostname)
		config->hostname = must_dup(container->name);
	return r;
}

int container_open(struct container *container, const struct paths *paths, const char *name,
                   struct strings *errors, struct error *err)
{
	int r = container_init(container, paths, name, err);

	if (r < 0)
		return r;
	if (faccessat(AT_FDCWD, container->file, F_OK, 0) < 0) {
		r = errno == ENOENT || errno == ENOTDIR
		            ? no_such(paths, name, err)
		            : fail(err, errno, "open '%s'", container->file);
	} else {
		r = container_load(container, errors, err);
	}
	if (r < 0)
		container_done(container);
	return r;
}

int container_list(const struct paths *paths, struct strings *names, struct error *err)
{
	CLEAN_DIR DIR *dir = opendir(paths->store);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : fail(err, errno, "open '%s'", paths->store);
	while ((entry = readdir(dir))) {
		char file[sizeof(entry->d_name) + sizeof("/config")];

		if (wrong_name(entry->d_name))
			continue;
		(void)snprintf(file, sizeof(file), "%s/config", entry->d_name);
		if (file_exists(dirfd(dir), file))
			strings_add(names, entry->d_name);
	}
	strings_sort(names);
	return 0;
}

static bool is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

int container_match(const struct paths *paths, const struct strings *patterns,
                    struct strings *names, struct error *err)
{
	CLEAN(strings_done) struct strings all = {0};
	int r = container_list(paths, &all, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < patterns->count; i++) {
		const char *pattern = patterns->items[i];

		if (is_glob(pattern))
			continue;
		r = container_check_name(pattern, err);
		if (r < 0)
			return r;
		if (!strings_has(&all, pattern))
			return no_such(paths, pattern, err);
	}
	for (size_t i = 0; i < all.count; i++) {
		bool matches = false;

		for (size_t j = 0; !matches && j < patterns->count; j++)
			matches = fnmatch(patterns->items[j], all.items[i], 0) == 0;
		if (matches)
			strings_add(names, all.items[i]);
	}
	return 0;
}
