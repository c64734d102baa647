/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash table from inodes to names; see the header. */
#include "storage/copy_links.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "storage/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#define ROOM_FIRST 256

struct copy_link {
	struct copy_link *next;
	dev_t device;
	ino_t number;
	ino_t made;
	struct walk_node *node;
	char name[];
};

void copy_links_init(struct copy_links *links)
{
	*links = (struct copy_links){.chains = NULL};
	(void)pthread_mutex_init(&links->lock, NULL); /* cannot fail in Linux */
}

void copy_links_done(struct copy_links *links)
{
	for (size_t i = 0; i < links->room; i++) {
		struct copy_link *link = links->chains[i], *next;

		for (; link; link = next) {
			next = link->next;
			walk_node_drop(link->node);
			free(link);
		}
	}
	free(links->chains);
	(void)pthread_mutex_destroy(&links->lock);
}

static struct copy_link **chain_of(const struct copy_links *links, ino_t number)
{
	return &links->chains[(size_t)(number * 0x9e3779b97f4a7c15ULL >> 20) & (links->room - 1)];
}

static void grow(struct copy_links *links)
{
	struct copy_links bigger = {.room = links->room ? links->room * 2 : ROOM_FIRST};

	bigger.chains = must_alloc(bigger.room * sizeof(struct copy_link *));
	for (size_t i = 0; i < links->room; i++) {
		struct copy_link *link = links->chains[i], *next;

		for (; link; link = next) {
			struct copy_link **chain = chain_of(&bigger, link->number);

			next = link->next;
			link->next = *chain;
			*chain = link;
		}
	}
	free(links->chains);
	links->chains = bigger.chains;
	links->room = bigger.room;
}

static const struct copy_link *find(const struct copy_links *links, const struct stat *st)
{
	const struct copy_link *link = links->room ? *chain_of(links, st->st_ino) : NULL;

	while (link && (link->number != st->st_ino || link->device != st->st_dev))
		link = link->next;
	return link;
}

static void add(struct copy_links *links, const struct stat *st, struct walk_node *node,
                const char *name, ino_t made)
{
	size_t size = strlen(name) + 1;
	struct copy_link *link = must_alloc(sizeof(*link) + size), **chain;

	if (links->count >= links->room)
		grow(links);
	chain = chain_of(links, st->st_ino);
	*link = (struct copy_link){.next = *chain,
	                           .device = st->st_dev,
	                           .number = st->st_ino,
	                           .made = made,
	                           .node = walk_node_hold(node)};
	memcpy(link->name, name, size);
	*chain = link;
	links->count++;
}

/* The inode that folder/name is; 0 is none. */
static ino_t number_of(int folder, const char *name)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

static int make_link(const struct copy_link *link, struct walk_root *to, int folder,
                     const char *name)
{
	CLEAN_FD int first = walk_reach(to, link->node, O_PATH | O_DIRECTORY);

	if (first < 0)
		return first;
	if (linkat(first, link->name, folder, name, 0) == 0)
		return 1;
	/* in a tree that changes a folder may have come to that name */
	return errno == EPERM && file_is_dir(first, link->name) ? -ENOENT : -errno;
}

int copy_links_make(struct copy_links *links, struct walk_root *to, const struct stat *st,
                    struct walk_node *node, int folder, const char *name,
                    int (*make)(void *argument), void *argument)
{
	const struct copy_link *link;
	int r;

	/* held while the first name is made, so that a second one never comes before it */
	(void)pthread_mutex_lock(&links->lock);
	link = find(links, st);
	if (!link) {
		r = make(argument);
		if (r == 0)
			add(links, st, node, name, number_of(folder, name));
	}
	(void)pthread_mutex_unlock(&links->lock);
	return link ? make_link(link, to, folder, name) : r;
}

bool copy_links_keep(struct copy_links *links, const struct stat *st, struct walk_node *node,
                     const char *name, ino_t made)
{
	const struct copy_link *link;
	bool is_same;

	(void)pthread_mutex_lock(&links->lock);
	link = find(links, st);
	is_same = !link || link->made == made;
	if (!link)
		add(links, st, node, name, made);
	(void)pthread_mutex_unlock(&links->lock);
	return is_same;
}
