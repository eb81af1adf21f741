/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel is expected to have, from prevResults of each age. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "plugin/verbs/expectation.h"

static char empty[] = "";
static char host_name[] = "host end";
static char eth0[] = "eth0";
static char sandbox[] = "/run/netns/blue";
static char mac[] = "02:00:00:00:00:01";

/** prefix() - A prefix from its text */
static struct prefix prefix(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

/* In a chain, or with another plugin after us, the result has addresses that are none of ours. */
static void other_interfaces_are_left_alone(void **state)
{
	struct result_interface interfaces[] = {{host_name, empty, empty, empty, empty, 0},
						{eth0, mac, sandbox, empty, empty, 0}};
	struct result_ip ips[] = {{.address = prefix("192.0.2.9/24"), .interface = 0},
				  {.address = prefix("10.0.0.2/32"), .interface = 1},
				  {.address = prefix("fd00::2/128"), .interface = 1},
				  {.address = prefix("10.0.0.3/32"), .interface = -1}};
	struct route route = {.destination = prefix("0.0.0.0/0")};
	struct result result = {
		.interfaces = interfaces, .n_interfaces = 2, .ips = ips, .n_ips = 4, .routes = &route, .n_routes = 1};
	struct prefix addresses[4];
	struct attach_expectation expected = expectation_of_result(&result, "eth0", addresses);

	(void)state;
	assert_string_equal(expected.mac, mac);
	assert_int_equal(expected.n_addresses, 3);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(&addresses[i], &ips[i + 1].address, sizeof(addresses[i]));
	assert_ptr_equal(expected.routes, &route);
	assert_int_equal(expected.n_routes, 1);
}

/* Results before 0.3.0 name no interfaces; and what is on the host is not the container's end, whatever it is called. */
static void each_address_counts_where_no_interface_is_named(void **state)
{
	struct result_interface interfaces[] = {{eth0, mac, empty, empty, empty, 0}};
	struct result_ip ips[] = {{.address = prefix("10.0.0.2/32"), .interface = -1},
				  {.address = prefix("10.0.0.9/32"), .interface = 0}};
	struct result result = {.interfaces = interfaces, .n_interfaces = 1, .ips = ips, .n_ips = 2};
	struct prefix addresses[2];
	struct attach_expectation expected = expectation_of_result(&result, "eth0", addresses);

	(void)state;
	assert_null(expected.mac);
	assert_int_equal(expected.n_addresses, 1);
	assert_memory_equal(&addresses[0], &ips[0].address, sizeof(addresses[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_interfaces_are_left_alone),
		cmocka_unit_test(each_address_counts_where_no_interface_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
