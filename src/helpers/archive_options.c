/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of sysc-archive; see the header. */
#include "helpers/archive_options.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "helpers/archive_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"Usage: sysc-archive unpack [OPTION…] --into DIR FILE\n"
	"       sysc-archive check  [OPTION…] FILE\n"
	"       sysc-archive head   FILE\n"
	"       sysc-archive pack   --manifest FD --config FD [OPTION…] <TREE >FILE\n"
	"\n"
	"Unpacks FILE (a tar file, plain or packed by gzip, bzip2, xz, lz4 or zstd; - is\n"
	"standard input) into the empty directory DIR, in a confined process. An archive\n"
	"that breaks a rule is refused as a whole, and nothing of it is left. pack writes\n"
	"the tree that is its standard input, a detached mount, as an archive of\n"
	"sysc-export, head prints manifest, length of the configuration and that of each\n"
	"part (3: it is none).\n"
	"\n"
	"      --into DIR          where to; made when it is absent\n"
	"      --map TEXT          ids of the process, as in [idmap]; DIR keeps plain ids\n"
	"      --sha256 HEX        digest that FILE must have\n"
	"      --max-bytes SIZE    most content in all (64G)\n"
	"      --max-entries N     most entries (5000000)\n"
	"      --max-ratio N       most bytes unpacked for each byte of FILE (1000)\n"
	"      --allow-devices     make device nodes (they are refused otherwise)\n"
	"      --skip-devices      leave device nodes out\n"
	"      --overlay           DIR is a layer of one: what it takes for its own is left out\n"
	"      --exported          FILE is of sysc-export: its tree is unpacked and verified\n"
	"      --method WORD       how to pack: zstd, gzip, xz, none (zstd)\n"
	"      --level N           of the method\n"
	"      --threads N         to pack with (as many as processors, at most 16)\n"
	"      --privileged        of a container that has the host's owners: keep trusted.*\n"
	"      --manifest FD       open file with the manifest\n"
	"      --config FD         open file with the configuration\n"
	"      --first             head: of the first part only\n"
	"      --part N            of several parts, the one with this number, from 0 (the\n"
	"                          last one)\n"
	"      --base FD           open file with the list of an earlier archive: FILE is an\n"
	"                          increment to that, and DIR what that made\n"
	"      --save FD           open file that gets manifest and list\n"
	"      --report FD         lines \"note TEXT\", \"count ENTRIES BYTES KEPT\n"
	"                          KEPT-BYTES REMOVED\", \"error CODE TEXT\" go there\n"
	"      --progress          records of the progress, for who draws it, on standard\n"
	"                          error or where --report goes; see sysc-template(7)\n"
	"  -q, --quiet             no progress on a terminal either\n"
	"  -h, --help              this text\n";

static const struct word {
	const char *name;
	int least, most; /* operands */
	bool needs_into, is_root_only;
} words[WORD_COUNT] = {
	[WORD_UNPACK] = {"unpack", 1, 1, true,  true },
	[WORD_CHECK] = {"check",  1, 1, false, false},
	[WORD_HEAD] = {"head",   1, 1, false, false},
	[WORD_PACK] = {"pack",   0, 0, false, true },
};

enum kind {
	KIND_FLAG,    /* bool */
	KIND_TEXT,    /* const char * */
	KIND_LEVEL,   /* const char *, a number */
	KIND_DIGEST,  /* const char * */
	KIND_SIZE,    /* uint64_t */
	KIND_NUMBER,  /* uint64_t */
	KIND_FD,      /* int, open */
	KIND_METHOD,  /* enum writer_method */
	KIND_MAP,     /* struct idmap, a line more */
	KIND_DEVICES, /* enum archive_devices: least */
};

/* To add one: its field in the header, its row, a line of usage[]. */
static const struct row {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t least, most; /* of a number */
} rows[] = {
#define AT(field) offsetof(struct archive_options, field)
	{"into",          KIND_TEXT,    AT(into),                  0,                     0         },
	{"map",           KIND_MAP,     AT(map),                   0,                     0         },
	{"sha256",        KIND_DIGEST,  AT(sha256),                0,                     0         },
	{"max-bytes",     KIND_SIZE,    AT(limits.bytes),          0,                     0         },
	{"max-entries",   KIND_NUMBER,  AT(limits.entries),        0,                     UINT64_MAX},
	{"max-ratio",     KIND_NUMBER,  AT(limits.ratio),          1,                     UINT64_MAX},
	{"allow-devices", KIND_DEVICES, AT(limits.devices),        ARCHIVE_DEVICES_ALLOW, 0         },
	{"skip-devices",  KIND_DEVICES, AT(limits.devices),        ARCHIVE_DEVICES_SKIP,  0         },
	{"progress",      KIND_FLAG,    AT(progress),              0,                     0         },
	{"exported",      KIND_FLAG,    AT(exported),              0,                     0         },
	{"privileged",    KIND_FLAG,    AT(privileged),            0,                     0         },
	{"overlay",       KIND_FLAG,    AT(limits.skip_whiteouts), 0,                     0         },
	{"method",        KIND_METHOD,  AT(method),                0,                     0         },
	{"level",         KIND_LEVEL,   AT(level),                 0,                     22        },
	{"threads",       KIND_NUMBER,  AT(threads),               0,                     256       },
	{"manifest",      KIND_FD,      AT(manifest_fd),           0,                     0         },
	{"config",        KIND_FD,      AT(config_fd),             0,                     0         },
	{"report",        KIND_FD,      AT(report_fd),             0,                     0         },
	{"first",         KIND_FLAG,    AT(is_first_only),         0,                     0         },
	{"part",          KIND_NUMBER,  AT(part),                  0,                     UINT64_MAX},
	{"base",          KIND_FD,      AT(base_fd),               0,                     0         },
	{"save",          KIND_FD,      AT(save_fd),               0,                     0         },
	{"quiet",         KIND_FLAG,    AT(quiet),                 0,                     0         },
#undef AT
};

