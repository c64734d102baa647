/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <sys/stat.h>

/* A folder of its own under TMPDIR; the caller removes it by remove_folder(). */
static char *make_folder(void)
{
	const char *base = secure_getenv("TMPDIR");
	char *path = must_printf("%s/sysc-log-XXXXXX", base ? base : "/tmp");

	CHECK(mkdtemp(path));
	return path;
}

static void remove_folder(char **path)
{
	CHECK(file_remove_tree(AT_FDCWD, *path, NULL) == 0);
	free(*path);
}

static bool matches(const char *string, const char *pattern)
{
	regex_t regex;
	bool found;

	CHECK(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0);
	found = regexec(&regex, string, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

#define STAMP "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"

TEST(lines_have_time_and_level)
{
	CLEAN(remove_folder) char *folder = make_folder();
	CLEAN_FREE char *file = must_printf("%s/a/b/web1.log", folder);
	CLEAN(text_done) struct text got = {0};
	struct stat st;

	(void)umask(022);
	log_open(file, LOG_LEVEL_INFO);
	log_line(LOG_LEVEL_ERROR, "start '%s': %s", "web1", "no");
	log_line(LOG_LEVEL_INFO, "second");
	log_line(LOG_LEVEL_DEBUG, "not kept");
	log_close();
	log_line(LOG_LEVEL_ERROR, "after close");
	CHECK(file_read(AT_FDCWD, file, 4096, &got, NULL) == 0);
	CHECK(matches(got.data, "^" STAMP " error start 'web1': no\n" STAMP " info second\n$"));
	CHECK(stat(file, &st) == 0);
	CHECK_INT(st.st_mode & 07777, 0640);
}

TEST(appends_to_what_is_there)
{
	CLEAN(remove_folder) char *folder = make_folder();
	CLEAN_FREE char *file = must_printf("%s/web1.log", folder);
	CLEAN(text_done) struct text got = {0};

	for (int i = 0; i < 2; i++) {
		log_open(file, LOG_LEVEL_DEBUG);
		log_line(LOG_LEVEL_DEBUG, "round %d", i);
		log_close();
	}
	CHECK(file_read(AT_FDCWD, file, 4096, &got, NULL) == 0);
	CHECK(matches(got.data, "debug round 0\n" STAMP " debug round 1\n$"));
}

TEST(one_event_is_one_line)
{
	CLEAN(remove_folder) char *folder = make_folder();
	CLEAN_FREE char *file = must_printf("%s/web1.log", folder);
	CLEAN(text_done) struct text got = {0};
	CLEAN_FREE char *longer = must_alloc(10001);

	memset(longer, 'x', 10000);
	log_open(file, LOG_LEVEL_INFO);
	log_line(LOG_LEVEL_INFO, "a\nb\033[31mc");
	log_line(LOG_LEVEL_INFO, "%s", longer);
	log_close();
	CHECK(file_read(AT_FDCWD, file, 65536, &got, NULL) == 0);
	CHECK(matches(got.data, "^" STAMP " info a b \\[31mc\n" STAMP " info x+\n$"));
	CHECK(got.length < 4096 + 64);
}

TEST(the_log_of_a_command_has_both_and_a_level_of_its_own)
{
	CLEAN(remove_folder) char *folder = make_folder();
	CLEAN_FREE char *file = must_printf("%s/web1.log", folder);
	CLEAN_FREE char *own = must_printf("%s/command.log", folder);
	CLEAN(text_done) struct text got = {0}, got_own = {0};

	CHECK_INT(log_open_command(own, LOG_LEVEL_DEBUG), 0);
	CHECK_INT(log_open_command(folder, LOG_LEVEL_DEBUG), -EISDIR);
	CHECK_INT(log_open_command(own, LOG_LEVEL_DEBUG), 0);
	log_open(file, LOG_LEVEL_INFO);
	log_line(LOG_LEVEL_INFO, "to both");
	log_line(LOG_LEVEL_DEBUG, "step");
	log_command(LOG_LEVEL_WARN, "100%d\n");
	log_close();
	log_command(LOG_LEVEL_ERROR, "after close");
	CHECK(file_read(AT_FDCWD, file, 4096, &got, NULL) == 0);
	CHECK(matches(got.data, "^" STAMP " info to both\n$"));
	CHECK(file_read(AT_FDCWD, own, 4096, &got_own, NULL) == 0);
	CHECK(matches(got_own.data,
	              "^" STAMP " info to both\n" STAMP " debug step\n" STAMP " warn 100%d \n$"));
}

TEST(a_symlink_is_not_written_through)
{
	CLEAN(remove_folder) char *folder = make_folder();
	CLEAN_FREE char *file = must_printf("%s/web1.log", folder);
	CLEAN_FREE char *target = must_printf("%s/target", folder);

	CHECK(symlink(target, file) == 0);
	log_open(file, LOG_LEVEL_INFO);
	log_line(LOG_LEVEL_INFO, "to nowhere");
	log_close();
	CHECK(!file_exists(AT_FDCWD, target));
}

TEST(without_a_file_nothing_happens_and_errno_stays)
{
	log_open(NULL, LOG_LEVEL_DEBUG);
	errno = EXDEV;
	log_line(LOG_LEVEL_ERROR, "nowhere");
	CHECK_INT(errno, EXDEV);
}

TEST(level_words)
{
	enum log_level level = LOG_LEVEL_ERROR;

	CHECK(log_parse_level("debug", &level) == 0 && level == LOG_LEVEL_DEBUG);
	CHECK(log_parse_level("WARN", &level) == 0 && level == LOG_LEVEL_WARN);
	CHECK(log_parse_level("info", &level) == 0 && level == LOG_LEVEL_INFO);
	CHECK(log_parse_level("error", &level) == 0 && level == LOG_LEVEL_ERROR);
	CHECK(log_parse_level("loud", &level) == -EINVAL && level == LOG_LEVEL_ERROR);
}
