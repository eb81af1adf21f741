/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Positions in JSON texts: those a person would point at, and none outside the text whatever it holds. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_fake.h"
#include "plugin/text/locate.h"
#include "rangeguard/array.h"

/** What jansson takes: JSON_PARSER_MAX_DEPTH */
#define DEPTH_MAX 2048U

static const char policy[] = "{\n"
			     "  \"reserved\": [\n"
			     "    {\"cidr\": \"10.0.0.0/8\", \"owner\": \"db\"},\n"
			     "\t{\"range\": [1, {\"a\": true}], \"x-{[\\\"]}\": \"},{\\\\\"}\n"
			     "  ],\r\n"
			     "  \"a/b\": 1, \"m~n\": 2, \"\": 3, \" \": {\"\": {}},\n"
			     "  \"stra\xc3\x9f"
			     "e\": \"\xe2\x82\xac\xf0\x9f\x98\x80\", \"after\": null,\n"
			     "  \"esc\\u0061pe\\uD83D\\uDE00\\n\\/\\u20ac\": [], \"7\": [\"x\"]\n"
			     "}\n";

/** struct place - Where @pointer is in @policy: its value, and its key; @r as locate() has it */
struct place {
	const char *pointer;
	int r;
	unsigned line;
	unsigned column;
	unsigned key_line;
	unsigned key_column;
};

static const struct place places[] = {
	{"", 0, 1, 1, 1, 1},
	{"/reserved", 0, 2, 15, 2, 3},
	{"/reserved/0", 0, 3, 5, 3, 5},
	{"/reserved/0/cidr", 0, 3, 14, 3, 6},
	{"/reserved/0/owner", 0, 3, 37, 3, 28},
	{"/reserved/1", 0, 4, 2, 4, 2},
	{"/reserved/1/range", 0, 4, 12, 4, 3},
	{"/reserved/1/range/0", 0, 4, 13, 4, 13},
	{"/reserved/1/range/1/a", 0, 4, 22, 4, 17},
	{"/reserved/1/x-{[\"]}", 0, 4, 42, 4, 30},
	/* RFC 6901: escaped and empty keys */
	{"/a~1b", 0, 6, 10, 6, 3},
	{"/m~0n", 0, 6, 20, 6, 13},
	{"/", 0, 6, 27, 6, 23},
	{"/ /", 0, 6, 40, 6, 36},
	/* Columns are characters */
	{"/stra\xc3\x9f"
	 "e",
	 0, 7, 13, 7, 3},
	{"/after", 0, 7, 28, 7, 19},
	/* Escaped keys are those they stand for */
	{"/escape\xf0\x9f\x98\x80\n~1\xe2\x82\xac", 0, 8, 40, 8, 3},
	{"/7/0", 0, 8, 50, 8, 50},
	/* What is not there: the innermost value on the way */
	{"/reserved/0/reason", LOCATE_E_ANCESTOR, 3, 5, 3, 5},
	{"/reserved/2", LOCATE_E_ANCESTOR, 2, 15, 2, 15},
	{"/reserved/2/cidr", LOCATE_E_ANCESTOR, 2, 15, 2, 15},
	{"/reserved/00", LOCATE_E_ANCESTOR, 2, 15, 2, 15},
	{"/reserved/-", LOCATE_E_ANCESTOR, 2, 15, 2, 15},
	{"/reserved/", LOCATE_E_ANCESTOR, 2, 15, 2, 15},
	{"/reserved/0x0", LOCATE_E_ANCESTOR, 2, 15, 2, 15},
	{"/reserved/18446744073709551616", LOCATE_E_ANCESTOR, 2, 15, 2, 15},
	{"/reserved/18446744073709551617", LOCATE_E_ANCESTOR, 2, 15, 2, 15},
	{"/reserved/92233720368547758081", LOCATE_E_ANCESTOR, 2, 15, 2, 15},
	{"/reserved/0/cidr/0", LOCATE_E_ANCESTOR, 3, 14, 3, 14},
	{"/reserve", LOCATE_E_ANCESTOR, 1, 1, 1, 1},
	{"/reservedd", LOCATE_E_ANCESTOR, 1, 1, 1, 1},
	{"/a/b", LOCATE_E_ANCESTOR, 1, 1, 1, 1},
	{"/ //x", LOCATE_E_ANCESTOR, 6, 40, 6, 40},
	{"/escape", LOCATE_E_ANCESTOR, 1, 1, 1, 1},
	{"/m~", LOCATE_E_ANCESTOR, 1, 1, 1, 1},
};

static void test_places(void **state)
{
	json_t *json = json_loads(policy, 0, NULL);

	(void)state;
	assert_non_null(json);
	json_decref(json);
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		const struct place *place = &places[i];
		unsigned line = 0, column = 0;

		if (locate(policy, strlen(policy), place->pointer, false, &line, &column) != place->r)
			fail_msg("\"%s\" is at %u:%u", place->pointer, line, column);
		if (line != place->line || column != place->column)
			fail_msg("\"%s\" is not at %u:%u", place->pointer, line, column);
		assert_int_equal(locate(policy, strlen(policy), place->pointer, true, &line, &column), place->r);
		if (line != place->key_line || column != place->key_column)
			fail_msg("key \"%s\" is not at %u:%u", place->pointer, line, column);
	}
}

