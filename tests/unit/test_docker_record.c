/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of Docker's networks: decode(encode(x)) == x, and what can't be understood is told. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "plugin/agent/docker_record.h"

static struct docker_pool example(void)
{
	struct docker_pool pool = {
		.network = "shop",
		.host_routes = HOST_ROUTES_WARN,
		.claim = {.docker = {.pid = 4711, .start = UINT64_MAX},
			  .run = UINT64_MAX - 1,
			  .token = "0123456789abcdef"},
		.since = 1790000000,
		.replayed = 1790000001,
	};

	assert_int_equal(prefix_parse("172.30.4.0/22", &pool.subnet), 0);
	assert_int_equal(prefix_parse("172.30.5.0/24", &pool.range), 0);
	return pool;
}

static void assert_same_claim(const struct docker_claim *a, const struct docker_claim *b)
{
	assert_true(process_equal(&a->docker, &b->docker));
	assert_true(a->run == b->run);
	assert_string_equal(a->token, b->token);
	assert_int_equal(a->pending, b->pending);
}

static void test_pool_comes_back(void **state)
{
	struct docker_pool pool = example(), back;
	struct docker_row row;

	(void)state;
	assert_int_equal(docker_row_of_pool(&pool, &row), 0);
	assert_string_equal(row.lease.attachment.network, "docker/172.30.4.0/22");
	assert_int_equal(docker_lease_kind(&row.lease), DOCKER_LEASE_POOL);
	/* Whoever looks for dead containers takes what is no path for alive. */
	assert_int_not_equal(row.lease.netns[0], '/');
	assert_int_equal(row.lease.n_addresses, 0);
	assert_int_equal(docker_pool_of_lease(&row.lease, &back), 0);
	assert_true(address_equal(&back.subnet.address, &pool.subnet.address));
	assert_int_equal(back.subnet.length, 22);
	assert_true(address_equal(&back.range.address, &pool.range.address));
	assert_int_equal(back.range.length, 24);
	assert_string_equal(back.network, "shop");
	assert_int_equal(back.host_routes, HOST_ROUTES_WARN);
	assert_true(back.since == pool.since);
	assert_true(back.replayed == pool.replayed);
	assert_same_claim(&back.claim, &pool.claim);
	docker_row_done(&row);
}

static void test_address_comes_back(void **state)
{
	struct docker_pool pool = example();
	struct docker_claim claim = pool.claim, back;
	struct docker_row row;

	(void)state;
	claim.pending = true;
	assert_int_equal(docker_row_of_address(&pool, &claim, "fedcba9876543210", DOCKER_GATEWAY, &row), 0);
	assert_int_equal(docker_lease_kind(&row.lease), DOCKER_LEASE_ADDRESS);
	assert_string_equal(row.lease.attachment.container_id, "fedcba9876543210");
	assert_string_equal(row.lease.attachment.ifname, "gateway");
	assert_int_equal(docker_claim_of_lease(&row.lease, &back), 0);
	assert_same_claim(&back, &claim);
	docker_row_done(&row);
}

static void test_others_leases_are_not_dockers(void **state)
{
	static const struct lease others[] = {
		{.attachment = {.network = "pods", .container_id = "c", .ifname = "pool"}, .netns = "docker:{}"},
		{.attachment = {.network = "docker", .container_id = "c", .ifname = "eth0"}, .netns = "/run/netns/c"},
		{.attachment = {.network = "docker/10.0.0.0/8", .container_id = "c", .ifname = "pool"},
		 .netns = "/run/netns/c"},
	};
	struct docker_claim claim;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		assert_int_equal(docker_lease_kind(&others[i]), DOCKER_LEASE_NONE);
		assert_true(docker_claim_of_lease(&others[i], &claim) < 0);
	}
}

static void test_records_that_make_no_sense(void **state)
{
	static const char *const notes[] = {
		"docker:",
		"docker:[]",
		"docker:{}",
		"docker:{\"pid\": \"x\"}",
		"docker:{\"pid\":1,\"start\":2,\"run\":3,\"token\":\"0123456789abcdef0\",\"pending\":false}",
		("docker:{\"pid\":1,\"start\":2,\"run\":3,\"token\":\"x\",\"pending\":false,\"network\":\"n\",\"range\":\"x\","
		 "\"hostRoutes\":0,\"replayed\":0}"),
	};
	struct docker_pool pool;

	(void)state;
	for (size_t i = 0; i < sizeof(notes) / sizeof(*notes); i++) {
		struct lease lease = {
			.attachment = {.network = "docker/10.0.0.0/8", .container_id = "", .ifname = "pool"},
			.netns = notes[i]};

		assert_true(docker_pool_of_lease(&lease, &pool) < 0);
	}
}

static void test_ids(void **state)
{
	static const char *const wrong[] = {
		"",
		"rangeguard/",
		"rangeguard/0123456789abcdef",
		"rangeguard/0123456789abcdef/",
		"rangeguard/0123456789abcde/10.0.0.0/8",
		"rangeguard/0123456789abcdef0/10.0.0.0/8",
		"rangeguard/0123456789abcdef/10.0.0.1/8",
		"other/0123456789abcdef/10.0.0.0/8",
		"rangeguard/0123456789abcdef/10.0.0.0/8 ",
	};
	struct docker_pool pool = example();
	char id[DOCKER_POOL_ID_MAX], token[DOCKER_TOKEN_MAX];
	struct prefix subnet;

	(void)state;
	assert_string_equal(docker_pool_id_format(&pool, id), "rangeguard/0123456789abcdef/172.30.4.0/22");
	assert_int_equal(docker_pool_id_parse(id, &subnet, token), 0);
	assert_string_equal(token, pool.claim.token);
	assert_int_equal(subnet.length, 22);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_true(docker_pool_id_parse(wrong[i], &subnet, token) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_comes_back),
		cmocka_unit_test(test_address_comes_back),
		cmocka_unit_test(test_others_leases_are_not_dockers),
		cmocka_unit_test(test_records_that_make_no_sense),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
