/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a configuration takes, form by form: the first free /29 of 10.0.0.0/24 tells. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/commands/avoid.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof(*(array)))
/** Arrays inside each other in test_depth(), less than jansson takes; and siblings, more than one allocation holds */
#define DEPTH 2000U

/* Allocations of the code under test go through this (-Wl,--wrap); the one that @fail_in counts down to fails. */
static unsigned long fail_in;

void *__real_reallocarray(void *memory, size_t n, size_t size);
void *__wrap_reallocarray(void *memory, size_t n, size_t size);

void *__wrap_reallocarray(void *memory, size_t n, size_t size)
{
	return fail_in > 0 && --fail_in == 0 ? NULL : __real_reallocarray(memory, n, size);
}

/** avoid_text() - avoid_read() of a file with that text */
static int avoid_text(const char *text, struct gaps *gaps, struct error *reterr)
{
	char path[] = "/tmp/test_avoid.XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
	r = avoid_read(path, gaps, reterr);
	assert_int_equal(unlink(path), 0);
	return r;
}

/** first_free() - The first free /29 of 10.0.0.0/24 beside what @text takes, "" when it can't be read */
static const char *first_free(const char *text, char buffer[static PREFIX_TEXT_MAX])
{
	struct prefix within = {.address = {.family = FAMILY_IPV4, .value = 0x0a000000}, .length = 24}, subnet;
	GAPS_CLEANUP struct gaps gaps;
	struct error error = {0};

	buffer[0] = '\0';
	assert_int_equal(gaps_init(&gaps, &within, 29), 0);
	if (avoid_text(text, &gaps, &error)) {
		assert_true(error.code != 0);
		assert_true(strlen(error.msg) > 0);
		return buffer;
	}
	gaps_start(&gaps);
	return gaps_next(&gaps, &subnet) ? prefix_format(&subnet, buffer) : "none";
}

static const struct {
	const char *text;
	const char *expected;
} forms[] = {
	{"{}", "10.0.0.0/29"},
	{"[]", "10.0.0.0/29"},
	{"{\"subnet\": \"10.0.0.0/28\"}", "10.0.0.16/29"},
	/* Host bits: the whole network is connected. */
	{"{\"address\": \"10.0.0.9/28\"}", "10.0.0.16/29"},
	{"{\"bip\": \"10.0.0.1/29\"}", "10.0.0.8/29"},
	{"{\"cidr\": \"10.0.0.7\"}", "10.0.0.8/29"},
	{"{\"range\": \"10.0.0.7-10.0.0.8\"}", "10.0.0.16/29"},
	{"{\"range\": \"10.0.0.17-10.0.0.20/27\"}", "10.0.0.32/29"},
	{"{\"fixed-cidr\": \"10.0.0.0/25\", \"fixed-cidr-v6\": \"fd00::/64\"}", "10.0.0.128/29"},
	{"{\"default-address-pools\": [{\"base\": \"10.0.0.0/26\", \"size\": 28}]}", "10.0.0.64/29"},
	{"{\"subnet\": \"10.0.0.0/8\"}", "none"},
	{"{\"subnet\": \"::ffff:10.0.0.0/125\"}", "10.0.0.8/29"},
	{"{\"subnet\": \"fd00::/64\"}", "10.0.0.0/29"},
	/* At any depth */
	{"{\"plugins\": [{}, {\"ipam\": {\"ranges\": [[{\"subnet\": \"10.0.0.0/29\"}, {\"subnet\": \"10.0.0.8/29\"}]]}}]}",
	 "10.0.0.16/29"},
	/* What is no network of this configuration */
	{"{\"granted\": [{\"cidr\": \"10.0.0.0/24\"}]}", "10.0.0.0/29"},
	{"{\"routes\": [{\"dst\": \"10.0.0.0/24\", \"subnet\": \"10.0.0.0/24\"}]}", "10.0.0.0/29"},
	{"{\"prevResult\": {\"ips\": [{\"address\": \"10.0.0.0/24\"}]}}", "10.0.0.0/29"},
	{"{\"subnet\": null, \"range\": 7, \"name\": \"10.0.0.0/24\"}", "10.0.0.0/29"},
	/* What can't be read */
	{"{\"subnet\": \"10.0.0.0/33\"}", ""},
	{"{\"subnet\": \"\"}", ""},
	{"{\"range\": \"10.0.0.9-10.0.0.8\"}", ""},
	{"{\"a\": 1, \"a\": 2}", ""},
	{"{", ""},
	{"", ""},
};

static void test_forms(void **state)
{
	char buffer[PREFIX_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(forms); i++)
		assert_string_equal(first_free(forms[i].text, buffer), forms[i].expected);
}

/** repeat() - Write @text @n times, and a NUL; return where the NUL is */
static char *repeat(char *at, const char *text, size_t n)
{
	for (; n > 0; n--)
		for (const char *c = text; *c; c++)
			*at++ = *c;
	*at = '\0';
	return at;
}

static void test_depth(void **state)
{
	static const char inner[] = "{\"subnet\": \"10.0.0.0/29\"}";
	char text[4 * DEPTH], buffer[PREFIX_TEXT_MAX];

	(void)state;
	(void)repeat(repeat(repeat(text, "[", DEPTH), inner, 1), "]", DEPTH);
	assert_string_equal(first_free(text, buffer), "10.0.0.8/29");
	(void)repeat(repeat(repeat(repeat(text, "[", 1), "[],", DEPTH), inner, 1), "]", 1);
	assert_string_equal(first_free(text, buffer), "10.0.0.8/29");
}

static void test_out_of_memory(void **state)
{
	char buffer[PREFIX_TEXT_MAX];

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		const char *found;

		fail_in = nth;
		found = first_free("{\"ipam\": {\"subnet\": \"10.0.0.0/29\"}}", buffer);
		if (fail_in > 0) {
			assert_string_equal(found, "10.0.0.8/29");
			assert_true(nth > 2);
			break;
		}
		assert_string_equal(found, "");
	}
	fail_in = 0;
}

static void test_missing_file(void **state)
{
	struct prefix within = {.address = {.family = FAMILY_IPV4}, .length = 8};
	GAPS_CLEANUP struct gaps gaps;
	struct error error = {0};

	(void)state;
	assert_int_equal(gaps_init(&gaps, &within, 24), 0);
	assert_int_equal(avoid_read("/nonexistent/file", &gaps, &error), REFUSED);
	assert_int_equal(error.code, ERROR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_missing_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
