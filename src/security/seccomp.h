/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System call filters: our policy text (policy.h) compiled once by libseccomp, kept as the kernel's
 * program and loaded as bytes. (libseccomp has a seccomp_load() of its own, so ours is named install.)
 */
#ifndef SYSC_SECURITY_SECCOMP_H
#define SYSC_SECURITY_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct error;
struct paths;

/* A compiled program: an array of struct sock_filter. */
struct seccomp_program {
	void *bytes;
	size_t size;
};

void seccomp_program_done(struct seccomp_program *program);

/*
 * The program for config's [security] seccomp: "none" gives an empty one, "default" is the file
 * seccomp.policy of paths->config, anything else is the absolute path of a policy, which must belong to
 * root or the caller and not be writable by others. The program is taken from the cache (RUN/.cache,
 * keyed by the policy's text, architecture, library and kernel version) or compiled and put there; a
 * damaged cache is replaced. Errors in a policy have file:line. hides_mount_calls adds to the default policy
 * what the file seccomp-mounts.policy says: lsm.h has the reason.
 */
int seccomp_prepare(const struct config *config, const struct paths *paths, bool hides_mount_calls,
                    struct seccomp_program *out, struct error *err);

/*
 * In the child, last before exec and while it still has CAP_SYS_ADMIN in its user namespace: seccomp(2)
 * SECCOMP_SET_MODE_FILTER. Empty: nothing. 0 or -errno.
 */
int seccomp_install(const struct seccomp_program *program);

/*
 * The same program kept as a file beside the state (RUN/NAME/seccomp), so that attach loads bytes
 * without libseccomp.
 */
int seccomp_save(const struct seccomp_program *program, const char *file, struct error *err);
int seccomp_read(const char *file, struct seccomp_program *out, struct error *err);

#endif
