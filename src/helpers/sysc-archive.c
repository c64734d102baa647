/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc-archive: unpacks a root file system, or looks whether one could be unpacked, in a confined
 * child (archive_confine.h) by strict rules (archive_rules.h). All or nothing: what a refused or
 * interrupted archive left is removed. Templates call it; see sysc-template(7). For sysc-export and
 * sysc-import it packs a tree, and unpacks and verifies what was packed so (storage/manifest.h).
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/sha256.h"
#include "base/text.h"
#include "container/idmap.h"
#include "helpers/archive_confine.h"
#include "helpers/archive_guest.h"
#include "helpers/archive_pack.h"
#include "helpers/archive_progress.h"
#include "helpers/archive_work.h"
#include "storage/manifest.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

struct options {
	const struct word *word;
	bool write, quiet, progress, bar, exported;
	const char *file, *into, *sha256, *root;
	unsigned int mode;
	char **operands; /* ended by NULL */
	struct idmap map;
	struct archive_limits limits;
	/* pack */
	enum pack_method method;
	const char *level;
	uint64_t threads;                      /* 0: as there are processors */
	int manifest_fd, config_fd, report_fd; /* report_fd: -1 standard error */
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
	"       sysc-archive head   FILE\n"
	"       sysc-archive pack   --manifest FD --config FD [OPTION…] <TREE >FILE\n"
	"       sysc-archive put    --root DIR [--mode MODE] PATH\n"
	"       sysc-archive link   --root DIR TARGET PATH\n"
	"       sysc-archive remove --root DIR PATH…\n"
	"\n"
	"Unpacks FILE (a tar file, plain or packed by gzip, bzip2, xz, lz4 or zstd; - is\n"
	"standard input) into the empty directory DIR, in a confined process. An archive\n"
	"that breaks a rule is refused as a whole, and nothing of it is left. put writes\n"
	"standard input to a file of a root file system, link makes a symlink, remove\n"
	"removes; no PATH leads out of the root DIR. pack writes the tree that is its\n"
	"standard input, a detached mount, as an archive of sysc-export, head prints\n"
	"manifest and configuration of one (3: it is none).\n"
	"\n"
	"      --into DIR          where to; made when it is absent\n"
	"      --map TEXT          ids of the process, as in [idmap]; DIR keeps plain ids\n"
	"      --sha256 HEX        digest that FILE must have\n"
	"      --max-bytes SIZE    most content in all (64G)\n"
	"      --max-entries N     most entries (5000000)\n"
	"      --max-ratio N       most bytes unpacked for each byte of FILE (1000)\n"
	"      --allow-devices     make device nodes (they are refused otherwise)\n"
	"      --skip-devices      leave device nodes out\n"
	"      --exported          FILE is of sysc-export: its tree is unpacked and verified\n"
	"      --method WORD       how to pack: zstd, gzip, xz, none (zstd)\n"
	"      --level N           of the method\n"
	"      --threads N         to pack with (as many as processors)\n"
	"      --manifest FD       open file with the manifest\n"
	"      --config FD         open file with the configuration\n"
	"      --report FD         lines \"note TEXT\" and \"error CODE TEXT\" go there\n"
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
	OPT_MODE,
	OPT_EXPORTED,
	OPT_METHOD,
	OPT_LEVEL,
	OPT_THREADS,
	OPT_MANIFEST,
	OPT_CONFIG,
	OPT_REPORT
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
	{"exported",      no_argument,       NULL, OPT_EXPORTED},
	{"method",        required_argument, NULL, OPT_METHOD  },
	{"level",         required_argument, NULL, OPT_LEVEL   },
	{"threads",       required_argument, NULL, OPT_THREADS },
	{"manifest",      required_argument, NULL, OPT_MANIFEST},
	{"config",        required_argument, NULL, OPT_CONFIG  },
	{"report",        required_argument, NULL, OPT_REPORT  },
	{"quiet",         no_argument,       NULL, 'q'         },
	{"help",          no_argument,       NULL, 'h'         },
	{NULL,            0,                 NULL, 0           },
};