/* Whatever was looked for before: after each place each other one is found where it is */
static void test_one_after_the_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		struct locator locator;

		locator_init(&locator, policy, strlen(policy));
		for (size_t j = 0; j < ARRAY_LENGTH(places); j++) {
			const struct place *pair[] = {&places[i], &places[j]};

			for (size_t k = 0; k < 2; k++) {
				unsigned line = 0, column = 0;

				if (locator_find(&locator, pair[k]->pointer, j % 2, &line, &column) != pair[k]->r ||
				    line != (j % 2 ? pair[k]->key_line : pair[k]->line) ||
				    column != (j % 2 ? pair[k]->key_column : pair[k]->column))
					fail_msg("\"%s\" is at %u:%u beside \"%s\"", pair[k]->pointer, line, column,
						 pair[!k]->pointer);
			}
		}
		locator_done(&locator);
	}
}

/* Steps beyond those that a locator remembers */
static void test_deep_places(void **state)
{
	char text[256], pointer[128];
	char *text_end = text, *pointer_end = pointer;
	struct locator locator;
	unsigned line, column;

	(void)state;
	for (unsigned i = 0; i < 2 * LOCATOR_LEVELS_MAX; i++) {
		text_end = stpcpy(text_end, "[0,");
		pointer_end = stpcpy(pointer_end, "/1");
	}
	*text_end++ = '7';
	for (unsigned i = 0; i < 2 * LOCATOR_LEVELS_MAX; i++)
		text_end = stpcpy(text_end, "]");
	locator_init(&locator, text, strlen(text));
	for (unsigned length = 2 * 2 * LOCATOR_LEVELS_MAX; length > 0; length -= 2) {
		pointer[length] = '\0';
		assert_int_equal(locator_find(&locator, pointer, false, &line, &column), 0);
		assert_int_equal(column, length / 2 * 3 + 1);
	}
	locator_done(&locator);
}

static void test_last_of_equal_keys_counts(void **state)
{
	static const char text[] = "{\"a\": 1, \"b\": {\"c\": 1}, \"\\u0061\": 2, \"b\": {}}";
	unsigned line, column;

	(void)state;
	assert_int_equal(locate(text, strlen(text), "/a", false, &line, &column), 0);
	assert_int_equal(column, 35);
	assert_int_equal(locate(text, strlen(text), "/a", true, &line, &column), 0);
	assert_int_equal(column, 25);
	assert_int_equal(locate(text, strlen(text), "/b/c", false, &line, &column), LOCATE_E_ANCESTOR);
	assert_int_equal(column, 43);
}

static void test_leading_blanks(void **state)
{
	unsigned line, column;

	(void)state;
	assert_int_equal(locate("\n\n  [1]", 7, "", false, &line, &column), 0);
	assert_int_equal(line, 3);
	assert_int_equal(column, 3);
	assert_int_equal(locate("", 0, "", false, &line, &column), 0);
	assert_int_equal(line, 1);
	assert_int_equal(column, 1);
}

/** struct told - What locate_duplicates() found, as "POINTER LINE:COLUMN;" */
struct told {
	char text[2048];
};

static void tell(void *userdata, const char *pointer, unsigned line, unsigned column)
{
	struct told *told = userdata;
	size_t length = strlen(told->text);

	(void)snprintf(told->text + length, sizeof(told->text) - length, "%s %u:%u;", pointer, line, column);
}

static void test_missing_values(void **state)
{
	unsigned line, column;

	(void)state;
	assert_int_equal(locate("{\"a\": [{\"x\":}, 1], \"b\": 2}", 26, "/b", false, &line, &column), 0);
	assert_int_equal(column, 25);
	assert_int_equal(locate("{\"a\": }", 8, "/b", false, &line, &column), LOCATE_E_ANCESTOR);
}

