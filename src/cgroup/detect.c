/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which hierarchies this process can see, from one reading of mountinfo (proc(5)). Mounts that
 * another one hides are left out, so that a private cgroup2 over a hybrid tree counts as plain v2.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/mountinfo.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct mountinfo_line *line_of(const struct mountinfo *mounts, uint64_t id)
{
	for (size_t i = 0; i < mounts->count; i++) {
		if (mounts->items[i].id == id)
			return &mounts->items[i];
	}
	return NULL;
}

/* Does a mount on up, other than the next one down the chain, lie over that one's mount point? */
static bool is_covered(const struct mountinfo *mounts, const struct mountinfo_line *up,
                       const struct mountinfo_line *next)
{
	const char *point = next ? next->point : up->point;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct mountinfo_line *other = &mounts->items[i];

		if (other != next && other != up && other->parent == up->id &&
		    (text_is(other->point, point) || text_is_below(point, other->point)))
			return true;
	}
	return false;
}

/* A path finds a mount when neither it nor one of its parents is covered on the way down. */
static bool is_visible(const struct mountinfo *mounts, const struct mountinfo_line *mount)
{
	const struct mountinfo_line *up = mount, *next = NULL;

	for (size_t depth = 0; up && depth <= mounts->count; depth++) {
		if (is_covered(mounts, up, next))
			return false;
		next = up;
		up = up->id == up->parent ? NULL : line_of(mounts, up->parent);
	}
	return true;
}

/* The v1 controllers among the options of the superblock: all that is not an option of cgroup. */
static int copy_controllers(const char *options, char *out, size_t room)
{
	static const char *const others[] = {"rw",
	                                     "ro",
	                                     "xattr",
	                                     "noprefix",
	                                     "clone_children",
	                                     "cpuset_v2_mode",
	                                     "none",
	                                     "release_agent",
	                                     "favordynmods",
	                                     NULL};
	CLEAN(strings_done) struct strings words = {0};
	size_t length = 0;

	strings_split(&words, options, ",");
	for (size_t i = 0; i < words.count; i++) {
		const char *word = words.items[i];
		bool is_other = text_starts(word, "release_agent=");

		for (size_t j = 0; others[j]; j++)
			is_other |= text_is(word, others[j]);
		if (is_other)
			continue;
		length += (size_t)snprintf(out + length, room - length, "%s%s", length ? "," : "",
		                           word);
		if (length >= room)
			return -ENAMETOOLONG;
	}
	return 0;
}

static int add_hierarchy(struct cgroup_host *host, const struct mountinfo_line *mount,
                         struct error *err)
{
	struct cgroup_hierarchy *hierarchy = &host->hierarchies[host->count];
	int r = 0;

	if (host->count == CGROUP_HIERARCHIES_MAX)
		return fail_plain(err, E2BIG, "more than %d cgroup hierarchies are mounted",
		                  CGROUP_HIERARCHIES_MAX);
	memset(hierarchy, 0, sizeof(*hierarchy));
	hierarchy->is_v2 = text_is(mount->type, "cgroup2");
	if (!hierarchy->is_v2)
		r = copy_controllers(mount->options, hierarchy->controllers,
		                     sizeof(hierarchy->controllers));
	if (r == 0 && strlen(mount->point) >= sizeof(hierarchy->mount))
		r = -ENAMETOOLONG;
	if (r < 0)
		return fail(err, -r, "cgroup mount '%s'", mount->point);
	memcpy(hierarchy->mount, mount->point, strlen(mount->point));
	if (hierarchy->is_v2)
		host->v2 = (int)host->count;
	host->count++;
	return 0;
}

/* A mount of another part of the tree than the one that this process is in cannot be used. */
static bool is_usable(const struct mountinfo *mounts, const struct mountinfo_line *line)
{
	return (text_is(line->type, "cgroup") || text_is(line->type, "cgroup2")) &&
	       !text_starts(line->root, "/..") && is_visible(mounts, line);
}

/* Of several mounts of one hierarchy (one device) the first of its root, else the first. */
static bool is_best(const struct mountinfo *mounts, size_t index)
{
	const struct mountinfo_line *line = &mounts->items[index];
	bool is_root = text_is(line->root, "/");

	for (size_t i = 0; i < mounts->count; i++) {
		const struct mountinfo_line *other = &mounts->items[i];
		bool other_root = text_is(other->root, "/");

		if (i == index || !text_is(other->device, line->device) ||
		    !is_usable(mounts, other))
			continue;
		if (other_root > is_root || (other_root == is_root && i < index))
			return false;
	}
	return true;
}

int cgroup_detect(struct cgroup_host *host, const char *mountinfo_path, struct error *err)
{
	CLEAN(mountinfo_done) struct mountinfo mounts;
	struct cgroup_host found = {.v2 = -1};
	int r = mountinfo_read(&mounts, mountinfo_path, err);

	for (size_t i = 0; i < mounts.count && r == 0; i++) {
		if (is_usable(&mounts, &mounts.items[i]) && is_best(&mounts, i))
			r = add_hierarchy(&found, &mounts.items[i], err);
	}
	if (r < 0)
		return r;
	if (found.count == 0) {
		fail_plain(err, ENOENT, "no cgroup hierarchy is mounted");
		return fail_hint(err, "mount -t cgroup2 none /sys/fs/cgroup");
	}
	found.layout = found.v2 < 0 ? CGROUP_V1 : found.count == 1 ? CGROUP_V2 : CGROUP_HYBRID;
	*host = found;
	return 0;
}

bool tree_has(const struct cgroup_hierarchy *hierarchy, const char *controller)
{
	size_t length = strlen(controller);

	for (const char *at = hierarchy->controllers; *at; at += strspn(at, ",")) {
		size_t word = strcspn(at, ",");

		if (word == length && strncmp(at, controller, length) == 0)
			return true;
		at += word;
	}
	return false;
}

int tree_find_v1(const struct cgroup_host *host, const char *controller)
{
	for (unsigned int i = 0; i < host->count; i++) {
		if (!host->hierarchies[i].is_v2 && tree_has(&host->hierarchies[i], controller))
			return (int)i;
	}
	return -1;
}

int tree_find(const struct cgroup_host *host, const char *controller)
{
	int index = tree_find_v1(host, controller);

	return index >= 0 ? index : host->v2;
}
