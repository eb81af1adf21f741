/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8: the table of RFC 3629 section 4 and its edges. */

#include "plugin/report/utf8.h"
#include "rangeguard/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/** Characters at both ends of each length, and around the surrogates */
static void test_decode_reads_characters(void **state)
{
	static const struct {
		const char *text;
		uint32_t character;
		size_t length;
	} cases[] = {
		{"\x01", 0x1, 1},
		{"A", 'A', 1},
		{"\x7f", 0x7f, 1},
		{"\xc2\x80", 0x80, 2},
		{"\xdf\xbf", 0x7ff, 2},
		{"\xe0\xa0\x80", 0x800, 3},
		{"\xed\x9f\xbf", 0xd7ff, 3},
		{"\xee\x80\x80", 0xe000, 3},
		{"\xef\xbf\xbf", 0xffff, 3},
		{"\xe2\x82\xac"
		 "5",
		 0x20ac, 3},
		{"\xf0\x90\x80\x80", 0x10000, 4},
		{"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint32_t character = 0xffffffff;

		assert_int_equal(utf8_decode(cases[i].text, &character), cases[i].length);
		assert_int_equal(character, cases[i].character);
	}
}

static const char *const invalid[] = {
	"\x80", /* a continuation alone */
	"\xbf",
	"\xc0\xaf", /* overlong '/' */
	"\xc1\xbf",
	"\xe0\x80\xaf",	    /* overlong '/' */
	"\xe0\x9f\xbf",	    /* overlong U+07FF */
	"\xf0\x80\x80\xaf", /* overlong '/' */
	"\xf0\x8f\xbf\xbf", /* overlong U+FFFF */
	"\xed\xa0\x80",	    /* first surrogate */
	"\xed\xbf\xbf",	    /* last surrogate */
	"\xf4\x90\x80\x80", /* U+110000 */
	"\xf5\x80\x80\x80",
	"\xff",
	"\xc3", /* cut */
	"\xe2\x82",
	"\xf0\x9f\x98",
	"\xc3(", /* no continuation */
	"\xe2(\xa1",
	"\xe2\x82(",
};

static void test_decode_refuses_what_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(invalid); i++) {
		uint32_t character = 7;

		assert_int_equal(utf8_decode(invalid[i], &character), 0);
		assert_int_equal(character, 7);
	}
}

static void test_valid_looks_at_the_whole_text(void **state)
{
	(void)state;
	assert_true(utf8_valid(""));
	assert_true(utf8_valid("z\xc3\xbcrich \xf0\x9f\x98\x80"));
	for (size_t i = 0; i < ARRAY_LENGTH(invalid); i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "front %s", invalid[i]);
		assert_false(utf8_valid(text));
		(void)snprintf(text, sizeof(text), "%s back", invalid[i]);
		assert_false(utf8_valid(text));
	}
}

static void test_mend_replaces_each_byte_that_is_no_character(void **state)
{
	static const struct {
		const char *text;
		const char *mended;
	} cases[] = {
		{"", ""},	 {"z\xc3\xbcrich", "z\xc3\xbcrich"},	  {"a\xff\xfe z", "a?? z"}, {"\xe2\x82", "??"},
		{"\xc3(", "?("}, {"\xed\xa0\x80\xc3\xbc", "???\xc3\xbc"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		utf8_mend(text);
		assert_string_equal(text, cases[i].mended);
	}
}

static void test_drop_cut_character_ends_the_text_before_it(void **state)
{
	static const struct {
		const char *text;
		const char *rest;
	} cases[] = {
		{"", ""},
		{"abc", "abc"},
		{"a\xc3\xbc", "a\xc3\xbc"},
		{"a\xc3", "a"},
		{"a\xe2\x82\xac", "a\xe2\x82\xac"},
		{"a\xe2\x82", "a"},
		{"a\xe2", "a"},
		{"a\xf0\x9f\x98\x80", "a\xf0\x9f\x98\x80"},
		{"a\xf0\x9f\x98", "a"},
		{"a\xf0\x9f", "a"},
		{"\xf0", ""},
		{"a\x80", "a\x80"}, /* not cut, but wrong from the start: utf8_mend()'s business */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		utf8_drop_cut_character(text);
		assert_string_equal(text, cases[i].rest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode_reads_characters),
		cmocka_unit_test(test_decode_refuses_what_is_none),
		cmocka_unit_test(test_valid_looks_at_the_whole_text),
		cmocka_unit_test(test_mend_replaces_each_byte_that_is_no_character),
		cmocka_unit_test(test_drop_cut_character_ends_the_text_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
