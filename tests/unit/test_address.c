/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and spans as text and number. IPv4-mapped IPv6 addresses are IPv4. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ipam/address/address.h"
#include "rangeguard/array.h"

#define ALL_ONES "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

/** struct text_case - What is read, and how it is written; NULL: it is refused */
struct text_case {
	const char *text;
	const char *written;
};

static const struct text_case addresses[] = {
	{"10.0.0.1", "10.0.0.1"},
	{"0.0.0.0", "0.0.0.0"},
	{"255.255.255.255", "255.255.255.255"},
	{"::", "::"},
	{ALL_ONES, ALL_ONES},
	/* RFC 5952: lower case, no leading zeros, the longest run of zeros, the first of equals, not a single one */
	{"2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
	{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
	{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
	/* RFC 4291 section 2.5.5.2 */
	{"::ffff:10.0.0.1", "10.0.0.1"},
	{"::ffff:a00:1", "10.0.0.1"},
	{"0:0:0:0:0:FFFF:10.0.0.1", "10.0.0.1"},
	{"::fffe:a00:1", "::fffe:a00:1"},
	{"::1:ffff:a00:1", "::1:ffff:a00:1"},
	{"", NULL},
	{"10.0.0", NULL},
	{"10.0.0.256", NULL},
	{"10.0.0.01", NULL},
	{"10.0.0.1 ", NULL},
	{" 10.0.0.1", NULL},
	{"0x0a.0.0.1", NULL},
	{"10.1", NULL},
	{"10.0.0.1/32", NULL},
	{"fe80::1%eth0", NULL},
	{":::", NULL},
	{"1::2::3", NULL},
	{"12345::", NULL},
	{"1:2:3:4:5:6:7:8:9", NULL},
};

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
		struct address address, again;
		char text[ADDRESS_TEXT_MAX];
		uint8_t bytes[ADDRESS_BYTES_MAX];

		if (!addresses[i].written) {
			assert_int_equal(address_parse(addresses[i].text, &address), -EINVAL);
			continue;
		}
		assert_int_equal(address_parse(addresses[i].text, &address), 0);
		assert_string_equal(address_format(&address, text), addresses[i].written);
		address_to_bytes(&address, bytes);
		again = address_from_bytes(address.family, bytes);
		assert_true(address_equal(&address, &again));
	}
}

/* Values and bytes stand in the order of the text. */
static void test_bytes(void **state)
{
	static const uint8_t ipv4[] = {10, 20, 30, 40};
	static const uint8_t ipv6[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34};
	static const uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 20, 30, 40};
	struct address address = address_from_bytes(FAMILY_IPV4, ipv4), other;
	uint8_t bytes[ADDRESS_BYTES_MAX];

	(void)state;
	assert_true(address.family == FAMILY_IPV4 && address.value == 0x0a141e28);
	other = address_from_bytes(FAMILY_IPV6, mapped);
	assert_true(address_equal(&address, &other));
	address = address_from_bytes(FAMILY_IPV6, ipv6);
	assert_true(address.family == FAMILY_IPV6);
	assert_true(address.value >> 64 == 0x20010db800000000 && (uint64_t)address.value == 0x1234);
	address_to_bytes(&address, bytes);
	assert_memory_equal(bytes, ipv6, sizeof(ipv6));
	/* The same number in the other family is another address. */
	address = (struct address){.family = FAMILY_IPV4, .value = 1};
	other = (struct address){.family = FAMILY_IPV6, .value = 1};
	assert_false(address_equal(&address, &other));
	assert_int_equal(family_bits(FAMILY_IPV4), 32);
	assert_int_equal(family_bits(FAMILY_IPV6), 128);
	assert_int_equal(family_bytes(FAMILY_IPV6), 16);
	assert_int_equal(family_bits(FAMILY_NONE), 0);
}

/** struct prefix_case - A prefix, its text, its span; NULL: refused */
struct prefix_case {
	const char *text;
	const char *written;
	const char *first;
	const char *last;
	bool host_bits;
};

