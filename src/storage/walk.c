/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chains of names and opening what they lead to; see the header. */
#include "storage/walk.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define FAR  64 /* levels that are opened at once */
#define NEAR 32 /* levels above a folder is the anchor that is made for it */

struct walk_node *walk_node_new(struct walk_node *parent, const char *name)
{
	size_t size = strlen(name) + 1;
	struct walk_node *node = must_alloc(sizeof(*node) + size);

	node->parent = walk_node_hold(parent);
	node->holders = 1;
	node->depth = parent ? parent->depth + 1 : 1;
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

/* From top, a folder above it, or the root (NULL). */
static size_t path_length(const struct walk_node *node, const struct walk_node *top)
{
	size_t length = 0;

	for (; node != top; node = node->parent)
		length += strlen(node->name) + 1;
	return length;
}

/* "usr/lib/x" and its end into the room that path_length() asked for. */
static void write_path(const struct walk_node *node, const struct walk_node *top, char *path,
                       size_t length)
{
	char *at = path + length;
	char end = '\0';

	for (; node != top; node = node->parent) {
		size_t size = strlen(node->name);

		*--at = end;
		end = '/';
		at -= size;
		memcpy(at, node->name, size);
	}
}

/* A path longer than the kernel takes, in pieces. */
static int open_long(int top_fd, char *path, int flags)
{
	CLEAN_FD int folder = -1;
	char *at = path;

	while (strlen(at) >= PATH_MAX) {
		char *cut = at + PATH_MAX - 1;
		int next;

		while (*cut != '/')
			cut--;
		*cut = '\0';
		next = walk_open_entry(folder < 0 ? top_fd : folder, at, O_PATH | O_DIRECTORY);
		if (next < 0)
			return next;
		fd_close(&folder);
		folder = next;
		at = cut + 1;
	}
	return walk_open_entry(folder < 0 ? top_fd : folder, at, flags);
}

static int open_below(int top_fd, const struct walk_node *top, const struct walk_node *node,
                      int flags)
{
	char path[PATH_MAX];
	size_t length = path_length(node, top);
	CLEAN_FREE char *longer = NULL;

	if (node == top)
		return walk_open_entry(top_fd, ".", flags);
	if (length <= sizeof(path)) {
		write_path(node, top, path, length);
		return walk_open_entry(top_fd, path, flags);
	}
	longer = must_alloc(length);
	write_path(node, top, longer, length);
	return open_long(top_fd, longer, flags);
}

int walk_open(int root_fd, const struct walk_node *node, int flags)
{
	return open_below(root_fd, NULL, node, flags);
}

/* --- anchors --- */

void walk_root_init(struct walk_root *root, int fd)
{
	*root = (struct walk_root){.fd = fd};
	(void)pthread_mutex_init(&root->lock, NULL); /* cannot fail in Linux */
}

void walk_root_done(struct walk_root *root)
{
	for (size_t i = 0; i < WALK_ANCHORS; i++) {
		if (root->anchors[i].node)
			fd_close(&root->anchors[i].fd);
		walk_node_drop(root->anchors[i].node);
	}
	(void)pthread_mutex_destroy(&root->lock);
}

static const struct walk_anchor *find_anchor(const struct walk_root *root,
                                             const struct walk_node *node)
{
	for (size_t i = 0; i < WALK_ANCHORS; i++)
		if (root->anchors[i].node == node)
			return &root->anchors[i];
	return NULL;
}

/* The nearest one above node, NULL: the root. Most folders never were one. */
static const struct walk_anchor *nearest_anchor(const struct walk_root *root,
                                                const struct walk_node *node)
{
	const struct walk_anchor *found = NULL;

	for (; node && !found; node = node->parent)
		if (node->is_anchor)
			found = find_anchor(root, node);
	return found;
}

/* Opens the folder NEAR levels above node and keeps it, in place of the one that was kept the longest. */
static int add_anchor(struct walk_root *root, const struct walk_anchor *above,
                      struct walk_node *node)
{
	struct walk_anchor *anchor = &root->anchors[root->next];
	int fd;

	for (unsigned int up = 0; up < NEAR; up++)
		node = node->parent;
	fd = open_below(above ? above->fd : root->fd, above ? above->node : NULL, node,
	                O_PATH | O_DIRECTORY);
	if (fd < 0)
		return fd;
	root->next = (root->next + 1) % WALK_ANCHORS;
	if (anchor->node)
		fd_close(&anchor->fd);
	walk_node_drop(anchor->node);
	node->is_anchor = true;
	*anchor = (struct walk_anchor){.node = walk_node_hold(node), .fd = fd};
	return 0;
}

static int reach_deep(struct walk_root *root, struct walk_node *node, int flags)
{
	const struct walk_anchor *above = nearest_anchor(root, node);

	if (node->depth - (above ? above->node->depth : 0) > FAR) {
		int r = add_anchor(root, above, node);

		if (r < 0)
			return r;
		above = nearest_anchor(root, node);
	}
	return open_below(above->fd, above->node, node, flags);
}

int walk_reach(struct walk_root *root, struct walk_node *node, int flags)
{
	int r;

	if (!node || node->depth <= FAR)
		return walk_open(root->fd, node, flags);
	(void)pthread_mutex_lock(&root->lock);
	r = reach_deep(root, node, flags);
	(void)pthread_mutex_unlock(&root->lock);
	return r;
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
