/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report.c: JSON pointers that grow and shrink, and the listener of the verbs. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/report/report.h"

/* RFC 6901 section 3: '~' is "~0", '/' is "~1". */
static void pointer_escapes_and_returns(void **state)
{
	struct pointer pointer = {0};
	size_t outer, inner;

	(void)state;
	outer = pointer_push_key(&pointer, "a/b~c");
	assert_string_equal(pointer.text, "/a~1b~0c");
	inner = pointer_push_index(&pointer, 12);
	assert_string_equal(pointer.text, "/a~1b~0c/12");
	pointer_pop(&pointer, inner);
	assert_string_equal(pointer.text, "/a~1b~0c");
	pointer_pop(&pointer, outer);
	assert_string_equal(pointer.text, "");
}

static void pointer_stays_in_bounds(void **state)
{
	char key[POINTER_MAX * 2];
	struct pointer pointer = {0};
	size_t mark;

	(void)state;
	memset(key, '/', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	mark = pointer_push_key(&pointer, key);
	assert_true(pointer.length < POINTER_MAX);
	assert_int_equal(strlen(pointer.text), pointer.length);
	pointer_pop(&pointer, mark);
	assert_string_equal(pointer.text, "");
}

/** The code that each rule becomes: section 7 of the contract */
static const struct {
	enum rule rule;
	int code;
} codes[] = {
	{RULE_NOT_JSON, 6},
	{RULE_UNKNOWN_KEY, 2},
	{RULE_INVALID_VALUE, 7},
	{RULE_VERSION, 1},
	{RULE_DUPLICATE, 7},
	{RULE_RANGE_RESERVED, 100},
	{RULE_GATEWAY_RESERVED, 100},
	{RULE_ADDRESS_RESERVED, 100},
	{RULE_SNAT_RESERVED, 100},
	{RULE_OVERLAP, 7},
	{RULE_HOST_ROUTE, 104},
	{RULE_NO_ADDRESS, 7},
	{RULE_SNAT, 103},
	{RULE_POLICY, 102},
};

static void rules_become_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct first_error first;
		struct error err = {0};

		first_error_init(&first, &err, ERROR_NONE);
		report_error(&first.report, codes[i].rule, "file", "/a", "text %d", 1);
		assert_int_equal(err.code, codes[i].code);
	}
}

static void first_error_counts(void **state)
{
	struct first_error first;
	struct error err = {0};

	(void)state;
	first_error_init(&first, &err, ERROR_NONE);
	report_warning(&first.report, RULE_POLICY, "file", "/w", "a warning");
	assert_int_equal(err.code, 0);
	report_error(&first.report, RULE_UNKNOWN_KEY, "file", "/a", "one");
	report_error(&first.report, RULE_NOT_JSON, "file", "/b", "two");
	assert_int_equal(err.code, 2);
	assert_string_equal(err.msg, "one (at /a in file)");
	assert_int_equal(first.report.errors, 2);
	assert_int_equal(first.report.warnings, 1);
}

static void one_code_for_all_when_told(void **state)
{
	struct first_error first;
	struct error err = {0};

	(void)state;
	first_error_init(&first, &err, ERROR_POLICY);
	report_error(&first.report, RULE_UNKNOWN_KEY, "policy.json", "/reserved/0/cdir", "unknown key");
	assert_int_equal(err.code, 102);
}

static void lines_are_places_that_no_json_pointer_is(void **state)
{
	static const struct {
		const char *place;
		unsigned line;
	} cases[] = {{"line 1", 1},	     {"line 4294967295", UINT32_MAX},
		     {"line 4294967296", 0}, {"line 42949672950", 0},
		     {"line 1 ", 0},	     {"", 0},
		     {"/line 1", 0},	     {"/0", 0},
		     {"line ", 0},	     {"line x", 0}};
	char place[POINTER_LINE_MAX];

	(void)state;
	assert_string_equal(pointer_of_line(42, place), "line 42");
	assert_string_equal(pointer_of_line(UINT32_MAX, place), "line 4294967295");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(pointer_line(cases[i].place), cases[i].line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointer_escapes_and_returns),
		cmocka_unit_test(pointer_stays_in_bounds),
		cmocka_unit_test(rules_become_codes),
		cmocka_unit_test(first_error_counts),
		cmocka_unit_test(one_code_for_all_when_told),
		cmocka_unit_test(lines_are_places_that_no_json_pointer_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