#define OPTION_FIRST 256 /* what getopt_long(3) gives for rows[0] */

const char *archive_options_usage(void)
{
	return usage;
}

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

static int parse_count(const struct row *row, const char *text, uint64_t *out)
{
	uint64_t value;
	int r = parse_uint(text, row->most, &value);

	if (r == 0 && value < row->least)
		r = -ERANGE;
	if (r == 0)
		*out = value;
	return r;
}

/* An option that has a value: text into *field. */
static int take_value(const struct row *row, const char *text, void *field, struct error *err)
{
	uint64_t number;
	int r = 0;

	switch (row->kind) {
	case KIND_MAP:
		return idmap_add(field, text, err);
	case KIND_DIGEST:
		r = strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64 ? 0
		                                                                       : -EINVAL;
		break;
	case KIND_LEVEL:
		r = parse_count(row, text, &number);
		break;
	case KIND_SIZE:
		r = parse_size(text, field);
		break;
	case KIND_NUMBER:
		r = parse_count(row, text, field);
		break;
	case KIND_FD:
		r = parse_fd(text, field);
		break;
	case KIND_METHOD:
		r = writer_parse_method(text, field);
		break;
	default:
		break;
	}
	if (r < 0)
		return fail_plain(err, -r, "not a value for --%s: '%s'", row->name, text);
	if (row->kind == KIND_TEXT || row->kind == KIND_DIGEST || row->kind == KIND_LEVEL)
		*(const char **)field = text;
	return 0;
}

static bool has_value(const struct row *row)
{
	return row->kind != KIND_FLAG && row->kind != KIND_DEVICES;
}

static int take_option(struct archive_options *options, const struct row *row, struct error *err)
{
	void *field = (char *)options + row->offset;

	if (has_value(row))
		return take_value(row, optarg, field, err);
	if (row->kind == KIND_FLAG)
		*(bool *)field = true;
	else
		*(enum archive_devices *)field = (enum archive_devices)row->least;
	return 0;
}

static int take_all_options(struct archive_options *options, int argc, char **argv,
                            struct error *err)
{
	struct option names[ARRAY_SIZE(rows) + 2] = {
		{"help", no_argument, NULL, 'h'}
        };
	int c;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		names[i + 1] = (struct option){rows[i].name, has_value(&rows[i]), NULL,
		                               OPTION_FIRST + (int)i};
	while ((c = getopt_long(argc, argv, "qh", names, NULL)) != -1) {
		if (c == 'h')
			return 1;
		if (c == '?')
			return fail_plain(err, EINVAL, "see sysc-archive --help");
		if (c == 'q')
			options->quiet = true;
		else if (take_option(options, &rows[c - OPTION_FIRST], err) < 0)
			return -EINVAL;
	}
	return 0;
}

static int take_word(struct archive_options *options, const char *name, int count,
                     struct error *err)
{
	const struct word *word = NULL;

	for (size_t i = 0; i < WORD_COUNT; i++)
		if (text_is(words[i].name, name))
			word = &words[i];
	if (!word)
		return fail_plain(err, EINVAL, "unknown word '%s', see sysc-archive --help", name);
	if (count < word->least || count > word->most)
		return fail_plain(err, EINVAL, "%s: wrong number of words, see sysc-archive --help",
		                  word->name);
	if (word->needs_into && !options->into)
		return fail_plain(err, EINVAL, "--into DIR is needed");
	if (word->is_root_only && geteuid() != 0)
		return fail_plain(err, EPERM, "this needs root");
	options->word = (enum archive_word)(word - words);
	options->write = word->needs_into;
	return 0;
}

int archive_options_take(struct archive_options *options, int argc, char **argv, struct error *err)
{
	int r;

	*options = (struct archive_options){
		.limits = {.bytes = 64ULL << 30, .entries = 5000000, .ratio = 1000},
		.manifest_fd = -1,
		.config_fd = -1,
		.report_fd = -1,
		.part = VERIFY_LAST,
		.base_fd = -1,
		.save_fd = -1,
	};
	r = take_all_options(options, argc, argv, err);
	if (r != 0)
		return r;
	if (optind == argc)
		return fail_plain(err, EINVAL, "a word is needed, see sysc-archive --help");
	options->file = argv[optind + 1];
	return take_word(options, argv[optind], argc - optind - 1, err);
}