static const struct prefix_case prefixes[] = {
	{"10.0.0.0/24", "10.0.0.0/24", "10.0.0.0", "10.0.0.255", false},
	{"10.0.0.1/24", "10.0.0.1/24", "10.0.0.0", "10.0.0.255", true},
	{"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0", "255.255.255.255", false},
	{"255.255.255.255/32", "255.255.255.255/32", "255.255.255.255", "255.255.255.255", false},
	{"10.0.0.1/31", "10.0.0.1/31", "10.0.0.0", "10.0.0.1", true},
	{"::/0", "::/0", "::", ALL_ONES, false},
	{"2001:db8::/64", "2001:db8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", false},
	{"2001:db8::1/128", "2001:db8::1/128", "2001:db8::1", "2001:db8::1", false},
	{"::ffff:10.0.0.0/104", "10.0.0.0/8", "10.0.0.0", "10.255.255.255", false},
	{"::ffff:0:0/96", "0.0.0.0/0", "0.0.0.0", "255.255.255.255", false},
	{"10.0.0.0", NULL, NULL, NULL, false},
	{"10.0.0.0/", NULL, NULL, NULL, false},
	{"10.0.0.0/33", NULL, NULL, NULL, false},
	{"10.0.0.0/-1", NULL, NULL, NULL, false},
	{"10.0.0.0/+8", NULL, NULL, NULL, false},
	{"10.0.0.0/08", NULL, NULL, NULL, false},
	{"10.0.0.0/8 ", NULL, NULL, NULL, false},
	{"10.0.0.0/8/8", NULL, NULL, NULL, false},
	{"10.0.0.0/255.0.0.0", NULL, NULL, NULL, false},
	{"10.0.0.0/4294967304", NULL, NULL, NULL, false},
	{"::/129", NULL, NULL, NULL, false},
	{"::ffff:10.0.0.0/129", NULL, NULL, NULL, false},
	{"/8", NULL, NULL, NULL, false},
	{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8", NULL, NULL, NULL, false},
};

static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(prefixes); i++) {
		const struct prefix_case *test = &prefixes[i];
		struct address first, last;
		char text[PREFIX_TEXT_MAX];
		struct prefix prefix;
		struct span span;

		if (!test->written) {
			assert_int_equal(prefix_parse(test->text, &prefix), -EINVAL);
			continue;
		}
		assert_int_equal(prefix_parse(test->text, &prefix), 0);
		assert_string_equal(prefix_format(&prefix, text), test->written);
		assert_int_equal(prefix_has_host_bits(&prefix), test->host_bits);
		span = prefix_span(&prefix);
		assert_int_equal(address_parse(test->first, &first), 0);
		assert_int_equal(address_parse(test->last, &last), 0);
		assert_true(span.family == first.family && span.first == first.value && span.last == last.value);
	}
}

/* Wider than the mapped addresses, it is IPv6 and holds more than them. */
static void test_wider_than_mapped(void **state)
{
	struct prefix prefix;
	struct span span;

	(void)state;
	assert_int_equal(prefix_parse("::ffff:0.0.0.0/95", &prefix), 0);
	span = prefix_span(&prefix);
	assert_true(span.family == FAMILY_IPV6);
	assert_true(span.first == (u128)0xfffe << 32 && span.last == (((u128)0xffff << 32) | UINT32_MAX));
}

static const struct text_case spans[] = {
	{"10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"},
	{"10.0.0.1 - 10.0.0.9", "10.0.0.1-10.0.0.9"},
	{"10.0.0.1-10.0.0.1", "10.0.0.1"},
	{"10.0.0.0-10.0.0.255", "10.0.0.0/24"},
	{"10.0.0.0-10.0.0.1", "10.0.0.0/31"},
	{"10.0.0.1-10.0.0.2", "10.0.0.1-10.0.0.2"},
	{"0.0.0.0-255.255.255.255", "0.0.0.0/0"},
	{"::-" ALL_ONES, "::/0"},
	{"2001:db8::-2001:db8::ffff", "2001:db8::/112"},
	{"::ffff:10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"},
	{"10.0.0.9-10.0.0.1", NULL},
	{"10.0.0.1-2001:db8::1", NULL},
	/* Would hold mapped addresses, which are IPv4. */
	{"::1-::ffff:10.0.0.1", NULL},
	{"10.0.0.1", NULL},
	{"-", NULL},
	{"10.0.0.1-", NULL},
	{"-10.0.0.1", NULL},
	{"10.0.0.1-10.0.0.9-10.0.0.11", NULL},
	{"10.0.0.1-9", NULL},
	{"", NULL},
};

static void test_spans(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(spans); i++) {
		char text[SPAN_TEXT_MAX];
		struct span span;

		if (!spans[i].written) {
			assert_int_equal(span_parse(spans[i].text, &span), -EINVAL);
			continue;
		}
		assert_int_equal(span_parse(spans[i].text, &span), 0);
		assert_string_equal(span_format(&span, text), spans[i].written);
	}
}

/* The longest texts fit. */
static void test_longest(void **state)
{
	struct prefix prefix = {.address = {.family = FAMILY_IPV6, .value = ~(u128)0}, .length = 128};
	struct span span = {.family = FAMILY_IPV6, .first = ~(u128)0 - 2, .last = ~(u128)0 - 1};
	char prefix_text[PREFIX_TEXT_MAX], span_text[SPAN_TEXT_MAX];

	(void)state;
	assert_string_equal(prefix_format(&prefix, prefix_text), ALL_ONES "/128");
	assert_int_equal(strlen(span_format(&span, span_text)), 2 * strlen(ALL_ONES) + 1);
}

