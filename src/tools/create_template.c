/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process of a template: its words, environment, namespaces and output; see the header. */
#include "tools/create_template.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/progress.h"
#include "base/text.h"
#include "container/config.h"
#include "container/paths.h"
#include "network/bridge.h"
#include "tools/command.h"
#include "tools/create_output.h"
#include "tools/creation.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

struct run {
	const struct call *call; /* its paths; -q and --json */
	const char *name;
	const char *dir; /* STORE/.NAME.creating: config and rootfs/ are in it */
	const char *map; /* "b 0 1048576 65536", NULL: none, or the tree cannot be mapped */
	const struct config *config; /* merged: network and consoles are told to the template */
	char *const *words;          /* the user's own, ended by NULL; may be NULL */
	int signals_fd;              /* signalfd: one that comes ends the template */
};

extern char **environ;

static void list_templates(const struct paths *paths, struct strings *names)
{
	CLEAN_DIR DIR *dir = opendir(paths->templates);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (text_starts(entry->d_name, "sysc-"))
			strings_add(names, entry->d_name + strlen("sysc-"));
	strings_sort(names);
}

char *template_find(const struct paths *paths, const char *template, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	CLEAN(text_done) struct text all = {0};
	CLEAN_FREE char *path = strchr(template, '/')
	                                ? realpath(template, NULL)
	                                : must_printf("%s/sysc-%s", paths->templates, template);

	if (path && faccessat(AT_FDCWD, path, X_OK, 0) == 0)
		return ptr_take(path);
	if (strchr(template, '/')) {
		(void)fail(err, errno, "run template '%s'", template);
		return NULL;
	}
	list_templates(paths, &names);
	for (size_t i = 0; i < names.count; i++)
		text_addf(&all, "%s%s", i ? ", " : "", names.items[i]);
	(void)fail_plain(err, ENOENT, "there is no template '%.80s'", template);
	(void)fail_hint(err, "there are: %s, none", all.data ? all.data : "");
	return NULL;
}

/* Settings of proxies and mirrors are the administrator's; nothing else of the environment is. */
static bool is_passed(const char *variable)
{
	static const char *const names[] = {
		"http_proxy=",         "https_proxy=",        "ftp_proxy=", "no_proxy=",
		"HTTP_PROXY=",         "HTTPS_PROXY=",        "FTP_PROXY=", "NO_PROXY=",
		"SYSC_ALPINE_MIRROR=", "SYSC_DEBIAN_MIRROR=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (text_starts(variable, names[i]))
			return true;
	return false;
}

static void make_environment(struct strings *env, bool show_bar)
{
	struct utsname host;

	strings_add(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strings_add(env, "LC_ALL=C");
	strings_add(env, "HOME=/root");
	if (uname(&host) == 0)
		strings_give(env, must_printf("SYSC_MACHINE=%s", host.machine));
	if (show_bar)
		strings_add(env, "SYSC_PROGRESS=bar");
	for (char **e = environ; e && *e; e++)
		if (is_passed(*e))
			strings_add(env, *e);
}

static void add_option(struct strings *argv, const char *option, const char *value)
{
	if (!value)
		return;
	strings_add(argv, option);
	strings_add(argv, value);
}

/* The name servers of the first network: as written, or the bridge itself. */
static void add_dns(struct strings *argv, const struct network_config *network)
{
	struct bridge_status bridge = {0};
	bool is_auto = !network->dns.count || text_is(network->dns.items[0], "auto");

	for (size_t i = 0; i < network->dns.count && !is_auto; i++)
		add_option(argv, "--dns", network->dns.items[i]);
	if (!is_auto || !network->bridge || bridge_status(network->bridge, &bridge, NULL) < 0)
		return;
	bridge.address[strcspn(bridge.address, "/")] = '\0';
	if (bridge.address[0])
		add_option(argv, "--dns", bridge.address);
}

static void add_network(struct strings *argv, const struct config *config)
{
	const struct network_config *network = config->networks;

	if (!config->network_count || network->type == NETWORK_NONE || !network->address.count) {
		add_option(argv, "--address", "none");
		return;
	}
	add_option(argv, "--address",
	           strings_has(&network->address, "dhcp") ? "dhcp" : network->address.items[0]);
	add_dns(argv, network);
}

static void make_words(const struct run *run, const char *program, struct strings *argv)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", run->dir);
	CLEAN_FREE char *config = must_printf("%s/config", run->dir);
	CLEAN_FREE char *archive = must_printf("%s/sysc-archive", run->call->paths.libexec);
	CLEAN_FREE char *ttys = must_printf("%llu", (unsigned long long)run->config->ttys);

	strings_add(argv, program);
	add_option(argv, "--name", run->name);
	add_option(argv, "--rootfs", rootfs);
	add_option(argv, "--config", config);
	add_option(argv, "--cache", run->call->paths.cache);
	add_option(argv, "--archive", archive);
	add_option(argv, "--map", run->map);
	add_option(argv, "--ttys", ttys);
	add_network(argv, run->config);
	if (run->call->quiet)
		strings_add(argv, "--quiet");
	for (char *const *word = run->words; word && *word; word++)
		strings_add(argv, *word);
}

/* Its mounts go nowhere else, and /proc shows its processes only. */
static int own_mounts(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -1;
	return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

struct birth {
	char *const *argv, *const *env;
	int output_fd, go_fd;
};

static _Noreturn void become_template(const struct birth *birth)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;
	char go;

	(void)sigemptyset(&none);
	/* the parent may have died before the second call: then there is nothing to read */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || read(birth->go_fd, &go, 1) != 1)
		_exit(127);
	(void)umask(022);
	if (own_mounts() < 0 || null_fd < 0 || dup2(null_fd, 0) < 0 ||
	    dup2(birth->output_fd, 1) < 0 || dup2(birth->output_fd, 2) < 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0 ||
	    sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
		dprintf(birth->output_fd, "prepare the template: %s\n", strerrordesc_np(errno));
		_exit(127);
	}
	execve(birth->argv[0], birth->argv, birth->env);
	dprintf(2, "run the template: %s\n", strerrordesc_np(errno));
	_exit(127);
}

