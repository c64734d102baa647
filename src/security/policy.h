/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text of a system call policy. Private to src/security.
 *
 *   # a comment, to the end of the line
 *   default ACTION                     what happens to calls without a rule; "allow" when absent
 *   deny CALL [ACTION] [CONDITION…]    ACTION is "errno EPERM" when absent
 *   allow CALL [CONDITION…]
 *
 *   ACTION     allow | errno NUMBER-OR-NAME | kill
 *   CONDITION  arg INDEX OPERATOR VALUE[/MASK]; all conditions of a line must hold
 *   INDEX      0 to 5
 *   OPERATOR   == != < <= > >=         a mask goes with == only: (argument & MASK) == VALUE
 *   VALUE MASK a number (decimal or 0x…), or TIOCSTI, TIOCLINUX, MNT_FORCE, CLONE_NEWUSER
 *
 * The kernel looks at 32 bits of many arguments (ioctl requests, flags) but the filter at 64: give
 * such conditions the mask 0xffffffff. A call that this architecture does not have is skipped. A name
 * that libseccomp does not know at all is an error, unless a '-' stands before it (-quotactl_fd):
 * for calls that are newer than some of the libraries in use.
 */
#ifndef SYSC_SECURITY_POLICY_H
#define SYSC_SECURITY_POLICY_H

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct seccomp_program;

#define POLICY_TEXT_MAX   (256UL * 1024)
#define POLICY_RULES_MAX  2048
#define POLICY_CONDITIONS 6

struct policy_rule {
	unsigned int line;
	int call; /* libseccomp's number for the native architecture, negative where it lacks it */
	uint32_t action; /* SCMP_ACT_… */
	struct scmp_arg_cmp conditions[POLICY_CONDITIONS];
	unsigned int condition_count;
};

struct policy {
	uint32_t default_action;
	struct policy_rule *rules;
	size_t rule_count;
};

/*
 * Parses text; file names it in errors ("FILE:LINE: why", -EINVAL). Pair: policy_done(), which accepts
 * a zeroed object; after a failure out is as it was.
 */
int policy_parse(const char *text, const char *file, struct policy *out, struct error *err);
void policy_done(struct policy *policy);

/* The 32-bit architecture that a native 64-bit kernel also runs; 0 when there is none. */
uint32_t policy_compat_arch(uint32_t native);

/*
 * Compiles by libseccomp for the native architecture and its 32-bit one; calls of any other
 * architecture get ENOSYS. -EINVAL with file:line for rules that contradict each other.
 */
int policy_compile(const struct policy *policy, const char *file, struct seccomp_program *out,
                   struct error *err);

#endif
