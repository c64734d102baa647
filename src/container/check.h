/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What single values of the configuration may look like beyond their type. Each returns 0 or -EINVAL
 * and fills err with "'VALUE' is not …", without the place. Names that only the kernel or another
 * library knows (capabilities, seccomp policies) are checked where they are used.
 */
#ifndef SYSC_CONTAINER_CHECK_H
#define SYSC_CONTAINER_CHECK_H

struct error;

/* Says that value is none of choices (ended by NULL), with the nearest; returns -EINVAL. */
int check_choice(const char *value, const char *const *choices, struct error *err);

int check_container_name(const char *value, struct error *err);
int check_ready(const char *value, struct error *err);          /* of [boot] ready */
int check_calendar(const char *value, struct error *err);       /* calendar.h */
int check_keep(const char *value, struct error *err);           /* keep.h */
int check_inside_command(const char *value, struct error *err); /* found by PATH in the guest */
int check_apparmor(const char *value, struct error *err);
int check_word(const char *value, struct error *err);      /* letters, digits, _ . - */
int check_host_name(const char *value, struct error *err); /* hostname(7), 64 bytes */
int check_uuid(const char *value, struct error *err);
int check_environment(const char *value, struct error *err); /* NAME=value */
int check_command(const char *value, struct error *err);     /* begins with an absolute path */
int check_rootfs(const char *value, struct error *err);      /* [BACKEND:]PATH */
int check_backend(const char *value, struct error *err);
int check_idmap(const char *value, struct error *err); /* idmap_add(), or "auto" */

int check_interface(const char *value, struct error *err); /* a name the kernel takes */
int check_network_type(const char *value, struct error *err);
int check_mac(const char *value, struct error *err);     /* x stands for a digit to be chosen */
int check_address(const char *value, struct error *err); /* CIDR, auto, dhcp */
int check_gateway(const char *value, struct error *err); /* address, auto, none */
int check_dns(const char *value, struct error *err);     /* address, auto */
int check_route(const char *value, struct error *err);   /* CIDR [GATEWAY] */

int check_cpuset(const char *value, struct error *err); /* cpuset(7) list form: 0-3,6 */
int check_io(const char *value, struct error *err);     /* DEVICE LIMIT=VALUE… */
int check_cgroup(const char *pair, struct error *err);  /* FILE=VALUE, v1:FILE=VALUE */
int check_rlimit(const char *pair, struct error *err);  /* NAME=SOFT[:HARD] */
int check_sysctl(const char *pair, struct error *err);  /* a namespaced one */

int check_mount(const char *value, struct error *err);      /* fstab(5) line */
int check_mount_mode(const char *value, struct error *err); /* auto rw ro mixed */
int check_device(const char *value, struct error *err);     /* c 10:229 rwm; /dev/fuse rwm */
int check_node(const char *value, struct error *err);       /* /dev/x [MODE [UID:GID]] */
int check_capability(const char *value, struct error *err); /* sys_time, CAP_SYS_TIME */
int check_seccomp(const char *value, struct error *err);    /* default, none, a path */

#endif
