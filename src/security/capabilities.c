/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which capabilities a container keeps, and losing the others. Names are libcap's; the losing is done
 * by plain system calls, since it happens in the child of a clone.
 */
#include "security/capabilities.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MASK_BITS    64
#define CAP(name)    (UINT64_C(1) << CAP_##name)
#define CAP_NAME_MAX 64

/*
 * No container has these. In a user namespace of its own they are worth nothing against the host; they
 * are dropped so that guests, which look at the bounding set, do not try: CAP_SYS_RAWIO is systemd's
 * condition for mounting debugfs, CAP_SYS_MODULE for loading modules, CAP_SYS_TIME for setting the
 * clock, and without CAP_MAC_ADMIN nobody loads a policy. CAP_AUDIT_READ is the condition of the audit
 * socket of systemd 247, which no namespace may open and which leaves Debian 11 degraded.
 */
#define DROPPED_ALWAYS                                                                           \
	(CAP(SYS_MODULE) | CAP(SYS_RAWIO) | CAP(SYS_TIME) | CAP(MAC_ADMIN) | CAP(MAC_OVERRIDE) | \
	 CAP(AUDIT_READ))

/*
 * Without a user namespace these act on the host itself, and no distribution needs them to boot: its
 * kernel log, its wake-up timers and suspend, process accounting, performance counters, BPF, and
 * other processes' memory as checkpoints. What stays and why:
 *   SYS_BOOT      reboot(2) in a pid namespace only ends its init; kexec is refused by seccomp
 *   AUDIT_WRITE   PAM ends sessions with an error without it
 *   AUDIT_CONTROL pam_loginuid; the kernel takes audit settings from the first pid namespace only
 *   MKNOD         udev and packages make nodes; the device filter decides what can be opened
 *   DAC_READ_SEARCH  services ask for it; open_by_handle_at is refused by seccomp
 *   SYS_ADMIN SYS_PTRACE SYS_NICE SYS_RESOURCE NET_ADMIN  an init that mounts, limits and configures
 * In a user namespace CAP_SYSLOG stays: it reads what the kernel allows that namespace, which is
 * nothing of the host.
 */
#define DROPPED_PRIVILEGED \
	(CAP(SYSLOG) | CAP(WAKE_ALARM) | CAP(BLOCK_SUSPEND) | CAP(SYS_PACCT) | CAP_NEWER)
/* numbers of linux/capability.h 5.9, which older headers lack: PERFMON BPF CHECKPOINT_RESTORE */
#define CAP_NEWER (UINT64_C(7) << 38)

/* All that the running kernel knows. */
static uint64_t known_mask(void)
{
	uint64_t mask = 0;

	for (unsigned int n = 0; n < MASK_BITS; n++) {
		if (prctl(PR_CAPBSET_READ, n, 0, 0, 0) < 0)
			break;
		mask |= UINT64_C(1) << n;
	}
	return mask;
}

/* The name in libcap's list that is most like name, for a hint; the caller's buffer. */
static const char *nearest_name(const char *name, char buffer[CAP_NAME_MAX])
{
	CLEAN(strings_done) struct strings names = {0};
	const char *found = NULL;

	for (int n = 0; n < cap_max_bits(); n++) {
		char *known = cap_to_name((cap_value_t)n);

		if (!known)
			continue;
		strings_add(&names, known);
		(void)cap_free(known);
	}
	if (names.count)
		found = text_nearest(name, (const char *const *)names.items);
	if (!found)
		return NULL;
	(void)snprintf(buffer, CAP_NAME_MAX, "%s", found + strlen("cap_"));
	return buffer;
}

int capabilities_parse(const char *name, unsigned int *out, struct error *err)
{
	char lower[CAP_NAME_MAX], buffer[CAP_NAME_MAX];
	const char *bare = strncasecmp(name, "cap_", 4) == 0 ? name + 4 : name;
	const char *near;
	cap_value_t value;
	int n;

	n = snprintf(lower, sizeof(lower), "cap_%s", bare);
	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (n < (int)sizeof(lower) && cap_from_name(lower, &value) == 0) {
		*out = (unsigned int)value;
		return 0;
	}
	near = nearest_name(lower, buffer);
	(void)fail_plain(err, EINVAL, "unknown capability '%s'", name);
	return near ? fail_hint(err, "did you mean '%s'?", near) : -EINVAL;
}

/* The mask of one list of names; key is its key in [security]. */
static int parse_list(const struct config *config, const char *key, const struct strings *list,
                      uint64_t *out, struct error *err)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < list->count; i++) {
		char where[256];
		unsigned int n = MASK_BITS;

		if (text_is(list->items[i], "none"))
			continue;
		if (capabilities_parse(list->items[i], &n, err) < 0)
			return fail_in(
				err, "security.%s%s", key,
				config_where(config, "security", key, i, where, sizeof(where)));
		if (n < MASK_BITS)
			mask |= UINT64_C(1) << n;
	}
	*out = mask;
	return 0;
}

int capabilities_keep_mask(const struct config *config, uint64_t *out, struct error *err)
{
	uint64_t keep = ~DROPPED_ALWAYS, drop = 0;
	int r = 0;

	if (config->privileged)
		keep &= ~DROPPED_PRIVILEGED;
	if (config->keep_capabilities.count)
		r = parse_list(config, "keep_capabilities", &config->keep_capabilities, &keep, err);
	if (r == 0)
		r = parse_list(config, "drop_capabilities", &config->drop_capabilities, &drop, err);
	if (r < 0)
		return r;
	*out = keep & ~drop & known_mask();
	return 0;
}

/* Inheritable becomes empty; permitted and effective end with the exec, by the bounding set. */
static int empty_inheritable(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		data[i].inheritable = 0;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int capabilities_limit(uint64_t keep_mask)
{
	for (unsigned int n = 0; n < MASK_BITS; n++) {
		int held = prctl(PR_CAPBSET_READ, n, 0, 0, 0);

		if (held < 0) /* one more than the kernel knows */
			break;
		if (held == 0 || keep_mask >> n & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, n, 0, 0, 0) < 0)
			return -errno;
		if (prctl(PR_CAPBSET_READ, n, 0, 0, 0) != 0)
			return -EPERM;
	}
	/* EINVAL: a kernel without ambient capabilities (before 4.3) */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	return empty_inheritable();
}
