/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attach.c, wire.c, attach_mtu.c, stage.c: what an ADD makes, against a kernel in memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>

#include "attach_scene.h"
#include "rangeguard/array.h"

static void dual_stack_attachment_is_made_in_order(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", "fd00::2");
	char create[FAKE_LINE_MAX], accept_ra[FAKE_LINE_MAX], disable[FAKE_LINE_MAX];
	const char *expected[] = {
		create,
		"host: read interfaces",
		accept_ra,
		disable,
		"host: ipv4/ip_forward=1",
		"host: ipv6/conf/all/forwarding=1",
		"host: configure the interface with index 40",
		"host: bring up the interface with index 40",
		"host: add address fe80::1/64",
		"host: add neighbour 10.0.0.2",
		"host: add route 10.0.0.2/32",
		"host: add neighbour fd00::2",
		"host: add route fd00::2/128",
		"enter",
		"open",
		"container: ipv6/conf/eth0/accept_ra=0",
		"container: ipv6/conf/eth0/disable_ipv6=0",
		"container: configure the interface with index 2",
		NULL, /* the link-local address, from the MAC address */
		"container: add address 10.0.0.2/32",
		"container: add address fd00::2/128",
		"container: add neighbour 169.254.1.1",
		"container: add neighbour fe80::1",
		"container: bring up the interface with index 2",
		"container: add route 0.0.0.0/0 via 169.254.1.1",
		"container: add route ::/0 via fe80::1",
		"container: read routes", /* for the kernel to have the local route in place */
		"host: read interfaces",  /* for the kernel to have its queue started */
	};
	struct error err = {0};

	(void)state;
	fake_reset();
	(void)snprintf(create, sizeof(create), "host: create the veth pair %s", plan.host_name);
	(void)snprintf(accept_ra, sizeof(accept_ra), "host: ipv6/conf/%s/accept_ra=0", plan.host_name);
	(void)snprintf(disable, sizeof(disable), "host: ipv6/conf/%s/disable_ipv6=0", plan.host_name);
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	assert_int_equal(fake.n_log, ARRAY_LENGTH(expected));
	for (unsigned i = 0; i < ARRAY_LENGTH(expected); i++)
		if (expected[i])
			assert_string_equal(fake.log[i], expected[i]);
	assert_true(fake.host_end.up);
	assert_true(fake.container_end.up);
	assert_string_equal(fake.host_end.alias, "rangeguard pods 0123abcd eth0");
	assert_int_equal(fake.open_ports, 0);
}

/* RFC 4291 appendix A: 02:00:5e:10:00:01 has the interface identifier 00:00:5eff:fe10:0001. */
static void link_local_address_is_the_one_of_the_mac(void **state)
{
	struct address addresses[] = {address("fd00::2")};
	struct plan_input input = {
		.attachment = &pod, .addresses = addresses, .n_addresses = 1, .mtu = 1500, .mac = "02:00:5e:10:00:01"};
	struct plan plan PLAN_CLEANUP = {0};
	struct error err = {0};

	(void)state;
	fake_reset();
	assert_int_equal(plan_make(&input, &plan), 0);
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	assert_int_not_equal(fake_find("container: add address fe80::5eff:fe10:1/64"), -1);
}

/* A kernel without IPv6 knows neither its sysctls nor its part of a link message (EAFNOSUPPORT). */
static void ipv4_needs_no_ipv6(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};

	(void)state;
	for (int no_ipv6 = 0; no_ipv6 < 2; no_ipv6++) {
		fake_reset();
		fake.no_ipv6 = no_ipv6;
		assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
		assert_int_equal(fake_find("host: ipv6/conf/all/forwarding=1"), -1);
		assert_int_equal(fake_find("host: add address fe80::1/64"), -1);
		assert_int_equal(fake_find("container: add neighbour fe80::1"), -1);
		assert_int_equal(fake_find("container: ipv6/conf/eth0/disable_ipv6=0"), -1);
		/* No router advertisements all the same: S1. */
		assert_int_not_equal(fake_find("container: ipv6/conf/eth0/accept_ra=0"), -1);
	}
}

static void next_hops_are_known_once_each(void **state)
{
	struct address addresses[] = {address("10.0.0.2")};
	const char *gateways[] = {"10.1.2.3", "169.254.1.1", "10.1.2.3", "10.1.2.4"};
	struct route routes[ARRAY_LENGTH(gateways)];
	struct plan_input input = {.attachment = &pod,
				   .addresses = addresses,
				   .n_addresses = 1,
				   .routes = routes,
				   .n_routes = ARRAY_LENGTH(routes),
				   .mtu = 1500};
	struct plan plan PLAN_CLEANUP = {0};
	struct error err = {0};
	unsigned neighbours = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(routes); i++)
		routes[i] = (struct route){.destination = prefix("10.9.0.0/16"),
					   .gateway = address(gateways[i]),
					   .mtu = -1,
					   .advmss = -1,
					   .priority = (long)i,
					   .table = -1,
					   .scope = -1};
	fake_reset();
	assert_int_equal(plan_make(&input, &plan), 0);
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	for (unsigned i = 0; i < fake.n_log; i++)
		neighbours += strncmp(fake.log[i], "container: add neighbour", 24) == 0;
	assert_int_equal(neighbours, 3);
	assert_true(fake_find("container: add neighbour 10.1.2.3") <
		    fake_find("container: bring up the interface with index 2"));
}

