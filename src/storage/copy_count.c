/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A walk over a tree that can be left and taken up again; see the header. */
#include "storage/copy_count.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "storage/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct folder {
	struct folder *next;
	struct walk_node *node; /* NULL: the root */
};

struct copy_count {
	struct walk_root root;
	struct folder *todo;
	DIR *open;              /* the folder that is read; NULL: the next one is to be opened */
	struct walk_node *node; /* of that */
	uint64_t bytes, entries;
};

static void push(struct copy_count *count, struct walk_node *node)
{
	struct folder *folder = must_alloc(sizeof(*folder));

	*folder = (struct folder){.next = count->todo, .node = node};
	count->todo = folder;
}

static void open_next(struct copy_count *count)
{
	struct folder *folder = count->todo;
	CLEAN_FD int fd = walk_reach(&count->root, folder->node, O_RDONLY | O_DIRECTORY);

	count->todo = folder->next;
	count->node = folder->node;
	free(folder);
	count->open = fd < 0 ? NULL : fdopendir(fd);
	if (count->open)
		(void)fd_take(&fd); /* the stream's from here */
	else
		walk_node_drop(ptr_take(count->node));
}

static void close_folder(struct copy_count *count)
{
	if (count->open)
		(void)closedir(ptr_take(count->open)); /* it was only read */
	walk_node_drop(ptr_take(count->node));
}

/* Sockets are not copied. */
static void count_entry(struct copy_count *count, const char *name)
{
	struct stat st;

	if (fstatat(dirfd(count->open), name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISSOCK(st.st_mode))
		return;
	count->bytes += file_share(&st);
	count->entries++;
	if (S_ISDIR(st.st_mode))
		push(count, walk_node_new(count->node, name));
}

struct copy_count *copy_count_new(int root_fd)
{
	struct copy_count *count = must_alloc(sizeof(*count));

	*count = (struct copy_count){.open = NULL};
	walk_root_init(&count->root, root_fd);
	push(count, NULL);
	return count;
}

void copy_count_free(struct copy_count *count)
{
	if (!count)
		return;
	close_folder(count);
	while (count->todo) {
		struct folder *next = count->todo->next;

		walk_node_drop(count->todo->node);
		free(count->todo);
		count->todo = next;
	}
	walk_root_done(&count->root);
	free(count);
}

bool copy_count_go_on(struct copy_count *count, int64_t most_ms)
{
	int64_t until_ms = process_clock_ms() + most_ms;

	while ((count->open || count->todo) && process_clock_ms() < until_ms) {
		const struct dirent *entry;

		if (!count->open) {
			open_next(count);
			continue;
		}
		entry = readdir(count->open);
		if (!entry)
			close_folder(count);
		else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			count_entry(count, entry->d_name);
	}
	return !count->open && !count->todo;
}

void copy_count_result(const struct copy_count *count, uint64_t *bytes, uint64_t *entries)
{
	*bytes = count->bytes;
	*entries = count->entries;
}
