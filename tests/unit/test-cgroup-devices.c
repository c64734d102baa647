/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device rules, the BPF program made from them, and both fences in force: a process in a real cgroup
 * tries to open and make nodes, behind the v1 controller and behind the program, with one list of
 * what has to work and what not.
 */
#include "../lib/folder.h"
#include "../lib/need.h"
#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/device_rules.h"
#include "cgroup/devices.h"
#include "cgroup/devices_bpf.h"
#include "cgroup/tree.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define WAIT_MS 10000
#define NOBODY  65534

static bool rule_is(const char *line, const char *want)
{
	struct device_rule rule;
	char text[DEVICE_RULE_ROOM];
	int r = device_rules_parse(line, &rule, NULL);

	if (r == 0)
		device_rules_format(&rule, text);
	return want ? r == 0 && text_is(text, want) : r < 0;
}

TEST(rules_are_read_and_written)
{
	CHECK(rule_is("c 10:229 rw", "c 10:229 rw"));
	CHECK(rule_is("c 10:229 mwr", "c 10:229 rwm"));
	CHECK(rule_is("c 10:*", "c 10:* rwm"));
	CHECK(rule_is("b  *:*  r", "b *:* r"));
	CHECK(rule_is("c 4294967294:4294967294", "c 4294967294:4294967294 rwm"));
	CHECK(rule_is("/dev/null r", "c 1:3 r"));
	CHECK(rule_is("/dev/null", "c 1:3 rwm"));
	CHECK(rule_is("a", "a"));
	CHECK(rule_is("", NULL));
	CHECK(rule_is("a *:* rwm", NULL));
	CHECK(rule_is("c", NULL));
	CHECK(rule_is("c 10 rwm", NULL));
	CHECK(rule_is("c 10:x rwm", NULL));
	CHECK(rule_is("c 10:4294967295 rwm", NULL));
	CHECK(rule_is("c 10:1 rwx", NULL));
	CHECK(rule_is("c 10:1 rw m", NULL));
	CHECK(rule_is("/dev/null rw x", NULL));
	CHECK(rule_is("/etc", NULL));
	CHECK(rule_is("/dev/sysc-none rw", NULL));
}

TEST(rules_of_one_device_become_one)
{
	CLEAN(device_rules_done) struct device_rules rules = {0};

	device_rules_add(&rules, &(struct device_rule){'c', 10, 1, DEVICE_READ});
	device_rules_add(&rules, &(struct device_rule){'b', 10, 1, DEVICE_READ});
	device_rules_add(&rules, &(struct device_rule){'c', 10, DEVICE_ANY, DEVICE_MKNOD});
	device_rules_add(&rules, &(struct device_rule){'c', 10, 1, DEVICE_WRITE});
	CHECK_INT(rules.count, 3);
	CHECK_INT(rules.rows[0].access, DEVICE_READ | DEVICE_WRITE);
	CHECK_INT(rules.rows[1].access, DEVICE_READ);
	CHECK(!device_rules_allow_all(&rules));
}

/* Instruction by instruction; a program that is another one is printed. */
static bool program_is(const struct device_rules *rules, const struct bpf_insn *want, size_t count)
{
	size_t got_count = 0;
	CLEAN_FREE struct bpf_insn *got = devices_bpf_program(rules, &got_count);
	bool same = got_count == count;

	for (size_t i = 0; i < count && same; i++)
		same = memcmp(&got[i], &want[i], sizeof(want[i])) == 0;
	for (size_t i = 0; i < got_count && !same; i++)
		printf("# %zu: code %#x dst %u src %u off %d imm %d\n", i, got[i].code,
		       got[i].dst_reg, got[i].src_reg, got[i].off, got[i].imm);
	return same;
}

#define INSN(c, d, s, o, i)                                                         \
	{                                                                           \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) \
	}
/* clang-format off */
#define PROLOGUE                                                     \
	INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0),                 \
	INSN(BPF_ALU | BPF_MOV | BPF_X, 3, 2, 0, 0),                 \
	INSN(BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff),            \
	INSN(BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16),                \
	INSN(BPF_LDX | BPF_MEM | BPF_W, 4, 1, 4, 0),                 \
	INSN(BPF_LDX | BPF_MEM | BPF_W, 5, 1, 8, 0)
