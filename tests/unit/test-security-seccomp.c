/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The default policy as it is shipped, really loaded; and the cache of programs. */
#include "security/seccomp.h"

#include "../lib/need.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "container/config.h"
#include "container/paths.h"
#include "security/capabilities.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* A run folder of its own and the shipped config folder. */
struct place {
	char *folder, *config;
	struct paths paths;
};

static void place_done(struct place *place)
{
	CHECK(file_remove_tree(AT_FDCWD, place->folder, NULL) == 0);
	free(place->folder);
	free(place->config);
}

static void place_init(struct place *place)
{
	const char *base = secure_getenv("TMPDIR"), *source = secure_getenv("top_srcdir");

	place->folder = must_printf("%s/sysc-seccomp-XXXXXX", base ? base : "/tmp");
	CHECK(mkdtemp(place->folder));
	place->config = must_printf("%s/config", source ? source : "..");
	place->paths = (struct paths){.run = place->folder, .config = place->config};
}

/* The only file in the cache folder (heap), NULL when there is none or more than one. */
static char *cached_file(const struct place *place)
{
	CLEAN_FREE char *folder = must_printf("%s/.cache", place->folder);
	CLEAN_DIR DIR *dir = opendir(folder);
	char *found = NULL;
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		free(found);
		found = must_printf("%s/%s", folder, entry->d_name);
		count++;
	}
	if (count != 1) {
		free(found);
		return NULL;
	}
	return found;
}

static bool is_same(const struct seccomp_program *a, const struct seccomp_program *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static int prepare(const char *value, const struct place *place, struct seccomp_program *out,
                   struct error *err)
{
	CLEAN_FREE char *copy = value ? must_dup(value) : NULL;
	struct config config = {.seccomp = copy};

	return seccomp_prepare(&config, &place->paths, false, out, err);
}

static void load_default(void)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(seccomp_program_done) struct seccomp_program program = {0};
	struct error err = {0};

	place_init(&place);
	if (prepare("default", &place, &program, &err) < 0)
		printf("# %s\n", err.text);
	CHECK(program.size > 0);
	/* root of a user namespace may do without; this lets the test run without root */
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_INT(seccomp_install(&program), 0);
}

#define CHECK_ERRNO(call, code)           \
	do {                              \
		errno = 0;                \
		CHECK_INT((call), -1);    \
		CHECK_INT(errno, (code)); \
	} while (0)

TEST(default_denies_what_reaches_the_host)
{
	load_default();
	CHECK_ERRNO(syscall(SYS_kexec_load, 0, 0, NULL, 0), EPERM);
	CHECK_ERRNO(syscall(SYS_init_module, NULL, 0, ""), EPERM);
	CHECK_ERRNO(syscall(SYS_finit_module, -1, "", 0), EPERM);
	CHECK_ERRNO(syscall(SYS_delete_module, "", 0), EPERM);
	CHECK_ERRNO(syscall(SYS_open_by_handle_at, -1, NULL, 0), EPERM);
	CHECK_ERRNO(syscall(SYS_bpf, 0, NULL, 0), EPERM);
	CHECK_ERRNO(syscall(SYS_perf_event_open, NULL, 0, 0, -1, 0), EPERM);
	CHECK_ERRNO(syscall(SYS_userfaultfd, 0), EPERM);
	CHECK_ERRNO(syscall(SYS_keyctl, 0, 0, 0, 0, 0), ENOSYS);
	CHECK_ERRNO(syscall(SYS_add_key, NULL, NULL, NULL, 0, 0), ENOSYS);
	CHECK_ERRNO(syscall(SYS_request_key, NULL, NULL, NULL, 0), ENOSYS);
	CHECK_ERRNO(syscall(SYS_swapon, "/nonexistent", 0), EPERM);
	CHECK_ERRNO(syscall(SYS_swapoff, "/nonexistent"), EPERM);
	CHECK_ERRNO(syscall(SYS_acct, "/nonexistent"), EPERM);
	CHECK_ERRNO(syscall(SYS_quotactl, 0, NULL, 0, NULL), ENOSYS);
}

TEST(default_denies_typing_into_a_terminal)
{
	load_default();
	CHECK_ERRNO(syscall(SYS_ioctl, -1, (unsigned long)TIOCSTI, "x"), EPERM);
	CHECK_ERRNO(syscall(SYS_ioctl, -1, 0x541cUL, "x"), EPERM);
	/* the kernel cuts a request to 32 bits, so bits above them must not get around the filter */
	CHECK_ERRNO(syscall(SYS_ioctl, -1, 0xffffffff00000000UL | TIOCSTI, "x"), EPERM);
	CHECK_ERRNO(syscall(SYS_ioctl, -1, 0x1UL << 32 | 0x541cUL, "x"), EPERM);
	CHECK_ERRNO(syscall(SYS_ioctl, -1, (unsigned long)TIOCGWINSZ, NULL), EBADF);
}