static int parse_fd(const char *text, int *out)
{
	uint64_t value;
	int r = parse_uint(text, INT_MAX, &value);

	if (r == 0 && fcntl((int)value, F_GETFD) < 0)
		r = -EINVAL;
	if (r == 0)
		*out = (int)value;
	return r;
}

/* Those of pack, and what sysc-export and sysc-import alone give. 1: none of them. */
static int take_pack_option(struct options *options, int which)
{
	uint64_t level;

	switch (which) {
	case OPT_EXPORTED:
		options->exported = true;
		return 0;
	case OPT_METHOD:
		return pack_parse_method(optarg, &options->method);
	case OPT_LEVEL:
		options->level = optarg;
		return parse_uint(optarg, 22, &level);
	case OPT_THREADS:
		return parse_uint(optarg, 256, &options->threads);
	case OPT_MANIFEST:
		return parse_fd(optarg, &options->manifest_fd);
	case OPT_CONFIG:
		return parse_fd(optarg, &options->config_fd);
	case OPT_REPORT:
		return parse_fd(optarg, &options->report_fd);
	default:
		return 1;
	}
}

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
	case 'q':
		options->quiet = true;
		break;
	default:
		r = take_pack_option(options, which);
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

/* One line for who called, in words that harm no terminal (archive_escape(), take_report()). */
static void report(const struct options *options, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void report(const struct options *options, const char *format, ...)
{
	va_list args;

	if (options->report_fd < 0)
		(void)fputs("sysc-archive: ", stderr);
	va_start(args, format);
	(void)vdprintf(options->report_fd < 0 ? 2 : options->report_fd, format, args);
	va_end(args);
}

static void report_notes(const struct options *options, const struct archive_counters *counters)
{
	unsigned int count = atomic_load(&counters->note_count);
	const char *kind = options->report_fd < 0 ? "" : "note ";

	if (options->quiet && options->report_fd < 0)
		return;
	for (unsigned int i = 0; i < count && i < ARCHIVE_NOTES; i++) {
		char shown[ARCHIVE_NOTE_MAX];

		memcpy(shown, counters->notes[i], sizeof(shown));
		shown[sizeof(shown) - 1] = '\0';
		for (char *c = shown; *c; c++) /* the child's memory is foreign */
			if ((unsigned char)*c < 32 || *c == 127)
				*c = '?';
		report(options, "%s%s\n", kind, shown);
	}
	if (count > ARCHIVE_NOTES)
		report(options, "%sand %u more\n", kind, count - ARCHIVE_NOTES);
}

/*
 * Runs the confined child to its end. 0, -errno, or the signal that ended it. counters are shared memory,
 * and unmapped here.
 */
static int run_confined(const struct options *options, const struct confine *confine,
                        struct archive_counters *counters, const char *name, uint64_t total,
                        struct error *err)
{
	CLEAN_FD int signals = stop_signals();
	struct progress progress;
	struct confined child;
	int r, signal_number;

	if (signals < 0)
		return fail(err, errno, "watch for signals");
	progress_start(&progress, choose_form(options), name, total);
	r = confine_start(confine, &child, err);
	if (r < 0)
		return r;
	signal_number = watch(signals, &child, &progress, counters);
	r = confine_end(&child, signal_number != 0, err);
	progress_end(&progress, counters, r == 0);
	if (r == 0)
		report_notes(options, counters);
	(void)munmap(counters, sizeof(*counters));
	if (!signal_number)
		return r;
	(void)fail_plain(err, EINTR, "interrupted");
	return signal_number;
}

static struct archive_counters *share_counters(struct error *err)
{
	struct archive_counters *counters = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE,
	                                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (counters == MAP_FAILED) {
		(void)fail(err, errno, "share memory");
		return NULL;
	}
	return counters;
}

/* head_fd: -1, or where the head of an exported archive goes. */
static int unpack(const struct options *options, int input, uint64_t total, int target, int head_fd,
                  struct error *err)
{
	struct archive_counters *counters = share_counters(err);
	struct archive_job job = {
		.input_fd = input,
		.write = options->write,
		.keep_ids = true,
		.exported = options->exported || head_fd >= 0,
		.head_fd = head_fd,
		.limits = options->limits,
		.counters = counters,
	};
	struct confine confine = {
		.root_fd = target,
		.input_fd = input,
		.map = options->map.count ? &options->map : NULL,
		.devices = options->write && options->limits.devices == ARCHIVE_DEVICES_ALLOW,
		.file_bytes = options->limits.bytes,
		.work = run_job,
		.data = &job,
	};

	return counters ? run_confined(options, &confine, counters, options->file, total, err)
	                : -err->code;
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
	r = unpack(options, input, total, target, -1, err);
	if (r != 0 && options->write)
		empty_target(target, options->into, made);
	if (r != 0 && options->report_fd < 0)
		(void)fail_in(err, "%s '%s'", options->write ? "unpack" : "check", options->file);
	return r;
}

/* Manifest, an empty line, configuration. 3: it may be an archive, but not of sysc-export. */
static int run_head(const struct options *options, struct error *err)
{
	CLEAN_FD int input = -1, output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	uint64_t total = 0;
	int r = output < 0 ? fail(err, errno, "use standard output") : 0;

	if (r == 0)
		r = open_input(options, &input, &total, err);
	if (r == 0)
		r = unpack(options, input, total, -1, output, err);
	return r;
}

static int run_pack_job(void *data, struct error *err)
{
	return pack_work(data, err);
}

static unsigned int count_processors(void)
{
	cpu_set_t set;

	/* more do not pay, and each takes memory */
	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1
	       : CPU_COUNT(&set) > 16                      ? 16
	                                                   : (unsigned int)CPU_COUNT(&set);
}

/* Where the list is kept until the end of the archive: on disk if that can be, it may be long. */
static FILE *open_list(void)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = memfd_create("list", MFD_CLOEXEC);
	return fd < 0 ? NULL : fdopen(fd, "w+e");
}