/* clang-format on */
#define RETURN(value) \
	INSN(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, value), INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define UNLESS(reg, is, skip) INSN(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, skip, is)

TEST(no_rule_denies_all)
{
	const struct bpf_insn want[] = {PROLOGUE, RETURN(0)};

	CHECK(program_is(&(struct device_rules){0}, want, ARRAY_SIZE(want)));
}

TEST(each_rule_is_tried_in_turn)
{
	CLEAN(device_rules_done) struct device_rules rules = {0};
	const struct bpf_insn want[] = {
		PROLOGUE,
		/* c 1:3 rwm: no access to look at */
		UNLESS(2, BPF_DEVCG_DEV_CHAR, 4),
		UNLESS(4, 1, 3),
		UNLESS(5, 3, 2),
		RETURN(1),
		/* b *:* m: neither read nor write, any number */
		UNLESS(2, BPF_DEVCG_DEV_BLOCK, 5),
		INSN(BPF_ALU | BPF_MOV | BPF_X, 1, 3, 0, 0),
		INSN(BPF_ALU | BPF_AND | BPF_K, 1, 0, 0, DEVICE_READ | DEVICE_WRITE),
		UNLESS(1, 0, 2),
		RETURN(1),
		RETURN(0),
	};

	device_rules_add(&rules, &(struct device_rule){'c', 1, 3, DEVICE_ACCESS_ALL});
	device_rules_add(&rules, &(struct device_rule){'b', DEVICE_ANY, DEVICE_ANY, DEVICE_MKNOD});
	CHECK(program_is(&rules, want, ARRAY_SIZE(want)));
}

TEST(a_allows_all)
{
	CLEAN(device_rules_done) struct device_rules rules = {0};
	const struct bpf_insn want[] = {RETURN(1)};

	device_rules_add(&rules, &(struct device_rule){'c', 1, 3, DEVICE_ACCESS_ALL});
	device_rules_add(&rules,
	                 &(struct device_rule){'a', DEVICE_ANY, DEVICE_ANY, DEVICE_ACCESS_ALL});
	CHECK(device_rules_allow_all(&rules));
	CHECK(program_is(&rules, want, ARRAY_SIZE(want)));
}

TEST(a_wrong_line_is_told_with_its_key)
{
	CLEAN(device_rules_done) struct device_rules rules = {0};
	struct config config;
	struct error err = {0};

	config_init(&config);
	strings_add(&config.device_node, "/etc/passwd 0600");
	CHECK_INT(device_rules_build(&rules, &config, &err), -ENODEV);
	CHECK(strstr(err.text, "devices.node: '/etc/passwd' is no device"));
	config_done(&config);
}

TEST(without_a_hierarchy_there_is_an_error)
{
	struct cgroup cgroup;
	struct config config;
	struct error err = {0};

	config_init(&config);
	cgroup_init(&cgroup);
	CHECK(cgroup_set_devices(&cgroup, &config, &err) < 0);
	CHECK(strstr(err.text,
	             "neither cgroup v2 nor the v1 devices controller is mounted (mount cgroup2"));
	CHECK(devices_set(&cgroup, &config, DEVICES_V1, &err) < 0);
	CHECK(devices_set(&cgroup, &config, DEVICES_BPF, &err) < 0);
	config_done(&config);
}

