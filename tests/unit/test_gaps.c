/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Free subnets against what they must be: aligned, inside the block, untouched, lowest first. Tables of cases, and a
 * naive search over each candidate of a small block.
 */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/address/gaps.h"
#include "memory_fake.h"
#include "rangeguard/array.h"

#define ROUNDS 3000U
#define SPANS_MAX 12U
#define TEXT_MAX 512U

/** prefix_of() - Prefix of its text */
static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

/** span_of() - Span of "ADDRESS/LENGTH" or "FIRST-LAST" */
static struct span span_of(const char *text)
{
	struct prefix prefix;
	struct span span;

	if (prefix_parse(text, &prefix) == 0)
		return prefix_span(&prefix);
	assert_int_equal(span_parse(text, &span), 0);
	return span;
}

/**
 * struct search - A block, what is taken of it (ends with NULL), and the first @count free subnets
 * @length:	Of the subnets
 */
struct search {
	const char *within;
	uint8_t length;
	const char *taken[5];
	unsigned count;
	const char *expected;
};

static const struct search searches[] = {
	{"10.0.0.0/22", 24, {NULL}, 9, "10.0.0.0/24 10.0.1.0/24 10.0.2.0/24 10.0.3.0/24 "},
	{"10.0.0.0/22", 24, {NULL}, 2, "10.0.0.0/24 10.0.1.0/24 "},
	{"10.0.0.0/24", 24, {NULL}, 9, "10.0.0.0/24 "},
	/* One address is enough to spoil a subnet, at its first and at its last address. */
	{"10.0.0.0/22", 24, {"10.0.1.255-10.0.1.255", "10.0.3.0-10.0.3.0"}, 9, "10.0.0.0/24 10.0.2.0/24 "},
	{"10.0.0.0/22", 24, {"10.0.0.255-10.0.2.0"}, 9, "10.0.3.0/24 "},
	/* Neighbours on both sides of the block do not matter. */
	{"10.0.4.0/23", 24, {"10.0.3.0/24", "10.0.6.0/24"}, 9, "10.0.4.0/24 10.0.5.0/24 "},
	{"10.0.4.0/23", 24, {"10.0.3.0-10.0.4.0", "10.0.5.255-10.0.6.0"}, 9, ""},
	{"10.0.4.0/23", 24, {"10.0.0.0/8"}, 9, ""},
	{"10.0.4.0/23", 24, {"2001:db8::/32", "::/0"}, 9, "10.0.4.0/24 10.0.5.0/24 "},
	/* What began earlier may end later than what comes behind it. */
	{"10.0.0.0/22", 24, {"10.0.1.0/30", "10.0.0.0-10.0.2.9", "10.0.2.0/32"}, 9, "10.0.3.0/24 "},
	{"10.0.0.0/22", 24, {"10.0.2.0/24", "10.0.0.0/24", "10.0.2.0/24"}, 9, "10.0.1.0/24 10.0.3.0/24 "},
	/* The ends of the families, where the next address has no number. */
	{"255.255.255.254/31", 32, {NULL}, 9, "255.255.255.254/32 255.255.255.255/32 "},
	{"255.255.255.254/31", 32, {"255.255.255.254/32"}, 9, "255.255.255.255/32 "},
	{"0.0.0.0/0", 1, {"127.255.255.255/32"}, 9, "128.0.0.0/1 "},
	{"0.0.0.0/0", 0, {NULL}, 9, "0.0.0.0/0 "},
	{"::/0", 0, {NULL}, 9, "::/0 "},
	{"::/0", 0, {"::1/128"}, 9, ""},
	{"::/0", 1, {"::/1"}, 9, "8000::/1 "},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
	 128,
	 {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128"},
	 9,
	 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 "},
	{"fd00::/8", 64, {"fd00::/9", "fd80::-fd80::ffff"}, 2, "fd80:0:0:1::/64 fd80:0:0:2::/64 "},
};

static void test_searches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(searches); i++) {
		struct prefix within = prefix_of(searches[i].within), subnet;
		char found[TEXT_MAX] = "", text[PREFIX_TEXT_MAX];
		GAPS_CLEANUP struct gaps gaps;

		assert_int_equal(gaps_init(&gaps, &within, searches[i].length), 0);
		for (size_t j = 0; searches[i].taken[j]; j++) {
			struct span span = span_of(searches[i].taken[j]);

			assert_int_equal(gaps_take(&gaps, &span), 0);
		}
		gaps_start(&gaps);
		for (unsigned j = 0; j < searches[i].count && gaps_next(&gaps, &subnet); j++)
			(void)snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s ",
				       prefix_format(&subnet, text));
		assert_string_equal(found, searches[i].expected);
	}
}

