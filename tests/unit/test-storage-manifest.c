/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "storage/manifest.h"

#include <errno.h>
#include <string.h>

#define DIGEST "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static const char head[] = "sysc-archive 2\nname web1\ndate 2026-11-22T06:30:00Z\nversion 0.1.0\n"
			   "arch x86_64\nbackend dir\n";

TEST(what_is_written_is_read)
{
	CLEAN(text_done) struct text text = {0};
	struct manifest manifest = {.name = "web1",
	                            .date = "2026-11-22T06:30:00Z",
	                            .version = "0.1.0",
	                            .arch = "x86_64",
	                            .backend = "dir",
	                            .uuid = "6ad94f2e-6a51-4bb1-b1a5-bbd3dbdb9d5b",
	                            .map = "b 0 1048576 65536",
	                            .since = DIGEST,
	                            .since_date = "2026-11-21T06:30:00Z",
	                            .snapshots = 3,
	                            .parts_left = 2,
	                            .snapshot = "daily",
	                            .reason = "hand",
	                            .comment = "before the upgrade",
	                            .replaced_by = "older",
	                            .created_ms = 1795340113825,
	                            .was_running = 1,
	                            .config_sha256 = DIGEST,
	                            .holds = "daily@1795340113825 older@1",
	                            .size_bytes = 1 << 30};
	struct manifest read;
	struct error err = {0};

	manifest_format(&manifest, &text);
	CHECK_INT(manifest_parse(&read, text.data, text.length, &err), 0);
	CHECK(memcmp(&read, &manifest, sizeof(read)) == 0);
	/* one bit, anywhere */
	for (size_t i = 0; i < text.length * 8; i++) {
		text.data[i / 8] = (char)(text.data[i / 8] ^ 1 << i % 8);
		CHECK(manifest_parse(&read, text.data, text.length, NULL) < 0);
		text.data[i / 8] = (char)(text.data[i / 8] ^ 1 << i % 8);
	}
}

/* head followed by these lines: 0, or the words of the error. */
TEST(what_is_not_is_refused)
{
	static const struct {
		const char *lines, *why;
	} rows[] = {
		{"config-sha256 " DIGEST "\n",                               NULL            },
		{"",							 "is missing"    },
		{"config-sha256 " DIGEST,                                    "no manifest"   },
		{"config-sha256 " DIGEST "\nname web2\n",                    "stands twice"  },
		{"config-sha256 CDC7\n",                                     "not a digest"  },
		{"config-sha256 " DIGEST "\nsize -1\n",                      "not a number"  },
		{"config-sha256 " DIGEST "\nsize 99999999999999999999999\n", "not a number"  },
		{"config-sha256 " DIGEST "\nparts-left 4095\n",              NULL            },
		{"config-sha256 " DIGEST "\nparts-left 4096\n",              "more than 4096"},
		{"config-sha256 " DIGEST "\nhook rm\n",                      "not understood"},
		{"config-sha256 " DIGEST "\nmap\n",                          "not understood"},
		{"config-sha256 " DIGEST "\nmap a\tb\n",                     "not text"      },
		{"config-sha256 " DIGEST "\n\n",                             "not understood"},
		{"config-sha256 " DIGEST "\nsince " DIGEST "\n",             "only one"      },
		{"config-sha256 " DIGEST "\nsince-date 1\n",                 "only one"      },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_FREE char *text = must_printf("%s%s", head, rows[i].lines);
		struct manifest read = {.size_bytes = 7};
		struct error err = {0};
		int r = manifest_parse(&read, text, strlen(text), &err);

		CHECK((r == 0) == !rows[i].why);
		CHECK(r == 0 || (strstr(err.text, rows[i].why) && read.size_bytes == 7));
	}
	for (size_t cut = 0; cut < strlen(head); cut++) {
		struct manifest read;

		CHECK(manifest_parse(&read, head, cut, NULL) < 0);
	}
}

TEST(versions)
{
	static const char old[] = "name web1\ndate 2026-11-22T06:30:00Z\nversion 0.1.0\n"
				  "arch x86_64\nbackend dir\nconfig-sha256 " DIGEST "\n";
	static const struct {
		const char *first, *more, *why;
	} rows[] = {
		{"1", "",                      NULL			      },
		{"2", "",                      NULL			      },
		{"2", "uuid a\nsnapshots 1\n", NULL                              },
		{"1", "uuid a\n",              "not understood"                  },
		{"2", "holds a@1\n",           "not understood"                  },
		{"3", "holds a@1 b@2\n",       "its digest is missing"           },
		{"3", "holds \n",              "is empty"                        },
		{"4", "",                      "version 4 of the form, known are"},
		{"0", "",                      "no manifest"                     },
		{"x", "",                      "no manifest"                     },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_FREE char *text =
			must_printf("sysc-archive %s\n%s%s", rows[i].first, old, rows[i].more);
		struct manifest read;
		struct error err = {0};

		CHECK_INT(manifest_parse(&read, text, strlen(text), &err),
		          rows[i].why ? -EINVAL : 0);
		CHECK(!rows[i].why || strstr(err.text, rows[i].why));
	}
}

