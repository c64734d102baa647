/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the administrator wrote: the configuration of one container, read from its INI file and what
 * that includes, checked, const from then on. keys.h has the table that maps text to these fields.
 */
#ifndef SYSC_CONTAINER_CONFIG_H
#define SYSC_CONTAINER_CONFIG_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct error;
struct key;

/* A limit that nobody set. "max" and "none" in a file set it too. */
#define LIMIT_UNSET        UINT64_MAX
#define CONFIG_SIGNAL_AUTO 0 /* stop signals: by the init found in the guest */

enum network_type {
	NETWORK_VETH,
	NETWORK_NONE
};

/* One [network.IFNAME]. */
struct network_config {
	char *name;             /* in the container: eth0 */
	int type;               /* enum network_type */
	char *bridge;           /* host bridge, NULL: not in a bridge */
	char *mac;              /* NULL: the kernel's choice */
	uint64_t mtu;           /* 0: the bridge's */
	struct strings address; /* CIDR, "auto", "dhcp" */
	char *gateway;          /* "auto", "none", an address; NULL is auto */
	struct strings dns;     /* addresses, or "auto": the bridge's own address */
	char *host_name;        /* of the host side; NULL: made from the container's name */
	struct strings route;   /* "192.0.2.0/24 10.0.0.1" */
};

/* [limits]; sizes in bytes, LIMIT_UNSET where not set. */
struct limits_config {
	uint64_t memory, memory_high, memory_low, swap;
	uint64_t millicpus;  /* 1500 is one and a half cpu */
	uint64_t cpu_weight; /* 1-10000 */
	char *cpuset;        /* "0-3,6"; NULL unset */
	uint64_t pids;
	uint64_t io_weight; /* 1-10000 */
	struct strings io;  /* "/dev/vda rbps=10M wiops=500" */
};

enum boot_restart {
	RESTART_NO,
	RESTART_ON_FAILURE, /* exit code other than 0, a signal, out of memory, unhealthy */
	RESTART_ALWAYS      /* also after a poweroff inside; never after sysc-stop */
};

enum boot_ready {
	READY_RUNNING,
	READY_NETWORK, /* a global address, and a way out of it */
	READY_NOTIFY,  /* init says so, sd_notify(3) */
	READY_COMMAND  /* a command inside ends with 0 */
};

/* [boot] */
struct boot_config {
	bool autostart;
	uint64_t order;
	int64_t delay_ms;
	struct strings after;
	char *ready; /* "running", "network", "notify", "command COMMAND": config_ready() */
	int64_t ready_timeout_ms;
	int restart; /* enum boot_restart */
	int64_t restart_delay_ms;
	uint64_t restart_limit; /* LIMIT_UNSET: as often as it takes */
};

enum health_action {
	HEALTH_NONE,
	HEALTH_RESTART
};

/* [health] */
struct health_config {
	char *command; /* NULL: no checks */
	int64_t interval_ms, timeout_ms;
	uint64_t retries;
	int on_failure; /* enum health_action */
};

/* [snapshots] */
struct snapshots_config {
	char *schedule; /* calendar.h; NULL: none */
	char *keep;     /* keep.h; NULL: all */
	bool freeze;
};

/* "NAME = VALUE" of the sections whose keys are free: [rlimits] [sysctl] [cgroup]. */
struct pairs {
	struct strings names, values; /* same count */
};

/* One line as it was read: for messages, `config show` and `config get`. */
struct config_item {
	const struct key *key; /* row of the table */
	char *section;         /* "network.eth0" */
	char *name;            /* the key as written (differs from key->name for free keys) */
	char *value;
	const char *file; /* owned by config->files */
	int line;
};

struct config {
	/* [container] */
	char *description, *arch, *hostname, *uuid;
	struct strings groups, environment;
	char *init; /* command line; NULL: /sbin/init */
	bool privileged, ephemeral, nesting;
	struct boot_config boot;
	struct health_config health;
	struct snapshots_config snapshots;
	/* [stop] */
	int halt_signal, reboot_signal, kill_signal; /* CONFIG_SIGNAL_AUTO or a number */
	int64_t stop_timeout_ms;
	/* [rootfs] */
	char *rootfs_path;    /* "dir:/var/lib/sysc/web1/rootfs" */
	char *rootfs_backend; /* for create: "dir", "best" */
	char *rootfs_options;
	uint64_t rootfs_size; /* bytes, LIMIT_UNSET: no quota */
	bool rootfs_readonly, rootfs_managed;
	/* [idmap] */
	struct strings idmap; /* "b 0 1048576 65536"; parsed by idmap.h */
	/* [network.*], in the order of the file */
	struct network_config *networks;
	size_t network_count;
	/* [limits] [cgroup] [rlimits] [sysctl] */
	struct limits_config limits;
	struct pairs cgroup, rlimits, sysctl;
	/* [mounts] */
	struct strings mounts;        /* fstab(5) lines */
	char *mount_proc, *mount_sys; /* "auto", "rw", "ro", "mixed" */
	/* [devices] */
	struct strings device_allow, device_node;
	/* [security] */
	struct strings keep_capabilities, drop_capabilities;
	char *seccomp;  /* "default", "none" or a path */
	char *apparmor; /* "auto", "unconfined" or the name of a profile */
	bool no_new_privileges;
	/* [console] */
	uint64_t ttys;
	bool console_log;
	uint64_t console_log_size, console_buffer; /* bytes */
	/* where each value came from */
	struct config_item *items;
	size_t item_count;
	struct strings files;
	uint64_t stamp; /* of the files, for config_is_current() */
};