/* More messages than a batch holds: all arrive, and those behind the first batch in their order. */
static void many_addresses_and_routes_take_several_batches(void **state)
{
	static struct route routes[LIMIT_ROUTES];
	struct address addresses[LIMIT_RANGE_SETS];
	struct plan_input input = {.attachment = &pod,
				   .addresses = addresses,
				   .n_addresses = ARRAY_LENGTH(addresses),
				   .routes = routes,
				   .n_routes = ARRAY_LENGTH(routes),
				   .mtu = 1500};
	struct plan plan PLAN_CLEANUP = {0};
	struct error err = {0};
	unsigned n_routes = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++)
		addresses[i] = (struct address){.family = FAMILY_IPV4, .value = 0x0a000002U + i};
	for (size_t i = 0; i < ARRAY_LENGTH(routes); i++)
		routes[i] = (struct route){
			.destination = {.address = {.family = FAMILY_IPV4, .value = 0x0b000000U + i}, .length = 32},
			.mtu = 1400,
			.advmss = 1360,
			.priority = 1,
			.table = 1000,
			.scope = -1};
	fake_reset();
	assert_int_equal(plan_make(&input, &plan), 0);
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	for (unsigned i = 0; i < fake.n_log; i++)
		n_routes += strncmp(fake.log[i], "container: add route 11.", 24) == 0;
	assert_int_equal(n_routes, ARRAY_LENGTH(routes));
	assert_string_equal(fake.log[fake.n_log - 2], "container: add route 11.0.3.255/32 via 169.254.1.1");
}

/* Whatever call fails: an error is there, the interface is not. */
static void failing_calls_leave_nothing(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", "fd00::2");
	unsigned call = 0;
	int r;

	(void)state;
	do {
		struct error err = {0};

		fake_reset();
		fake.fail_call = ++call;
		r = attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err);
		if (r) {
			assert_int_equal(r, REFUSED);
			assert_int_equal(err.code, ERROR_KERNEL);
			assert_non_null(strstr(err.msg, strerror(EIO)));
			assert_true(nothing_is_left());
		}
		/* The thread is where it was, whatever happened. */
		assert_false(fake.in_container);
	} while (r && call < 100);
	/* batches: create, host, container; sysctls: four and two; the way back, enter, open */
	assert_int_equal(call, 3 + 6 + 3 + 1);
}

static void refused_messages_leave_nothing_and_are_named(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", "fd00::2");
	unsigned message = 0;
	int r;

	(void)state;
	do {
		struct error err = {0};

		fake_reset();
		fake.fail_message = ++message;
		fake.fail_errnum = EOPNOTSUPP;
		fake.fail_text = "the kernel's own words";
		r = attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err);
		if (r) {
			assert_int_equal(r, REFUSED);
			assert_int_equal(err.code, ERROR_KERNEL);
			assert_string_equal(err.details, "the kernel's own words");
			assert_non_null(strstr(err.msg, strerror(EOPNOTSUPP)));
			assert_true(nothing_is_left());
		}
		if (message == 2 + 7 + 9)
			assert_string_equal(err.msg, "cannot add route ::/0 via fe80::1 in the container: "
						     "Operation not supported");
	} while (r && message < 100);
	/* create and read; the host's; the container's */
	assert_int_equal(message, 2 + 7 + 9 + 1);
}

/*
 * Several interfaces, each with a default route: the first one's stays. On the host a route is never shared. The last
 * question, whether the host end sends, is none that an ADD fails on.
 */
static void only_the_containers_routes_may_exist(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	unsigned n_made = 0;

	(void)state;
	for (unsigned message = 2; message < 20; message++) {
		struct error err = {0};
		int r;

		fake_reset();
		fake.fail_message = message;
		fake.fail_errnum = EEXIST;
		r = attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err);
		if (fake.messages < message)
			break;
		n_made += r == 0;
		assert_true(r == 0 ? strstr(fake.log[fake.n_log - 1], "host: read") != NULL : nothing_is_left());
	}
	assert_int_equal(n_made, 2);
}

static void older_attachment_is_left_alone(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};

	(void)state;
	fake_reset();
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	fake.n_log = 0;
	assert_false(fake.in_container);
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err),
			 ATTACH_E_EXISTS);
	assert_non_null(strstr(err.msg, plan.host_name));
	assert_non_null(strstr(err.msg, "eth0"));
	assert_int_equal(fake.n_log, 2);
	assert_int_equal(fake.host_end.index, 40);
	assert_false(fake.in_container);
}

