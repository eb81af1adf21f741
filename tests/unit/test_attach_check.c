/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attach_check.c: everything that makes an attachment is looked at, against a kernel in memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>

#include "attach_scene.h"
#include "include/rangeguard/array.h"

/** What is expected of the attachment */
static struct {
	struct prefix addresses[2];
	struct route routes[2];
	struct attach_expectation expected;
} scene;

static char mac_text[MAC_TEXT_MAX];

/** set_scene() - All is well with 10.0.0.2 */
static void set_scene(void)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct route_info host_route = {.destination = prefix("10.0.0.2/32"),
					.type = RTN_UNICAST,
					.interface = 40,
					.protocol = PLAN_ROUTE_PROTOCOL};
	struct route_info default_route = {.destination = prefix("0.0.0.0/0"),
					   .gateway = address("169.254.1.1"),
					   .interface = 2,
					   .type = RTN_UNICAST};
	struct address_info held = {.address = prefix("10.0.0.2/32"), .interface = 2};

	make_attachment(&plan);
	memcpy(fake.container_end.mac, plan.container_mac, ETH_ALEN);
	(void)mac_format(plan.container_mac, mac_text);
	fake_add_route(&fake.lookup, &host_route);
	fake_add_route(&fake.routes, &default_route);
	fake_add_address(&fake.addresses, &held);

	memset(&scene, 0, sizeof(scene));
	scene.addresses[0] = prefix("10.0.0.2/32");
	scene.routes[0] = (struct route){.destination = prefix("0.0.0.0/0"), .gateway = address("169.254.1.1")};
	scene.expected = (struct attach_expectation){
		.mac = mac_text, .addresses = scene.addresses, .n_addresses = 1, .routes = scene.routes, .n_routes = 1};
}

static void check(const char *complaint)
{
	struct error err = {0};
	int r = attach_check(fake_host_port(), nowhere(), &pod, &scene.expected, &err);

	assert_int_equal(fake.open_ports, 0);
	if (!complaint) {
		assert_int_equal(r, 0);
		return;
	}
	assert_int_equal(r, REFUSED);
	assert_int_equal(err.code, ERROR_KERNEL);
	if (!strstr(err.msg, complaint))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, complaint);
}

static void check_is_content_with_what_was_made(void **state)
{
	(void)state;
	set_scene();
	check(NULL);
	assert_false(fake.in_container);
	fake.interruptions = 1;
	check(NULL);
	assert_false(fake.in_container);
	scene.routes[0].gateway = (struct address){0}; /* results of other versions name none */
	check(NULL);
}

/** struct breakage - What somebody does to an attachment, or what is expected of it, and what CHECK says then */
struct breakage {
	void (*make)(void);
	const char *complaint;
};

static void assert_each_is_named(const struct breakage *breakages, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		set_scene();
		scene.expected.mtu = fake.container_end.mtu;
		breakages[i].make();
		check(breakages[i].complaint);
	}
}

static void enslave(void)
{
	fake.host_end.master = 9;
}

static void change_host_mac(void)
{
	fake.host_end.mac[5] ^= 1;
}

static void shrink_host_end(void)
{
	fake.host_end.mtu--;
}

static void shrink_container_end(void)
{
	fake.container_end.mtu--;
}

static void stop_forwarding(void)
{
	fake.wrong_sysctl = "ipv4/ip_forward";
}

static void accept_advertisements(void)
{
	fake.wrong_sysctl = "ipv6/conf/eth0/accept_ra";
}

static void forget_container_neighbours(void)
{
	fake.container_neighbours.count = 0;
}

/* Everything that wire.c sets is looked at: broken by itself, each is named. */
static void all_of_the_wiring_is_looked_at(void **state)
{
	static const struct breakage breakages[] = {
		{enslave, "a port of another interface"},
		{change_host_mac, "has another MAC address"},
		{shrink_host_end, "MTU of the pair"},
		{shrink_container_end, "MTU of the pair"},
		{stop_forwarding, "ipv4/ip_forward is not 1"},
		{accept_advertisements, "ipv6/conf/eth0/accept_ra is not 0"},
		{forget_container_neighbours, "neighbour 169.254.1.1"},
	};

	(void)state;
	assert_each_is_named(breakages, ARRAY_LENGTH(breakages));
}

static void replace_host_route(const char *destination, uint32_t interface, uint8_t protocol)
{
	const struct route_info route = {
		.destination = prefix(destination), .type = RTN_UNICAST, .interface = interface, .protocol = protocol};

	fake.lookup.count = 0;
	fake_add_route(&fake.lookup, &route);
}

static void delete_host_end(void)
{
	fake.host_end.index = 0;
}

static void replace_host_end(void)
{
	(void)snprintf(fake.host_end.alias, IDENTITY_ALIAS_MAX, "rangeguard pods other eth0");
}

static void take_host_end_down(void)
{
	fake.host_end.up = false;
}

static void delete_host_route(void)
{
	fake.lookup_errnum = ENETUNREACH;
}

static void change_route_protocol(void)
{
	replace_host_route("10.0.0.2/32", 40, RTPROT_STATIC);
}

static void change_route_interface(void)
{
	replace_host_route("10.0.0.2/32", 41, PLAN_ROUTE_PROTOCOL);
}

