/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc-archive: unpacks a root file system, or looks whether one could be unpacked, in a confined
 * child (archive_confine.h) by strict rules (archive_rules.h). All or nothing: what a refused or
 * interrupted archive left is removed. Templates call it; see sysc-template(7).
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "container/idmap.h"
#include "helpers/archive_confine.h"
#include "helpers/archive_guest.h"
#include "helpers/archive_progress.h"
#include "helpers/archive_sha256.h"
#include "helpers/archive_work.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

struct options {
	const struct word *word;
	bool write, quiet, progress, bar;
	const char *file, *into, *sha256, *root;
	unsigned int mode;
	char **operands; /* ended by NULL */
	struct idmap map;
	struct archive_limits limits;
};

/* What can be asked for. To add one: a row of words[], a line of usage[]. */
struct word {
	const char *name;
	int least, most; /* operands */
	bool needs_into, needs_root;
	int (*run)(const struct options *options, struct error *err);
};

static const char usage[] =
	"Usage: sysc-archive unpack [OPTION…] --into DIR FILE\n"
	"       sysc-archive check  [OPTION…] FILE\n"
	"       sysc-archive put    --root DIR [--mode MODE] PATH\n"
	"       sysc-archive link   --root DIR TARGET PATH\n"
	"       sysc-archive remove --root DIR PATH…\n"
	"\n"
	"Unpacks FILE (a tar file, plain or packed by gzip, bzip2, xz, lz4 or zstd; - is\n"
	"standard input) into the empty directory DIR, in a confined process. An archive\n"
	"that breaks a rule is refused as a whole, and nothing of it is left. put writes\n"
	"standard input to a file of a root file system, link makes a symlink, remove\n"
	"removes; no PATH leads out of the root DIR.\n"
	"\n"
	"      --into DIR          where to; made when it is absent\n"
	"      --map TEXT          ids of the process, as in [idmap]; DIR keeps plain ids\n"
	"      --sha256 HEX        digest that FILE must have\n"
	"      --max-bytes SIZE    most content in all (64G)\n"
	"      --max-entries N     most entries (5000000)\n"
	"      --max-ratio N       most bytes unpacked for each byte of FILE (1000)\n"
	"      --allow-devices     make device nodes (they are refused otherwise)\n"
	"      --skip-devices      leave device nodes out\n"
	"      --root DIR          the root file system\n"
	"      --mode MODE         mode of the file (0644)\n"
	"      --progress          lines of progress where there is no terminal\n"
	"      --bar               a progress bar, as on a terminal\n"
	"  -q, --quiet             no progress\n"
	"  -h, --help              this text\n";

enum {
	OPT_INTO = 256,
	OPT_MAP,
	OPT_SHA256,
	OPT_BYTES,
	OPT_ENTRIES,
	OPT_RATIO,
	OPT_ALLOW,
	OPT_SKIP,
	OPT_PROGRESS,
	OPT_BAR,
	OPT_ROOT,
	OPT_MODE
};

static const struct option long_options[] = {
	{"into",          required_argument, NULL, OPT_INTO    },
	{"map",           required_argument, NULL, OPT_MAP     },
	{"sha256",        required_argument, NULL, OPT_SHA256  },
	{"max-bytes",     required_argument, NULL, OPT_BYTES   },
	{"max-entries",   required_argument, NULL, OPT_ENTRIES },
	{"max-ratio",     required_argument, NULL, OPT_RATIO   },
	{"allow-devices", no_argument,       NULL, OPT_ALLOW   },
	{"skip-devices",  no_argument,       NULL, OPT_SKIP    },
	{"progress",      no_argument,       NULL, OPT_PROGRESS},
	{"bar",           no_argument,       NULL, OPT_BAR     },
	{"root",          required_argument, NULL, OPT_ROOT    },
	{"mode",          required_argument, NULL, OPT_MODE    },
	{"quiet",         no_argument,       NULL, 'q'         },
	{"help",          no_argument,       NULL, 'h'         },
	{NULL,            0,                 NULL, 0           },
};

static int take_option(struct options *options, int which, struct error *err)
{
	int r = 0;

	switch (which) {
	case OPT_INTO:
		options->into = optarg;
		break;
	case OPT_MAP:
		return idmap_add(&options->map, optarg, err);
	case OPT_SHA256:
		options->sha256 = optarg;
		if (strlen(optarg) != 64 || strspn(optarg, "0123456789abcdefABCDEF") != 64)
			r = -EINVAL;
		break;
	case OPT_BYTES:
		r = parse_size(optarg, &options->limits.bytes);
		break;
	case OPT_ENTRIES:
		r = parse_uint(optarg, UINT64_MAX, &options->limits.entries);
		break;
	case OPT_RATIO:
		r = parse_uint(optarg, UINT64_MAX, &options->limits.ratio);
		if (r == 0 && !options->limits.ratio)
			r = -ERANGE;
		break;
	case OPT_ALLOW:
		options->limits.devices = ARCHIVE_DEVICES_ALLOW;
		break;
	case OPT_SKIP:
		options->limits.devices = ARCHIVE_DEVICES_SKIP;
		break;
	case OPT_PROGRESS:
		options->progress = true;
		break;
	case OPT_BAR:
		options->bar = true;
		break;
	case OPT_ROOT:
		options->root = optarg;
		break;
	case OPT_MODE:
		r = parse_mode(optarg, &options->mode);
		break;
	default:
		options->quiet = true;
		break;
	}
	return r < 0 ? fail_plain(err, -r, "not a value for this option: '%s'", optarg) : 0;
}