static void test_duplicates(void **state)
{
	static const struct {
		const char *text;
		const char *told;
	} cases[] = {
		{"{}", ""},
		{"[1, 1, \"a\", \"a\"]", ""},
		{"{\"a\": 1, \"b\": 1, \"A\": 1}", ""},
		{"{\"a\": \"a\", \"b\": [\"a\", \"b\"], \"c\": {\"a\": 1}}", ""},
		{"[{\"a\": 1}, {\"a\": 1}]", ""},
		{"{\"a\": 1,\n \"a\": 2}", "/a 2:2;"},
		{"{\"a\": 1, \"b\": 0, \"a\": 2,\n\"a\": 3}", "/a 1:18;/a 2:1;"},
		{"{\"a\": {\"x\": 1}, \"b\": 2, \"a\": 2, \"b\": 1}", "/a 1:25;/b 1:33;"},
		{"{\"a\": [0, {\"k/~\": [], \"k/~\": []}]}", "/a/1/k~1~0 1:23;"},
		{"{\"p\": {\"q\": {\"r\": 1, \"r\": 1}}, \"s\": {\"t\": 1, \"t\": 1}}", "/p/q/r 1:22;/s/t 1:46;"},
		{"{\"a\": 1, \"\\u0061\": 2}", "/a 1:10;"},
		{"{\"\": 1, \"\": 2}", "/ 1:9;"},
		{"{\"\\u00df\": 1, \"\xc3\x9f\": 2, \"\\u20ac\": 3}", "/\xc3\x9f 1:15;"},
		{"{\"\xc3\x9f\": 1, \"\xc3\x9f\": 2}", "/\xc3\x9f 1:10;"},
		{"{\"ab\": 1, \"a\": 1, \"abc\": 1, \"b\": 1}", ""},
		{"[{\"a\": {\"b\": 1}}, {\"c\": 1, \"c\": {\"a\": 0}}]", "/1/c 1:28;"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		json_t *json = json_loads(cases[i].text, 0, NULL);
		struct told told = {.text = ""};

		assert_non_null(json);
		json_decref(json);
		assert_int_equal(locate_duplicates(cases[i].text, strlen(cases[i].text), tell, &told), 0);
		if (strcmp(told.text, cases[i].told) != 0)
			fail_msg("case %zu: \"%s\" instead of \"%s\"", i, told.text, cases[i].told);
	}
}

/** ignore() - Listener that counts */
static void ignore(void *userdata, const char *pointer, unsigned line, unsigned column)
{
	(void)pointer;
	(void)line;
	(void)column;
	++*(unsigned *)userdata;
}

static void test_depth(void **state)
{
	static char text[2 * (DEPTH_MAX + 1)];
	unsigned line, column, n = 0;
	json_t *json;

	(void)state;
	memset(text, '[', DEPTH_MAX);
	memset(text + DEPTH_MAX, ']', DEPTH_MAX);
	json = json_loadb(text, (size_t)2 * DEPTH_MAX, 0, NULL);
	assert_non_null(json);
	json_decref(json);
	assert_int_equal(locate_duplicates(text, (size_t)2 * DEPTH_MAX, ignore, &n), 0);
	memset(text, '[', DEPTH_MAX + 1);
	assert_int_equal(locate_duplicates(text, (size_t)2 * DEPTH_MAX, ignore, &n), -E2BIG);
	assert_int_equal(locate(text, sizeof(text), "/0/0/1", false, &line, &column), LOCATE_E_ANCESTOR);
	assert_int_equal(column, 3);
}

/** A million equal keys: with a position counted from the start for each this would not end in time */
static void test_many_duplicates(void **state)
{
	const size_t n = 1000000;
	char *text = malloc(8 * n + 2);
	unsigned told = 0;

	(void)state;
	assert_non_null(text);
	text[0] = '{';
	for (size_t i = 0; i < 8 * n; i++)
		text[1 + i] = "\"a\" :1 ,"[i % 8];
	text[8 * n] = '}';
	assert_int_equal(locate_duplicates(text, 8 * n + 1, ignore, &told), 0);
	assert_int_equal(told, n - 1);
	free(text);
}

/** Each beginning of the text, and the text with each byte replaced, in a block of just its size */
static void test_malformed_stays_inside(void **state)
{
	static const char bytes[] = "\"\\{}[],:u\0\xff";
	size_t size = strlen(policy);

	(void)state;
	for (size_t i = 0; i < size * sizeof(bytes); i++) {
		size_t cut = i < size ? i : size, n_places = i % ARRAY_LENGTH(places);
		char *text = malloc(cut + (cut == 0));
		unsigned line = 0, column = 0, told = 0;

		assert_non_null(text);
		memcpy(text, policy, cut);
		if (i >= size)
			text[i % size] = bytes[i / size - 1];
		(void)locate(text, cut, places[n_places].pointer, i % 2, &line, &column);
		assert_in_range(line, 1, 12);
		assert_in_range(column, 1, size + 1);
		assert_int_equal(locate_duplicates(text, cut, ignore, &told), 0);
		free(text);
	}
}

static void test_out_of_memory(void **state)
{
	char text[2048] = "{\"a\": 1";
	int r;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ", \"%u\": 0", i);
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ", \"a\": 2}");
	for (unsigned long nth = 1;; nth++) {
		unsigned told = 0;

		memory_fail_in = nth;
		r = locate_duplicates(text, strlen(text), ignore, &told);
		if (memory_fail_in > 0) {
			memory_fail_in = 0;
			assert_int_equal(r, 0);
			assert_int_equal(told, 1);
			assert_true(nth > 4);
			return;
		}
		assert_int_equal(r, -ENOMEM);
		assert_int_equal(told, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),		cmocka_unit_test(test_one_after_the_other),
		cmocka_unit_test(test_deep_places),	cmocka_unit_test(test_last_of_equal_keys_counts),
		cmocka_unit_test(test_leading_blanks),	cmocka_unit_test(test_missing_values),
		cmocka_unit_test(test_duplicates),	cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_duplicates), cmocka_unit_test(test_malformed_stays_inside),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
