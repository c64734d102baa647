/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of configuration keys. Load, save, get, set, completion, the man page check and the
 * fuzzer all walk it.
 *
 * To add a key: a field in struct config (config.h), a row in keys.c, its line in
 * man/sysc.container.5, a use, a test.
 */
#ifndef SYSC_CONTAINER_KEYS_H
#define SYSC_CONTAINER_KEYS_H

#include <stdbool.h>
#include <stddef.h>

struct error;

enum key_type {
	KEY_STRING,   /* char * */
	KEY_BOOL,     /* bool */
	KEY_NUMBER,   /* uint64_t, least..most */
	KEY_SIZE,     /* uint64_t bytes, at least least */
	KEY_DURATION, /* int64_t ms */
	KEY_CPUS,     /* uint64_t thousandths */
	KEY_SIGNAL,   /* int; "auto" is CONFIG_SIGNAL_AUTO */
	KEY_ENUM,     /* int: place in choices */
	KEY_LIST,     /* struct strings; an empty value clears */
	KEY_PAIRS,    /* struct pairs: the name in the file is free (row name "*") */
	KEY_INCLUDE,  /* reads another file where it stands */
};

enum key_flag {
	KEY_LIVE = 1,       /* applies to a running container */
	KEY_LATER = 2,      /* known, not supported yet: refused with that text */
	KEY_NETWORK = 4,    /* offset is within struct network_config, section is network.NAME */
	KEY_ADMIN_ONLY = 8, /* never taken from an image or archive */
	KEY_LIMIT = 16,     /* a number or size of which "max" and "none" are LIMIT_UNSET */
	KEY_AT_REST =
		32, /* only commands read it, from the file: a running container has no other */
};

struct key {
	const char *section; /* "limits", "network" */
	const char *name;    /* "memory", "*" */
	enum key_type type;
	unsigned int flags; /* enum key_flag */
	size_t offset;
	unsigned long long least, most; /* KEY_NUMBER, KEY_SIZE; most 0: no bound */
	const char *const *choices;     /* KEY_ENUM: ended by NULL */
	/*
	 * A further test of one value, NULL when the type says it all; fills err without place. That of
	 * KEY_PAIRS gets "NAME=VALUE".
	 */
	int (*check)(const char *value, struct error *err);
	const char *fallback; /* default as text, NULL: none */
	const char *form;     /* what a value looks like, for help: "SIZE", "CIDR|auto|dhcp" */
	const char *help;     /* one sentence, no full stop */
};

extern const struct key keys_table[]; /* ended by a NULL section */

/*
 * The row of section ("network.eth0" finds "network") and name; NULL when there is none. A free key
 * finds the "*" row of its section.
 */
const struct key *keys_find(const char *section, const char *name);
/* True when a section of that name may stand in a file ("network.eth0" too). */
bool keys_has_section(const char *section);
/* Fills err with "unknown key …" and a suggestion when one is near; returns -EINVAL. */
int keys_unknown(const char *section, const char *name, struct error *err);

#endif
