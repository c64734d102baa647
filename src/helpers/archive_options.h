/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of sysc-archive. */
#ifndef SYSC_HELPERS_ARCHIVE_OPTIONS_H
#define SYSC_HELPERS_ARCHIVE_OPTIONS_H

#include "container/idmap.h"
#include "helpers/archive_rules.h"
#include "helpers/archive_writer.h"

struct error;

/* What can be asked for. To add one: here, a row of words[], a line of usage[], its function in sysc-archive.c. */
enum archive_word {
	WORD_UNPACK,
	WORD_CHECK,
	WORD_HEAD,
	WORD_PACK,
	WORD_COUNT
};

struct archive_options {
	enum archive_word word;
	bool write, quiet, progress, exported, privileged;
	const char *file, *into, *sha256;
	struct idmap map;
	struct archive_limits limits;
	/* pack */
	enum writer_method method;
	const char *level;
	uint64_t threads;                      /* 0: as there are processors */
	int manifest_fd, config_fd, report_fd; /* report_fd: -1 standard error */
	bool is_first_only;                    /* of head: only that of the first part */
	uint64_t part;        /* which part of an archive with several; VERIFY_LAST */
	int base_fd, save_fd; /* kept lists, what was before and what is now; -1: none */
};

/* Takes argv apart. 0, 1: help was asked for; -EPERM: root is needed, -EINVAL with err. */
int archive_options_take(struct archive_options *options, int argc, char **argv, struct error *err);
/* What --help prints. */
const char *archive_options_usage(void);

#endif