/* Passes its output on until it ends; true when a signal came first. */
static bool pass_output(const struct run *run, int output_fd, struct template_output *output)
{
	struct pollfd events[] = {
		{.fd = output_fd,       .events = POLLIN},
		{.fd = run->signals_fd, .events = POLLIN},
	};
	char buffer[4096];

	for (;;) {
		ssize_t n;

		if (poll(events, ARRAY_SIZE(events), -1) < 0 && errno != EINTR)
			return true;
		if (events[1].revents)
			return true;
		if (!events[0].revents)
			continue;
		n = read(output_fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		template_output_add(output, buffer, (size_t)n);
	}
}

static int judge(const char *program, int status, const char *said, struct error *err)
{
	const char *slash = strrchr(program, '/');

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		(void)fail_plain(err, EIO, "template '%s' was ended by signal %d", slash + 1,
		                 WTERMSIG(status));
	else
		(void)fail_plain(err, WEXITSTATUS(status) == 2 ? EINVAL : EIO,
		                 "template '%s' failed with code %d", slash + 1,
		                 WEXITSTATUS(status));
	return *said ? fail_hint(err, "%s", said) : -err->code;
}

static int watch(const struct run *run, const char *program, pid_t pid, int pidfd, int output_fd,
                 struct error *err)
{
	CLEAN(template_output_done) struct template_output output;
	bool interrupted;
	int status = 0;

	template_output_init(&output, run->call, run->name);
	interrupted = pass_output(run, output_fd, &output);
	template_output_end(&output);

	if (interrupted) /* the first of its PID namespace: all of them end */
		(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (interrupted)
		return fail_plain(err, EINTR, "interrupted");
	return judge(program, status, template_output_last(&output), err);
}

static int run_template(const struct run *run, const char *program, struct error *err)
{
	CLEAN(strings_done) struct strings argv = {0}, env = {0};
	CLEAN_FD int output = -1, output_end = -1, go = -1, go_end = -1, pidfd = -1;
	struct clone_args args = {.flags = CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWPID,
	                          .exit_signal = SIGCHLD};
	struct birth birth;
	int ends[2];
	pid_t pid;

	make_words(run, program, &argv);
	make_environment(&env, progress_can_draw(output_progress_fd(run->call)));
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	output = ends[0];
	output_end = ends[1];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	go_end = ends[0];
	go = ends[1];
	birth = (struct birth){argv.items, env.items, output_end, go_end};
	args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	pid = sys_clone3(&args);
	if (pid == 0) {
		close(go);
		become_template(&birth);
	}
	if (pid < 0)
		return fail(err, errno, "start template '%s'", program);
	fd_close(&output_end);
	(void)!write(go, "g", 1); /* a child that died is seen by the end of its output */
	fd_close(&go);
	return watch(run, program, pid, pidfd, output, err);
}

int template_run(const struct creation *creation, const char *map, char *const *words,
                 const char *program, struct error *err)
{
	const struct run run = {
		.call = creation->call,
		.name = creation->name,
		.dir = creation->dir,
		.map = map,
		.config = &creation->config.merged,
		.words = words,
		.signals_fd = creation->signals_fd,
	};

	return run_template(&run, program, err);
}

int template_help(const char *program, struct error *err)
{
	CLEAN(strings_done) struct strings env = {0};
	CLEAN_FREE char *copy = must_dup(program);
	char help[] = "--help";
	char *argv[] = {copy, help, NULL};

	make_environment(&env, false);
	execve(program, argv, env.items);
	return fail(err, errno, "run template '%s'", program);
}
