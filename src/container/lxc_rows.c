/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of LXC that stand for themselves, each with what it is here, and looking one up. Those of cgroups,
 * interfaces, root file system and mounts are in the files of their topic.
 */
#include "base/cleanup.h"
#include "base/parse.h"
#include "container/idmap.h"
#include "container/lxc_translate.h"

#include <signal.h>
#include <string.h>

/* --- takers --- */

static bool clears(struct lxc_translation *t, const struct lxc_row *row,
                   const struct lxc_line *line)
{
	const char *dot = row->to ? strchr(row->to, '.') : NULL;
	CLEAN_FREE char *section = dot ? must_printf("%.*s", (int)(dot - row->to), row->to) : NULL;

	if (*line->value)
		return false;
	if (section)
		lxc_clear(t, section, dot + 1);
	lxc_forget(t, row);
	return true;
}

void lxc_take_word(struct lxc_translation *t, const struct lxc_row *row,
                   const struct lxc_line *line, const char *star)
{
	(void)star;
	if (!clears(t, row, line))
		(void)lxc_set_row(t, row, line->value, line);
}

void lxc_take_none(struct lxc_translation *t, const struct lxc_row *row,
                   const struct lxc_line *line, const char *star)
{
	(void)star;
	if (!clears(t, row, line))
		lxc_leave(t, line, "%s", row->text);
}

/* 0 or 1 */
static void take_flag(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *star)
{
	(void)star;
	if (clears(t, row, line))
		return;
	if (text_is(line->value, "0") || text_is(line->value, "1"))
		(void)lxc_set_row(t, row, *line->value == '1' ? "yes" : "no", line);
	else
		lxc_leave(t, line, "it is neither 0 nor 1");
}

/* What is only another value than the one that sysc always has: row->text begins with the usual one. */
static void take_usual(struct lxc_translation *t, const struct lxc_row *row,
                       const struct lxc_line *line, const char *star)
{
	size_t length = strcspn(row->text, ":");

	(void)star;
	if (clears(t, row, line))
		return;
	if (strlen(line->value) == length && strncmp(line->value, row->text, length) == 0)
		lxc_leave(t, line, "not needed: it always is so");
	else
		lxc_leave(t, line, "%s", row->text + length + 2);
}

static void take_words(struct lxc_translation *t, const struct lxc_row *row,
                       const struct lxc_line *line, const char *star)
{
	CLEAN(strings_done) struct strings words = {0};

	(void)star;
	if (clears(t, row, line))
		return;
	strings_split(&words, line->value, " \t,");
	for (size_t i = 0; i < words.count; i++)
		(void)lxc_set_row(t, row, words.items[i], line);
}

/* A free key: the name is what stands for '*'. */
static void take_pair(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *star)
{
	CLEAN_FREE char *section = must_printf("%.*s", (int)strcspn(row->to, "."), row->to);

	if (!*line->value)
		lxc_clear(t, section, *star ? star : NULL);
	else
		(void)lxc_set(t, section, star, line->value, line);
}

static void take_seconds(struct lxc_translation *t, const struct lxc_row *row,
                         const struct lxc_line *line, const char *star)
{
	CLEAN_FREE char *value = must_printf("%ss", line->value);

	(void)star;
	if (!clears(t, row, line))
		(void)lxc_set_row(t, row, value, line);
}

/* LXC also counts down from SIGRTMAX. */
static void take_signal(struct lxc_translation *t, const struct lxc_row *row,
                        const struct lxc_line *line, const char *star)
{
	static const char maximum[] = "RTMAX-";
	const char *name = line->value + (text_starts(line->value, "SIG") ? 3 : 0);
	CLEAN_FREE char *value = NULL;
	int64_t down = 0;

	(void)star;
	if (clears(t, row, line))
		return;
	if (text_starts(name, maximum) && parse_int(name + sizeof(maximum) - 1, 0, 30, &down) == 0)
		value = must_printf("%d", 64 - (int)down); /* SIGRTMAX of the kernel */
	else
		value = must_dup(line->value);
	(void)lxc_set_row(t, row, value, line);
}

