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

#include "memory_fake.h"
#include "plugin/foreign/avoid.h"
#include "rangeguard/array.h"

/** Plugins inside each other in test_depth(): two levels each, less than the 2048 that jansson takes */
#define DEPTH 1000U

/** avoid_text() - avoid_read() of a file with that text */
static int avoid_text(const char *text, struct gaps *gaps, struct error *reterr)
{
	char path[] = "/tmp/test_avoid.XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
	r = avoid_read(path, true, gaps, reterr);
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
	{"{\"type\": \"portmap\"}", "10.0.0.0/29"},
	{"{\"ipam\": {\"subnet\": \"10.0.0.0/28\"}}", "10.0.0.16/29"},
	/* All of the network is connected, whatever is given of it. */
	{"{\"ipam\": {\"subnet\": \"10.0.0.0/28\", \"rangeStart\": \"10.0.0.2\", \"rangeEnd\": \"10.0.0.3\"}}",
	 "10.0.0.16/29"},
	{"{\"ipam\": {\"type\": \"static\", \"addresses\": [{\"address\": \"10.0.0.9/28\"}]}}", "10.0.0.16/29"},
	{"{\"ipam\": {\"range\": \"10.0.0.17-10.0.0.20/27\"}}", "10.0.0.32/29"},
	{"{\"ipam\": {\"range\": \"10.0.0.0/27\", \"exclude\": [\"10.0.0.0/28\"]}}", "10.0.0.32/29"},
	{"{\"ipam\": {\"ipv4_pools\": [\"default\", \"10.0.0.0/26\"]}}", "10.0.0.64/29"},
	{"{\"bip\": \"10.0.0.1/29\"}", "10.0.0.8/29"},
	{"{\"fixed-cidr\": \"10.0.0.0/25\", \"fixed-cidr-v6\": \"fd00::/64\"}", "10.0.0.128/29"},
	{"{\"default-address-pools\": [{\"base\": \"10.0.0.0/26\", \"size\": 28}]}", "10.0.0.64/29"},
	{"{\"default-gateway\": \"10.0.0.7\"}", "10.0.0.8/29"},
	{"{\"subnets\": [{\"subnet\": \"10.0.0.0/8\"}]}", "none"},
	{"{\"subnets\": [{\"subnet\": \"::ffff:10.0.0.0/125\"}]}", "10.0.0.8/29"},
	{"{\"subnets\": [{\"subnet\": \"fd00::/64\"}]}", "10.0.0.0/29"},
	{"{\"reserved\": [{\"cidr\": \"10.0.0.0/29\"}, {\"range\": \"10.0.0.8-10.0.0.16\"}]}", "10.0.0.24/29"},
	{"{\"type\": \"rangeguard\", \"guard\": {\"reserved\": [{\"cidr\": \"10.0.0.0/29\"}]}}", "10.0.0.8/29"},
	{"{\"plugins\": [{}, {\"ipam\": {\"ranges\": [[{\"subnet\": \"10.0.0.0/29\"}, {\"subnet\": \"10.0.0.8/29\"}]]}}]}",
	 "10.0.0.16/29"},
	/* What is no network of this configuration */
	{"{\"type\": \"rangeguard\", \"granted\": [{\"cidr\": \"10.0.0.0/24\"}]}", "10.0.0.0/29"},
	{"{\"ipam\": {\"routes\": [{\"dst\": \"10.0.0.0/24\", \"subnet\": \"10.0.0.0/24\"}]}}", "10.0.0.0/29"},
	{"{\"type\": \"a\", \"prevResult\": {\"ips\": [{\"address\": \"10.0.0.0/24\"}]}}", "10.0.0.0/29"},
	{"{\"type\": \"a\", \"ipam\": {\"subnet\": null, \"range\": null}, \"name\": \"10.0.0.0/24\"}", "10.0.0.0/29"},
	/* What can't be read */
	{"{}", ""},
	{"[]", ""},
	{"{\"ipam\": {\"subnet\": \"10.0.0.0/33\"}}", ""},
	{"{\"ipam\": {\"type\": \"another\", \"subnet\": \"none\"}}", ""},
	{"{\"ipam\": {\"range\": \"10.0.0.9-10.0.0.8/24\"}}", ""},
	{"{\"ipam\": {\"range\": 7}}", ""},
	{"{\"bip\": \"\", \"bip6\": 1}", ""},
	{"{\"type\": \"x\", \"a\": 1, \"a\": 2}", ""},
	{"{", ""},
	{"", ""},
};

static void test_forms(void **state)
{
	char buffer[PREFIX_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(forms); i++)
		assert_string_equal(first_free(forms[i].text, buffer), forms[i].expected);
}

/* Each plugin delegates to the next one, as deep as jansson takes it. */
static void test_depth(void **state)
{
	static const char open[] = "{\"delegates\": [", inner[] = "{\"ipam\": {\"subnet\": \"10.0.0.0/29\"}}";
	char text[DEPTH * (sizeof(open) + 2) + sizeof(inner) + 32], buffer[PREFIX_TEXT_MAX];
	char *end = stpcpy(text, "{\"type\": \"multus\", \"delegates\": [");

	(void)state;
	for (size_t i = 0; i < DEPTH; i++)
		end = stpcpy(end, open);
	end = stpcpy(end, inner);
	for (size_t i = 0; i <= DEPTH; i++)
		end = stpcpy(end, "]}");
	assert_string_equal(first_free(text, buffer), "10.0.0.8/29");
}

static void test_out_of_memory(void **state)
{
	char buffer[PREFIX_TEXT_MAX];

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		const char *found;

		memory_fail_in = nth;
		found = first_free("{\"ipam\": {\"subnet\": \"10.0.0.0/29\"}}", buffer);
		if (memory_fail_in > 0) {
			assert_string_equal(found, "10.0.0.8/29");
			assert_true(nth > 2);
			break;
		}
		assert_string_equal(found, "");
	}
	memory_fail_in = 0;
}

static void test_missing_file(void **state)
{
	struct prefix within = {.address = {.family = FAMILY_IPV4}, .length = 8};
	GAPS_CLEANUP struct gaps gaps;
	struct error error = {0};

	(void)state;
	assert_int_equal(gaps_init(&gaps, &within, 24), 0);
	assert_int_equal(avoid_read("/nonexistent/file", true, &gaps, &error), REFUSED);
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
