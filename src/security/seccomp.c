/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From [security] seccomp to a program in the kernel: finding the policy, taking the program from the
 * cache or compiling it, loading its bytes. The text is read by policy.c, compiled by compile.c.
 */
#include "security/seccomp.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/config.h"
#include "container/paths.h"
#include "security/cache.h"
#include "security/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PROGRAM_BYTES_MAX (BPF_MAXINSNS * sizeof(struct sock_filter))

void seccomp_program_done(struct seccomp_program *program)
{
	free(program->bytes);
	*program = (struct seccomp_program){0};
}

/* Whoever can write a policy decides what the container may do to the host. */
static int check_owner(int fd, const char *file, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at '%s'", file);
	if (!S_ISREG(st.st_mode))
		return fail_plain(err, EINVAL, "'%s' is not a plain file", file);
	if (st.st_uid != 0 && st.st_uid != getuid())
		return fail_plain(err, EPERM, "'%s' belongs to user %u, not to root or to you",
		                  file, st.st_uid);
	if (st.st_mode & 022)
		return fail_plain(err, EPERM, "'%s' can be written by others than its owner", file);
	return 0;
}

/* The text of the policy; what is shipped is trusted as the program beside it is. */
static int read_policy(const char *file, bool shipped, struct text *out, struct error *err)
{
	CLEAN_FD int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return fail(err, errno, "open '%s'", file);
	if (!shipped)
		r = check_owner(fd, file, err);
	if (r == 0)
		r = file_read_fd(fd, file, POLICY_TEXT_MAX, out, err);
	if (r == 0 && out->length == 0)
		text_add(out, "");
	if (r == 0 && strlen(out->data) != out->length)
		r = fail_plain(err, EINVAL, "'%s' is not a text", file);
	return r;
}

static int compile_text(const char *text, const char *file, struct seccomp_program *out,
                        struct error *err)
{
	CLEAN(policy_done) struct policy policy = {0};
	int r = policy_parse(text, file, &policy, err);

	return r < 0 ? r : policy_compile(&policy, file, out, err);
}

/* more: a shipped policy whose rules are added, NULL: none */
static int prepare_file(const char *file, bool shipped, const char *more, const struct paths *paths,
                        struct seccomp_program *out, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN_FREE char *key = NULL;
	int r = read_policy(file, shipped, &text, err);

	if (r == 0 && more)
		r = read_policy(more, true, &text, err);
	if (r < 0)
		return r;
	key = cache_key(text.data);
	if (cache_find(paths->run, key, out))
		return 0;
	r = compile_text(text.data, file, out, err);
	if (r == 0)
		(void)cache_keep(paths->run, key, out, NULL); /* the next start compiles again */
	return r;
}

int seccomp_prepare(const struct config *config, const struct paths *paths, bool hides_mount_calls,
                    struct seccomp_program *out, struct error *err)
{
	const char *word = config->seccomp ? config->seccomp : "default";
	struct seccomp_program program = {0};
	char where[256];
	int r = 0;

	if (text_is(word, "default")) {
		CLEAN_FREE char *file = must_printf("%s/seccomp.policy", paths->config);
		CLEAN_FREE char *more = must_printf("%s/seccomp-mounts.policy", paths->config);

		r = prepare_file(file, true, hides_mount_calls ? more : NULL, paths, &program, err);
	} else if (word[0] == '/') {
		r = prepare_file(word, false, NULL, paths, &program, err);
	} else if (!text_is(word, "none")) {
		r = fail_plain(err, EINVAL, "'%s' is neither default, none nor an absolute path",
		               word);
	}
	if (r < 0)
		return fail_in(
			err, "security.seccomp%s",
			config_where(config, "security", "seccomp", 0, where, sizeof(where)));
	*out = program;
	return 0;
}

int seccomp_install(const struct seccomp_program *program)
{
	struct sock_fprog kernel_program = {
		.len = (unsigned short)(program->size / sizeof(struct sock_filter)),
		.filter = program->bytes,
	};

	if (program->size == 0)
		return 0;
	if (program->size % sizeof(struct sock_filter) || program->size > PROGRAM_BYTES_MAX)
		return -EINVAL;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &kernel_program) < 0 ? -errno : 0;
}

int seccomp_save(const struct seccomp_program *program, const char *file, struct error *err)
{
	return file_replace_volatile(AT_FDCWD, file, program->bytes, program->size, 0600, err);
}

int seccomp_read(const char *file, struct seccomp_program *out, struct error *err)
{
	CLEAN_FD int fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	CLEAN(text_done) struct text bytes = {0};
	int r;

	if (fd < 0)
		return fail(err, errno, "open '%s'", file);
	r = check_owner(fd, file, err);
	if (r == 0)
		r = file_read_fd(fd, file, PROGRAM_BYTES_MAX, &bytes, err);
	if (r < 0)
		return r;
	if (bytes.length % sizeof(struct sock_filter))
		return fail_plain(err, EINVAL, "'%s' is not a seccomp program", file);
	out->size = bytes.length;
	out->bytes = bytes.length ? text_take(&bytes) : NULL;
	return 0;
}
