/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "security/policy.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "security/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

static bool refuses(const char *text, const char *expected)
{
	CLEAN(policy_done) struct policy policy = {0};
	struct error err = {0};

	if (policy_parse(text, "p", &policy, &err) != -EINVAL) {
		printf("# taken: %s\n", text);
		return false;
	}
	if (!text_is(err.text, expected)) {
		printf("# said: %s\n", err.text);
		return false;
	}
	return true;
}

TEST(a_policy_with_everything)
{
	static const char text[] =
		"# comment\n"
		"\n"
		"default errno 38 # behind\n"
		"  deny\tkexec_load\n"
		"deny ioctl errno EACCES arg 1 == TIOCSTI/0xffffffff arg 2 != 0\n"
		"deny mount kill\r\n"
		"allow getpid\n"
		"allow dup3 arg 0 <= 18446744073709551615";
	CLEAN(policy_done) struct policy policy = {0};

	CHECK_INT(policy_parse(text, "p", &policy, NULL), 0);
	CHECK_INT(policy.default_action, SCMP_ACT_ERRNO(38));
	CHECK_INT(policy.rule_count, 5);
	CHECK_INT(policy.rules[0].line, 4);
	CHECK_INT(policy.rules[0].call, SYS_kexec_load);
	CHECK_INT(policy.rules[0].action, SCMP_ACT_ERRNO(EPERM));
	CHECK_INT(policy.rules[0].condition_count, 0);
	CHECK_INT(policy.rules[1].action, SCMP_ACT_ERRNO(EACCES));
	CHECK_INT(policy.rules[1].condition_count, 2);
	CHECK_INT(policy.rules[1].conditions[0].arg, 1);
	CHECK_INT(policy.rules[1].conditions[0].op, SCMP_CMP_MASKED_EQ);
	CHECK_INT(policy.rules[1].conditions[0].datum_a, 0xffffffff);
	CHECK_INT(policy.rules[1].conditions[0].datum_b, TIOCSTI);
	CHECK_INT(policy.rules[1].conditions[1].op, SCMP_CMP_NE);
	CHECK_INT(policy.rules[2].action, SCMP_ACT_KILL_PROCESS);
	CHECK_INT(policy.rules[3].action, SCMP_ACT_ALLOW);
	CHECK(policy.rules[4].conditions[0].datum_a == UINT64_MAX);
}

TEST(an_empty_policy_allows)
{
	CLEAN(policy_done) struct policy policy = {0};

	CHECK_INT(policy_parse("", "p", &policy, NULL), 0);
	CHECK_INT(policy.default_action, SCMP_ACT_ALLOW);
	CHECK_INT(policy.rule_count, 0);
}

TEST(errors_have_file_and_line)
{
	CHECK(refuses("\n\ndenny kexec_load\n",
	              "p:3: 'denny' is not default, deny or allow (did you mean 'deny'?)"));
	CHECK(refuses("deny", "p:1: a system call is missing"));
	CHECK(refuses("deny kexec_laod",
	              "p:1: unknown system call 'kexec_laod' (did you mean 'kexec_load'?)"));
	CHECK(refuses("allow zzzzzzzzzzzz",
	              "p:1: unknown system call 'zzzzzzzzzzzz' "
	              "(write -zzzzzzzzzzzz if only newer libraries know it)"));
	CHECK(refuses("deny mount errno", "p:1: an error number is missing"));
	CHECK(refuses("deny mount errno EPREM", "p:1: 'EPREM' is not an error number like EPERM"));
	CHECK(refuses("deny mount errno 4096", "p:1: '4096' is not an error number like EPERM"));
	CHECK(refuses("deny mount allow", "p:1: 'deny' with the action 'allow'"));
	CHECK(refuses("deny mount nonsense", "p:1: 'nonsense' is not expected here"));
	CHECK(refuses("allow mount errno EPERM", "p:1: 'errno' is not expected here"));
	CHECK(refuses("default", "p:1: an action (allow, errno N, kill) is missing"));
	CHECK(refuses("default maybe", "p:1: 'maybe' is not an action (allow, errno N, kill)"));
	CHECK(refuses("default allow\ndefault kill", "p:2: a second 'default'"));
}

TEST(conditions_are_checked)
{
	CHECK(refuses("deny mount arg", "p:1: an argument's index (0 to 5) is missing"));
	CHECK(refuses("deny mount arg 6 == 1", "p:1: '6' is not an argument's index (0 to 5)"));
	CHECK(refuses("deny mount arg 0 = 1", "p:1: '=' is not an operator (== != < <= > >=)"));
	CHECK(refuses("deny mount arg 0", "p:1: an operator (== != < <= > >=) is missing"));
	CHECK(refuses("deny mount arg 0 ==", "p:1: a value is missing"));
	CHECK(refuses("deny mount arg 0 == x", "p:1: 'x' is not a number"));
	CHECK(refuses("deny mount arg 0 == 0x10000000000000000",
	              "p:1: '0x10000000000000000' is not a number"));
	CHECK(refuses("deny mount arg 0 == 1/", "p:1: '' is not a mask"));
	CHECK(refuses("deny mount arg 0 < 1/1", "p:1: a mask goes with == only"));
	CHECK(refuses("deny mount arg 0 == 3/1",
	              "p:1: '3/1' can never be equal (bits outside the mask)"));
	CHECK(refuses("deny mount arg 0 == 1 arg 0 == 2", "p:1: argument 0 has two conditions"));
}

TEST(calls_of_other_architectures_are_skipped)
{
	CLEAN(policy_done) struct policy policy = {0};
	CLEAN(seccomp_program_done) struct seccomp_program program = {0};
	struct error err = {0};

	/* known on ARM, s390 and PowerPC only; and one that no library knows */
	CHECK_INT(policy_parse("deny cacheflush\ndeny s390_pci_mmio_read\ndeny spu_run\n"
	                       "deny -a_call_of_the_future errno ENOSYS arg 0 == 1\n",
	                       "p", &policy, &err),
	          0);
	CHECK_INT(policy.rule_count, 3);
	CHECK_INT(policy_compile(&policy, "p", &program, &err), 0);
	CHECK(program.size > 0);
}

TEST(an_optional_call_does_not_excuse_the_rest_of_its_line)
{
	CHECK(refuses("deny -a_call_of_the_future errno E", "p:1: 'E' is not an error number like "
	                                                    "EPERM"));
}

TEST(too_many_rules)
{
	CLEAN(text_done) struct text text = {0};

	for (int i = 0; i <= POLICY_RULES_MAX; i++)
		text_addf(&text, "deny mount arg 0 == %d\n", i);
	CHECK(refuses(text.data, "p:2049: more than 2048 rules"));
}

TEST(programs_are_what_the_kernel_takes)
{
	CLEAN(policy_done) struct policy policy = {0};
	CLEAN(seccomp_program_done) struct seccomp_program program = {0};
	struct error err = {0};

	CHECK_INT(policy_parse("deny kexec_load\n", "p", &policy, &err), 0);
	CHECK_INT(policy_compile(&policy, "p", &program, &err), 0);
	CHECK(program.size > 0);
	CHECK_INT(program.size % sizeof(struct sock_filter), 0);
}
