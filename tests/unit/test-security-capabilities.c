/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "security/capabilities.h"

#include "../lib/need.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define BIT(name) (UINT64_C(1) << CAP_##name)

static uint64_t mask_of(const char *keep, const char *drop, bool privileged)
{
	struct config config = {.privileged = privileged};
	struct error err = {0};
	uint64_t mask = 0;

	strings_split(&config.keep_capabilities, keep, " ");
	strings_split(&config.drop_capabilities, drop, " ");
	if (capabilities_keep_mask(&config, &mask, &err) < 0) {
		printf("# %s\n", err.text);
		CHECK(false);
	}
	strings_done(&config.keep_capabilities);
	strings_done(&config.drop_capabilities);
	return mask;
}

TEST(names_are_read_in_all_spellings)
{
	unsigned int n = 99;

	CHECK(capabilities_parse("sys_time", &n, NULL) == 0 && n == CAP_SYS_TIME);
	CHECK(capabilities_parse("CAP_CHOWN", &n, NULL) == 0 && n == CAP_CHOWN);
	CHECK(capabilities_parse("Cap_Net_Raw", &n, NULL) == 0 && n == CAP_NET_RAW);
}

TEST(unknown_names_get_a_suggestion)
{
	struct error err = {0};
	unsigned int n = 99;
	char longer[200];

	CHECK_INT(capabilities_parse("sys_tiem", &n, &err), -EINVAL);
	CHECK(text_is(err.text, "unknown capability 'sys_tiem' (did you mean 'sys_time'?)"));
	CHECK_INT(capabilities_parse("", &n, &err), -EINVAL);
	CHECK_INT(capabilities_parse("cap_", &n, &err), -EINVAL);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CHECK_INT(capabilities_parse(longer, &n, &err), -EINVAL);
	CHECK_INT(n, 99);
}

TEST(the_default_set)
{
	uint64_t mask = mask_of("", "", false), privileged = mask_of("", "", true);
	uint64_t never = BIT(SYS_MODULE) | BIT(SYS_RAWIO) | BIT(SYS_TIME) | BIT(MAC_ADMIN) |
	                 BIT(MAC_OVERRIDE) | BIT(AUDIT_READ);
	uint64_t needed = BIT(SYS_ADMIN) | BIT(SYS_BOOT) | BIT(CHOWN) | BIT(SETUID) |
	                  BIT(NET_ADMIN) | BIT(AUDIT_WRITE) | BIT(MKNOD) | BIT(SETFCAP) |
	                  BIT(SYS_CHROOT) | BIT(KILL) | BIT(SYS_RESOURCE);

	CHECK((mask & never) == 0);
	CHECK((privileged & never) == 0);
	CHECK((mask & needed) == needed);
	CHECK((privileged & needed) == needed);
	CHECK(mask & BIT(SYSLOG));
	CHECK((privileged &
	       (BIT(SYSLOG) | BIT(WAKE_ALARM) | BIT(BLOCK_SUSPEND) | BIT(SYS_PACCT))) == 0);
}

TEST(only_what_the_kernel_knows)
{
	uint64_t mask = mask_of("", "", false);

	for (unsigned int n = 0; n < 64; n++)
		if (prctl(PR_CAPBSET_READ, n, 0, 0, 0) < 0)
			CHECK((mask >> n & 1) == 0);
}

TEST(keep_and_drop)
{
	CHECK(mask_of("chown sys_time", "", false) == (BIT(CHOWN) | BIT(SYS_TIME)));
	CHECK(mask_of("chown kill", "kill", false) == BIT(CHOWN));
	CHECK(mask_of("none", "", false) == 0);
	CHECK(mask_of("", "net_raw", false) == (mask_of("", "", false) & ~BIT(NET_RAW)));
}

TEST(errors_name_the_key)
{
	char bad[] = "sys_tiem";
	char *items[] = {bad, NULL};
	struct config config = {
		.drop_capabilities = {.items = items, .count = 1}
        };
	struct error err = {0};
	uint64_t mask = 7;

	CHECK_INT(capabilities_keep_mask(&config, &mask, &err), -EINVAL);
	CHECK(text_starts(err.text, "security.drop_capabilities: unknown capability 'sys_tiem'"));
	CHECK_INT(mask, 7);
}

TEST(the_others_are_lost)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	uint64_t keep = BIT(CHOWN) | BIT(SETPCAP) | BIT(SYS_ADMIN);

	NEED("root", prctl(PR_CAPBSET_READ, CAP_SETPCAP, 0, 0, 0) == 1 && geteuid() == 0,
	     "needs CAP_SETPCAP");
	CHECK(syscall(SYS_capget, &header, data) == 0);
	data[0].inheritable = data[0].permitted & (1U << CAP_CHOWN);
	CHECK(syscall(SYS_capset, &header, data) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) == 0);
	CHECK_INT(capabilities_limit(keep), 0);
	for (unsigned int n = 0; n < 64; n++)
		CHECK(prctl(PR_CAPBSET_READ, n, 0, 0, 0) != 1 || (keep >> n & 1));
	CHECK_INT(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0), 1);
	CHECK_INT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0), 0);
	CHECK(syscall(SYS_capget, &header, data) == 0);
	CHECK_INT(data[0].inheritable, 0);
	CHECK_INT(data[1].inheritable, 0);
	CHECK_INT(capabilities_limit(keep), 0); /* again is fine */
}

TEST(without_the_right_it_fails)
{
	NEED("root", geteuid() == 0, "not root");
	CHECK(setresuid(12345, 12345, 12345) == 0);
	CHECK_INT(capabilities_limit(0), -EPERM);
}
