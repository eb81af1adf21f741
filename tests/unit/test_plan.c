/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan.c: addresses, MTU and routes of an attachment. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "plugin/network/plan.h"
#include "rangeguard/array.h"

static const struct attachment pod = {.network = "pods", .container_id = "0123abcd", .ifname = "eth0"};

static struct address address(const char *text)
{
	struct address parsed = {0};

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

static struct route route(const char *destination, const char *gateway, long scope)
{
	struct route made = {.mtu = -1, .advmss = -1, .priority = -1, .table = -1, .scope = scope};

	assert_int_equal(prefix_parse(destination, &made.destination), 0);
	if (gateway)
		made.gateway = address(gateway);
	return made;
}

static void macs_are_local_unicast_and_differ(void **state)
{
	struct address addresses[] = {address("10.0.0.2")};
	struct plan_input input = {.attachment = &pod, .addresses = addresses, .n_addresses = 1, .mtu = 1500};
	struct plan plan PLAN_CLEANUP = {0};
	struct plan again PLAN_CLEANUP = {0};

	(void)state;
	assert_int_equal(plan_make(&input, &plan), 0);
	assert_int_equal(plan_make(&input, &again), 0);
	assert_int_equal(plan.host_mac[0] & 3, 2);
	assert_int_equal(plan.container_mac[0] & 3, 2);
	assert_memory_not_equal(plan.host_mac, plan.container_mac, ETH_ALEN);
	assert_memory_equal(plan.host_mac, again.host_mac, ETH_ALEN);
	assert_memory_equal(plan.container_mac, again.container_mac, ETH_ALEN);
	assert_string_equal(plan.container_name, "eth0");
}

static void mac_asked_for_is_the_containers(void **state)
{
	static const uint8_t expected[ETH_ALEN] = {0x02, 0, 0, 0, 0, 1};
	struct address addresses[] = {address("10.0.0.2")};
	struct plan_input input = {
		.attachment = &pod, .addresses = addresses, .n_addresses = 1, .mtu = 1500, .mac = "02:00:00:00:00:01"};
	struct plan plan PLAN_CLEANUP = {0};

	(void)state;
	assert_int_equal(plan_make(&input, &plan), 0);
	assert_memory_equal(plan.container_mac, expected, ETH_ALEN);
}

static void default_routes_are_one_per_family_with_an_address(void **state)
{
	static const struct {
		const char *addresses[3];
		const char *gateways[2];
	} cases[] = {
		{{"10.0.0.2"}, {"169.254.1.1"}},
		{{"fd00::2"}, {"fe80::1"}},
		{{"fd00::2", "10.0.0.2"}, {"169.254.1.1", "fe80::1"}},
		{{"10.0.0.2", "10.1.0.2", "10.2.0.2"}, {"169.254.1.1"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct address addresses[3];
		struct plan_input input = {
			.attachment = &pod, .addresses = addresses, .default_routes = true, .mtu = 1500};
		struct plan plan PLAN_CLEANUP = {0};
		size_t n = 0;

		for (; input.n_addresses < 3 && cases[i].addresses[input.n_addresses]; input.n_addresses++)
			addresses[input.n_addresses] = address(cases[i].addresses[input.n_addresses]);
		assert_int_equal(plan_make(&input, &plan), 0);
		for (; n < 2 && cases[i].gateways[n]; n++) {
			struct address gateway = address(cases[i].gateways[n]);

			assert_true(n < plan.n_routes);
			assert_true(address_equal(&plan.routes[n].gateway, &gateway));
			assert_int_equal(plan.routes[n].destination.address.family, gateway.family);
			assert_true(plan.routes[n].destination.address.value == 0);
			assert_int_equal(plan.routes[n].destination.length, 0);
			assert_int_equal(plan.routes[n].mtu, -1);
			assert_int_equal(plan.routes[n].table, -1);
		}
		assert_int_equal(plan.n_routes, n);
	}
}

static void listed_routes_get_a_next_hop_where_they_have_none(void **state)
{
	struct address addresses[] = {address("10.0.0.2"), address("fd00::2")};
	struct route routes[] = {
		route("10.9.0.0/16", NULL, -1), route("10.8.0.0/16", "10.1.2.3", -1), route("fd01::/64", NULL, 0),
		route("10.7.0.0/16", NULL, 253), /* RT_SCOPE_LINK: no gateway, says the kernel */
	};
	static const char *const gateways[] = {"169.254.1.1", "10.1.2.3", "fe80::1", NULL};
	struct plan_input input = {.attachment = &pod,
				   .addresses = addresses,
				   .n_addresses = 2,
				   .routes = routes,
				   .n_routes = ARRAY_LENGTH(routes),
				   .mtu = 1500};
	struct plan plan PLAN_CLEANUP = {0};

	(void)state;
	routes[0].mtu = 1400;
	assert_int_equal(plan_make(&input, &plan), 0);
	assert_int_equal(plan.n_routes, ARRAY_LENGTH(routes));
	for (size_t i = 0; i < ARRAY_LENGTH(routes); i++) {
		struct address gateway = {0};

		if (gateways[i])
			gateway = address(gateways[i]);
		assert_true(address_equal(&plan.routes[i].gateway, &gateway));
	}
	assert_int_equal(plan.routes[0].mtu, 1400);
}

static void no_routes_are_no_routes(void **state)
{
	struct address addresses[] = {address("10.0.0.2")};
	struct plan_input input = {.attachment = &pod, .addresses = addresses, .n_addresses = 1, .mtu = 1500};
	struct plan plan PLAN_CLEANUP = {0};

	(void)state;
	assert_int_equal(plan_make(&input, &plan), 0);
	assert_int_equal(plan.n_routes, 0);
}

static void impossible_plans_are_refused(void **state)
{
	static const struct attachment nameless = {"pods", "0123abcd", "", false};
	static const struct attachment long_name = {"pods", "0123abcd", "sixteen-letters0", false};
	struct address addresses[LIMIT_RANGE_SETS + 1] = {address("10.0.0.2"), address("fd00::2")};
	struct route ipv6 = route("fd01::/64", NULL, -1);
	const struct {
		struct plan_input input;
		int result;
	} cases[] = {
		{{&pod, addresses, 1, NULL, 0, true, NULL, 68}, 0},
		{{&pod, addresses, 1, NULL, 0, true, NULL, 67}, -ERANGE},
		{{&pod, addresses, 1, NULL, 0, true, NULL, 0}, -ERANGE},
		{{&pod, addresses, 1, NULL, 0, true, NULL, 65535}, 0},
		{{&pod, addresses, 1, NULL, 0, true, NULL, 65536}, -ERANGE},
		{{&pod, addresses, 2, NULL, 0, true, NULL, 1279}, -ERANGE}, /* RFC 8200 section 5 */
		{{&pod, addresses, 2, NULL, 0, true, NULL, 1280}, 0},
		{{&pod, addresses, 1, &ipv6, 1, false, NULL, 1500}, -EAFNOSUPPORT},
		{{&pod, addresses, 2, &ipv6, 1, false, NULL, 1500}, 0},
		{{&pod, addresses, 1, NULL, 0, true, "nonsense", 1500}, -EINVAL},
		{{&nameless, addresses, 1, NULL, 0, true, NULL, 1500}, -EINVAL},
		{{&long_name, addresses, 1, NULL, 0, true, NULL, 1500}, -EINVAL},
		{{&pod, addresses, LIMIT_RANGE_SETS + 1, NULL, 0, true, NULL, 1500}, -E2BIG},
		{{&pod, addresses, 1, &ipv6, LIMIT_ROUTES + 1, false, NULL, 1500}, -E2BIG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct plan plan PLAN_CLEANUP = {0};

		assert_int_equal(plan_make(&cases[i].input, &plan), cases[i].result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(macs_are_local_unicast_and_differ),
		cmocka_unit_test(mac_asked_for_is_the_containers),
		cmocka_unit_test(default_routes_are_one_per_family_with_an_address),
		cmocka_unit_test(listed_routes_get_a_next_hop_where_they_have_none),
		cmocka_unit_test(no_routes_are_no_routes),
		cmocka_unit_test(impossible_plans_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
