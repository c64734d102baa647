/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc-packages: the packages of a guest by its database of rpm, which has three binary forms. rpm itself reads them:
 * that of the host, or of the guest where the host has none that knows the form. The database is a guest's, so it
 * is a copy that is read, in a process that has nothing else (confine.h). Called by sysc snapshot diff.
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "container/idmap.h"
#include "helpers/confine.h"
#include "helpers/rpm_database.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define NO_DATABASE 3 /* exit code */
#define TIME_MOST   120000
#define OUTPUT_MOST (8U << 20)

static const char usage[] =
	"Usage: sysc-packages <TREE\n"
	"\n"
	"Prints a line \"NAME VERSION\" for each package that the database of rpm in the\n"
	"tree has, a detached mount that is standard input and cannot be used any more.\n"
	"Ends with 3 where there is none.\n";

static const char query[] = "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\n";

/* One rpm that may be asked, and the root that it is asked in. Pair: drop_place(). */
struct place {
	const char *program; /* in its root */
	const char *folder;  /* of the database, there */
	const char *backend; /* NULL: it knows its own */
	int root_fd;
	struct confine_mount mounts[CONFINE_MOUNTS];
	size_t mount_count;
};

static void drop_place(struct place *place)
{
	fd_close(&place->root_fd);
	for (size_t i = 0; i < place->mount_count; i++) {
		fd_close(&place->mounts[i].fd);
		fd_close(&place->mounts[i].on_fd);
	}
}

/* Takes over both fds. */
static void add_mount(struct place *place, int fd, int on_fd)
{
	place->mounts[place->mount_count++] = (struct confine_mount){.fd = fd, .on_fd = on_fd};
}

/* --- the host's rpm: a root with its programs and libraries, and nothing of /etc, /var or /home --- */

/* A folder that the host has becomes a mount of it, a symlink (of a merged /usr) the same symlink. */
static int take_host_folder(struct place *place, const char *name, struct error *err)
{
	struct mount_attr fences = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
	                                        MOUNT_ATTR_NODEV};
	CLEAN_FREE char *path = must_printf("/%s", name);
	CLEAN_FD int fd = -1, on = -1;
	char target[256];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n > 0) {
		target[n] = '\0';
		return symlinkat(target, place->root_fd, name) < 0
		               ? fail(err, errno, "make '%s'", path)
		               : 0;
	}
	if (!file_is_dir(AT_FDCWD, path))
		return 0;
	fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (fd < 0 || sys_mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &fences) < 0)
		return fail(err, errno, "make a mount of '%s'", path);
	if (mkdirat(place->root_fd, name, 0755) == 0)
		on = openat(place->root_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (on < 0)
		return fail(err, errno, "make '%s'", path);
	add_mount(place, fd_take(&fd), fd_take(&on));
	return 0;
}

static int open_host(struct place *place, const struct rpm_database *database, int copy_fd,
                     struct error *err)
{
	static const char *const folders[] = {"usr", "lib", "lib64", "lib32", "bin", "sbin"};
	int r = 0;

	place->folder = "/db";
	place->backend = database->backend;
	place->root_fd = confine_tmpfs(IDMAP_NOBODY, 1U << 20, 0, err);
	if (place->root_fd >= 0 && mkdirat(place->root_fd, "db", 0755) < 0)
		r = fail(err, errno, "make a folder for the database");
	add_mount(place, copy_fd, openat(place->root_fd, "db", O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (place->root_fd < 0)
		return place->root_fd;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++)
		r = take_host_folder(place, folders[i], err);
	return r;
}

/* --- the guest's --- */

static bool has_rpm(int tree_fd)
{
	CLEAN_FD int fd = file_open_in_root(tree_fd, "/usr/bin/rpm", O_PATH, 0);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 0111;
}

/* Over its own database there is the copy: it may write beside that, and nowhere else. */
static int open_guest(struct place *place, const struct rpm_database *database, int tree_fd,
                      int copy_fd, struct error *err)
{
	place->program = "/usr/bin/rpm";
	place->folder = database->folder;
	place->root_fd = fcntl(tree_fd, F_DUPFD_CLOEXEC, 3);
	add_mount(place, copy_fd, fcntl(database->folder_fd, F_DUPFD_CLOEXEC, 3));
	return place->root_fd < 0 ? fail(err, errno, "keep the tree open") : 0;
}

/* --- asking one --- */

struct question {
	const struct place *place;
	int answer_fd, trouble_fd; /* its standard output and error: files in memory */
};

static int become_rpm(void *data, struct error *err)
{
	const struct question *question = data;
	const struct place *place = question->place;
	CLEAN(strings_done) struct strings argv = {0};
	char *env[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"LC_ALL=C"}, (char[]){"HOME=/"},
	               NULL};

	strings_add(&argv, place->program);
	strings_add(&argv, "--dbpath");
	strings_add(&argv, place->folder);
	if (place->backend) {
		strings_add(&argv, "--define");
		strings_give(&argv, must_printf("_db_backend %s", place->backend));
	}
	strings_split(&argv, "-qa --nosignature --nodigest --queryformat", " ");
	strings_add(&argv, query);
	if (dup2(question->answer_fd, STDOUT_FILENO) < 0 ||
	    dup2(question->trouble_fd, STDERR_FILENO) < 0)
		return fail(err, errno, "give 'rpm' its output");
	(void)execve(place->program, argv.items, env);
	return fail(err, errno, "run '%s'", place->program);
}