static void foreign_interface_is_left_alone(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};
	struct link_info link;

	(void)state;
	for (int i = 0; i < 3; i++) {
		fake_reset();
		fake.host_end = (struct link_info){.index = 7, .kind = "veth", .mac = {2, 9, 9, 9, 9, 9}};
		memcpy(fake.host_end.name, plan.host_name, IFNAMSIZ);
		if (i == 0)
			(void)snprintf(fake.host_end.alias, IDENTITY_ALIAS_MAX, "somebody else's");
		if (i == 1) { /* our address, but an alias that says otherwise */
			(void)snprintf(fake.host_end.alias, IDENTITY_ALIAS_MAX, "rangeguard pods other eth0");
			memcpy(fake.host_end.mac, plan.host_mac, ETH_ALEN);
		}
		if (i == 2) { /* our alias, but no pair */
			(void)snprintf(fake.host_end.kind, sizeof(fake.host_end.kind), "dummy");
			memcpy(fake.host_end.alias, plan.alias, IDENTITY_ALIAS_MAX);
		}
		assert_int_equal(attach_find(fake_host_port(), &pod, &link, &err), ATTACH_E_FOREIGN);
		assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err),
				 ATTACH_E_EXISTS);
		assert_non_null(strstr(err.msg, plan.host_name));
		assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), 0);
		assert_int_equal(fake.host_end.index, 7);
		assert_int_equal(fake_find("host: delete the interface with index 7"), -1);
	}
}

static void name_taken_in_the_container_is_told_so(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};

	(void)state;
	fake_reset();
	fake.taken = true;
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err),
			 ATTACH_E_EXISTS);
	assert_non_null(strstr(err.msg, "eth0 is already in the container"));
	assert_int_equal(fake.messages, 2);
}

/* A refused creation of another kind must not take an older attachment's interface with it. */
static void refused_creation_deletes_nothing(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};

	(void)state;
	for (int unanswered = 0; unanswered < 2; unanswered++) {
		fake_reset();
		assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
		assert_false(fake.in_container);
		fake.fail_message = unanswered ? 0 : fake.messages + 1;
		fake.fail_call = unanswered ? fake.calls + 1 : 0;
		assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err),
				 REFUSED);
		assert_int_equal(fake.host_end.index, 40);
	}
}

static void mtu_is_that_of_the_default_interface(void **state)
{
	static const struct {
		uint32_t mtu;
		unsigned expected;
	} cases[] = {{1420, 1420}, {9000, 9000}, {65536, 65535}, {0, 1500}, {67, 1500}, {68, 68}};
	struct route_info by_default = {.destination = prefix("0.0.0.0/0"), .type = RTN_UNICAST, .interface = 7};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct error err = {0};
		char name[IFNAMSIZ];
		unsigned mtu = 0;

		fake_reset();
		fake_add_route(&fake.lookup, &by_default);
		fake.host_end = (struct link_info){.index = 7, .mtu = cases[i].mtu, .name = "up0"};
		assert_int_equal(attach_default_mtu(fake_host_port(), &mtu, name, &err), 0);
		assert_int_equal(mtu, cases[i].expected);
	}
}

static void mtu_without_a_default_route_is_ethernets(void **state)
{
	static const int errnums[] = {ENETUNREACH, EHOSTUNREACH};
	struct error err = {0};
	char name[IFNAMSIZ];
	unsigned mtu;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(errnums); i++) {
		mtu = 0;
		fake_reset();
		fake.lookup_errnum = errnums[i];
		assert_int_equal(attach_default_mtu(fake_host_port(), &mtu, name, &err), 0);
		assert_int_equal(mtu, 1500);
	}
	fake_reset();
	fake.fail_call = 1;
	assert_int_equal(attach_default_mtu(fake_host_port(), &mtu, name, &err), REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dual_stack_attachment_is_made_in_order),
		cmocka_unit_test(link_local_address_is_the_one_of_the_mac),
		cmocka_unit_test(ipv4_needs_no_ipv6),
		cmocka_unit_test(next_hops_are_known_once_each),
		cmocka_unit_test(many_addresses_and_routes_take_several_batches),
		cmocka_unit_test(failing_calls_leave_nothing),
		cmocka_unit_test(refused_messages_leave_nothing_and_are_named),
		cmocka_unit_test(only_the_containers_routes_may_exist),
		cmocka_unit_test(older_attachment_is_left_alone),
		cmocka_unit_test(foreign_interface_is_left_alone),
		cmocka_unit_test(name_taken_in_the_container_is_told_so),
		cmocka_unit_test(refused_creation_deletes_nothing),
		cmocka_unit_test(mtu_is_that_of_the_default_interface),
		cmocka_unit_test(mtu_without_a_default_route_is_ethernets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
