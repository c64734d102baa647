/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Terminal output of a guest without its teeth: what stays, what goes, whatever the chunks are. */
#include "base/cleanup.h"
#include "base/text.h"
#include "tools/harmless.h"
#include "tools/moment.h"

#include "../lib/tap.h"

#include <string.h>

/* The result of bytes, fed in chunks of size. */
static char *clean(const char *bytes, size_t count, size_t size)
{
	struct harmless harmless = {0};
	struct text out = {0};

	for (size_t i = 0; i < count; i += size)
		harmless_add(&harmless, bytes + i, count - i < size ? count - i : size, &out);
	return text_take(&out);
}

/* The same in chunks of any size. */
static int becomes(const char *bytes, const char *expected)
{
	for (size_t size = 1; size <= strlen(bytes); size++) {
		CLEAN_FREE char *result = clean(bytes, strlen(bytes), size);

		if (strcmp(result, expected) != 0) {
			printf("# '%s' instead of '%s' in chunks of %zu\n", result, expected, size);
			return 0;
		}
	}
	return 1;
}

TEST(plain_text_stays)
{
	CHECK(becomes("plain\ttext\nof two lines\n", "plain\ttext\nof two lines\n"));
	CHECK(becomes("\303\244 \342\202\254 \360\237\220\247",
	              "\303\244 \342\202\254 \360\237\220\247"));
}

TEST(escape_sequences_go)
{
	CHECK(becomes("a\033[31mb\033[0;1mc", "abc"));
	CHECK(becomes("a\033[2J\033[Hb", "ab"));
	CHECK(becomes("a\033]0;title\007b", "ab"));
	CHECK(becomes("a\033]0;title\033\\b", "ab"));
	CHECK(becomes("a\033P1$r0m\033\\b", "ab"));
	CHECK(becomes("a\033(Bb\0337c\033=d", "abcd"));
	CHECK(becomes("a\033\033[1mb", "ab"));
	CHECK(becomes("a\033[31\033[1mb", "ab"));
}

TEST(an_open_sequence_ends_with_the_line)
{
	CHECK(becomes("a\033]0;never closed\nb", "a\nb"));
	CHECK(becomes("a\033[31\nb", "a\nb"));
	CHECK(becomes("a\033\nb", "a\nb"));
	CHECK(becomes("a\033", "a"));
}

TEST(other_controls_are_shown)
{
	CHECK(becomes("a\001b\010c\177d", "a^Ab^Hc^?d"));
	CHECK(becomes("a\r\nb\rc", "a\nbc"));
}

TEST(eight_bit_controls_and_bad_utf8_become_question_marks)
{
	CHECK(becomes("a\2335nb", "a?5nb"));
	CHECK(becomes("a\302\233b", "a?b"));
	CHECK(becomes("a\303b", "a?b"));
	CHECK(becomes("a\355\240\200b", "a?b"));
	CHECK(becomes("a\303\033[1mb", "a?b"));
	CHECK(becomes("a\360\200\200\200b", "a?b"));
}

TEST(no_byte_string_lets_a_control_through)
{
	char bytes[4096];
	unsigned int seed = 12345;

	for (int round = 0; round < 200; round++) {
		CLEAN_FREE char *result = NULL;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1103515245 + 12345;
			bytes[i] = (seed >> 16) % 4 ? (char)(seed >> 18)
			                            : "\033[]P\302\233\n"[(seed >> 20) % 7];
			if (!bytes[i])
				bytes[i] = 'x';
		}
		result = clean(bytes, sizeof(bytes), 1 + (seed >> 8) % 100);
		for (const char *c = result; *c; c++) {
			unsigned char u = (unsigned char)*c;

			CHECK(u >= 32 || u == '\n' || u == '\t');
			CHECK(u != 127);
			/* U+0080 to U+009F */
			CHECK(!(u == 0xc2 && (unsigned char)c[1] < 0xa0));
		}
	}
}

TEST(moments)
{
	char out[MOMENT_ROOM];

	CHECK(text_is(moment_format(1700000000123, out), "2023-11-14T22:13:20.123Z"));
	CHECK(text_is(moment_format(0, out), ""));
	CHECK(text_is(moment_format(-5, out), ""));
	CHECK(text_is(moment_format_span(0, out), "0s"));
	CHECK(text_is(moment_format_span(-10, out), "0s"));
	CHECK(text_is(moment_format_span(59999, out), "59s"));
	CHECK(text_is(moment_format_span(60000, out), "1min 0s"));
	CHECK(text_is(moment_format_span(3600000 * 5 + 120000, out), "5h 2min"));
	CHECK(text_is(moment_format_span(86400000LL * 12 + 3600000 * 4, out), "12d 4h"));
}
