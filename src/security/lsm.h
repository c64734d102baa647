/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The AppArmor profile of a container: which one, whether the kernel has it, and putting it on. See
 * apparmor(7) and Documentation/admin-guide/LSM/apparmor.rst; the files are those of securityfs and of
 * /proc/PID/attr. What a label may be called is the kernel's affair: "NAME", "PARENT//&NAME".
 */
#ifndef SYSC_SECURITY_LSM_H
#define SYSC_SECURITY_LSM_H

#include <stdbool.h>
#include <sys/types.h>

#define LSM_LABEL_MAX 256
#define LSM_NOTE_MAX  1024

struct config;
struct error;
struct paths;

struct lsm_choice {
	char label[LSM_LABEL_MAX]; /* "": none is put on */
	/* the label is our profile for privileged containers, which needs the mount calls that AppArmor
	 * does not see to be gone: seccomp_prepare() */
	bool hides_mount_calls;
	char note[LSM_NOTE_MAX]; /* why there is none although AppArmor is enabled; "" */
};

/*
 * Supervisor: the label for [security] apparmor. host is put in front of /sys and /proc ("" for the real
 * ones). "auto" is the profile of ours that fits, loaded by apparmor_parser where it is not yet; when that
 * cannot be had, a container with a user namespace gets none, with a note, and a privileged one an error.
 * "auto" gives none where AppArmor is not enabled, and where sysc itself is confined: its label is the
 * container's too then. Errors name the line of the configuration.
 */
int lsm_prepare(const struct config *config, const struct paths *paths, const char *host,
                struct lsm_choice *out, struct error *err);

/*
 * The label in force on a process, "" where AppArmor is not enabled, "unconfined" included. mode gets
 * "enforce", "complain" … or "", and may be NULL. -errno: the process is gone.
 */
int lsm_read(const char *host, pid_t pid, char label[LSM_LABEL_MAX], char mode[16]);

/* The host's /proc as a handle to give to lsm_open(), checked to be one. */
int lsm_open_proc(struct error *err);
/*
 * In the task that is to exec, no heap: its own attribute, through proc_fd, which nothing in the container
 * can replace. The fd is of use to this task only (proc_pid_attr_write() in fs/proc/base.c). -errno.
 */
int lsm_open(int proc_fd);
/* There too: the next exec puts the label on. 0 or -errno; -ENOENT: no such profile. */
int lsm_set(int attr_fd, const char *label);

#endif