static int open_input(const struct options *options, int *out, uint64_t *total, struct error *err)
{
	CLEAN_FD int fd = -1;
	struct stat st;

	fd = text_is(options->file, "-") ? fcntl(0, F_DUPFD_CLOEXEC, 3)
	                                 : open(options->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fail(err, errno, "open it");
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at it");
	if (S_ISDIR(st.st_mode))
		return fail_plain(err, EISDIR, "it is a directory");
	*total = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	*out = fd_take(&fd);
	return 0;
}

static int check_digest(const struct options *options, int fd, struct error *err)
{
	char found[65];
	int r;

	if (!options->sha256)
		return 0;
	r = sha256_file(fd, found, err);
	if (r < 0)
		return fail_hint(err, "--sha256 needs a file");
	if (strcasecmp(found, options->sha256) != 0)
		return fail_plain(err, EBADMSG, "its sha256 is %s, expected %s", found,
		                  options->sha256);
	return 0;
}

/* DIR, made when absent: a directory, empty, and no symlink itself. */
static int open_target(const char *path, int *out, bool *made, struct error *err)
{
	CLEAN_FD int fd = -1;
	CLEAN_DIR DIR *dir = NULL;
	struct dirent *entry;

	*made = mkdir(path, 0755) == 0;
	if (!*made && errno != EEXIST)
		return fail(err, errno, "make directory '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return fail_plain(err, errno, "'%s' is not a directory, or a symlink to one", path);
	if (fd < 0)
		return fail(err, errno, "open '%s'", path);
	dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	if (!dir)
		return fail(err, errno, "open '%s'", path);
	while ((entry = readdir(dir)))
		if (!text_is(entry->d_name, ".") && !text_is(entry->d_name, ".."))
			return fail(err, ENOTEMPTY, "unpack into '%s'", path);
	*out = fd_take(&fd);
	return 0;
}

/* Nothing of a refused archive stays. */
static void empty_target(int target_fd, const char *path, bool made)
{
	CLEAN_DIR DIR *dir = fdopendir(fcntl(target_fd, F_DUPFD_CLOEXEC, 3));
	struct strings names = {0};
	struct dirent *entry;
	struct error err = {0};

	if (dir)
		rewinddir(dir); /* open_target() read it to its end, and the place is shared */
	while (dir && (entry = readdir(dir)))
		if (!text_is(entry->d_name, ".") && !text_is(entry->d_name, ".."))
			strings_add(&names, entry->d_name);
	for (size_t i = 0; i < names.count; i++)
		if (file_remove_tree(target_fd, names.items[i], &err) < 0)
			(void)fprintf(stderr, "sysc-archive: %s\n", err.text);
	strings_done(&names);
	if (made)
		(void)rmdir(path); /* says itself that it is there */
}

static int stop_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		(void)sigaddset(&set, numbers[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Until the child ends (0) or a signal asks to stop (its number). */
static int watch(int signals, const struct confined *child, struct progress *progress,
                 const struct archive_counters *counters)
{
	struct pollfd events[] = {
		{.fd = child->pidfd, .events = POLLIN},
                {.fd = signals,      .events = POLLIN}
        };
	struct signalfd_siginfo info;

	for (;;) {
		int n = poll(events, ARRAY_SIZE(events), progress->form ? 100 : -1);

		if (n > 0 && events[1].revents &&
		    read(signals, &info, sizeof(info)) == sizeof(info))
			return (int)info.ssi_signo;
		if (n > 0 && events[0].revents)
			return 0;
		progress_show(progress, counters);
	}
}

static int run_job(void *data, struct error *err)
{
	return archive_work(data, err);
}

static enum progress_form choose_form(const struct options *options)
{
	if (options->quiet)
		return PROGRESS_NONE;
	if (options->bar || isatty(2))
		return PROGRESS_BAR;
	return options->progress ? PROGRESS_LINES : PROGRESS_NONE;
}

/* Runs the confined child to its end. 0, -errno, or the signal that ended it. */
static int run_confined(const struct options *options, int input, uint64_t total, int target,
                        struct error *err)
{
	struct archive_counters *counters = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE,
	                                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct archive_job job = {input, options->write, true, options->limits, counters};
	struct confine confine = {
		.root_fd = target,
		.input_fd = input,
		.map = options->map.count ? &options->map : NULL,
		.devices = options->write && options->limits.devices == ARCHIVE_DEVICES_ALLOW,
		.file_bytes = options->limits.bytes,
		.work = run_job,
		.data = &job,
	};
	CLEAN_FD int signals = stop_signals();
	struct progress progress;
	struct confined child;
	int r, signal_number;

	if (counters == MAP_FAILED || signals < 0)
		return fail(err, errno, "prepare to unpack");
	progress_start(&progress, choose_form(options), options->file, total);
	r = confine_start(&confine, &child, err);
	if (r < 0)
		return r;
	signal_number = watch(signals, &child, &progress, counters);
	r = confine_end(&child, signal_number != 0, err);
	progress_end(&progress, counters, r == 0);
	(void)munmap(counters, sizeof(*counters));
	if (!signal_number)
		return r;
	(void)fail_plain(err, EINTR, "interrupted");
	return signal_number;
}

static int run(const struct options *options, struct error *err)
{
	CLEAN_FD int input = -1, target = -1;
	uint64_t total = 0;
	bool made = false;
	int r = open_input(options, &input, &total, err);

	if (r == 0)
		r = check_digest(options, input, err);
	if (r < 0)
		return fail_in(err, "'%s'", options->file);
	if (options->write)
		r = open_target(options->into, &target, &made, err);
	if (r < 0)
		return r;
	r = run_confined(options, input, total, target, err);
	if (r != 0 && options->write)
		empty_target(target, options->into, made);
	if (r != 0)
		(void)fail_in(err, "%s '%s'", options->write ? "unpack" : "check", options->file);
	return r;
}

static int run_put(const struct options *options, struct error *err)
{
	return guest_put(options->root, options->operands[0], options->mode, err);
}

static int run_link(const struct options *options, struct error *err)
{
	return guest_link(options->root, options->operands[0], options->operands[1], err);
}

static int run_remove(const struct options *options, struct error *err)
{
	return guest_remove(options->root, options->operands, err);
}

static const struct word words[] = {
	{"unpack", 1, 1,       true,  false, run       },
	{"check",  1, 1,       false, false, run       },
	{"put",    1, 1,       false, true,  run_put   },
	{"link",   2, 2,       false, true,  run_link  },
	{"remove", 1, INT_MAX, false, true,  run_remove},
};

static int find_word(struct options *options, const char *name, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (text_is(words[i].name, name))
			options->word = &words[i];
	if (!options->word)
		return fail_plain(err, EINVAL, "unknown word '%s', see sysc-archive --help", name);
	return 0;
}

/* 0 go on, 1 help was asked for, -EINVAL with err. */
static int take_arguments(struct options *options, int argc, char **argv, struct error *err)
{
	int c, count;

	while ((c = getopt_long(argc, argv, "qh", long_options, NULL)) != -1) {
		if (c == 'h')
			return 1;
		if (c == '?')
			return fail_plain(err, EINVAL, "see sysc-archive --help");
		if (take_option(options, c, err) < 0)
			return -EINVAL;
	}
	if (optind == argc)
		return fail_plain(err, EINVAL, "a word is needed, see sysc-archive --help");
	if (find_word(options, argv[optind], err) < 0)
		return -EINVAL;
	options->operands = argv + optind + 1;
	options->file = *options->operands;
	count = argc - optind - 1;
	if (count < options->word->least || count > options->word->most)
		return fail_plain(err, EINVAL, "%s: wrong number of words, see sysc-archive --help",
		                  options->word->name);
	if (options->word->needs_into && !options->into)
		return fail_plain(err, EINVAL, "--into DIR is needed");
	if (options->word->needs_root && !options->root)
		return fail_plain(err, EINVAL, "--root DIR is needed");
	if (options->word->needs_into && geteuid() != 0)
		return fail_plain(err, EPERM, "unpacking needs root");
	options->write = options->word->needs_into;
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {
		.limits = {.bytes = 64ULL << 30, .entries = 5000000, .ratio = 1000},
		.mode = 0644,
	};
	struct error err = {0};
	int r;

	/* names in pax headers are UTF-8; the C locale could not hold them */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		(void)setlocale(LC_CTYPE, "");
	r = take_arguments(&options, argc, argv, &err);
	if (r > 0)
		return fputs(usage, stdout) < 0;
	if (r < 0) {
		(void)fprintf(stderr, "sysc-archive: %s\n", err.text);
		return err.code == EPERM ? 1 : 2;
	}
	r = options.word->run(&options, &err);
	if (r != 0)
		(void)fprintf(stderr, "sysc-archive: %s\n", err.text);
	return r > 0 ? 128 + r : r < 0;
}
