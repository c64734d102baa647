/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compiled seccomp programs kept between starts, in RUN/.cache/seccomp-<16 hex digits>. A file begins
 * with the whole key it was made for and a check sum, so neither a collision of names nor a damaged
 * file gives a wrong program. Private to src/security.
 */
#ifndef SYSC_SECURITY_CACHE_H
#define SYSC_SECURITY_CACHE_H

#include <stdbool.h>

struct error;
struct seccomp_program;

/* The key of a policy: its text, the architecture, libseccomp's and the kernel's version. Heap. */
char *cache_key(const char *policy_text);
/* True when a sound program for the key was found; it then belongs to the caller. */
bool cache_find(const char *run_dir, const char *key, struct seccomp_program *out);
/* Keeps it; a failure costs the next start some milliseconds, so the caller may ignore it. */
int cache_keep(const char *run_dir, const char *key, const struct seccomp_program *program,
               struct error *err);

#endif
