/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container from an archive of sysc-export; see the header. */
#include "tools/import_archive.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/container.h"
#include "storage/identity.h"
#include "tools/command.h"
#include "tools/creation.h"
#include "tools/import.h"
#include "tools/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* At most what there is room for: an archive must not fill the host's disk to the last byte. */
static uint64_t most_bytes(const char *rootfs)
{
	struct statvfs fs;

	return statvfs(rootfs, &fs) < 0 ? 1 << 30 : fs.f_bavail * fs.f_frsize / 100 * 97 + 4096;
}

static void note_identity(const char *text, void *user)
{
	const struct creation *creation = user;

	output_note(creation->call, "%s: %s", creation->name, text);
}

/* One that goes on beside the container it was, or by another name, must not take itself for that. */
static int rename_guest(struct creation *creation, const struct import *import, const char *rootfs,
                        struct error *err)
{
	struct identity identity = {
		.paths = &creation->call->paths,
		.old_name = import->last->manifest.name,
		.new_name = creation->name,
		.keep = import->taken.is_twin ? 0 : IDENTITY_ALL & ~IDENTITY_HOSTNAME,
		.note = note_identity,
		.user = creation,
	};
	CLEAN_FD int root = -1;

	if (!import->taken.is_twin && text_is(creation->name, import->last->manifest.name))
		return 0;
	(void)snprintf(identity.old_host, sizeof(identity.old_host), "%s",
	               import->last->manifest.name);
	(void)snprintf(identity.new_host, sizeof(identity.new_host), "%s", creation->name);
	root = open(rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail(err, errno, "open '%s'", rootfs);
	return identity_renew_tree(&identity, root, err);
}

static int fill(struct creation *creation, const char *map, struct error *err)
{
	struct import *import = creation->user;
	CLEAN(strings_done) struct strings words = {0};
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	int r;

	strings_split(&words, "unpack --exported --max-entries=100000000 --into", " ");
	strings_add(&words, rootfs);
	if (map)
		strings_give(&words, must_printf("--map=%s", map));
	strings_give(&words,
	             must_printf("--max-bytes=%llu", (unsigned long long)most_bytes(rootfs)));
	strings_add(&words,
	            creation->target.config.privileged ? "--allow-devices" : "--skip-devices");
	strings_add(&words, "-");
	r = import_chain_run(&import->chain, creation->name, &words, creation->signals_fd, NULL,
	                     err);
	return r < 0 ? r : rename_guest(creation, import, rootfs, err);
}

int import_archive_prepare(struct import *import, struct creation *creation, struct error *err)
{
	const struct paths *paths = &import->call->paths;
	struct import_config *taken = &import->taken;
	const char *snippet = import->last->manifest.snippet;
	int r = 0;

	taken->paths = paths;
	taken->name = creation->name;
	taken->old_name = import->last->manifest.name;
	taken->snippet = "";
	taken->trust = import->trust;
	taken->keep = import->keep;
	if (*snippet && !text_is(snippet, "default") &&
	    strspn(snippet, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(snippet)) {
		import->snippet = must_printf("%s/%s.conf", paths->config, snippet);
		if (file_exists(AT_FDCWD, import->snippet)) {
			creation->config.snippet = import->snippet;
			taken->snippet = snippet;
		}
	}
	if (!import->base)
		r = import_config_take(taken, &import->last->config, err);
	if (r < 0)
		return r;
	text_add(&taken->text, "");
	creation->config.base = import->base ? import->base : "archive";
	creation->config.base_text = import->base ? NULL : &taken->text;
	creation->config.uuid = taken->uuid;
	creation->fill = fill;
	return 0;
}
