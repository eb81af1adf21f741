/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a subnet gives when neither end is named, and what a range set holds. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "ipam/address/range.h"
#include "ipam_scene.h"
#include "rangeguard/array.h"

/** struct default_case - A subnet and what it gives */
struct default_case {
	const char *subnet;
	const char *span;
};

static const struct default_case defaults[] = {
	{"10.0.0.0/24", "10.0.0.1-10.0.0.254"},
	{"10.0.0.0/30", "10.0.0.1-10.0.0.2"},
	/* RFC 3021, RFC 6164: both ends of a link; a single address */
	{"10.0.0.0/31", "10.0.0.0/31"},
	{"10.0.0.7/32", "10.0.0.7/32"},
	{"0.0.0.0/0", "0.0.0.1-255.255.255.254"},
	{"255.255.255.254/31", "255.255.255.254/31"},
	/* RFC 4291 section 2.6.1: the first is the Subnet-Router anycast address; there is no broadcast */
	{"2001:db8::/64", "2001:db8::1-2001:db8::ffff:ffff:ffff:ffff"},
	{"2001:db8::/126", "2001:db8::1-2001:db8::3"},
	{"2001:db8::/127", "2001:db8::/127"},
	{"2001:db8::7/128", "2001:db8::7/128"},
	{"::/0", "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
};

static void test_default_span(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(defaults); i++) {
		struct ip_range range = range_of(defaults[i].subnet, NULL, NULL);
		struct span expected = span_of(defaults[i].span);

		assert_true(span_covers(&expected, &range.span) && span_covers(&range.span, &expected));
	}
}

static void test_find(void **state)
{
	struct ip_range ranges[] = {
		range_of("10.0.0.0/24", "10.0.0.10-10.0.0.20", "10.0.0.1"),
		range_of("10.0.1.0/24", NULL, NULL),
		range_of("2001:db8::/64", NULL, "2001:db8::ff"),
	};
	struct range_set set = {.ranges = ranges, .n_ranges = ARRAY_LENGTH(ranges)};
	struct {
		const char *address;
		const struct ip_range *found;
		bool is_gateway;
	} cases[] = {
		{"10.0.0.9", NULL, false},	    {"10.0.0.10", &ranges[0], false}, {"10.0.0.20", &ranges[0], false},
		{"10.0.0.21", NULL, false},	    {"10.0.1.1", &ranges[1], false},  {"10.0.1.255", NULL, false},
		{"2001:db8::ff", &ranges[2], true}, {"10.0.0.1", NULL, true},	      {"::a00:1", NULL, false},
		{"::ffff:10.0.0.1", NULL, true},    {"0.0.0.0", NULL, true},	      {"::", NULL, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct address address = address_of(cases[i].address);

		assert_ptr_equal(range_set_find(&set, &address), cases[i].found);
		assert_int_equal(range_set_excludes(&set, &address), cases[i].is_gateway);
	}
	set.n_ranges = 0;
	assert_null(range_set_find(&set, &(struct address){.family = FAMILY_IPV4}));
}

/* At the edges of what no host can have. */
static void test_for_hosts(void **state)
{
	static const struct {
		const char *first, *last;
		bool for_hosts;
	} cases[] = {
		{"0.0.0.0", "0.255.255.255", false},
		{"0.0.0.0", "1.0.0.0", true},
		{"127.0.0.2", "127.0.0.2", false},
		{"128.0.0.0", "128.0.0.0", true},
		{"223.255.255.255", "224.0.0.0", true},
		{"224.0.0.0", "239.255.255.255", false},
		{"240.0.0.0", "255.255.255.255", true},
		{"255.255.255.255", "255.255.255.255", false},
		{"169.254.0.0", "169.254.255.255", true},
		{"::", "::1", false},
		{"::1", "::2", true},
		{"fe7f:ffff::", "fe80::", true},
		{"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
		{"fec0::", "fec0::", true},
		{"ff02::1", "ff02::1", false},
		{"::ffff:1", "::ffff:2", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct address first = address_of(cases[i].first), last = address_of(cases[i].last);
		struct span span = {.family = first.family, .first = first.value, .last = last.value};

		assert_int_equal(range_is_for_hosts(&span), cases[i].for_hosts);
	}
}

/* Of a wide range each part that no host can have is found, and nothing beside it. */
static void test_next_special(void **state)
{
	static const struct {
		const char *span;
		const char *special; /* NULL: none */
	} cases[] = {
		{"10.0.0.0/8", NULL},
		{"126.0.0.0/7", "127.0.0.0/8"},
		{"127.255.255.255-128.0.0.0", "127.255.255.255/32"},
		{"0.0.0.0/0", "0.0.0.0/8"},
		{"1.0.0.0-255.255.255.255", "127.0.0.0/8"},
		{"128.0.0.0-255.255.255.255", "224.0.0.0/4"},
		{"240.0.0.0-255.255.255.255", "255.255.255.255/32"},
		{"2001:db8::/32", NULL},
		{"::/0", "::/127"},
		{"fc00::/6", "fe80::/10"},
	};
	struct span around = {.family = FAMILY_IPV6, .first = 2, .last = (u128)1 << 64}, special;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct span span = span_of(cases[i].span);
		bool found = range_next_special(&span, &special);

		if (found != (cases[i].special != NULL))
			fail_msg("%s", cases[i].span);
		if (found) {
			struct span expected = span_of(cases[i].special);

			assert_true(span_covers(&expected, &special) && span_covers(&special, &expected));
		}
	}
	/* ::ffff:0:0/96, which the parser takes for IPv4 */
	assert_true(range_next_special(&around, &special));
	assert_true(special.first == (u128)0xffff << 32 && special.last == ((u128)0x10000 << 32) - 1);
}

static void test_excluded(void **state)
{
	const struct address excluded[] = {address_of("10.0.1.9"), address_of("2001:db8::9")};
	struct ip_range range = range_of("10.0.1.0/24", NULL, NULL);
	struct range_set set = {.ranges = &range, .n_ranges = 1, .excluded = excluded, .n_excluded = 2};
	struct address other = address_of("10.0.1.10");

	(void)state;
	assert_true(range_set_excludes(&set, &excluded[0]));
	assert_true(range_set_excludes(&set, &excluded[1]));
	assert_false(range_set_excludes(&set, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_span), cmocka_unit_test(test_find),     cmocka_unit_test(test_for_hosts),
		cmocka_unit_test(test_next_special), cmocka_unit_test(test_excluded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
