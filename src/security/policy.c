/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the text of a system call policy; the form is in the header. Used by seccomp.c. */
#include "security/policy.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#define ERRNO_MAX       133 /* EHWPOISON, the last one of Linux but on odd architectures */
#define CALL_NUMBER_MAX 1024

/* One line while it is read: its words, and how many of them are used up. */
struct line {
	const char *file;
	unsigned int number;
	struct strings words;
	size_t at;
};

struct named_value {
	const char *name;
	uint64_t value;
};

/* Arguments whose numbers differ between architectures, or that nobody knows by heart. */
static const struct named_value constants[] = {
	{"TIOCSTI",       TIOCSTI      },
#ifdef TIOCLINUX
	{"TIOCLINUX",     TIOCLINUX    },
#else
	{"TIOCLINUX", 0x541c}, /* asm-generic/ioctls.h; glibc has the name on few architectures */
#endif
	{"MNT_FORCE",     MNT_FORCE    },
	{"CLONE_NEWUSER", CLONE_NEWUSER},
};

static const struct {
	const char *word;
	enum scmp_compare compare;
} operators[] = {
	{"==", SCMP_CMP_EQ},
        {"!=", SCMP_CMP_NE},
        {"<",  SCMP_CMP_LT},
	{"<=", SCMP_CMP_LE},
        {">",  SCMP_CMP_GT},
        {">=", SCMP_CMP_GE},
};

/* "FILE:LINE: why" for a word, "end of the line" where there is none. */
static int bad_word(const struct line *line, const char *word, const char *wanted,
                    struct error *err)
{
	if (!word)
		return fail_plain(err, EINVAL, "%s:%u: %s is missing", line->file, line->number,
		                  wanted);
	return fail_plain(err, EINVAL, "%s:%u: '%s' is not %s", line->file, line->number, word,
	                  wanted);
}

/* The next word, used up; NULL at the end. */
static const char *next_word(struct line *line)
{
	return line->at < line->words.count ? line->words.items[line->at++] : NULL;
}

/* True, and the word used up, when it comes next. */
static bool take_word(struct line *line, const char *word)
{
	if (line->at >= line->words.count || !text_is(line->words.items[line->at], word))
		return false;
	line->at++;
	return true;
}

static int parse_errno(struct line *line, uint32_t *out, struct error *err)
{
	const char *word = next_word(line);
	uint64_t number;

	if (!word)
		return bad_word(line, word, "an error number", err);
	if (parse_uint(word, ERRNO_MAX, &number) == 0) {
		*out = SCMP_ACT_ERRNO((uint32_t)number);
		return 0;
	}
	for (int n = 1; n <= ERRNO_MAX; n++)
		if (text_is(strerrorname_np(n), word)) {
			*out = SCMP_ACT_ERRNO((uint32_t)n);
			return 0;
		}
	return bad_word(line, word, "an error number like EPERM", err);
}

/* An action, when one comes next: 1; 0 when there is none. */
static int parse_action(struct line *line, uint32_t *out, struct error *err)
{
	int r;

	if (take_word(line, "allow")) {
		*out = SCMP_ACT_ALLOW;
		return 1;
	}
	if (take_word(line, "kill")) {
		*out = SCMP_ACT_KILL_PROCESS;
		return 1;
	}
	if (!take_word(line, "errno"))
		return 0;
	r = parse_errno(line, out, err);
	return r < 0 ? r : 1;
}

static int parse_value(const char *word, uint64_t *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++)
		if (text_is(word, constants[i].name)) {
			*out = constants[i].value;
			return 0;
		}
	return parse_number(word, UINT64_MAX, out);
}

/* "VALUE[/MASK]" into the condition, whose operator is known. */
static int parse_operand(struct line *line, struct scmp_arg_cmp *condition, struct error *err)
{
	const char *word = next_word(line);
	const char *slash = word ? strchr(word, '/') : NULL;
	CLEAN_FREE char *value = NULL;
	uint64_t mask = 0, number = 0;

	if (!word)
		return bad_word(line, word, "a value", err);
	value = slash ? must_printf("%.*s", (int)(slash - word), word) : must_dup(word);
	if (parse_value(value, &number) < 0)
		return bad_word(line, value, "a number", err);
	condition->datum_a = number;
	if (!slash)
		return 0;
	if (parse_value(slash + 1, &mask) < 0)
		return bad_word(line, slash + 1, "a mask", err);
	if (condition->op != SCMP_CMP_EQ)
		return fail_plain(err, EINVAL, "%s:%u: a mask goes with == only", line->file,
		                  line->number);
	if (number & ~mask)
		return fail_plain(err, EINVAL,
		                  "%s:%u: '%s' can never be equal (bits outside the mask)",
		                  line->file, line->number, word);
	condition->op = SCMP_CMP_MASKED_EQ;
	condition->datum_a = mask;
	condition->datum_b = number;
	return 0;
}