TEST(default_denies_a_forced_unmount_only)
{
	load_default();
	CHECK_ERRNO(umount2("/nonexistent", MNT_FORCE), EACCES);
	CHECK_ERRNO(umount2("/nonexistent", MNT_FORCE | MNT_DETACH), EACCES);
	CHECK_ERRNO(syscall(SYS_umount2, "/nonexistent", 1UL << 40 | MNT_FORCE), EACCES);
	errno = 0;
	CHECK_INT(umount2("/nonexistent", MNT_DETACH), -1);
	CHECK(errno == ENOENT || errno == EPERM); /* EPERM without root: the kernel's own answer */
}

TEST(default_lets_the_rest_work)
{
	load_default();
	CHECK(getpid() > 0);
	CHECK_ERRNO(syscall(SYS_clone3, NULL, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_mount_setattr, -1, "", 0, NULL, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_setns, -1, 0), EBADF);
	CHECK_INT(unshare(0), 0);
	CHECK_ERRNO(syscall(SYS_clock_gettime, 12345, NULL), EINVAL);
	/* no_new_privs, and a second filter, may be set on top */
	CHECK_INT(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 2);
}

#ifdef __x86_64__
/* Runs a call by the 32-bit entry; the kernel's answer. */
static long call32(long number, unsigned long a, unsigned long b, unsigned long c)
{
	long result;

	__asm__ volatile("int $0x80"
	                 : "=a"(result)
	                 : "a"(number), "b"(a), "c"(b), "d"(c)
	                 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

TEST(default_holds_for_32_bit_calls)
{
	long without = call32(20, 0, 0, 0); /* getpid */

	NEED("compat", without == getpid(), "this kernel runs no 32-bit programs");
	load_default();
	CHECK_INT(call32(20, 0, 0, 0), getpid());
	CHECK_INT(call32(283, 0, 0, 0), -EPERM);         /* kexec_load */
	CHECK_INT(call32(52, 0, MNT_FORCE, 0), -EACCES); /* umount2 */
	CHECK_INT(call32(54, ~0UL, TIOCSTI, 0), -EPERM); /* ioctl */
	CHECK_INT(call32(288, 0, 0, 0), -ENOSYS);        /* keyctl */
	CHECK_INT(call32(113, 0, 0, 0), -EPERM);         /* vm86old */
}

TEST(other_architectures_have_no_calls)
{
	load_default();
	CHECK_ERRNO(syscall(0x40000000 | SYS_getpid), ENOSYS); /* x32 */
}
#endif

TEST(loaded_by_the_root_of_a_user_namespace_as_a_start_does)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(seccomp_program_done) struct seccomp_program program = {0};
	struct config config = {0};
	uint64_t keep = 0;

	place_init(&place);
	CHECK_INT(prepare(NULL, &place, &program, NULL), 0);
	CHECK_INT(capabilities_keep_mask(&config, &keep, NULL), 0);
	/* in a child: the folder must be removed by who made it */
	pid_t pid = fork();
	int status = 0;

	CHECK(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(77);
		if (capabilities_limit(keep) < 0)
			_exit(2);
		if (seccomp_install(&program) < 0)
			_exit(3);
		if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0)
			_exit(4);
		_exit(umount2("/nonexistent", MNT_FORCE) < 0 && errno == EACCES ? 0 : 5);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	NEED("userns", WEXITSTATUS(status) != 77, "no user namespaces here");
	CHECK_INT(WEXITSTATUS(status), 0);
}

TEST(second_preparation_comes_from_the_cache)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(seccomp_program_done) struct seccomp_program first = {0}, second = {0};
	CLEAN_FREE char *file = NULL;
	struct stat before, after;

	place_init(&place);
	CHECK_INT(prepare(NULL, &place, &first, NULL), 0);
	file = cached_file(&place);
	CHECK(file && stat(file, &before) == 0);
	CHECK_INT(before.st_mode & 07777, 0600);
	CHECK_INT(prepare("default", &place, &second, NULL), 0);
	CHECK(is_same(&first, &second));
	CHECK(stat(file, &after) == 0 && after.st_ino == before.st_ino);
}

static void flip(const char *file, off_t at)
{
	CLEAN_FD int fd = open(file, O_RDWR | O_CLOEXEC);
	char byte;

	CHECK(fd >= 0 && pread(fd, &byte, 1, at) == 1);
	byte = (char)(byte ^ 1);
	CHECK(pwrite(fd, &byte, 1, at) == 1);
}

TEST(mount_calls_are_hidden_when_asked)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(seccomp_program_done) struct seccomp_program usual = {0}, more = {0}, again = {0};
	struct config config = {0};

	place_init(&place);
	CHECK_INT(seccomp_prepare(&config, &place.paths, false, &usual, NULL), 0);
	CHECK_INT(seccomp_prepare(&config, &place.paths, true, &more, NULL), 0);
	CHECK_INT(seccomp_prepare(&config, &place.paths, false, &again, NULL), 0);
	CHECK(!is_same(&usual, &more)); /* the cache tells them apart */
	CHECK(is_same(&usual, &again));
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_INT(seccomp_install(&more), 0);
	CHECK_ERRNO(syscall(SYS_fsopen, "tmpfs", 0), ENOSYS);
	CHECK_ERRNO(syscall(SYS_open_tree, AT_FDCWD, "/", 0), ENOSYS);
	CHECK_ERRNO(syscall(SYS_move_mount, -1, "", -1, "", 0), ENOSYS);
	CHECK_ERRNO(syscall(SYS_mount_setattr, -1, "", 0, NULL, 0), ENOSYS);
	CHECK_ERRNO(syscall(SYS_kexec_load, 0, 0, NULL, 0), EPERM); /* of the default policy */
}