TEST(what_cannot_be_attached_is_an_error_with_a_hint)
{
	FOLDER(folder);
	struct error err = {0};

	NEED("root", geteuid() == 0, "not root");
	CHECK(devices_bpf_attach(dir, &(struct device_rules){0}, &err) < 0);
	CHECK(strstr(err.text, "BPF program that fences devices") &&
	      strstr(err.text, "(the kernel needs CONFIG_CGROUP_BPF"));
	CHECK(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	error_clear(&err);
	CHECK_INT(devices_bpf_attach(dir, &(struct device_rules){0}, &err), -EPERM);
	CHECK(strstr(err.text, "load the BPF program"));
	CHECK(setuid(0) < 0);
}

/* What is tried behind the fence, on a node of its own. */
static const struct {
	char type;
	unsigned int major, minor;
	int flags;
	bool works;
} probes[] = {
	{'c', 1,  3,   O_RDWR,   true }, /* null, of the base set */
	{'c', 1,  5,   O_RDONLY, true }, /* zero */
	{'c', 1,  7,   O_WRONLY, true }, /* full */
	{'b', 1,  3,   O_RDONLY, false}, /* not a character device */
	{'c', 1,  11,  O_WRONLY, true }, /* kmsg: c 1:11 w */
	{'c', 1,  11,  O_RDONLY, false},
        {'c', 1,  11,  O_RDWR,   false},
	{'c', 10, 229, O_RDWR,   true }, /* fuse: c 10:229 r and c 10:229 w */
	{'c', 10, 237, O_RDWR,   true }, /* loop-control: devices.node */
	{'c', 10, 235, O_RDONLY, false}, /* autofs */
	{'b', 7,  0,   O_RDONLY, true }, /* loop0: b 7:* r */
	{'b', 7,  1,   O_RDONLY, true },
        {'b', 7,  0,   O_RDWR,   false},
	{'c', 7,  0,   O_RDONLY, false},
        {'b', 8,  0,   O_RDONLY, false},
};

static const char *const allow[] = {"c 1:11 w", "c 10:229 r", "c 10:229 w", "b 7:* r"};

/* mknod and open; the errno of what failed, 0. */
static int probe(int dir, size_t i)
{
	CLEAN_FREE char *name = must_printf("%zu-%d", i, getpid());
	mode_t mode = 0600 | (probes[i].type == 'b' ? S_IFBLK : S_IFCHR);
	CLEAN_FD int fd = -1;

	if (mknodat(dir, name, mode, makedev(probes[i].major, probes[i].minor)) < 0)
		return -1; /* always allowed */
	fd = openat(dir, name, probes[i].flags | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? errno : 0;
}

/* How many probes end otherwise than the list says; a device that is not there is no denial. */
static int count_wrong(int dir, bool all_work)
{
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		int r = probe(dir, i);
		bool works = all_work || probes[i].works;

		if (works ? (r == EPERM || r < 0) : r != EPERM) {
			printf("# %c %u:%u flags %d: %s\n", probes[i].type, probes[i].major,
			       probes[i].minor, probes[i].flags,
			       r < 0 ? "mknod failed" : strerror(r));
			wrong++;
		}
	}
	return wrong;
}

static void need_devices(int dir)
{
	struct cgroup_host host;
	char probe_path[TREE_PATH_MAX];

	NEED("root", geteuid() == 0, "not root");
	NEED("cgroup", cgroup_detect(&host, NULL, NULL) == 0, "no cgroup is mounted");
	snprintf(probe_path, sizeof(probe_path), "%s/sysc-unit-probe-%d", host.hierarchies[0].mount,
	         getpid());
	NEED("cgroup", mkdir(probe_path, 0755) == 0, "no right to make cgroups");
	CHECK(rmdir(probe_path) == 0);
	/* else a denial would say nothing about the fence */
	NEED("devices", count_wrong(dir, true) == 0, "devices are denied to this process already");
}

/* A case's cgroup, and what its child says: the parent removes the cgroup whatever that is. */
struct fenced {
	struct cgroup cgroup;
	struct config config;
	char parent[32];
	int dir; /* a folder to make nodes in */
};

static void fenced_init(struct fenced *fenced, int dir)
{
	CLEAN_FREE char *path = NULL;
	struct error err = {0};

	fenced->dir = dir;
	config_init(&fenced->config);
	cgroup_init(&fenced->cgroup);
	snprintf(fenced->parent, sizeof(fenced->parent), "sysc-unit-%d", getpid());
	path = must_printf("%s/web1", fenced->parent);
	if (cgroup_create(&fenced->cgroup, path, &err) < 0)
		printf("# %s\n", err.text);
	CHECK_INT(err.code, 0);
}

static void fenced_done(struct fenced *fenced)
{
	struct error err = {0};

	CHECK_INT(cgroup_remove(&fenced->cgroup, WAIT_MS, &err), 0);
	CHECK_INT(cgroup_remove_parent(fenced->parent, &err), 0);
	config_done(&fenced->config);
	cgroup_close(&fenced->cgroup);
}

/* Into the leaf of v2 alone, so that no controller of v1 denies in the place of the program. */
static int enter(const struct cgroup *cgroup, enum devices_fence fence)
{
	if (fence == DEVICES_V1)
		return cgroup_enter(cgroup);
	return file_write(cgroup_clone_fd(cgroup), "cgroup.procs", "0", NULL);
}

static int try_inside(const struct fenced *fenced, enum devices_fence fence, bool all_work)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int wrong = enter(&fenced->cgroup, fence) < 0 ? 100
		                                              : count_wrong(fenced->dir, all_work);

		fflush(stdout);
		_exit(wrong);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

/* Attached is held by the cgroup: the object is closed, as by a command that ends, then it is tried. */
static void check_fence(enum devices_fence choice, enum devices_fence in_force, const char *rule)
{
	FOLDER(folder);
	CLEAN_FREE char *node = folder_write(folder, "node", "");
	CLEAN_FREE char *line = must_printf("%s 0600 0:0", node);
	struct fenced fenced;
	struct error err = {0};
	int set, status = -1;

	need_devices(dir);
	CHECK(unlink(node) == 0 && mknod(node, S_IFCHR | 0600, makedev(10, 237)) == 0);
	fenced_init(&fenced, dir);
	strings_add(&fenced.config.device_node, line);
	for (size_t i = 0; i < ARRAY_SIZE(allow); i++)
		strings_add(&fenced.config.device_allow, allow[i]);
	if (rule)
		strings_add(&fenced.config.device_allow, rule);
	set = devices_set(&fenced.cgroup, &fenced.config, choice, &err);
	if (set < 0)
		printf("# %s\n", err.text);
	if (set == 0)
		status = try_inside(&fenced, in_force, text_is(rule, "a"));
	fenced_done(&fenced);
	NEED(in_force == DEVICES_V1 ? "cgroup-v1" : "cgroup2", set != -ENOSYS,
	     "this host has no hierarchy for it");
	CHECK_INT(set, 0);
	CHECK_INT(status, 0);
}

TEST(v1_fences)
{
	check_fence(DEVICES_V1, DEVICES_V1, NULL);
}

TEST(v1_allows_all_when_told)
{
	check_fence(DEVICES_V1, DEVICES_V1, "a");
}

TEST(the_program_fences_the_same)
{
	check_fence(DEVICES_BPF, DEVICES_BPF, NULL);
}

TEST(the_program_allows_all_when_told)
{
	check_fence(DEVICES_BPF, DEVICES_BPF, "a");
}

TEST(plain_v2_is_fenced_without_asking)
{
	NEED("root", geteuid() == 0, "not root");
	NEED("mount", unshare(CLONE_NEWNS) == 0, "no mount namespace");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	NEED("cgroup2", mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL) == 0, "no cgroup2");
	check_fence(DEVICES_AUTO, DEVICES_BPF, NULL);
}

TEST(a_second_fence_takes_nothing_of_the_first_away)
{
	FOLDER(folder);
	struct fenced fenced;
	int first, second, status = -1;

	need_devices(dir);
	fenced_init(&fenced, dir);
	for (size_t i = 0; i < ARRAY_SIZE(allow); i++)
		strings_add(&fenced.config.device_allow, allow[i]);
	strings_add(&fenced.config.device_allow, "c 10:237 rw");
	first = devices_set(&fenced.cgroup, &fenced.config, DEVICES_BPF, NULL);
	strings_add(&fenced.config.device_allow, "a");
	second = devices_set(&fenced.cgroup, &fenced.config, DEVICES_BPF, NULL);
	if (first == 0 && second == 0)
		status = try_inside(&fenced, DEVICES_BPF, false);
	fenced_done(&fenced);
	NEED("cgroup2", first != -ENOSYS, "no cgroup v2 here");
	CHECK_INT(first, 0);
	CHECK_INT(second, 0);
	CHECK_INT(status, 0);
}
