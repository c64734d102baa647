/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The earlier archive of an increment; see the header. */
#include "tools/export_since.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/progress.h"
#include "base/text.h"
#include "container/container.h"
#include "storage/manifest_list.h"
#include "tools/archiver.h"
#include "tools/command.h"
#include "tools/making.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_START "sysc-archive " /* as a manifest does; a tar file starts with a name */

void earlier_init(struct earlier *earlier)
{
	*earlier = (struct earlier){.list_fd = -1};
}

void earlier_done(struct earlier *earlier)
{
	fd_close(&earlier->list_fd);
}

/* An archive is read to its end, where the list is. */
static int list_archive(struct earlier *earlier, const struct call *call, const char *file, int fd,
                        struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	CLEAN_FD int list = list_open_temporary();
	int signals = process_catch_signals();
	struct progress line;
	const struct archiver_run run = {
		.call = call,
		.name = file,
		.words = &words,
		.input_fd = fd,
		.output_fd = -1,
		.manifest_fd = -1,
		.config_fd = -1,
		.save_fd = list,
		.signals_fd = signals,
		.progress = &line,
	};
	int r;

	strings_split(
		&words,
		"check --exported --allow-devices --max-bytes=1000000T --max-entries=100000000 -",
		" ");
	archiver_begin_progress(&line, call, file, 0, 1);
	r = list < 0 ? fail(err, -list, "keep its list") : archiver_run(&run, err);
	r = making_release_signals(&signals, r, err);
	if (r == 0)
		earlier->list_fd = fd_take(&list);
	return r;
}

/* All of it, so that a damaged one is found before anything is done. */
static int read_list(struct earlier *earlier, struct error *err)
{
	int copy = fcntl(earlier->list_fd, F_DUPFD_CLOEXEC, 3);
	CLEAN_FILE FILE *file = copy < 0 ? NULL : fdopen(copy, "re");
	CLEAN_FREE struct list_reader *list = file ? list_reader_new(file, true) : NULL;
	int r;

	if (!file || fseek(file, 0, SEEK_SET) < 0)
		return fail(err, errno, "read its list");
	r = list_read_manifest(file, &earlier->manifest, err);
	if (r == 0)
		r = list_reader_finish(list, err);
	if (r < 0)
		return r;
	memcpy(earlier->digest, list->digest, sizeof(list->digest));
	return lseek(earlier->list_fd, 0, SEEK_SET) < 0 ? fail(err, errno, "read its list") : 0;
}

static int read_earlier(struct earlier *earlier, const struct call *call, const char *file,
                        struct error *err)
{
	CLEAN_FD int fd = open(file, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	char start[sizeof(LIST_START)] = "";
	struct stat st;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, errno, "open it");
	if (!S_ISREG(st.st_mode))
		return fail_plain(err, EINVAL, "it is no plain file");
	if (pread(fd, start, sizeof(start) - 1, 0) < 0)
		return fail(err, errno, "read it");
	if (text_is(start, LIST_START))
		earlier->list_fd = fd_take(&fd);
	else
		r = list_archive(earlier, call, file, fd, err);
	return r < 0 ? r : read_list(earlier, err);
}

int earlier_read(struct earlier *earlier, const struct call *call, const char *file,
                 struct error *err)
{
	int r = read_earlier(earlier, call, file, err);

	return r < 0 ? fail_in(err, "'%s'", file) : 0;
}

int earlier_take(struct earlier *earlier, int list_fd, struct error *err)
{
	earlier_done(earlier);
	earlier->list_fd = list_fd;
	return read_list(earlier, err);
}

int earlier_check(const struct earlier *earlier, const struct container *container,
                  struct error *err)
{
	const struct manifest *manifest = &earlier->manifest;
	const char *uuid = container->config.uuid;

	if (*manifest->uuid ? text_is(manifest->uuid, uuid)
	                    : text_is(manifest->name, container->name))
		return 0;
	(void)fail_plain(err, EINVAL, "the earlier archive is of container '%s'%s%s",
	                 manifest->name, *manifest->uuid ? " with the UUID " : "", manifest->uuid);
	return fail_hint(err, "an increment is to an archive of the same container");
}
