/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/parse.h"

#include "../lib/tap.h"
#include "base/cleanup.h"

#include <errno.h>
#include <signal.h>

TEST(numbers)
{
	uint64_t u = 7;
	int64_t i = 7;

	CHECK_INT(parse_uint("18446744073709551615", UINT64_MAX, &u), 0);
	CHECK(u == UINT64_MAX);
	u = 7;
	CHECK_INT(parse_uint("18446744073709551616", UINT64_MAX, &u), -ERANGE);
	CHECK_INT(parse_uint("11", 10, &u), -ERANGE);
	CHECK_INT(parse_uint("", 10, &u), -EINVAL);
	CHECK_INT(parse_uint("-1", 10, &u), -EINVAL);
	CHECK_INT(parse_uint("1 ", 10, &u), -EINVAL);
	CHECK_INT(parse_uint("0x1", 10, &u), -EINVAL);
	CHECK_INT(u, 7);
	CHECK_INT(parse_int("-20", -20, 19, &i), 0);
	CHECK_INT(i, -20);
	CHECK_INT(parse_int("-21", -20, 19, &i), -ERANGE);
	CHECK_INT(parse_int("-", -20, 19, &i), -EINVAL);
	CHECK_INT(i, -20);
}

TEST(modes_and_booleans)
{
	unsigned int mode = 0;
	bool yes = false;

	CHECK_INT(parse_mode("0755", &mode), 0);
	CHECK_INT(mode, 0755);
	CHECK_INT(parse_mode("7777", &mode), 0);
	CHECK_INT(parse_mode("17777", &mode), -ERANGE);
	CHECK_INT(parse_mode("789", &mode), -EINVAL);
	CHECK_INT(parse_bool("on", &yes), 0);
	CHECK(yes);
	CHECK_INT(parse_bool("false", &yes), 0);
	CHECK(!yes);
	CHECK_INT(parse_bool("Yes", &yes), -EINVAL);
}

TEST(sizes)
{
	static const struct {
		const char *text;
		int result;
		uint64_t bytes;
	} rows[] = {
		{"0",			 0,       0                      },
		{"4096",                      0,       4096                   },
		{"512K",                      0,       512 << 10              },
		{"512M",                      0,       512 << 20              },
		{"1.5G",                      0,       3ULL << 29             },
		{"2TiB",                      0,       2ULL << 40             },
		{"1 GB",                      0,       1ULL << 30             },
		{"0.5K",                      0,       512                    },
		{"18446744073709551615",      0,       18446744073709551615ULL},
		{"18446744073709551616",      -ERANGE, 0                      },
		{"99999999T",                 -ERANGE, 0                      },
		{"9999999999999999999999999", -ERANGE, 0                      },
		{"",			  -EINVAL, 0                      },
		{"M",			 -EINVAL, 0                      },
		{"1.M",                       -EINVAL, 0                      },
		{".5M",                       -EINVAL, 0                      },
		{"1Q",			-EINVAL, 0                      },
		{"-1",			-EINVAL, 0                      },
		{"1M ",                       -EINVAL, 0                      },
		{"1 ",			-EINVAL, 0                      },
		{"1,5G",                      -EINVAL, 0                      },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t bytes = 12345;
		int r = parse_size(rows[i].text, &bytes);

		if (r != rows[i].result)
			printf("# '%s'\n", rows[i].text);
		CHECK_INT(r, rows[i].result);
		CHECK(bytes == (r ? 12345 : rows[i].bytes));
	}
}

TEST(durations_and_cpus)
{
	uint64_t part = 1;
	int64_t ms = 0;
	uint32_t cpus = 0;

	CHECK_INT(parse_duration("30", &ms), 0);
	CHECK_INT(ms, 30000);
	CHECK_INT(parse_duration("500ms", &ms), 0);
	CHECK_INT(ms, 500);
	CHECK_INT(parse_duration("1.5s", &ms), 0);
	CHECK_INT(ms, 1500);
	CHECK_INT(parse_duration("5min", &ms), 0);
	CHECK_INT(ms, 300000);
	CHECK_INT(parse_duration("1d", &ms), 0);
	CHECK_INT(ms, 86400000);
	CHECK_INT(parse_duration("5 weeks", &ms), -EINVAL);
	CHECK_INT(parse_duration("18446744073709551615d", &ms), -ERANGE);
	CHECK_INT(parse_cpus("1.5", &cpus), 0);
	CHECK_INT(cpus, 1500);
	CHECK_INT(parse_cpus("0.001", &cpus), 0);
	CHECK_INT(cpus, 1);
	CHECK_INT(parse_cpus("0", &cpus), -ERANGE);
	CHECK_INT(parse_cpus("100000", &cpus), -ERANGE);
	CHECK_INT(parse_thousandths("12.34", &part), 0);
	CHECK_INT(part, 12340);
	CHECK_INT(parse_thousandths("0.00", &part), 0);
	CHECK_INT(part, 0);
	CHECK_INT(parse_thousandths("1,5", &part), -EINVAL);
}

TEST(signals)
{
	char text[24];
	int s = 0;

	CHECK_INT(parse_signal("SIGTERM", &s), 0);
	CHECK_INT(s, SIGTERM);
	CHECK_INT(parse_signal("PWR", &s), 0);
	CHECK_INT(s, SIGPWR);
	CHECK_INT(parse_signal("9", &s), 0);
	CHECK_INT(s, SIGKILL);
	CHECK_INT(parse_signal("SIGRTMIN+3", &s), 0);
	CHECK_INT(s, SIGRTMIN + 3);
	format_signal(s, text);
	CHECK(strcmp(text, "SIGRTMIN+3") == 0);
	format_signal(SIGINT, text);
	CHECK(strcmp(text, "SIGINT") == 0);
	CHECK_INT(parse_signal("SIGRTMIN+99", &s), -EINVAL);
	CHECK_INT(parse_signal("0", &s), -EINVAL);
	CHECK_INT(parse_signal("65", &s), -EINVAL);
	CHECK_INT(parse_signal("SIGNOPE", &s), -EINVAL);
}

TEST(sizes_are_printed_short)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{0,		       "0"           },
		{1023,                    "1023"        },
		{1024,                    "1K"          },
		{1536ULL << 20,           "1.50G"       },
		{512ULL << 20,            "512M"        },
		{18446744073709551615ULL, "16777215.99T"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[24];

		format_size(rows[i].bytes, text);
		if (strcmp(text, rows[i].text) != 0)
			printf("# %s, not %s\n", text, rows[i].text);
		CHECK(strcmp(text, rows[i].text) == 0);
	}
}

TEST(numbers_in_hexadecimal)
{
	uint64_t n = 7;

	CHECK(parse_number("0x1F", UINT64_MAX, &n) == 0 && n == 31);
	CHECK(parse_number("0xffffffffffffffff", UINT64_MAX, &n) == 0 && n == UINT64_MAX);
	CHECK(parse_number("42", UINT64_MAX, &n) == 0 && n == 42);
	CHECK(parse_number("0x10000000000000000", UINT64_MAX, &n) == -ERANGE);
	CHECK(parse_number("0x100", 255, &n) == -ERANGE);
	CHECK(parse_number("0x", UINT64_MAX, &n) == -EINVAL);
	CHECK(parse_number("0xg", UINT64_MAX, &n) == -EINVAL);
	CHECK(parse_number("1f", UINT64_MAX, &n) == -EINVAL);
	CHECK(n == 42);
}
