/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Maps of user and group ids (user_namespaces(7)): reading them, writing them to a process, choosing
 * a free range for a new container.
 */
#ifndef SYSC_CONTAINER_IDMAP_H
#define SYSC_CONTAINER_IDMAP_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct paths;

#define IDMAP_RANGES_MAX      32
#define IDMAP_CONTAINER_COUNT 65536 /* ids that a container gets */

struct id_range {
	bool users, groups; /* "u", "g", "b" is both */
	uint32_t inside, outside, count;
};

struct idmap {
	struct id_range ranges[IDMAP_RANGES_MAX];
	unsigned int count;
	uint32_t others; /* what every other id becomes; 0: it is not mapped */
};

/* What an id is seen as that a user namespace does not map: nobody (user_namespaces(7)). */
#define IDMAP_NOBODY 65534

/* "b 0 1048576 65536" added to map: range-checked, no overlap within the map. */
int idmap_add(struct idmap *map, const char *text, struct error *err);
int idmap_parse(struct idmap *map, const struct strings *lines, struct error *err);
/* The text of /proc/PID/uid_map (or gid_map), at most room bytes; -ENOSPC. */
int idmap_format(const struct idmap *map, bool groups, char *out, size_t room);
/* Writes both maps of a process that was just born in a new user namespace. */
int idmap_write(const struct idmap *map, pid_t pid, struct error *err);
/* The way back: what is outside is inside, and the other way round; others become nobody. */
void idmap_invert(const struct idmap *map, struct idmap *out);
bool idmap_has(const struct idmap *map, bool groups, uint32_t inside);
/* The host id of id inside; -ENOENT when it is not mapped. */
int64_t idmap_to_host(const struct idmap *map, bool groups, uint32_t inside);

/*
 * Chooses IDMAP_CONTAINER_COUNT ids that no container of the store uses (nor of the folder other, may be
 * NULL: the store of what is copied) and that overlap no entry of /etc/subuid, /etc/subgid and no id of
 * the system's passwd. The store lock must be held. Writes "b 0 FIRST 65536" into out.
 */
int idmap_choose(const struct paths *paths, const char *other, char out[64], struct error *err);

/*
 * A user namespace with this map and no process in it, for id-mapped mounts (mount_setattr(2),
 * MOUNT_ATTR_IDMAP). Returns its fd.
 */
int idmap_namespace(const struct idmap *map, struct error *err);

#endif
