/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a copy must not share with what it was copied from: UUID, MAC addresses, ids, names of host
 * interfaces in its configuration; host name, machine-id, ssh host keys, random seeds and leases in its
 * tree. For copy, restore to a new name and import.
 */
#ifndef SYSC_STORAGE_IDENTITY_H
#define SYSC_STORAGE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct paths;
struct strings;
struct text;

/* Names of --keep, and what is left as it is. */
enum identity_keep {
	IDENTITY_UUID = 1,
	IDENTITY_MAC = 2,
	IDENTITY_HOSTNAME = 4,
	IDENTITY_MACHINE_ID = 8, /* random seeds too */
	IDENTITY_SSH = 16,       /* host keys of sshd and dropbear */
	IDENTITY_LEASES = 32,    /* of DHCP, and what a client calls itself there */
	IDENTITY_ALL = 63,
};

struct identity {
	/* the caller's to set */
	const struct paths *paths;
	const char *old_name, *new_name; /* of the containers */
	const char *old_dir;             /* where the folder was, NULL: STORE/OLD-NAME */
	const char *old_store;           /* another store, whose ids are not taken either; NULL */
	unsigned int keep;               /* enum identity_keep */
	const struct strings *address;   /* of its first interface; NULL: as it was */
	const struct strings
		*overrides; /* "section.key=value" that the caller sets afterwards; NULL */
	/* Hears what was kept although two would collide, and what is to be done by hand. May be NULL. */
	void (*note)(const char *text, void *user);
	void *user;

	/* identity_renew_config() sets them for identity_renew_tree() */
	char old_host[256], new_host[256];
};

/* "uuid", "mac", "hostname", "machine-id", "ssh", "leases", "all": its bit; 0 for another word. */
unsigned int identity_parse(const char *word);
/* All words, ended by NULL. */
extern const char *const identity_words[];

/*
 * Rewrites the configuration file, which is in a hidden folder of the store: a new uuid and MAC addresses
 * (the first three bytes stay), its map of ids chosen anew (ids are never shared: always), no host_name of
 * interfaces, paths in the old folder are in STORE/NEW-NAME, hostname where it was the old name. rootfs.path
 * is among those paths: where it is to be something else, the caller sets it afterwards. The store lock
 * must be held. Nothing is synced.
 */
int identity_renew_config(struct identity *identity, const char *file, struct error *err);

/*
 * Makes the tree (a mount by storage_visit() with STORAGE_WRITE, or the folder itself) another machine.
 * Host keys of sshd are made anew by ssh-keygen(1) of this host, of the same types; where that is not
 * installed they are only removed, and a note says so. The machine-id is emptied where systemd is init,
 * which is then no first boot (machine-id(5)), and removed elsewhere. Nothing is synced.
 */
int identity_renew_tree(const struct identity *identity, int tree_fd, struct error *err);

/*
 * text with every whole word old, also one that goes on with a dot, replaced by new; words that end with
 * '=' are names of settings. out is filled either way. Whether there was any.
 */
bool identity_replace_host(const char *text, const char *old, const char *new, struct text *out);
/* text with the folder old_dir replaced by new_dir in every path that begins with it. As above. */
bool identity_replace_folder(const char *text, const char *old_dir, const char *new_dir,
                             struct text *out);

#endif