/* What follows the word "arg". */
static int parse_condition(struct line *line, struct policy_rule *rule, struct error *err)
{
	struct scmp_arg_cmp condition = {0};
	const char *word = next_word(line);
	bool found = false;
	uint64_t index;
	int r;

	if (!word || parse_uint(word, POLICY_CONDITIONS - 1, &index) < 0)
		return bad_word(line, word, "an argument's index (0 to 5)", err);
	condition.arg = (unsigned int)index;
	for (unsigned int i = 0; i < rule->condition_count; i++)
		if (rule->conditions[i].arg == condition.arg)
			return fail_plain(err, EINVAL, "%s:%u: argument %s has two conditions",
			                  line->file, line->number, word);
	word = next_word(line);
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++)
		if (text_is(word, operators[i].word)) {
			condition.op = operators[i].compare;
			found = true;
		}
	if (!found)
		return bad_word(line, word, "an operator (== != < <= > >=)", err);
	r = parse_operand(line, &condition, err);
	if (r == 0)
		rule->conditions[rule->condition_count++] = condition;
	return r;
}

static int unknown_call(const struct line *line, const char *name, struct error *err)
{
	uint32_t archs[] = {seccomp_arch_native(), policy_compat_arch(seccomp_arch_native())};
	CLEAN(strings_done) struct strings names = {0};
	const char *near = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(archs); i++)
		for (int n = 0; archs[i] && n < CALL_NUMBER_MAX; n++) {
			char *known = seccomp_syscall_resolve_num_arch(archs[i], n);

			if (known)
				strings_give(&names, known);
		}
	if (names.count)
		near = text_nearest(name, (const char *const *)names.items);
	(void)fail_plain(err, EINVAL, "%s:%u: unknown system call '%s'", line->file, line->number,
	                 name);
	if (near)
		return fail_hint(err, "did you mean '%s'?", near);
	return fail_hint(err, "write -%s if only newer libraries know it", name);
}

/* The call's number; 1 when the line is to be skipped. */
static int parse_call(struct line *line, int *out, struct error *err)
{
	const char *word = next_word(line);
	bool optional = word && *word == '-';
	int number;

	if (!word)
		return bad_word(line, word, "a system call", err);
	number = seccomp_syscall_resolve_name(word + optional);
	if (number == __NR_SCMP_ERROR)
		return optional ? 1 : unknown_call(line, word, err);
	*out = number;
	return 0;
}

/* What follows "deny" or "allow". */
static int parse_rule(struct line *line, bool deny, struct policy *policy, struct error *err)
{
	struct policy_rule rule = {
		.line = line->number,
		.action = deny ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW,
	};
	int skip = parse_call(line, &rule.call, err), r;

	if (skip < 0)
		return skip;
	r = deny ? parse_action(line, &rule.action, err) : 0;
	while (r >= 0 && take_word(line, "arg"))
		r = parse_condition(line, &rule, err);
	if (r < 0 || skip)
		return r < 0 ? r : 0;
	if (deny && rule.action == SCMP_ACT_ALLOW)
		return fail_plain(err, EINVAL, "%s:%u: 'deny' with the action 'allow'", line->file,
		                  line->number);
	if (policy->rule_count >= POLICY_RULES_MAX)
		return fail_plain(err, EINVAL, "%s:%u: more than %d rules", line->file,
		                  line->number, POLICY_RULES_MAX);
	policy->rules = must_realloc(policy->rules, (policy->rule_count + 1) * sizeof(rule));
	policy->rules[policy->rule_count++] = rule;
	return 0;
}

static int parse_line(struct line *line, struct policy *policy, bool *has_default,
                      struct error *err)
{
	static const char *const words[] = {"default", "deny", "allow", NULL};
	const char *word = next_word(line), *near;
	int r;

	if (text_is(word, "deny") || text_is(word, "allow")) {
		r = parse_rule(line, *word == 'd', policy, err);
	} else if (text_is(word, "default")) {
		if (*has_default)
			return fail_plain(err, EINVAL, "%s:%u: a second 'default'", line->file,
			                  line->number);
		*has_default = true;
		r = parse_action(line, &policy->default_action, err);
		if (r == 0)
			return bad_word(line, next_word(line), "an action (allow, errno N, kill)",
			                err);
	} else {
		near = word ? text_nearest(word, words) : NULL;
		(void)bad_word(line, word, "default, deny or allow", err);
		return near ? fail_hint(err, "did you mean '%s'?", near) : -EINVAL;
	}
	if (r >= 0 && line->at < line->words.count)
		return bad_word(line, next_word(line), "expected here", err);
	return r < 0 ? r : 0;
}

int policy_parse(const char *text, const char *file, struct policy *out, struct error *err)
{
	CLEAN(policy_done) struct policy policy = {.default_action = SCMP_ACT_ALLOW};
	bool has_default = false;
	unsigned int number = 1;

	if (strlen(text) > POLICY_TEXT_MAX)
		return fail_plain(err, EINVAL, "%s: longer than %lu bytes", file, POLICY_TEXT_MAX);
	while (*text) {
		size_t length = strcspn(text, "\n");
		CLEAN_FREE char *copy = must_printf("%.*s", (int)strcspn(text, "\n#"), text);
		struct line line = {.file = file, .number = number};
		int r = 0;

		strings_split(&line.words, copy, " \t\r");
		if (line.words.count)
			r = parse_line(&line, &policy, &has_default, err);
		strings_done(&line.words);
		if (r < 0)
			return r;
		text += length + (text[length] == '\n');
		number++;
	}
	*out = policy;
	policy = (struct policy){0};
	return 0;
}

void policy_done(struct policy *policy)
{
	free(policy->rules);
	*policy = (struct policy){0};
}