static int run_pack(const struct options *options, struct error *err)
{
	CLEAN(text_done) struct text manifest = {0}, config = {0};
	CLEAN_FD int tree = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	CLEAN_FD int output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	CLEAN_FILE FILE *list = open_list();
	struct pack_job job = {
		.output_fd = output,
		.method = options->method,
		.level = options->level,
		.threads = options->threads ? (unsigned int)options->threads : count_processors(),
		.shift = options->map.count ? &options->map : NULL,
		.list = list,
		.count = choose_form(options) != PROGRESS_NONE,
	};
	struct confine confine = {
		.root_fd = tree,
		.input_fd = tree,
		.packs = true,
		.file_bytes = RLIM_INFINITY,
		.work = run_pack_job,
		.data = &job,
	};
	struct manifest read;
	int r;

	if (tree < 0 || output < 0 || !list)
		return fail(err, errno, "prepare to pack");
	if (options->manifest_fd < 0 || options->config_fd < 0)
		return fail_plain(err, EINVAL, "--manifest and --config are needed");
	r = file_read_fd(options->manifest_fd, "manifest", MANIFEST_MAX, &manifest, err);
	if (r >= 0)
		r = file_read_fd(options->config_fd, "config", 1 << 20, &config, err);
	if (r >= 0)
		r = manifest_parse(&read, manifest.data ? manifest.data : "", manifest.length, err);
	job.counters = r < 0 ? NULL : share_counters(err);
	if (!job.counters)
		return -err->code;
	job.manifest = manifest.data;
	job.manifest_length = manifest.length;
	job.config = config.data ? config.data : "";
	job.config_length = config.length;
	return run_confined(options, &confine, job.counters, read.name, 0, err);
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
	{"head",   1, 1,       false, false, run_head  },
	{"pack",   0, 0,       false, false, run_pack  },
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
	if ((options->word->needs_into || options->word->run == run_pack) && geteuid() != 0)
		return fail_plain(err, EPERM, "this needs root");
	options->write = options->word->needs_into;
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {
		.limits = {.bytes = 64ULL << 30, .entries = 5000000, .ratio = 1000},
		.mode = 0644,
		.manifest_fd = -1,
		.config_fd = -1,
		.report_fd = -1,
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
	if (r == -ENOMSG && options.word->run == run_head)
		return 3;
	if (r != 0 && options.report_fd >= 0)
		report(&options, "error %d %s\n", err.code, err.text);
	else if (r != 0)
		report(&options, "%s\n", err.text);
	return r > 0 ? 128 + r : r < 0;
}
