/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device rules as a BPF program of type BPF_PROG_TYPE_CGROUP_DEVICE. The program takes what is asked
 * for apart (prologue), compares it with one rule after the other (checks, each left out where the
 * rule says "any") and denies what none allows (epilogue).
 */
#include "cgroup/devices_bpf.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/text.h"
#include "cgroup/device_rules.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#define PROGRAM_NAME    "sysc_devices"
/* Only helpers that are for GPL programs ask for another one; this calls none. */
#define PROGRAM_LICENSE "LGPL-2.1-or-later"

#define HINT                                                                                   \
	"the kernel needs CONFIG_CGROUP_BPF and the caller CAP_SYS_ADMIN on the host; a host " \
	"without has to mount the v1 devices controller"

_Static_assert((int)DEVICE_MKNOD == (int)BPF_DEVCG_ACC_MKNOD &&
                       (int)DEVICE_READ == (int)BPF_DEVCG_ACC_READ &&
                       (int)DEVICE_WRITE == (int)BPF_DEVCG_ACC_WRITE,
               "access bits are the kernel's");

/* What is in which register. */
enum {
	CONTEXT = BPF_REG_1, /* struct bpf_cgroup_dev_ctx; scratch once that is read */
	SCRATCH = BPF_REG_1,
	TYPE = BPF_REG_2,
	ACCESS = BPF_REG_3,
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
};

#define LOAD(to, field)                                                                 \
	{                                                                               \
		.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (to), .src_reg = CONTEXT, \
		.off = offsetof(struct bpf_cgroup_dev_ctx, field)                       \
	}
#define COPY(to, from)                                                                \
	{                                                                             \
		.code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) \
	}
#define WITH(op, to, by)                                                     \
	{                                                                    \
		.code = BPF_ALU | (op) | BPF_K, .dst_reg = (to), .imm = (by) \
	}
#define SKIP_UNLESS(reg)                                              \
	{                                                             \
		.code = BPF_JMP32 | BPF_JNE | BPF_K, .dst_reg = (reg) \
	}
#define RETURN(value)                      \
	WITH(BPF_MOV, BPF_REG_0, value),   \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}

/* access_type is access << 16 | type */
static const struct bpf_insn prologue[] = {
	LOAD(TYPE, access_type),   COPY(ACCESS, TYPE), WITH(BPF_AND, TYPE, 0xffff),
	WITH(BPF_RSH, ACCESS, 16), LOAD(MAJOR, major), LOAD(MINOR, minor),
};
static const struct bpf_insn allow[] = {RETURN(1)};
static const struct bpf_insn epilogue[] = {RETURN(0)};

/* The part of a rule that goes into an instruction; false: the rule takes any. */
static bool type_of(const struct device_rule *rule, int32_t *imm)
{
	*imm = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
	return rule->type != 'a';
}

static bool denied_of(const struct device_rule *rule, int32_t *imm)
{
	*imm = (int32_t)(~rule->access & DEVICE_ACCESS_ALL);
	return *imm != 0;
}

static bool nothing_of(const struct device_rule *rule, int32_t *imm)
{
	bool is_limited = denied_of(rule, imm);

	*imm = 0;
	return is_limited;
}

static bool major_of(const struct device_rule *rule, int32_t *imm)
{
	*imm = (int32_t)rule->major;
	return rule->major != DEVICE_ANY;
}

static bool minor_of(const struct device_rule *rule, int32_t *imm)
{
	*imm = (int32_t)rule->minor;
	return rule->minor != DEVICE_ANY;
}

/* One rule; what jumps, jumps to the next one. */
static const struct {
	struct bpf_insn insn;
	bool (*operand)(const struct device_rule *rule, int32_t *imm);
} checks[] = {
	{SKIP_UNLESS(TYPE),    type_of                    },
        {COPY(SCRATCH,         ACCESS),                     nothing_of},
	{WITH(BPF_AND,                    SCRATCH,				    0), denied_of},
        {SKIP_UNLESS(SCRATCH),                  nothing_of},
	{SKIP_UNLESS(MAJOR), major_of},
        {SKIP_UNLESS(MINOR),   minor_of                     },
};

#define RULE_INSNS (ARRAY_SIZE(checks) + ARRAY_SIZE(allow))

static size_t emit(struct bpf_insn *at, const struct bpf_insn *insns, size_t count)
{
	memcpy(at, insns, count * sizeof(*insns));
	return count;
}

static size_t emit_rule(struct bpf_insn *at, const struct device_rule *rule)
{
	size_t count = 0, end;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int32_t imm;

		if (!checks[i].operand(rule, &imm))
			continue;
		at[count] = checks[i].insn;
		at[count++].imm = imm;
	}
	end = count + emit(at + count, allow, ARRAY_SIZE(allow));
	for (size_t i = 0; i < count; i++)
		if (BPF_CLASS(at[i].code) == BPF_JMP32)
			at[i].off = (int16_t)(end - i - 1);
	return end;
}

struct bpf_insn *devices_bpf_program(const struct device_rules *rules, size_t *count)
{
	size_t room = ARRAY_SIZE(prologue) + rules->count * RULE_INSNS + ARRAY_SIZE(epilogue);
	struct bpf_insn *program = must_alloc(room * sizeof(*program));
	size_t used = 0;

	/* by itself: the kernel refuses a program with a part that is never reached */
	if (device_rules_allow_all(rules)) {
		*count = emit(program, allow, ARRAY_SIZE(allow));
		return program;
	}
	used += emit(program, prologue, ARRAY_SIZE(prologue));
	for (size_t i = 0; i < rules->count; i++)
		used += emit_rule(program + used, &rules->rows[i]);
	*count = used + emit(program + used, epilogue, ARRAY_SIZE(epilogue));
	return program;
}

static int load(const struct bpf_insn *program, size_t count)
{
	union bpf_attr attr;

	/* bytes beyond the known fields have to be zero, padding too */
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insn_cnt = (uint32_t)count;
	attr.insns = (uint64_t)(uintptr_t)program;
	attr.license = (uint64_t)(uintptr_t)PROGRAM_LICENSE;
	memcpy(attr.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	return sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int attach(int dir, int program)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	return sys_bpf(BPF_PROG_ATTACH, &attr, sizeof(attr));
}

/* How many device programs dir has of its own, -1 and errno. */
static int count_attached(int dir)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	return sys_bpf(BPF_PROG_QUERY, &attr, sizeof(attr)) < 0 ? -1 : (int)attr.query.prog_cnt;
}

int devices_bpf_attach(int dir, const struct device_rules *rules, struct error *err)
{
	size_t count = 0;
	CLEAN_FREE struct bpf_insn *program = devices_bpf_program(rules, &count);
	CLEAN_FD int fd = load(program, count);
	int attached;

	if (fd < 0)
		fail(err, errno, "load the BPF program that fences devices");
	else if (attach(dir, fd) < 0)
		fail(err, errno, "attach the BPF program that fences devices");
	else if ((attached = count_attached(dir)) < 0)
		fail(err, errno, "look for the BPF program that fences devices");
	else if (!attached)
		fail_plain(err, ENOENT,
		           "the BPF program that fences devices was attached, but is not there");
	else
		return 0;
	return fail_hint(err, HINT);
}