/* "auto" is 128 KiB; one with less than a page gets a page. */
static void take_buffer(struct lxc_translation *t, const struct lxc_row *row,
                        const struct lxc_line *line, const char *star)
{
	uint64_t bytes = 128 << 10;
	char value[LXC_SIZE_ROOM];

	(void)star;
	if (clears(t, row, line))
		return;
	if (!text_is(line->value, "auto") && parse_size(line->value, &bytes) < 0) {
		lxc_leave(t, line, "it is no size");
		return;
	}
	lxc_format_size(bytes < 4096 ? 4096 : bytes, value);
	(void)lxc_set_row(t, row, value, line);
}

/* The machine that uname(2) shows: only a 32-bit one on a 64-bit host is to be told. */
static void take_arch(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *star)
{
	static const struct {
		const char *names, *arch;
	} machines[] = {
		{" x86 i386 i486 i586 i686 athlon linux32 ",                                      "i686" },
		{" arm armel armhf armv7l armv7 armv6l armv8l ",                                  "armhf"},
		{" x86_64 amd64 x86-64 linux64 aarch64 arm64 riscv64 s390x ppc64el "
	         "ppc64le ppc64 powerpc64 mips64 mips64el loongarch64 loong64 ", NULL   },
	};
	CLEAN_FREE char *word = must_printf(" %s ", line->value);

	(void)star;
	if (clears(t, row, line))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		if (!strstr(machines[i].names, word))
			continue;
		lxc_clear(t, "container", "arch");
		if (machines[i].arch)
			(void)lxc_set_row(t, row, machines[i].arch, line);
		else
			lxc_leave(t, line, "not needed: the container sees the host's machine");
		return;
	}
	lxc_leave(t, line, "of the 32-bit machines only those of x86 and ARM are known");
}

static void take_environment(struct lxc_translation *t, const struct lxc_row *row,
                             const struct lxc_line *line, const char *star)
{
	(void)star;
	if (clears(t, row, line))
		return;
	if (strchr(line->value, '='))
		(void)lxc_set_row(t, row, line->value, line);
	else
		lxc_leave(t, line,
		          "nothing is taken from the environment of the host: write NAME=VALUE");
}

static void take_hostname(struct lxc_translation *t, const struct lxc_row *row,
                          const struct lxc_line *line, const char *star)
{
	(void)star;
	free(ptr_take(t->out->hostname));
	if (!clears(t, row, line) && lxc_set_row(t, row, line->value, line))
		t->out->hostname = must_dup(line->value);
}

/* "u 0 100000 65536" */
static void take_map(struct lxc_translation *t, const struct lxc_row *row,
                     const struct lxc_line *line, const char *star)
{
	(void)star;
	if (clears(t, row, line))
		strings_done(&t->out->map);
	else if (t->out->map.count == IDMAP_RANGES_MAX)
		lxc_leave(t, line, "a map has at most %d ranges", IDMAP_RANGES_MAX);
	else if (lxc_set_row(t, row, line->value, line))
		strings_add(&t->out->map, line->value);
}

static void take_capabilities(struct lxc_translation *t, const struct lxc_row *row,
                              const struct lxc_line *line, const char *star)
{
	if (text_is(line->value, "none"))
		lxc_leave(t, line, "a container without any capability cannot be had");
	else
		take_words(t, row, line, star);
}

/* --- what fences it --- */

/* The profiles that come with LXC are what "auto" is here. */
static void take_apparmor(struct lxc_translation *t, const struct lxc_row *row,
                          const struct lxc_line *line, const char *star)
{
	(void)star;
	if (clears(t, row, line))
		return;
	lxc_clear(t, "security", "apparmor");
	if (text_is(line->value, "lxc-container-default-with-nesting"))
		(void)lxc_set(t, "container", "nesting", "yes", line);
	else if (text_is(line->value, "generated") || text_starts(line->value, "lxc-"))
		lxc_leave(t, line, "not needed: sysc has profiles of its own");
	else if (text_is(line->value, "unchanged"))
		lxc_leave(t, line, "a container has a profile of its own, or none (unconfined)");
	else
		(void)lxc_set_row(t, row, line->value, line);
}