static void shorten_host_route(void)
{
	replace_host_route("10.0.0.0/24", 40, PLAN_ROUTE_PROTOCOL);
}

static void what_the_host_lacks_is_named(void **state)
{
	static const struct breakage breakages[] = {
		{delete_host_end, "is missing"},
		{replace_host_end, "is not the host end"},
		{take_host_end_down, "is down"},
		{delete_host_route, "the host's route to 10.0.0.2"},
		{change_route_protocol, "the host's route to 10.0.0.2"},
		{change_route_interface, "the host's route to 10.0.0.2"},
		{shorten_host_route, "the host's route to 10.0.0.2"},
	};

	(void)state;
	assert_each_is_named(breakages, ARRAY_LENGTH(breakages));
}

static void delete_container_end(void)
{
	fake.container_end.index = 0;
}

static void replace_container_end(void)
{
	fake.container_end.index = 3;
}

static void take_container_end_down(void)
{
	fake.container_end.up = false;
}

static void change_container_mac(void)
{
	fake.container_end.mac[5] ^= 1;
}

static void delete_address(void)
{
	fake.addresses.count = 0;
}

static void move_address(void)
{
	const struct address_info elsewhere = {.address = prefix("10.0.0.2/32"), .interface = 3};

	fake.addresses.count = 0;
	fake_add_address(&fake.addresses, &elsewhere);
}

static void expect_another_length(void)
{
	scene.addresses[0].length = 24;
}

static void delete_route(void)
{
	fake.routes.count = 0;
}

static void expect_another_gateway(void)
{
	scene.routes[0].gateway = address("169.254.1.2");
}

static void expect_another_destination(void)
{
	scene.routes[0].destination.length = 1;
}

static void what_the_container_lacks_is_named(void **state)
{
	static const struct breakage breakages[] = {
		{delete_container_end, "interface eth0 is missing in the container"},
		{replace_container_end, "interface eth0 in the container is another one"},
		{take_container_end_down, "interface eth0 in the container is down"},
		{change_container_mac, "MAC address other than"},
		{delete_address, "address 10.0.0.2/32 is missing"},
		{move_address, "address 10.0.0.2/32 is missing"},
		{expect_another_length, "address 10.0.0.2/24 is missing"},
		{delete_route, "route 0.0.0.0/0 via 169.254.1.1 is missing"},
		{expect_another_gateway, "route 0.0.0.0/0 via 169.254.1.2 is missing"},
		{expect_another_destination, "route 0.0.0.0/1 via 169.254.1.1 is missing"},
	};

	(void)state;
	assert_each_is_named(breakages, ARRAY_LENGTH(breakages));
}

/* tuning's mac: prevResult knows of it, the host does not; it is told */
static void check_mends_what_a_later_plugin_changed(void **state)
{
	struct neighbour_info told;

	(void)state;
	set_scene();
	fake.container_end.mac[5] ^= 1;
	(void)mac_format(fake.container_end.mac, mac_text);
	check(NULL);
	assert_int_equal(fake.host_neighbours.count, 2);
	assert_int_equal(rtmessage_read_neighbour((const void *)fake.host_neighbours.messages[1], &told), 0);
	assert_memory_equal(told.mac, fake.container_end.mac, ETH_ALEN);
	assert_false(fake.in_container);
	/* The kernel dropped it */
	fake.host_neighbours.count = 0;
	check(NULL);
	assert_int_equal(fake.host_neighbours.count, 1);
	/* Somebody else's work is not covered up */
	fake.container_end.mac[5] ^= 2;
	(void)mac_format(fake.container_end.mac, mac_text);
	check("neighbour 10.0.0.2");
}

/* Each address is looked for. */
static void check_names_the_second_address(void **state)
{
	(void)state;
	set_scene();
	scene.addresses[1] = prefix("192.0.2.9/24");
	scene.expected.n_addresses = 2;
	check("192.0.2.9");
}

/* Results before 0.3.0 name no interfaces, and no MAC address. */
static void check_works_without_mac(void **state)
{
	(void)state;
	set_scene();
	scene.expected.mac = NULL;
	check(NULL);
	assert_false(fake.in_container);
	fake.addresses.count = 0;
	check("address 10.0.0.2/32 is missing");
}

static void check_fails_when_a_call_does(void **state)
{
	unsigned call = 0;
	int r;

	(void)state;
	do {
		struct error err = {0};

		set_scene();
		fake.fail_call = fake.calls + ++call;
		r = attach_check(fake_host_port(), nowhere(), &pod, &scene.expected, &err);
		if (r)
			assert_int_equal(err.code, ERROR_KERNEL);
		assert_int_equal(fake.open_ports, 0);
		assert_false(fake.in_container);
	} while (r && call < 100);
	/* host end, host route, four sysctls, way back, enter, open, container end, addresses, routes, sysctl, neighbours of
	 * both */
	assert_int_equal(call, 14 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_is_content_with_what_was_made),
		cmocka_unit_test(all_of_the_wiring_is_looked_at),
		cmocka_unit_test(check_mends_what_a_later_plugin_changed),
		cmocka_unit_test(what_the_host_lacks_is_named),
		cmocka_unit_test(what_the_container_lacks_is_named),
		cmocka_unit_test(check_names_the_second_address),
		cmocka_unit_test(check_works_without_mac),
		cmocka_unit_test(check_fails_when_a_call_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
