/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/state.h"

#include "../lib/folder.h"
#include "../lib/tap.h"
#include "base/error.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static struct state living(void)
{
	struct state state;

	state_init(&state);
	state.phase = STATE_RUNNING;
	state.monitor_pid = getpid();
	state.monitor_birth = state_process_birth(getpid());
	return state;
}

TEST(what_is_written_is_read)
{
	FOLDER(folder);
	CLEAN_FREE char *run = must_printf("%s/run/web1", folder);
	struct state out = living(), in;
	struct error err = {0};
	struct stat st;
	bool stale = true;

	out.init_pid = 4242;
	out.init_birth = UINT64_MAX;
	out.started_ms = 1234567890123;
	out.stop_status = 256;
	out.stop_oom_kills = 7;
	out.halt_signal = 37;
	out.stop_timeout_ms = 60000;
	(void)snprintf(out.init_kind, sizeof(out.init_kind), "systemd");
	(void)snprintf(out.cgroup, sizeof(out.cgroup), "sysc/web1");
	(void)snprintf(out.id_map, sizeof(out.id_map), "b 0 1048576 65536");
	(void)snprintf(out.links[0], sizeof(out.links[0]), "sweb1-0");
	(void)snprintf(out.links[2], sizeof(out.links[2]), "sweb1-2");
	out.link_count = 3;
	(void)snprintf(out.failure, sizeof(out.failure), "two\nlines, a \\n and \x1b[31m");
	CHECK_INT(state_write(run, &out, &err), 0);
	CHECK(out.since_ms > 0 && out.since_ms <= state_now_ms());
	CHECK_INT(stat(run, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0700);
	CHECK_INT(state_read(run, &in, &stale, &err), 0);
	CHECK(!stale);
	CHECK_INT(in.phase, STATE_RUNNING);
	CHECK_INT(in.init_pid, 4242);
	CHECK(in.init_birth == UINT64_MAX && in.monitor_birth == out.monitor_birth);
	CHECK(in.since_ms == out.since_ms && in.started_ms == 1234567890123);
	CHECK_INT(in.stop_status, 256);
	CHECK_INT(in.stop_oom_kills, 7);
	CHECK(text_is(in.init_kind, "systemd") && text_is(in.cgroup, "sysc/web1"));
	CHECK_INT(in.link_count, 3);
	CHECK(text_is(in.links[0], "sweb1-0") && text_is(in.links[1], "") &&
	      text_is(in.links[2], "sweb1-2"));
	CHECK(text_is(in.failure, "two\nlines, a \\n and  [31m"));
}

TEST(the_largest_state_fits)
{
	FOLDER(folder);
	struct state out = living(), in;
	struct error err = {0};

	memset(out.failure, '\\', sizeof(out.failure) - 1);
	memset(out.id_map, '\\', sizeof(out.id_map) - 1);
	memset(out.cgroup, '\\', sizeof(out.cgroup) - 1);
	memset(out.stop_who, '\n', sizeof(out.stop_who) - 1);
	memset(out.init_kind, '\\', sizeof(out.init_kind) - 1);
	for (out.link_count = 0; out.link_count < STATE_LINKS_MAX; out.link_count++)
		memset(out.links[out.link_count], '\\', sizeof(out.links[0]) - 1);
	CHECK_INT(state_write(folder, &out, &err), 0);
	CHECK_INT(state_read(folder, &in, NULL, &err), 0);
	CHECK(memcmp(in.failure, out.failure, sizeof(in.failure)) == 0);
	CHECK(memcmp(in.links, out.links, sizeof(in.links)) == 0);
}

TEST(absent_is_stopped)
{
	struct state state = living();
	struct error err = {0};
	bool stale = true;

	CHECK_INT(state_read("/nonexistent/web1", &state, &stale, &err), 0);
	CHECK_INT(state.phase, STATE_STOPPED);
	CHECK_INT(state.stop_status, -1);
	CHECK(!stale && !state.monitor_pid);
}

TEST(a_dead_supervisor_makes_it_stale_unless_init_lives)
{
	FOLDER(folder);
	struct state out = living(), in;
	bool stale = false;

	out.monitor_birth++; /* another process with the pid */
	CHECK_INT(state_write(folder, &out, NULL), 0);
	CHECK_INT(state_read(folder, &in, &stale, NULL), 0);
	CHECK(stale && in.phase == STATE_STOPPED);
	out.init_pid = getpid();
	out.init_birth = state_process_birth(getpid());
	CHECK_INT(state_write(folder, &out, NULL), 0);
	CHECK_INT(state_read(folder, &in, &stale, NULL), 0);
	CHECK(!stale && in.phase == STATE_RUNNING);
}

TEST(a_zombie_does_not_live)
{
	FOLDER(folder);
	struct state out = living(), in;
	bool stale = false;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	out.monitor_pid = pid;
	out.monitor_birth = state_process_birth(pid);
	CHECK(out.monitor_birth);
	CHECK_INT(state_write(folder, &out, NULL), 0);
	CHECK_INT(state_read(folder, &in, &stale, NULL), 0);
	CHECK(stale);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK(state_process_birth(pid) == 0);
}

TEST(a_name_with_brackets_does_not_confuse)
{
	uint64_t birth = state_process_birth(getpid());

	CHECK(birth > 0);
	CHECK_INT(prctl(PR_SET_NAME, "a) R 1 (b 2 3"), 0);
	CHECK(state_process_birth(getpid()) == birth);
	CHECK(state_process_birth(0) == 0 && state_process_birth(-1) == 0);
}

TEST(files_of_others)
{
	FOLDER(folder);
	CLEAN_FREE char *a = folder_write(folder, "new/state", "phase STOPPED\nfuture x y\n");
	CLEAN_FREE char *b = folder_write(folder, "bad/state", "phase STOPPED\ninit_pid 1x\n");
	CLEAN_FREE char *c = folder_write(folder, "phase/state", "phase DANCING\n");
	CLEAN_FREE char *d = folder_write(folder, "line/state", "phase\n");
	CLEAN_FREE char *big = must_alloc(10000);
	CLEAN_FREE char *e = NULL;
	struct error err = {0};
	struct state state;
	static const char *const broken[] = {"bad", "phase", "line"};
	CLEAN_FREE char *run = must_printf("%s/new", folder);

	CHECK_INT(state_read(run, &state, NULL, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		free(run);
		run = must_printf("%s/%s", folder, broken[i]);
		CHECK_INT(state_read(run, &state, NULL, &err), -EINVAL);
		CHECK(strstr(err.text, "/state:"));
	}
	memset(big, 'x', 9999);
	e = folder_write(folder, "big/state", big);
	free(run);
	run = must_printf("%s/big", folder);
	CHECK_INT(state_read(run, &state, NULL, &err), -EFBIG);
}

TEST(names_of_phases)
{
	enum state_phase phase = STATE_STOPPED;

	CHECK(text_is(state_name(STATE_FROZEN), "FROZEN"));
	CHECK_INT(state_parse("frozen", &phase), 0);
	CHECK_INT(phase, STATE_FROZEN);
	CHECK_INT(state_parse("cold", &phase), -EINVAL);
}