/** struct relation - What two spans have to do with each other */
struct relation {
	struct span a, b;
	bool overlaps, a_covers_b;
};

static void test_relations(void **state)
{
	static const struct relation relations[] = {
		{{10, 20, FAMILY_IPV4}, {10, 20, FAMILY_IPV4}, true, true},
		{{10, 20, FAMILY_IPV4}, {10, 20, FAMILY_IPV6}, false, false},
		{{10, 20, FAMILY_IPV4}, {20, 30, FAMILY_IPV4}, true, false},
		{{10, 20, FAMILY_IPV4}, {21, 30, FAMILY_IPV4}, false, false},
		{{10, 20, FAMILY_IPV4}, {0, 9, FAMILY_IPV4}, false, false},
		{{10, 20, FAMILY_IPV4}, {0, 10, FAMILY_IPV4}, true, false},
		{{10, 20, FAMILY_IPV4}, {11, 19, FAMILY_IPV4}, true, true},
		{{10, 20, FAMILY_IPV4}, {9, 21, FAMILY_IPV4}, true, false},
		{{0, ~(u128)0, FAMILY_IPV6}, {~(u128)0, ~(u128)0, FAMILY_IPV6}, true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(relations); i++) {
		const struct relation *test = &relations[i];
		struct address first = {.family = test->b.family, .value = test->b.first};
		struct span one = span_of_address(&first);

		assert_int_equal(span_overlaps(&test->a, &test->b), test->overlaps);
		assert_int_equal(span_overlaps(&test->b, &test->a), test->overlaps);
		assert_int_equal(span_covers(&test->a, &test->b), test->a_covers_b);
		assert_int_equal(span_contains(&test->a, &first), span_covers(&test->a, &one));
		assert_true(span_contains(&one, &first));
	}
}

/** prefixes_of() - The prefixes of a span, with blanks between them, in @buffer */
static void prefixes_of(const char *text, char *buffer, size_t size)
{
	struct prefix prefix;
	struct span span;
	size_t used = 0;
	bool more;

	assert_int_equal(span_parse(text, &span), 0);
	do {
		char one[PREFIX_TEXT_MAX];

		more = span_take_prefix(&span, &prefix);
		assert_false(prefix_has_host_bits(&prefix));
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? " " : "",
					 prefix_format(&prefix, one));
	} while (more);
}

static void test_prefixes_of_spans(void **state)
{
	static const struct {
		const char *span, *prefixes;
	} cases[] = {
		{"10.0.0.0-10.0.0.255", "10.0.0.0/24"},
		{"10.0.0.7-10.0.0.7", "10.0.0.7/32"},
		{"0.0.0.0-255.255.255.255", "0.0.0.0/0"},
		{"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"},
		{"0.0.0.0-255.255.255.254",
		 "0.0.0.0/1 128.0.0.0/2 192.0.0.0/3 224.0.0.0/4 240.0.0.0/5 248.0.0.0/6 252.0.0.0/7 254.0.0.0/8 "
		 "255.0.0.0/9 255.128.0.0/10 255.192.0.0/11 255.224.0.0/12 255.240.0.0/13 255.248.0.0/14 255.252.0.0/15 "
		 "255.254.0.0/16 255.255.0.0/17 255.255.128.0/18 255.255.192.0/19 255.255.224.0/20 255.255.240.0/21 "
		 "255.255.248.0/22 255.255.252.0/23 255.255.254.0/24 255.255.255.0/25 255.255.255.128/26 "
		 "255.255.255.192/27 255.255.255.224/28 255.255.255.240/29 255.255.255.248/30 255.255.255.252/31 "
		 "255.255.255.254/32"},
		{"10.31.4.10-10.31.4.21", "10.31.4.10/31 10.31.4.12/30 10.31.4.16/30 10.31.4.20/31"},
		{"255.255.255.254-255.255.255.255", "255.255.255.254/31"},
		{"2001:db8::1-2001:db8::4", "2001:db8::1/128 2001:db8::2/127 2001:db8::4/128"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
	};
	char text[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		prefixes_of(cases[i].span, text, sizeof(text));
		assert_string_equal(text, cases[i].prefixes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_prefixes),  cmocka_unit_test(test_wider_than_mapped),
		cmocka_unit_test(test_spans),	  cmocka_unit_test(test_longest),
		cmocka_unit_test(test_relations), cmocka_unit_test(test_prefixes_of_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
