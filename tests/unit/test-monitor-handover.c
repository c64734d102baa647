/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/handover.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int memory_file(const char *content)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, content, strlen(content)), (long)strlen(content));
	return fd;
}

static bool is_passed(int fd)
{
	return !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* Texts from the heap, fds that are open. */
static void fill(struct handover *handover, const int fds[4])
{
	handover_init(handover);
	handover->name = must_dup("web1");
	handover->store = must_dup("/var/lib/sysc with a blank");
	handover->run_dir = must_dup("/run/sysc/web1");
	handover->log = must_dup("/var/log/sysc/web1.log");
	handover->program = must_dup("/usr/bin/sysc");
	handover->monitor = must_dup("/usr/libexec/sysc/sysc-monitor");
	handover->console_buffer = 131072;
	handover->console_log_size = UINT64_MAX;
	handover->asked_signal = 37;
	handover->no_reboot = true;
	handover->pidfd = fds[0];
	handover->listen_fd = fds[1];
	handover->memory_fd = fds[2];
	handover->ttys[0] = fds[3];
	handover->tty_count = 1;
}

static void open_fds(int fds[4])
{
	for (int i = 0; i < 4; i++)
		fds[i] = memory_file("");
}

static void close_fds(int fds[4])
{
	for (int i = 0; i < 4; i++)
		fd_close(&fds[i]);
}

TEST(what_is_written_is_read)
{
	CLEAN(handover_done) struct handover out, in;
	CLEAN_FD int fd = -1;
	int fds[4];

	open_fds(fds);
	fill(&out, fds);
	handover_init(&in);
	fd = handover_write(&out, NULL);
	CHECK(fd >= 0);
	CHECK_INT(handover_read(fd, &in, NULL), 0);
	CHECK(text_is(in.name, "web1") && text_is(in.store, out.store));
	CHECK(text_is(in.run_dir, out.run_dir) && text_is(in.log, out.log));
	CHECK(text_is(in.program, out.program) && text_is(in.monitor, out.monitor));
	CHECK(text_is(in.console_log, ""));
	CHECK(in.console_buffer == 131072 && in.console_log_size == UINT64_MAX);
	CHECK_INT((int)in.asked_signal, 37);
	CHECK(in.no_reboot && !in.ephemeral);
	CHECK_INT((int)in.next, HANDOVER_NEXT_WORKER);
	CHECK_INT(in.pidfd, out.pidfd);
	CHECK_INT(in.listen_fd, out.listen_fd);
	CHECK_INT(in.memory_fd, out.memory_fd);
	CHECK_INT(in.client_fd, -1);
	CHECK_INT((int)in.tty_count, 1);
	CHECK_INT(in.ttys[0], out.ttys[0]);
	close_fds(fds);
}

TEST(every_fd_passes_an_exec_when_it_is_to_and_only_then)
{
	CLEAN(handover_done) struct handover out, in;
	CLEAN_FD int fd = -1;
	int fds[4];

	open_fds(fds);
	fill(&out, fds);
	handover_init(&in);
	fd = handover_write(&out, NULL);
	for (int i = 0; i < 4; i++)
		CHECK(is_passed(fds[i]));
	CHECK(is_passed(fd));
	CHECK_INT(handover_read(fd, &in, NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK(!is_passed(fds[i]));
	CHECK(!is_passed(fd));
	CHECK_INT(handover_pass(fd, &in, NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK(is_passed(fds[i]));
	CHECK(is_passed(fd));
	close_fds(fds);
}

TEST(an_update_replaces_all_and_a_shorter_text_leaves_nothing_of_a_longer_one)
{
	CLEAN(handover_done) struct handover out, in;
	CLEAN_FD int fd = -1;
	int fds[4];

	open_fds(fds);
	fill(&out, fds);
	handover_init(&in);
	fd = handover_write(&out, NULL);
	free(out.store);
	out.store = must_dup("/s");
	out.asked_signal = 0;
	out.next = HANDOVER_NEXT_UPGRADE;
	out.memory_fd = -1;
	CHECK_INT(handover_update(fd, &out, NULL), 0);
	/* the offset is everybody's: it does not matter where it is */
	CHECK(lseek(fd, 3, SEEK_SET) == 3);
	CHECK_INT(handover_read(fd, &in, NULL), 0);
	CHECK(lseek(fd, 0, SEEK_CUR) == 3);
	CHECK(text_is(in.store, "/s"));
	CHECK_INT((int)in.asked_signal, 0);
	CHECK_INT((int)in.next, HANDOVER_NEXT_UPGRADE);
	CHECK_INT(in.memory_fd, -1);
	CHECK(text_is(in.monitor, out.monitor));
	close_fds(fds);
}

TEST(of_another_version_what_is_unknown_is_skipped_and_what_is_missing_has_its_default)
{
	CLEAN(handover_done) struct handover in;
	CLEAN_FD int fd = memory_file("future thing of 2030\nname web1\nword\nrun_dir /run/web1\n"
	                              "pidfd 0\nlisten 1\n\n\n");

	handover_init(&in);
	CHECK_INT(handover_read(fd, &in, NULL), 0);
	CHECK(text_is(in.name, "web1"));
	CHECK(!in.monitor && !in.ephemeral && in.memory_fd == -1 && !in.tty_count);
	(void)fcntl(0, F_SETFD, 0);
	(void)fcntl(1, F_SETFD, 0);
}

TEST(what_cannot_be_used_is_an_error)
{
	static const char *const texts[] = {
		"",
		"name web1\nrun_dir /run/web1\npidfd 0\n",
		"name web1\nrun_dir /run/web1\npidfd 0\nlisten one\n",
		"name web1\nrun_dir /run/web1\npidfd 0\nlisten 99999999999\n",
		"name web1\nrun_dir /run/web1\npidfd 0\nlisten 1\ntty -1\n",
		"name web1\nrun_dir /run/web1\npidfd 0\nlisten 987\n", /* not open */
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEAN(handover_done) struct handover in;
		CLEAN_FD int fd = memory_file(texts[i]);
		struct error err = {0};

		handover_init(&in);
		CHECK(handover_read(fd, &in, &err) < 0);
		CHECK(strstr(err.text, "handover"));
		(void)fcntl(0, F_SETFD, 0);
	}
}