/* What an older one understands is written for it. */
TEST(the_version_is_the_oldest_that_will_do)
{
	struct manifest manifest = {.name = "web1", .snapshots = 1};
	CLEAN(text_done) struct text text = {0};

	manifest_format(&manifest, &text);
	CHECK(text_starts(text.data, "sysc-archive 2\n"));
	text.length = 0;
	memcpy(manifest.holds, MANIFEST_HOLDS_NONE, sizeof(MANIFEST_HOLDS_NONE));
	manifest_format(&manifest, &text);
	CHECK(text_starts(text.data, "sysc-archive 3\n") && strstr(text.data, "\nholds -\n"));
}

TEST(dates)
{
	CHECK_INT(manifest_seconds("1970-01-02T00:00:01Z"), 86401);
	CHECK(manifest_seconds("1970-01-02") == INT64_MIN && manifest_seconds("") == INT64_MIN);
}

TEST(the_order_of_paths)
{
	/* as a walk comes by them */
	static const char *const sorted[] = {".",   "a",   "a/", "a/b", "a\x01",
	                                     "a b", "a.b", "aa", "b",   "\xc3"};

	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
			int order = manifest_compare_paths(sorted[i], sorted[j]);

			CHECK((order < 0) == (i < j) && (order > 0) == (i > j));
		}
}

TEST(lines_of_the_list)
{
	CLEAN(text_done) struct text text = {0};
	struct manifest_entry entry = {
		.type = 'l',
		.mode = 0777,
		.uid = 4294967294,
		.gid = 3,
		.mtime_s = -5,
		.mtime_ns = 55098,
		.ctime_s = 1795330366,
		.ctime_ns = 1,
		.content = "-",
		.attributes = DIGEST,
		.path = "a b\\x2d\n\x7f\xc3\xa9",
		.target = "../c d",
	};
	struct manifest_entry read;
	struct error err = {0};
	size_t counted, counted_again;

	manifest_entry_format(&entry, &text, &counted);
	CHECK(text_is(text.data,
	              "1795330366.000000001 l 0777 4294967294 3 0 -5.000055098 0:0 " DIGEST
	              " - a\\x20b\\x5cx2d\\x0a\\x7f\xc3\xa9 ../c\\x20d"));
	CHECK_INT(manifest_entry_parse(text.data, &read, &counted_again, &err), 0);
	CHECK_INT(counted, counted_again);
	CHECK(read.type == 'l' && read.mode == 0777 && read.uid == 4294967294 && read.gid == 3 &&
	      read.mtime_s == -5 && read.mtime_ns == 55098 && read.ctime_ns == 1);
	CHECK(text_is(read.path, entry.path) && text_is(read.target, entry.target));
	CHECK(text_is(read.attributes, DIGEST) && text_is(read.content, "-"));
}

TEST(broken_lines_of_the_list)
{
	static const char *const rows[] = {
		"",
		" ",
		"1.000000000 f 0644 0 0 1 1.000000000 0:0 - - a",
		"1.000000000 f 0644 0 0 1 1.000000000 0:0 - - a - b",
		"1.000000000 f 0644 0 0 1 1.000000000 0:0 - - a - ",
		"1.000000000 f 0644 0 0 1 1.000000000 0:0 - - a\\x00 -",
		"1.000000000 f 0644 0 0 1 1.000000000 0:0 - - a\\xG0 -",
		"1.000000000 f 0644 0 0 1 1.000000000 0:0 - - a\\ -",
		"1.000000000 f 0644 0 0 1 1.000000000 0:0 - -  -",
		"1.000000000 ff 0644 0 0 1 1.000000000 0:0 - - a -",
		"1.000000000 q 0644 0 0 1 1.000000000 0:0 - - a -",
		"1.000000000 f 0888 0 0 1 1.000000000 0:0 - - a -",
		"1.000000000 f 0644 4294967296 0 1 1.000000000 0:0 - - a -",
		"1.000000000 f 0644 0 0 -1 1.000000000 0:0 - - a -",
		"1.000000000 f 0644 0 0 1 1.00 0:0 - - a -",
		"1.000000000 f 0644 0 0 1 1 0:0 - - a -",
		"1.000000000 f 0644 0 0 1 1.000000000 0 - - a -",
		"1.000000000 f 0644 0 0 1 1.000000000 0:0 x - a -",
	};
	const char good[] = "1.000000000 f 0644 0 0 1 1.000000000 0:0 - - a -";
	struct manifest_entry read;
	CLEAN_FREE char *line = must_dup(good);

	CHECK_INT(manifest_entry_parse(line, &read, NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_FREE char *broken = must_dup(rows[i]);

		CHECK_INT(manifest_entry_parse(broken, &read, NULL, NULL), -EINVAL);
	}
}

TEST(the_end_of_the_list)
{
	CLEAN(text_done) struct text text = {0};
	uint64_t count = 0;
	char digest[65];

	manifest_end_format(7, DIGEST, &text);
	CHECK_INT(manifest_end_parse(text.data, &count, digest, NULL), 0);
	CHECK(count == 7 && text_is(digest, DIGEST));
	CHECK_INT(manifest_end_parse("1.000000000 f", &count, digest, NULL), -ENOENT);
	CHECK_INT(manifest_end_parse("end 7", &count, digest, NULL), -EINVAL);
	CHECK_INT(manifest_end_parse("end 7 abc", &count, digest, NULL), -EINVAL);
}
