/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "helpers/archive_rules.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const struct archive_limits limits = {.bytes = 1000, .entries = 3, .ratio = 10};

TEST(clean_paths)
{
	static const struct {
		const char *path, *want; /* want NULL: refused */
	} rows[] = {
		{"a",           "a"    },
		{"./a",         "a"    },
		{"a//b/./c/",   "a/b/c"},
		{"./",          "."    },
		{".",           "."    },
		{"a..b",        "a..b" },
		{"...",         "..."  },
		{"..",          NULL   },
		{"a/../b",      NULL   },
		{"/a",          NULL   },
		{"",            NULL   },
		{"a/..",        NULL   },
		{"././../../x", NULL   },
	};
	char out[ARCHIVE_NAME_MAX + 1], longest[ARCHIVE_NAME_MAX + 2];
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = archive_clean_path(rows[i].path, out, &err);

		CHECK((r == 0) == (rows[i].want != NULL));
		CHECK(r < 0 || text_is(out, rows[i].want));
	}
	memset(longest, 'x', sizeof(longest));
	longest[ARCHIVE_NAME_MAX + 1] = '\0';
	CHECK_INT(archive_clean_path(longest, out, &err), -EINVAL);
	longest[ARCHIVE_NAME_MAX] = '\0';
	CHECK_INT(archive_clean_path(longest, out, &err), 0);
}

TEST(limits_are_exact)
{
	CLEAN(archive_rules_done) struct archive_rules rules = {.limits = limits};
	struct archive_item item = {.path = "a", .type = S_IFREG};
	char name[ARCHIVE_NAME_MAX + 1], target[ARCHIVE_NAME_MAX + 1];
	struct error err;

	for (int i = 0; i < 3; i++)
		CHECK_INT(archive_rules_entry(&rules, &item, name, target, &err), 1);
	CHECK_INT(archive_rules_entry(&rules, &item, name, target, &err), -EFBIG);
	CHECK_INT(archive_rules_bytes(&rules, 1000, 1, &err), 0);
	CHECK_INT(archive_rules_bytes(&rules, 1, 1, &err), -EFBIG);
}

TEST(owners_and_devices)
{
	CLEAN(archive_rules_done)
	struct archive_rules rules = {
		.limits = {.bytes = 1, .entries = 100, .ratio = 1}
        };
	struct archive_item item = {.path = "a", .type = S_IFREG, .uid = 65535, .gid = 65535};
	char name[ARCHIVE_NAME_MAX + 1], target[ARCHIVE_NAME_MAX + 1];
	struct error err;

	CHECK_INT(archive_rules_entry(&rules, &item, name, target, &err), 1);
	item.gid = 65536;
	CHECK_INT(archive_rules_entry(&rules, &item, name, target, &err), -ERANGE);
	item.gid = -1;
	CHECK_INT(archive_rules_entry(&rules, &item, name, target, &err), -ERANGE);
	item.gid = 0;
	item.type = S_IFBLK;
	CHECK_INT(archive_rules_entry(&rules, &item, name, target, &err), -EINVAL);
	rules.limits.devices = ARCHIVE_DEVICES_SKIP;
	CHECK_INT(archive_rules_entry(&rules, &item, name, target, &err), 0);
	item.type = S_IFSOCK;
	CHECK_INT(archive_rules_entry(&rules, &item, name, target, &err), -EINVAL);
}

/* The examples of FIPS 180-4's test vectors: "abc", nothing, 448 bits, a million times "a" */
TEST(sha256_vectors)
{
	static const struct {
		const char *text, *sum;
	} rows[] = {
		{"",							 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc",						      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"                                                            },
	};
	CLEAN_FD int fd = memfd_create("million", MFD_CLOEXEC);
	struct sha256 sum;
	struct error err;
	char out[65];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		sha256_init(&sum);
		for (const char *c = rows[i].text; *c; c++)
			sha256_add(&sum, c, 1);
		sha256_end(&sum, out);
		CHECK(text_is(out, rows[i].sum));
	}
	for (int i = 0; i < 1000; i++) {
		char part[1000];

		memset(part, 'a', sizeof(part));
		CHECK_INT(write(fd, part, sizeof(part)), sizeof(part));
	}
	CHECK_INT(sha256_file(fd, out, &err), 0);
	CHECK(text_is(out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
}