/* Sets every field to its default. Pair: config_done(), which accepts a zeroed object. */
void config_init(struct config *config);
void config_done(struct config *config);

/*
 * Adds what FILE says to config (already initialised). Every error of every included file is put
 * into errors ("file:line: section.key: why", one per entry); err gets the first, with "(and N
 * more)". The file and what it includes must belong to root or the caller and not be writable by
 * others. -EINVAL for errors in the text, -errno when a file cannot be read. errors may be NULL.
 */
int config_load(struct config *config, const char *file, struct strings *errors, struct error *err);

/*
 * False when a file that config was loaded from has been written since. For who waited for the container's
 * lock: what changed the file held it.
 */
bool config_is_current(const struct config *config);

/*
 * The same as if FILE said text: what an edit would come to. A name without a slash is of no file, but of where
 * the text came from: "archive".
 */
int config_load_text(struct config *config, const char *file, const struct text *text,
                     struct strings *errors, struct error *err);

/* Applies "section.key=value" (option -s); where names it in errors, e.g. "option -s". */
int config_override(struct config *config, const char *assignment, const char *where,
                    struct error *err);

/*
 * What no single line can be blamed for: combinations (memory_low above memory, a map missing in an
 * unprivileged container, two networks of one name …). Same reporting as config_load().
 */
int config_check(const struct config *config, struct strings *errors, struct error *err);

/*
 * " (FILE:LINE)" of the nth (from 0) value in force of section.key, "" when it is a default. For
 * messages of later steps: fail(err, e, "mount '%s'%s", source, config_where(…)). The buffer is the
 * caller's, room bytes; returned for convenience.
 */
const char *config_where(const struct config *config, const char *section, const char *key,
                         size_t nth, char *buffer, size_t room);

/*
 * Takes "section.key" apart: "limits.memory", "network.eth0.mtu" (the section is "network.eth0"),
 * "sysctl.net.ipv4.ip_forward" (the key is all behind the first dot). The caller frees both.
 */
int config_split_key(const char *word, char **section, char **key, struct error *err);
/* Whether value would be taken for section.key, without keeping it. */
int config_check_value(const char *section, const char *key, const char *value, struct error *err);

/*
 * Edits FILE: sets section.key to value (a list gets a further line unless replace), or removes it
 * (a list loses the line with that value when one is given as match; key NULL removes the section).
 * Comments, order and all other lines stay as they are; the file is replaced as a whole, owner and
 * mode stay. The value is checked first. -ENOENT when there is nothing to remove.
 */
int config_edit_set(const char *file, const char *section, const char *key, const char *value,
                    bool replace, struct error *err);
int config_edit_unset(const char *file, const char *section, const char *key, const char *match,
                      struct error *err);
/*
 * config_edit_set(), or config_edit_unset() of all where value is NULL, without the wait for the disk: for the file of
 * what is being made, which is written there with all else before it gets its name.
 */
int config_edit_draft(const char *file, const char *section, const char *key, const char *value,
                      bool replace, struct error *err);

/*
 * What [boot] ready asks for. READY_NETWORK without a [network.*] is READY_RUNNING. *command (may be NULL) is
 * the command line of READY_COMMAND, part of config, else NULL.
 */
enum boot_ready config_ready(const struct config *config, const char **command);

/* One change of a file, as config_edit_set() and config_edit_unset() make it. */
struct config_edit {
	const char *section, *key;
	const char *value; /* unset: the line that goes, NULL: all */
	bool unset, replace;
};
/* What FILE would say after the change; nothing is written. */
int config_edit_preview(const char *file, const struct config_edit *change, struct text *out,
                        struct error *err);

/* The value(s) in force of section.key as text, defaults included; -ENOENT for an unknown key. */
int config_get(const struct config *config, const char *section, const char *key,
               struct strings *out, struct error *err);

/*
 * Calls differs for every key that has other values in b than in a, by meaning: 1024M is 1G, a value that
 * is written out is the default that it repeats. key is the row; name NULL: the interface of that section
 * is in one of them only.
 */
typedef void config_differs(const struct key *key, const char *section, const char *name,
                            void *user);
void config_compare(const struct config *a, const struct config *b, config_differs *differs,
                    void *user);
/* Gives config (initialised, empty) all values of from, their places too. */
int config_copy(struct config *config, const struct config *from, struct error *err);
/* Gives section.name in config the values that it has in from (none: its default), their places too. */
int config_copy_value(struct config *config, const struct config *from, const char *section,
                      const char *name, struct error *err);

#endif