static int read_back(int fd, struct text *out, struct error *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail(err, errno, "read the output of 'rpm'");
	return file_read_fd(fd, "output of 'rpm'", OUTPUT_MOST, out, err);
}

/*
 * What it complained of, which it may do and end with 0: of a form that it does not know it tells nothing but a warning,
 * or makes an empty database beside it, and of a broken entry it leaves the package out.
 */
static int check_trouble(const struct text *answer, char *trouble, int code, struct error *err)
{
	const char *line = trouble && text_starts(trouble, "error: ") ? trouble : NULL;

	if (!line && trouble && (line = strstr(trouble, "\nerror: ")))
		line++;
	if (!line && (code || !answer->length))
		line = trouble && *trouble ? trouble : NULL;
	if (!line && !code && answer->length)
		return 0;
	if (!line && code)
		return fail_plain(err, EBADMSG, "'rpm' ended with code %d", code);
	if (!line)
		return fail_plain(err, EBADMSG, "'rpm' found no package in its database");
	return fail_plain(err, EBADMSG, "'rpm' cannot read its database: %.*s",
	                  (int)strcspn(line, "\n"), line);
}

static int wait_for(struct confined *child, struct error *err)
{
	struct error ignored;

	if (process_wait(child->pidfd, TIME_MOST) > 0)
		return confine_end(child, false, err);
	(void)confine_end(child, true, &ignored);
	return fail_plain(err, ETIMEDOUT, "'rpm' took longer than %d s", TIME_MOST / 1000);
}

static int ask(const struct place *place, struct text *answer, struct error *err)
{
	static const struct idmap nobody = {
		.ranges = {{.users = true, .groups = true, .outside = IDMAP_NOBODY, .count = 1}},
		.count = 1,
	};
	CLEAN_FD int out = memfd_create("answer", MFD_CLOEXEC);
	CLEAN_FD int errors = memfd_create("trouble", MFD_CLOEXEC);
	CLEAN(text_done) struct text trouble = {0};
	struct question question = {place, out, errors};
	struct confine confine = {
		.root_fd = place->root_fd,
		.input_fd = -1,
		.kept_fds = {out, errors},
		.map = &nobody,
		.runs = true,
		.work = become_rpm,
		.data = &question
        };
	struct confined child;
	int code;

	if (out < 0 || errors < 0)
		return fail(err, errno, "make a file in memory");
	memcpy(confine.mounts, place->mounts, sizeof(confine.mounts));
	if (confine_start(&confine, &child, err) < 0)
		return -err->code;
	code = wait_for(&child, err);
	if (code < 0 || read_back(out, answer, err) < 0 || read_back(errors, &trouble, err) < 0)
		return -err->code;
	return check_trouble(answer, trouble.data, code, err);
}

/* host: its program, or NULL for the guest's own. */
static int try_one(const char *host, int tree_fd, const struct rpm_database *database,
                   struct text *answer, struct error *err)
{
	CLEAN(drop_place) struct place place = {.program = host, .root_fd = -1};
	int copy = rpm_database_copy(database, IDMAP_NOBODY, err);
	int r;

	if (copy < 0)
		return copy;
	r = host ? open_host(&place, database, copy, err)
	         : open_guest(&place, database, tree_fd, copy, err);
	return r < 0 ? r : ask(&place, answer, err);
}

static int list(int tree_fd, const struct rpm_database *database, struct text *answer,
                struct error *err)
{
	CLEAN_FREE char *host = process_find("rpm");
	bool is_in_guest = has_rpm(tree_fd);

	if (host && try_one(host, tree_fd, database, answer, err) == 0)
		return 0;
	if (is_in_guest) {
		text_done(answer);
		return try_one(NULL, tree_fd, database, answer, err);
	}
	if (host)
		return -err->code;
	(void)fail_plain(err, ENOENT,
	                 "its packages are in a database of rpm, and there is no 'rpm' to read it");
	return fail_hint(err, "install the package 'rpm' on this host");
}

/* To who called, who may be dead by now: then nobody reads what it prints. The confined process ends with it. */
static int tie_to_parent(struct error *err)
{
	struct pollfd reader = {.fd = STDOUT_FILENO, .events = 0};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return fail(err, errno, "tie it to its parent");
	return poll(&reader, 1, 0) > 0 ? fail(err, EPIPE, "print") : 0;
}

int main(int argc, char *argv[])
{
	struct rpm_database database = {.folder_fd = -1};
	struct text answer = {0};
	struct error err = {0};
	int r;

	if (argc > 1) {
		bool is_help = text_is(argv[1], "--help") || text_is(argv[1], "-h");

		(void)fputs(usage, is_help ? stdout : stderr);
		return is_help ? 0 : 2;
	}
	r = tie_to_parent(&err);
	if (r == 0)
		r = rpm_database_find(STDIN_FILENO, &database, &err);
	if (r == 0)
		return NO_DATABASE;
	if (r > 0)
		r = list(STDIN_FILENO, &database, &answer, &err);
	fd_close(&database.folder_fd);
	if (r == 0 && answer.length)
		r = file_write_all(STDOUT_FILENO, answer.data, answer.length);
	text_done(&answer);
	if (r < 0)
		(void)fprintf(stderr, "%s\n", err.text);
	return r < 0;
}