TEST(a_damaged_cache_is_compiled_again)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(seccomp_program_done) struct seccomp_program first = {0};
	CLEAN_FREE char *file = NULL;
	struct stat st;

	place_init(&place);
	CHECK_INT(prepare(NULL, &place, &first, NULL), 0);
	file = cached_file(&place);
	CHECK(file && stat(file, &st) == 0);
	/* a bit in the header, in the key, in the program; then cut short, empty, open to all */
	for (int i = 0; i < 6; i++) {
		CLEAN(seccomp_program_done) struct seccomp_program again = {0};
		struct stat now;

		if (i < 3)
			flip(file, i == 0 ? 0 : i == 1 ? 200 : st.st_size - 1);
		else if (i < 5)
			CHECK(truncate(file, i == 3 ? st.st_size - 8 : 0) == 0);
		else
			CHECK(chmod(file, 0644) == 0);
		CHECK_INT(prepare(NULL, &place, &again, NULL), 0);
		CHECK(is_same(&first, &again));
		CHECK(stat(file, &now) == 0);
		CHECK_INT(now.st_size, st.st_size);
		CHECK_INT(now.st_mode & 07777, 0600);
	}
}

TEST(another_owner_s_cache_is_not_taken)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(seccomp_program_done) struct seccomp_program first = {0}, second = {0};
	CLEAN_FREE char *file = NULL;
	struct stat st;

	NEED("root", geteuid() == 0, "not root");
	place_init(&place);
	CHECK_INT(prepare(NULL, &place, &first, NULL), 0);
	file = cached_file(&place);
	CHECK(file && chown(file, 12345, 12345) == 0);
	CHECK_INT(prepare(NULL, &place, &second, NULL), 0);
	CHECK(stat(file, &st) == 0);
	CHECK_INT(st.st_uid, 0);
}

TEST(none_and_words_that_are_nothing)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(seccomp_program_done) struct seccomp_program program = {0};
	struct error err = {0};

	place_init(&place);
	CHECK_INT(prepare("none", &place, &program, &err), 0);
	CHECK_INT(program.size, 0);
	CHECK_INT(seccomp_install(&program), 0);
	CHECK_INT(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	CHECK_INT(prepare("defualt", &place, &program, &err), -EINVAL);
	CHECK(strstr(err.text, "security.seccomp: 'defualt' is neither default"));
	CHECK_INT(prepare("/nonexistent/policy", &place, &program, &err), -ENOENT);
}

TEST(a_policy_of_one_s_own)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(seccomp_program_done) struct seccomp_program program = {0};
	CLEAN_FREE char *file = NULL;
	struct error err = {0};
	static const char bad[] = "default allow\ndeny mknod errno EPREM\n";
	static const char good[] = "deny getppid errno EXDEV\n";

	place_init(&place);
	file = must_printf("%s/policy", place.folder);
	CHECK(file_replace(AT_FDCWD, file, bad, strlen(bad), 0644, NULL) == 0);
	CHECK_INT(prepare(file, &place, &program, &err), -EINVAL);
	CHECK(strstr(err.text, "/policy:2: 'EPREM' is not an error number"));
	CHECK(file_replace(AT_FDCWD, file, good, strlen(good), 0666, NULL) == 0);
	CHECK_INT(prepare(file, &place, &program, &err), -EPERM);
	CHECK(strstr(err.text, "can be written by others"));
	CHECK(chmod(file, 0600) == 0);
	CHECK_INT(prepare(file, &place, &program, &err), 0);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_INT(seccomp_install(&program), 0);
	CHECK_ERRNO(syscall(SYS_getppid), EXDEV);
}

TEST(saved_and_read_again)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(seccomp_program_done) struct seccomp_program program = {0}, read = {0}, none = {0};
	CLEAN_FREE char *file = NULL;
	struct error err = {0};
	struct stat st;

	place_init(&place);
	file = must_printf("%s/seccomp", place.folder);
	CHECK_INT(prepare(NULL, &place, &program, &err), 0);
	CHECK_INT(seccomp_save(&program, file, &err), 0);
	CHECK(stat(file, &st) == 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_INT(seccomp_read(file, &read, &err), 0);
	CHECK(is_same(&program, &read));
	CHECK_INT(seccomp_save(&none, file, &err), 0);
	seccomp_program_done(&read);
	CHECK_INT(seccomp_read(file, &read, &err), 0);
	CHECK_INT(read.size, 0);
	CHECK(file_replace(AT_FDCWD, file, "12345", 5, 0600, NULL) == 0);
	CHECK_INT(seccomp_read(file, &read, &err), -EINVAL);
}
