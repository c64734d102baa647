/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container from an archive of sysc-export; see the header. */
#include "tools/import_archive.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "tools/command.h"
#include "tools/creation.h"
#include "tools/import.h"
#include "tools/import_settings.h"
#include "tools/import_tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

/* At most what there is room for: an archive must not fill the host's disk to the last byte. */
static uint64_t most_bytes(const char *rootfs)
{
	struct statvfs fs;

	return statvfs(rootfs, &fs) < 0 ? 1 << 30 : fs.f_bavail * fs.f_frsize / 100 * 97 + 4096;
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
	if (text_is(storage_name(&creation->storage), "overlay"))
		strings_add(&words, "--overlay");
	strings_add(&words, "-");
	r = import_chain_run(&import->chain, creation->name, &words, creation->signals_fd, NULL,
	                     err);
	return r < 0 ? r
	             : import_tree_rename(creation, import->last->manifest.name,
	                                  import->taken.is_twin, err);
}

int import_archive_prepare(struct import *import, struct creation *creation, struct error *err)
{
	const struct paths *paths = &import->call->paths;
	const char *snippet = import->last->manifest.snippet;

	if (*snippet && !text_is(snippet, "default") &&
	    strspn(snippet, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(snippet)) {
		import->snippet = must_printf("%s/%s.conf", paths->config, snippet);
		if (file_exists(AT_FDCWD, import->snippet)) {
			creation->config.snippet = import->snippet;
			import->taken.snippet = snippet;
		}
	}
	creation->fill = fill;
	return import_settings_prepare(import, creation, &import->last->config,
	                               import->last->manifest.name, "archive", err);
}
