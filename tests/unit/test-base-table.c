/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/table.h"

#include "../lib/tap.h"
#include "base/cleanup.h"

TEST(json_of_a_container)
{
	CLEAN(json_done) struct json json = {0};

	json_array(&json, NULL);
	json_object(&json, NULL);
	json_string(&json, "name", "web1");
	json_number(&json, "pid", -1);
	json_unsigned(&json, "memory", UINT64_MAX);
	json_decimal(&json, "share", 5, 2);
	json_decimal(&json, "whole", 10000, 2);
	json_bool(&json, "running", true);
	json_bool(&json, "frozen", false);
	json_null(&json, "limit");
	json_array(&json, "addresses");
	json_string(&json, NULL, "10.0.3.2");
	json_string(&json, NULL, NULL);
	json_end_array(&json);
	json_array(&json, "links");
	json_end_array(&json);
	json_object(&json, "empty");
	json_end_object(&json);
	json_end_object(&json);
	json_end_array(&json);
	CHECK(text_is(json.text.data, "[\n"
	                              "  {\n"
	                              "    \"name\": \"web1\",\n"
	                              "    \"pid\": -1,\n"
	                              "    \"memory\": 18446744073709551615,\n"
	                              "    \"share\": 0.05,\n"
	                              "    \"whole\": 100.00,\n"
	                              "    \"running\": true,\n"
	                              "    \"frozen\": false,\n"
	                              "    \"limit\": null,\n"
	                              "    \"addresses\": [\n"
	                              "      \"10.0.3.2\",\n"
	                              "      null\n"
	                              "    ],\n"
	                              "    \"links\": [],\n"
	                              "    \"empty\": {}\n"
	                              "  }\n"
	                              "]\n"));
}

TEST(json_of_nothing)
{
	CLEAN(json_done) struct json json = {0};

	json_array(&json, NULL);
	json_end_array(&json);
	CHECK(text_is(json.text.data, "[]\n"));
}

TEST(json_two_documents_have_no_comma_between_them)
{
	CLEAN(json_done) struct json json = {0};

	for (int i = 0; i < 2; i++) {
		json_object(&json, NULL);
		json_number(&json, "n", i);
		json_end_object(&json);
	}
	CHECK(text_is(json.text.data, "{\n  \"n\": 0\n}\n{\n  \"n\": 1\n}\n"));
}

static bool quotes_to(const char *value, const char *expected)
{
	CLEAN(json_done) struct json json = {0};
	CLEAN_FREE char *whole = must_printf("[\n  \"%s\"\n]\n", expected);

	json_array(&json, NULL);
	json_string(&json, NULL, value);
	json_end_array(&json);
	return text_is(json.text.data, whole);
}

TEST(json_escapes)
{
	CHECK(quotes_to("", ""));
	CHECK(quotes_to("a\"b\\c/d", "a\\\"b\\\\c/d"));
	CHECK(quotes_to("\b\f\n\r\t", "\\b\\f\\n\\r\\t"));
	CHECK(quotes_to("\x01\x1f\x7f", "\\u0001\\u001f\\u007f"));
	CHECK(quotes_to("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"));
	CHECK(quotes_to("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"));
}

TEST(json_mends_what_is_not_utf8)
{
	CHECK(quotes_to("a\xff"
	                "b",
	                "a\xef\xbf\xbd"
	                "b"));
	CHECK(quotes_to("\xc3", "\xef\xbf\xbd"));                 /* cut short */
	CHECK(quotes_to("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd")); /* too long a form */
	CHECK(quotes_to("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd")); /* surrogate */
	CHECK(quotes_to("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
}

TEST(table_aligns)
{
	static const char *const columns[] = {"NAME", "STATE", "IP", NULL};
	CLEAN(table_done) struct table table = {.columns = columns};
	CLEAN(text_done) struct text with = {0}, without = {0};

	table_cell(&table, "web1");
	table_cell(&table, "RUNNING");
	table_cell(&table, "10.0.3.2");
	table_cell(&table, "a-longer-one");
	table_cell(&table, "STOPPED");
	table_cell(&table, NULL);
	table_print(&table, true, &with);
	CHECK(text_is(with.data, "NAME          STATE    IP\n"
	                         "web1          RUNNING  10.0.3.2\n"
	                         "a-longer-one  STOPPED  -\n"));
	table_print(&table, false, &without);
	CHECK(text_is(without.data, "web1          RUNNING  10.0.3.2\n"
	                            "a-longer-one  STOPPED  -\n"));
}

TEST(table_counts_characters_and_defuses_controls)
{
	static const char *const columns[] = {"A", "B", NULL};
	CLEAN(table_done) struct table table = {.columns = columns};
	CLEAN(text_done) struct text out = {0};

	table_cell(&table, "gr\xc3\xbc\xc3\x9f");
	table_cell(&table, "x");
	table_cell(&table, "\033[2J");
	table_cell(&table, "");
	table_print(&table, true, &out);
	CHECK(text_is(out.data, "A     B\n"
	                        "gr\xc3\xbc\xc3\x9f  x\n"
	                        "?[2J  -\n"));
}

TEST(table_without_rows)
{
	static const char *const columns[] = {"NAME", "STATE", NULL};
	CLEAN(table_done) struct table table = {.columns = columns};
	CLEAN(text_done) struct text out = {0};

	table_print(&table, true, &out);
	CHECK(text_is(out.data, "NAME  STATE\n"));
}
