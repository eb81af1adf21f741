/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pools.c: hosts that cut a pool in different ways are found out; what nobody understands is not written over. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/cluster/pools.h"
#include "rangeguard/array.h"

static struct cluster_pool pool(const char *cidr, unsigned length, const char *network)
{
	struct cluster_pool pool = {.block_length = (uint8_t)length};

	assert_int_equal(prefix_parse(cidr, &pool.prefix), 0);
	(void)snprintf(pool.network, sizeof(pool.network), "%s", network);
	return pool;
}

static void a_pool_is_new_then_known_and_contradicted(void **state)
{
	struct cluster_pool first = pool("10.64.0.0/16", 26, "pods"), second = pool("fd64::/64", 122, "pods"), other;
	static const struct {
		const char *cidr;
		unsigned length;
		enum pool_standing expected;
	} cases[] = {
		{"10.64.0.0/16", 26, POOLS_KNOWN},    {"10.64.0.0/16", 27, POOLS_CONFLICT},
		{"10.64.0.0/17", 26, POOLS_CONFLICT}, {"10.0.0.0/8", 26, POOLS_CONFLICT},
		{"10.65.0.0/16", 26, POOLS_NEW},      {"fd64::/64", 122, POOLS_KNOWN},
		{"fd64::/64", 121, POOLS_CONFLICT},   {"fd64:0:0:1::/64", 122, POOLS_NEW},
	};
	char *text, *longer;

	(void)state;
	assert_int_equal(pools_judge(NULL, &first, &other), POOLS_NEW);
	text = pools_add(NULL, &first);
	assert_non_null(text);
	longer = pools_add(text, &second);
	assert_non_null(longer);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct cluster_pool asked = pool(cases[i].cidr, cases[i].length, "else");

		assert_int_equal(pools_judge(longer, &asked, &other), cases[i].expected);
		if (cases[i].expected == POOLS_CONFLICT)
			assert_string_equal(other.network, "pods");
	}
	free(text);
	free(longer);
}

static void what_is_not_understood_is_left_alone(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"pools\":{}}",
		"{\"pools\":[1]}",
		"{\"pools\":[{\"cidr\":\"10.0.0.1/8\",\"blockLength\":26}]}",
		"{\"pools\":[{\"cidr\":\"10.0.0.0/8\",\"blockLength\":7}]}",
		"{\"pools\":[{\"cidr\":\"10.0.0.0/8\",\"blockLength\":33}]}",
		"{\"pools\":[{\"cidr\":\"10.0.0.0/8\"}]}",
	};
	struct cluster_pool asked = pool("192.0.2.0/24", 26, "pods"), other;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		assert_int_equal(pools_judge(texts[i], &asked, &other), POOLS_UNREADABLE);
	assert_null(pools_add("{}", &asked));
}

static void one_pool_too_many_spoils_nothing(void **state)
{
	struct cluster_pool asked = pool("192.0.2.0/24", 26, "pods"), other;
	char *text = NULL;

	(void)state;
	for (unsigned i = 0; i < POOLS_MAX; i++) {
		struct cluster_pool next = pool("10.0.0.0/20", 26, "pods");
		char *longer;

		next.prefix.address.value += (u128)i << 12;
		assert_int_equal(pools_judge(text, &next, &other), POOLS_NEW);
		longer = pools_add(text, &next);
		assert_non_null(longer);
		free(text);
		text = longer;
	}
	assert_int_equal(pools_judge(text, &asked, &other), POOLS_FULL);
	asked = pool("10.0.0.0/20", 26, "pods");
	assert_int_equal(pools_judge(text, &asked, &other), POOLS_KNOWN);
	asked.block_length = 27;
	assert_int_equal(pools_judge(text, &asked, &other), POOLS_CONFLICT);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_is_new_then_known_and_contradicted),
		cmocka_unit_test(what_is_not_understood_is_left_alone),
		cmocka_unit_test(one_pool_too_many_spoils_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
