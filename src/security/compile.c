/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A parsed policy into the kernel's program, by libseccomp. This takes milliseconds, so seccomp.c
 * keeps the result; a start usually does not come here.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "security/policy.h"
#include "security/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROGRAM_BYTES_MAX (BPF_MAXINSNS * sizeof(struct sock_filter))

static const struct {
	uint32_t native, compat;
} compat_archs[] = {
	{SCMP_ARCH_X86_64,   SCMP_ARCH_X86   },
        {SCMP_ARCH_AARCH64,  SCMP_ARCH_ARM   },
	{SCMP_ARCH_S390X,    SCMP_ARCH_S390  },
        {SCMP_ARCH_PPC64,    SCMP_ARCH_PPC   },
	{SCMP_ARCH_MIPS64,   SCMP_ARCH_MIPS  },
        {SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL},
	{SCMP_ARCH_PARISC64, SCMP_ARCH_PARISC},
};

uint32_t policy_compat_arch(uint32_t native)
{
	for (size_t i = 0; i < ARRAY_SIZE(compat_archs); i++)
		if (compat_archs[i].native == native)
			return compat_archs[i].compat;
	return 0;
}

static void release_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int set_attributes(scmp_filter_ctx filter)
{
	/* the guest's setuid programs must keep working; loaded with CAP_SYS_ADMIN instead */
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

	/* x32 and whatever else has numbers of its own: as on a kernel that lacks it */
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
#if SCMP_VER_MAJOR > 2 || (SCMP_VER_MAJOR == 2 && SCMP_VER_MINOR >= 5)
	if (r == 0) /* a tree of comparisons, not a chain: what each call costs is its depth */
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
#endif
	return r;
}

static int add_arch(scmp_filter_ctx filter, struct error *err)
{
	uint32_t compat = policy_compat_arch(seccomp_arch_native());
	int r = compat ? seccomp_arch_add(filter, compat) : 0;

	return r < 0 && r != -EEXIST ? fail(err, -r, "seccomp: add the 32-bit architecture") : 0;
}

static int add_rules(scmp_filter_ctx filter, const struct policy *policy, const char *file,
                     struct error *err)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		int r;

		if (rule->action ==
		    policy->default_action) /* libseccomp refuses what says nothing */
			continue;
		r = seccomp_rule_add_array(filter, rule->action, rule->call, rule->condition_count,
		                           rule->conditions);
		if (r == -EEXIST)
			return fail_plain(err, EINVAL,
			                  "%s:%u: contradicts an earlier rule for the same call",
			                  file, rule->line);
		if (r < 0 && r != -EDOM) /* EDOM: no architecture of this machine has the call */
			return fail(err, -r, "%s:%u: compile the rule", file, rule->line);
	}
	return 0;
}

/* libseccomp writes the program to an fd only. */
static int export_program(scmp_filter_ctx filter, struct seccomp_program *out, struct error *err)
{
	CLEAN_FD int fd = memfd_create("seccomp", MFD_CLOEXEC);
	CLEAN(text_done) struct text bytes = {0};
	int r;

	if (fd < 0)
		return fail(err, errno, "create a memory file");
	r = seccomp_export_bpf(filter, fd);
	if (r < 0)
		return fail(err, -r, "compile the seccomp program");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail(err, errno, "rewind a memory file");
	r = file_read_fd(fd, "seccomp program", PROGRAM_BYTES_MAX, &bytes, err);
	if (r < 0)
		return r;
	out->size = bytes.length;
	out->bytes = text_take(&bytes);
	return 0;
}

int policy_compile(const struct policy *policy, const char *file, struct seccomp_program *out,
                   struct error *err)
{
	CLEAN(release_filter) scmp_filter_ctx filter = seccomp_init(policy->default_action);
	int r;

	if (!filter)
		return fail(err, ENOMEM, "start a seccomp program");
	r = set_attributes(filter);
	if (r < 0)
		return fail(err, -r, "seccomp: set the program's attributes");
	r = add_arch(filter, err);
	if (r == 0)
		r = add_rules(filter, policy, file, err);
	return r < 0 ? r : export_program(filter, out, err);
}
