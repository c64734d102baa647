/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "../lib/tap.h"

#include <errno.h>

TEST(a_failure_says_what_and_why)
{
	struct error err = {0};

	errno = ENOSPC;
	CHECK_INT(fail(&err, ENOENT, "open '%s'", "etc/fstab"), -ENOENT);
	CHECK_INT(errno, ENOSPC);
	CHECK_INT(err.code, ENOENT);
	CHECK(strcmp(err.text, "open 'etc/fstab': No such file or directory") == 0);
	CHECK_INT(fail_in(&err, "start '%s'", "web1"), -ENOENT);
	CHECK_INT(fail_hint(&err, "make it"), -ENOENT);
	CHECK(strcmp(err.text, "start 'web1': open 'etc/fstab': No such file or directory "
	                       "(make it)") == 0);
	error_clear(&err);
	CHECK(err.code == 0 && !*err.text);
}

TEST(nobody_listening_and_no_number)
{
	struct error err;

	CHECK_INT(fail(NULL, EPERM, "x"), -EPERM);
	CHECK_INT(fail_plain(NULL, EPERM, "x"), -EPERM);
	CHECK(fail_in(NULL, "x") < 0 && fail_hint(NULL, "x") < 0);
	error_clear(NULL);
	CHECK_INT(fail_plain(&err, 0, "plain"), -EIO);
	CHECK(strcmp(err.text, "plain") == 0);
	CHECK_INT(fail(&err, 99999, "x"), -99999);
	CHECK(strcmp(err.text, "x: unknown error") == 0);
}

TEST(long_texts_are_cut_not_overrun)
{
	struct {
		struct error err;
		char guard[16];
	} box = {.guard = "guard"};
	char big[3 * ERROR_TEXT_MAX];

	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)fail(&box.err, EPERM, "%s", big);
	CHECK_INT(strlen(box.err.text), ERROR_TEXT_MAX - 1);
	(void)fail_in(&box.err, "%s", big);
	CHECK_INT(strlen(box.err.text), ERROR_TEXT_MAX - 1);
	(void)fail_hint(&box.err, "%s", big);
	CHECK_INT(strlen(box.err.text), ERROR_TEXT_MAX - 1);
	for (size_t length = ERROR_TEXT_MAX - 12; length < ERROR_TEXT_MAX; length++) {
		(void)fail_plain(&box.err, EPERM, "%.*s", (int)length, big);
		(void)fail_hint(&box.err, "a hint");
		CHECK(strlen(box.err.text) < ERROR_TEXT_MAX);
		(void)fail_in(&box.err, "%s", "web1");
		CHECK(strncmp(box.err.text, "web1: a", 7) == 0);
	}
	CHECK(strcmp(box.guard, "guard") == 0);
}