static void test_length_must_fit(void **state)
{
	static const struct {
		const char *within;
		uint8_t length;
		int r;
	} cases[] = {
		{"10.0.0.0/16", 15, -EINVAL}, {"10.0.0.0/16", 16, 0},	  {"10.0.0.0/16", 32, 0},
		{"10.0.0.0/16", 33, -EINVAL}, {"fd00::/48", 47, -EINVAL}, {"fd00::/48", 128, 0},
		{"fd00::/48", 129, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct prefix within = prefix_of(cases[i].within);
		GAPS_CLEANUP struct gaps gaps;

		assert_int_equal(gaps_init(&gaps, &within, cases[i].length), cases[i].r);
	}
}

/** is_free() - The naive answer: no span touches the subnet */
static bool is_free(const struct span *subnet, const struct span *spans, size_t n_spans)
{
	for (size_t i = 0; i < n_spans; i++)
		if (span_overlaps(subnet, &spans[i]))
			return false;
	return true;
}

static void test_agrees_with_naive_search(void **state)
{
	struct prefix within = prefix_of("10.0.4.0/22");
	struct span block = prefix_span(&within);

	(void)state;
	srandom(7);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint8_t length = (uint8_t)(22 + random() % 11);
		size_t n_spans = (size_t)random() % SPANS_MAX;
		struct prefix expected = {.length = length}, subnet;
		struct span spans[SPANS_MAX], candidate;
		GAPS_CLEANUP struct gaps gaps;

		assert_int_equal(gaps_init(&gaps, &within, length), 0);
		for (size_t i = 0; i < n_spans; i++) {
			spans[i] = (struct span){.family = FAMILY_IPV4};
			spans[i].first = block.first - 300 + (u128)random() % 1500;
			spans[i].last = spans[i].first + (u128)random() % (random() % 4 ? 20 : 600);
			assert_int_equal(gaps_take(&gaps, &spans[i]), 0);
		}
		gaps_start(&gaps);
		for (u128 at = block.first; at <= block.last; at += (u128)1 << (32 - length)) {
			expected.address = (struct address){.family = FAMILY_IPV4, .value = at};
			candidate = prefix_span(&expected);
			if (!is_free(&candidate, spans, n_spans))
				continue;
			assert_true(gaps_next(&gaps, &subnet));
			assert_true(address_equal(&subnet.address, &expected.address));
			assert_int_equal(subnet.length, length);
		}
		assert_false(gaps_next(&gaps, &subnet));
		assert_false(gaps_next(&gaps, &subnet));
	}
}

/* All of IPv6 is taken but its last address: a search that tried each candidate would not come to an end here. */
static void test_never_looks_inside_taken(void **state)
{
	struct prefix within = prefix_of("::/0"), subnet;
	struct span taken = span_of("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
	GAPS_CLEANUP struct gaps gaps;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	assert_int_equal(gaps_init(&gaps, &within, 128), 0);
	assert_int_equal(gaps_take(&gaps, &taken), 0);
	gaps_start(&gaps);
	assert_true(gaps_next(&gaps, &subnet));
	assert_string_equal(prefix_format(&subnet, text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
	assert_false(gaps_next(&gaps, &subnet));
}

static void test_out_of_memory(void **state)
{
	struct prefix within = prefix_of("10.0.0.0/8");
	struct span taken = span_of("10.0.0.0/24");
	unsigned failures = 0;

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		GAPS_CLEANUP struct gaps gaps;
		int r = 0;

		assert_int_equal(gaps_init(&gaps, &within, 24), 0);
		memory_fail_in = nth;
		for (unsigned i = 0; i < 200 && r == 0; i++)
			r = gaps_take(&gaps, &taken);
		if (memory_fail_in > 0)
			break;
		assert_int_equal(r, -ENOMEM);
		failures++;
	}
	memory_fail_in = 0;
	assert_true(failures > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_searches),
		cmocka_unit_test(test_length_must_fit),
		cmocka_unit_test(test_agrees_with_naive_search),
		cmocka_unit_test(test_never_looks_inside_taken),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
