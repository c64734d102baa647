/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container from a tree that somebody else packed; see the header. */
#include "tools/import_plain.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "tools/command.h"
#include "tools/create_template.h"
#include "tools/creation.h"
#include "tools/import.h"
#include "tools/import_tree.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* The template does for a plain tree all that it needs to be a guest. */
static int fill(struct creation *creation, const char *map, struct error *err)
{
	struct import *import = creation->user;
	CLEAN_FREE char *fifo = must_printf("%s/input", creation->dir);
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	CLEAN_FREE char *path = import->chain.inputs[0].is_file
	                                ? realpath(import->chain.inputs[0].file, NULL)
	                                : NULL;
	char *words[] = {(char[]){"--skip-devices"}, (char[]){"--rootfs"}, path ? path : fifo,
	                 NULL};
	int r;

	if (!path) {
		if (mkfifo(fifo, 0600) < 0)
			return fail(err, errno, "make '%s'", fifo);
		r = import_input_relay(&import->chain.inputs[0], fifo, err);
		if (r < 0)
			return r;
	}
	r = template_run(creation, map, words, import->program, err);
	if (!path && unlink(fifo) < 0 && r == 0)
		r = fail(err, errno, "remove '%s'", fifo);
	return r < 0 ? r : import_tree_include(creation, err);
}

int import_plain_prepare(struct import *import, struct creation *creation, struct error *err)
{
	import->program = template_find(&import->call->paths, "local", err);
	if (!import->program)
		return -err->code;
	creation->config.base = import->base;
	creation->fill = fill;
	return 0;
}
