/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/uuid.h"

#include "../lib/tap.h"
#include "base/text.h"
#include "container/check.h"

#include <errno.h>

TEST(uuids_are_random_and_lower_case)
{
	char one[37], two[37];

	uuid_make(one);
	uuid_make(two);
	CHECK_INT(strlen(one), 36);
	CHECK_INT(strspn(one, "0123456789abcdef-"), 36);
	CHECK(!text_is(one, two));
	CHECK_INT(check_uuid(one, NULL), 0);
}

TEST(only_x_is_filled)
{
	char one[] = "10:66:6a:xx:xx:xx", two[] = "10:66:6a:xx:xx:xx",
	     fixed[] = "02:00:00:00:00:01";

	uuid_fill_mac(one);
	uuid_fill_mac(two);
	uuid_fill_mac(fixed);
	CHECK(text_starts(one, "10:66:6a:") && !strchr(one, 'x'));
	CHECK(!text_is(one, two));
	CHECK(text_is(fixed, "02:00:00:00:00:01"));
	for (int i = 0; i < 200; i++) {
		char all[] = "xx:xx:xx:xx:xx:xx";

		uuid_fill_mac(all);
		CHECK_INT(check_mac(all, NULL), 0);
	}
}

TEST(bytes_in_the_order_of_the_text)
{
	const unsigned char want[16] = {0x6f, 0x6b, 0x01, 0x02, 0x03, 0x04, 0x45, 0x06,
	                                0x87, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0xff};
	unsigned char got[16] = {0};

	CHECK_INT(uuid_read("6f6b0102-0304-4506-8708-090a0b0c0dff", got), 0);
	CHECK(memcmp(got, want, sizeof(want)) == 0);
	CHECK_INT(uuid_read("6f6b0102-0304-4506-8708-090a0b0c0d", got), -EINVAL);
	CHECK_INT(uuid_read("", got), -EINVAL);
	CHECK(memcmp(got, want, sizeof(want)) == 0);
}