static void take_seccomp(struct lxc_translation *t, const struct lxc_row *row,
                         const struct lxc_line *line, const char *star)
{
	const char *name;

	(void)star;
	if (clears(t, row, line))
		return;
	if (text_is(line->value, "none"))
		(void)lxc_set_row(t, row, "none", line);
	else if (lxc_snippet_is(line->value, &name))
		lxc_leave(t, line, "not needed: sysc has a system call policy of its own");
	else
		lxc_leave(t, line,
		          "a policy of LXC is not understood: write one in the form of "
		          "seccomp.policy, and security.seccomp = FILE");
}

/* --- the table --- */

static const char own_cgroup[] = "not needed: the cgroup of a container is always its own";
static const char no_hooks[] = "hooks are not run yet";
static const char no_selinux[] = "SELinux is not supported yet";
static const char own_log[] = "not needed: sysc has a log for each container (sysc-logs)";
static const char own_namespaces[] = "a container always has all of its namespaces to itself";
static const char own_ptys[] = "not needed: a container has a devpts of its own";

/* clang-format off */
const struct lxc_row lxc_rows_general[] = {
	{"lxc.include", NULL, "container.include", lxc_snippet_take, NULL},
	{"lxc.arch", NULL, "container.arch", take_arch, NULL},
	{"lxc.uts.name", "lxc.utsname", "container.hostname", take_hostname, NULL},
	{"lxc.ephemeral", NULL, "container.ephemeral", take_flag, NULL},
	{"lxc.group", NULL, "container.groups", take_words, NULL},
	{"lxc.environment", NULL, "container.environment", take_environment, NULL},
	{"lxc.environment.runtime", NULL, "container.environment", take_environment, NULL},
	{"lxc.environment.hooks", NULL, NULL, lxc_take_none, no_hooks},
	{"lxc.init.cmd", "lxc.init_cmd", "container.init", lxc_take_word, NULL},
	{"lxc.init.uid", "lxc.init_uid", NULL, take_usual, "0: init is root of the container"},
	{"lxc.init.gid", "lxc.init_gid", NULL, take_usual, "0: init is root of the container"},
	{"lxc.init.groups", NULL, NULL, lxc_take_none, "init is root of the container"},
	{"lxc.init.cwd", NULL, NULL, take_usual, "/: init begins in /"},
	{"lxc.execute.cmd", NULL, NULL, lxc_take_none, "sysc-execute is told its command"},
	{"lxc.signal.halt", "lxc.haltsignal", "stop.halt_signal", take_signal, NULL},
	{"lxc.signal.reboot", "lxc.rebootsignal", "stop.reboot_signal", take_signal, NULL},
	{"lxc.signal.stop", "lxc.stopsignal", "stop.kill_signal", take_signal, NULL},
	{"lxc.start.auto", NULL, "boot.autostart", take_flag, NULL},
	{"lxc.start.delay", NULL, "boot.delay", take_seconds, NULL},
	{"lxc.start.order", NULL, "boot.order", lxc_take_word, NULL},
	{"lxc.monitor.unshare", NULL, NULL, lxc_take_none, "not needed: mounts of a start are seen by nobody else"},
	{"lxc.monitor.signal.pdeath", NULL, NULL, lxc_take_none, "a container outlives its supervisor, which is started anew"},
	{"lxc.idmap", "lxc.id_map", "idmap.map", take_map, NULL},
	{"lxc.cap.drop", NULL, "security.drop_capabilities", take_capabilities, NULL},
	{"lxc.cap.keep", NULL, "security.keep_capabilities", take_capabilities, NULL},
	{"lxc.no_new_privs", NULL, "security.no_new_privileges", take_flag, NULL},
	{"lxc.apparmor.profile", "lxc.aa_profile", "security.apparmor", take_apparmor, NULL},
	{"lxc.apparmor.allow_nesting", NULL, "container.nesting", take_flag, NULL},
	{"lxc.apparmor.allow_incomplete", "lxc.aa_allow_incomplete", NULL, lxc_take_none, "not needed: sysc has profiles of its own"},
	{"lxc.apparmor.raw", NULL, NULL, lxc_take_none, "rules of the administrator go into local/sysc-container of apparmor.d"},
	{"lxc.selinux.context", "lxc.se_context", NULL, lxc_take_none, no_selinux},
	{"lxc.selinux.context.keyring", NULL, NULL, lxc_take_none, no_selinux},
	{"lxc.seccomp.profile", "lxc.seccomp", "security.seccomp", take_seccomp, NULL},
	{"lxc.seccomp.allow_nesting", NULL, NULL, lxc_take_none, "not needed: policies are always stacked"},
	{"lxc.seccomp.notify.proxy", NULL, NULL, lxc_take_none, "system calls are not handed to another program"},
	{"lxc.seccomp.notify.cookie", NULL, NULL, lxc_take_none, "system calls are not handed to another program"},
	{"lxc.keyring.session", NULL, NULL, take_usual, "1: a container has a keyring of its own"},
	{"lxc.prlimit.*", "lxc.limit.*", "rlimits.*", take_pair, NULL},
	{"lxc.sysctl.*", NULL, "sysctl.*", take_pair, NULL},
	{"lxc.proc.*", NULL, NULL, lxc_take_none, "files of /proc/PID are not set"},
	{"lxc.namespace.*", NULL, NULL, lxc_take_none, own_namespaces},
	{"lxc.time.offset.*", NULL, NULL, lxc_take_none, "clocks are those of the host"},
	{"lxc.sched.core", NULL, NULL, lxc_take_none, "core scheduling is not supported"},
	{"lxc.tty.max", "lxc.tty", "console.ttys", lxc_take_word, NULL},
	{"lxc.tty.dir", "lxc.devttydir", NULL, lxc_take_none, "not needed: terminals are where guests look for them"},
	{"lxc.pty.max", "lxc.pts", NULL, lxc_take_none, own_ptys},
	{"lxc.console.buffer.size", NULL, "console.buffer", take_buffer, NULL},
	{"lxc.console.size", NULL, "console.log_size", take_buffer, NULL},
	{"lxc.console.logfile", "lxc.console.buffer.logfile", NULL, lxc_take_none, "not needed: the console is logged (sysc-console --log)"},
	{"lxc.console.rotate", NULL, NULL, take_usual, "1: the log of the console is rotated"},
	{"lxc.console.path", "lxc.console", NULL, lxc_take_none, "the console is a terminal of its own (sysc-console)"},
	{"lxc.autodev", NULL, NULL, take_usual, "1: /dev is always made anew"},
	{"lxc.autodev.tmpfs.size", NULL, NULL, lxc_take_none, "not needed: /dev has room for what is put there"},
	{"lxc.kmsg", NULL, NULL, take_usual, "0: /dev/kmsg is the host's"},
	{"lxc.log.level", "lxc.loglevel", NULL, lxc_take_none, own_log},
	{"lxc.log.file", "lxc.logfile", NULL, lxc_take_none, own_log},
	{"lxc.log.syslog", "lxc.syslog", NULL, lxc_take_none, own_log},
	{"lxc.hook", NULL, NULL, lxc_take_none, no_hooks},
	{"lxc.hook.*", NULL, NULL, lxc_take_none, no_hooks},
	{"lxc.cgroup.dir", NULL, NULL, lxc_take_none, own_cgroup},
	{"lxc.cgroup.dir.*", NULL, NULL, lxc_take_none, own_cgroup},
	{"lxc.cgroup.relative", NULL, NULL, lxc_take_none, own_cgroup},
	{"lxc.cgroup.use", NULL, NULL, lxc_take_none, own_cgroup},
	{0},
};
/* clang-format on */

const struct lxc_row *const lxc_tables[] = {lxc_rows_general, lxc_rows_mount, lxc_rows_network,
                                            lxc_rows_cgroup, NULL};

/* A '*' within is one word, at the end all that follows. */
static bool matches(const char *pattern, const char *key, char **star)
{
	size_t before = strcspn(pattern, "*"), word;
	const char *after = pattern + before + 1;

	if (!pattern[before])
		return text_is(pattern, key);
	if (strncmp(pattern, key, before) != 0)
		return false;
	word = *after ? strcspn(key + before, ".") : strlen(key + before);
	if (!word || !text_is(after, key + before + word))
		return false;
	*star = must_printf("%.*s", (int)word, key + before);
	return true;
}

const struct lxc_row *lxc_row_find(const char *key, char **star)
{
	*star = NULL;
	for (const struct lxc_row *const *table = lxc_tables; *table; table++)
		for (const struct lxc_row *row = *table; row->key; row++)
			if (matches(row->key, key, star) ||
			    (row->old && matches(row->old, key, star)))
				return row;
	return NULL;
}
