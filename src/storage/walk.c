/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chains of names and opening what they lead to; see the header. */
#include "storage/walk.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

struct walk_node *walk_node_new(struct walk_node *parent, const char *name)
{
	size_t size = strlen(name) + 1;
	struct walk_node *node = must_alloc(sizeof(*node) + size);

	node->parent = walk_node_hold(parent);
	node->holders = 1;
	memcpy(node->name, name, size);
	return node;
}

struct walk_node *walk_node_hold(struct walk_node *node)
{
	if (node)
		atomic_fetch_add(&node->holders, 1);
	return node;
}

/* Not recursive: a guest may have made ten thousand levels. */
void walk_node_drop(struct walk_node *node)
{
	while (node && atomic_fetch_sub(&node->holders, 1) == 1) {
		struct walk_node *parent = node->parent;

		free(node);
		node = parent;
	}
}

int walk_open_entry(int folder_fd, const char *name, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
	                   RESOLVE_NO_XDEV,
	};
	int fd = sys_openat2(folder_fd, name, &how);

	return fd < 0 ? -errno : fd;
}

static size_t path_length(const struct walk_node *node)
{
	size_t length = 0;

	for (; node; node = node->parent)
		length += strlen(node->name) + 1;
	return length;
}

/* "usr/lib/x" and its end into the room that path_length() asked for. */
static void write_path(const struct walk_node *node, char *path, size_t length)
{
	char *at = path + length;
	char end = '\0';

	for (; node; node = node->parent) {
		size_t size = strlen(node->name);

		*--at = end;
		end = '/';
		at -= size;
		memcpy(at, node->name, size);
	}
}

/* A path longer than the kernel takes, in pieces. */
static int open_long(int root_fd, char *path, int flags)
{
	CLEAN_FD int folder = -1;
	char *at = path;

	while (strlen(at) >= PATH_MAX) {
		char *cut = at + PATH_MAX - 1;
		int next;

		while (*cut != '/')
			cut--;
		*cut = '\0';
		next = walk_open_entry(folder < 0 ? root_fd : folder, at, O_PATH | O_DIRECTORY);
		if (next < 0)
			return next;
		fd_close(&folder);
		folder = next;
		at = cut + 1;
	}
	return walk_open_entry(folder < 0 ? root_fd : folder, at, flags);
}

int walk_open(int root_fd, const struct walk_node *node, int flags)
{
	char path[PATH_MAX];
	size_t length = path_length(node);
	CLEAN_FREE char *longer = NULL;

	if (!node)
		return walk_open_entry(root_fd, ".", flags);
	if (length <= sizeof(path)) {
		write_path(node, path, length);
		return walk_open_entry(root_fd, path, flags);
	}
	longer = must_alloc(length);
	write_path(node, longer, length);
	return open_long(root_fd, longer, flags);
}

const char *walk_path(const struct walk_node *node, const char *name, char out[WALK_PATH_MAX])
{
	char *at = out + WALK_PATH_MAX - 1;
	const char *part = name;

	*at = '\0';
	if (!part && node) {
		part = node->name;
		node = node->parent;
	}
	while (part) {
		size_t size = strlen(part);

		if (size + 4 > (size_t)(at - out)) { /* "..." still fits */
			at -= 3;
			memcpy(at, "...", 3);
			break;
		}
		at -= size;
		memcpy(at, part, size);
		part = node ? node->name : NULL;
		node = node ? node->parent : NULL;
		if (part)
			*--at = '/';
	}
	for (char *c = at; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	return at;
}
