/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an archive of sysc-export says of itself. The archive is one tar stream:
 *
 *   sysc-manifest   lines "key value": struct manifest; the last one is a digest over those before
 *   sysc-config     the configuration file, its digest is in the manifest
 *   rootfs/…        the tree
 *   sysc-list       a line for each entry of the tree, in their order, with its digest, and a last one over all
 *
 * Both ends can be pipes: what is known only afterwards stands at the end. Pure: no file is touched here.
 *
 * Of an increment rootfs/… has only what is new or changed since an earlier archive; the list is still that of the
 * whole tree, and has a line of type x for what is gone since. So each list is all that the next increment needs,
 * and together with the list before it (manifest_list.h) it tells where each entry comes from. What became another
 * type has both lines. A file of several names that is in it has all of them in it.
 *
 * With snapshots it is several of these one behind the other, parts, as if each were an archive of its own: the
 * oldest snapshot first, each further part an increment to the one before, and the container itself last. Each has
 * its manifest and configuration; parts_left counts down to 0. An increment with snapshots has those that the archives
 * before it have not; which ones the container has, of all of them, is in the last part's manifest (holds).
 *
 * Version 2 had no holds, and is still written where there are none. Version 1 had neither uuid nor increments nor parts, and no digest over the manifest.
 */
#ifndef SYSC_STORAGE_MANIFEST_H
#define SYSC_STORAGE_MANIFEST_H

#include <stdint.h>
#include <sys/types.h>

struct error;
struct text;

#define MANIFEST_MEMBER "sysc-manifest"
#define MANIFEST_CONFIG "sysc-config"
#define MANIFEST_LIST   "sysc-list"
#define MANIFEST_TREE   "rootfs"

#define MANIFEST_MAX      65536 /* bytes of it */
#define MANIFEST_LINE_MAX 32768 /* bytes of a line of the list */
#define MANIFEST_VALUE    128   /* bytes of a value and its end */
#define MANIFEST_HOLDS    16384 /* the same of holds */
#define MANIFEST_PARTS    4096  /* of an archive, at most */

#define MANIFEST_HEADS_MAX (256 << 20) /* bytes of the manifests and configurations of all parts */

struct manifest {
	char name[64];     /* of the container */
	char date[32];     /* 2026-11-22T06:30:00Z */
	char version[32];  /* of sysc */
	char arch[66];     /* uname -m */
	char backend[16];  /* of the storage */
	char uuid[40];     /* of the container; "" when the archive is of version 1 */
	char snapshot[64]; /* whose tree it is; "" that of the container itself */
	/* of that (storage/snapshot.h) */
	char reason[16], comment[1004], replaced_by[64];
	uint64_t created_ms, was_running;
	char snippet[64];         /* "alpine": of the distribution; "" none */
	char map[MANIFEST_VALUE]; /* ids on the host; "" privileged, or several ranges */
	char config_sha256[65];
	/* of an increment: the digest that ends the list it is to, and that archive's date; "" all is in it */
	char since[65], since_date[32];
	uint64_t size_bytes; /* rootfs.size, 0: none */
	uint64_t snapshots;  /* that the container had */
	uint64_t parts_left; /* that follow this one */
	/*
	 * Of the last part: the snapshots that the container has, among those that this archive and the ones before
	 * it have: manifest_held() of each, a blank between; MANIFEST_HOLDS_NONE; "" it does not tell.
	 */
	char holds[MANIFEST_HOLDS];
};

#define MANIFEST_HOLDS_NONE "-"

/* "NAME@CREATED_MS": one of another time is another one. On the heap. */
char *manifest_held(const char *name, uint64_t created_ms);

void manifest_format(const struct manifest *manifest, struct text *out);
/*
 * -EINVAL for anything that manifest_format() would not write: unknown keys, a key twice, newer versions, another
 * digest.
 */
int manifest_parse(struct manifest *manifest, const char *text, size_t length, struct error *err);

/* One line of the list. The strings are borrowed. */
struct manifest_entry {
	char type; /* f d l h c b p, as ls(1) shows them; h: a further name of a file; x: removed since */
	mode_t mode;
	uint64_t uid, gid, size;
	int64_t mtime_s, ctime_s;
	uint32_t mtime_ns, ctime_ns;
	unsigned int major, minor;
	char content[65];    /* of a file; "-" */
	char attributes[65]; /* of xattrs and ACLs; "-": none */
	const char *path;    /* below the root; "." is it */
	const char *target;  /* of a symlink, of a further name; else NULL */
};

/* The line without its newline. The part from *counted on (may be NULL) is what the last line's digest is over. */
void manifest_entry_format(const struct manifest_entry *entry, struct text *out, size_t *counted);
/* Takes a line apart in place (no newline). *counted: offset as above. -EINVAL. */
int manifest_entry_parse(char *line, struct manifest_entry *out, size_t *counted,
                         struct error *err);

/*
 * The order in which trees are walked and lists are written: "." first, a folder before what is in it, names by
 * their bytes. As strcmp(3).
 */
int manifest_compare_paths(const char *a, const char *b);
/* The date as seconds since 1970; INT64_MIN when it is none. */
int64_t manifest_seconds(const char *date);

/* The last line: "end COUNT DIGEST". */
void manifest_end_format(uint64_t count, const char digest[65], struct text *out);
/* -EINVAL; -ENOENT when the line is not the last one. */
int manifest_end_parse(const char *line, uint64_t *count, char digest[65], struct error *err);

#endif
