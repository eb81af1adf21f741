/* SPDX-License-Identifier: GPL-2.0-or-later */
/* assign.c against a kernel in memory; the announcement itself: test_announce.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>

#include "plugin/network/probe.h"
#include "plugin/snat/announce.h"
#include "plugin/snat/assign.h"
#include "port_fake.h"

#define UPLINK "eth1"
#define UPLINK_INDEX 40U

/** How often something was announced, and what announce() answers */
static unsigned announced;
static int announce_result;

/** How often neighbours were asked, and what probe_ask() answers */
static unsigned probed;
static int probe_result;

int __wrap_announce(uint32_t ifindex, const struct address *address, const uint8_t mac[static ETH_ALEN]);
int __wrap_probe_ask(uint32_t ifindex, const struct address *address, const uint8_t mac[static ETH_ALEN],
		     uint8_t ret_holder[static ETH_ALEN]);

int __wrap_announce(uint32_t ifindex, const struct address *address, const uint8_t mac[static ETH_ALEN])
{
	assert_int_equal(ifindex, UPLINK_INDEX);
	assert_true(address->family != FAMILY_NONE);
	assert_memory_equal(mac, fake.host_end.mac, ETH_ALEN);
	/* Only what is there may be announced. */
	assert_int_equal(fake.lookup.count, 1);
	announced++;
	return announce_result;
}

int __wrap_probe_ask(uint32_t ifindex, const struct address *address, const uint8_t mac[static ETH_ALEN],
		     uint8_t ret_holder[static ETH_ALEN])
{
	static const uint8_t holder[ETH_ALEN] = {2, 0xaa, 0, 0, 0, 1};

	assert_int_equal(ifindex, UPLINK_INDEX);
	assert_true(address->family != FAMILY_NONE);
	assert_memory_equal(mac, fake.host_end.mac, ETH_ALEN);
	assert_int_equal(announced, 0);
	memcpy(ret_holder, holder, ETH_ALEN);
	probed++;
	return probe_result;
}

static struct address address(const char *text)
{
	struct address parsed = {0};

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

static struct prefix prefix(const char *text)
{
	struct prefix parsed = {0};

	assert_int_equal(prefix_parse(text, &parsed), 0);
	return parsed;
}

/** uplink() - A host with an interface eth1 */
static void uplink(void)
{
	fake_reset();
	fake.host_end = (struct link_info){
		.index = UPLINK_INDEX, .name = UPLINK, .mac = {2, 1, 2, 3, 4, 5}, .kind = "veth", .up = true};
	announced = 0;
	announce_result = 0;
	probed = 0;
	probe_result = 0;
}

/** has() - The host has an address: what a lookup answers */
static void has(const char *text, uint8_t type, uint32_t interface)
{
	struct route_info route = {.destination = prefix(text), .type = type, .interface = interface};

	fake.lookup.count = 0;
	fake_add_route(&fake.lookup, &route);
}

static void it_is_put_and_announced_once(void **state)
{
	static const char *const sources[] = {"192.0.2.10", "2001:db8::10"};
	struct error err;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct address source = address(sources[i]);

		uplink();
		assert_int_equal(assign_put(fake_host_port(), UPLINK, &source, &err), 0);
		assert_true(fake_find(i ? "host: add address 2001:db8::10/128" : "host: add address 192.0.2.10/32") >
			    0);
		assert_int_equal(announced, 1);
		assert_int_equal(probed, 1);
		fake.n_log = 0;
		assert_int_equal(assign_put(fake_host_port(), UPLINK, &source, &err), 0);
		assert_int_equal(announced, 1);
		assert_int_equal(probed, 1);
		assert_true(fake_find(i ? "host: add address 2001:db8::10/128" : "host: add address 192.0.2.10/32") <
			    0);
	}
}

/** That it is on another interface is not what was asked for */
static void it_is_put_where_it_is_wanted(void **state)
{
	struct address source = address("192.0.2.10");
	struct error err;

	(void)state;
	uplink();
	has("192.0.2.10/32", RTN_LOCAL, UPLINK_INDEX + 1);
	assert_int_equal(assign_put(fake_host_port(), UPLINK, &source, &err), 0);
	assert_true(fake_find("host: add address 192.0.2.10/32") > 0);
	uplink();
	has("192.0.2.0/24", RTN_UNICAST, UPLINK_INDEX);
	assert_int_equal(assign_put(fake_host_port(), UPLINK, &source, &err), 0);
	assert_true(fake_find("host: add address 192.0.2.10/32") > 0);
}

static void what_cannot_be_announced_is_there(void **state)
{
	struct address source = address("192.0.2.10");
	struct error err;

	(void)state;
	uplink();
	announce_result = -ENETDOWN;
	assert_int_equal(assign_put(fake_host_port(), UPLINK, &source, &err), 0);
	assert_int_equal(announced, 1);
	uplink();
	memset(fake.host_end.mac, 0, ETH_ALEN); /* no Ethernet */
	assert_int_equal(assign_put(fake_host_port(), UPLINK, &source, &err), 0);
	assert_int_equal(announced, 0);
}

/** What a neighbour has is not put, and its MAC address is told */
static void a_neighbour_has_it(void **state)
{
	struct address source = address("192.0.2.10");
	struct error err = {0};

	(void)state;
	uplink();
	probe_result = PROBE_E_TAKEN;
	assert_int_equal(assign_put(fake_host_port(), UPLINK, &source, &err), REFUSED);
	assert_int_equal(err.code, ERROR_SNAT);
	assert_non_null(strstr(err.msg, "192.0.2.10"));
	assert_non_null(strstr(err.msg, UPLINK));
	assert_non_null(strstr(err.msg, "02:aa:00:00:00:01"));
	assert_true(fake_find("host: add address 192.0.2.10/32") < 0);
	assert_int_equal(announced, 0);
}

/** A probe that can't be sent refuses nothing; where there are no neighbours, none is sent */
static void neighbours_that_cannot_be_asked(void **state)
{
	struct address source = address("192.0.2.10");
	struct error err;

	(void)state;
	uplink();
	probe_result = -EPERM;
	assert_int_equal(assign_put(fake_host_port(), UPLINK, &source, &err), 0);
	assert_int_equal(announced, 1);
	uplink();
	memset(fake.host_end.mac, 0, ETH_ALEN);
	assert_int_equal(assign_put(fake_host_port(), UPLINK, &source, &err), 0);
	assert_int_equal(probed, 0);
}

static void missing_interfaces(void **state)
{
	struct address source = address("192.0.2.10");
	struct error err = {0};

	(void)state;
	uplink();
	assert_int_equal(assign_put(fake_host_port(), "eth9", &source, &err), REFUSED);
	assert_int_equal(err.code, ERROR_SNAT);
	assert_non_null(strstr(err.msg, "eth9"));
	assert_non_null(strstr(err.msg, "192.0.2.10"));
	assert_int_equal(assign_remove(fake_host_port(), "eth9", &source, &err), 0);
}

/** found() - A dump of the interface's addresses has one */
static void found(const char *text, uint32_t interface, uint8_t protocol)
{
	struct address_info info = {.address = prefix(text), .interface = interface, .protocol = protocol};

	fake_add_address(&fake.addresses, &info);
}

static void only_ours_is_removed(void **state)
{
	static const struct {
		const char *there;
		uint32_t interface;
		uint8_t protocol;
		int result;
		bool deleted;
	} cases[] = {
		{"192.0.2.10/32", UPLINK_INDEX, PLAN_ROUTE_PROTOCOL, 0, true},
		{"192.0.2.10/32", UPLINK_INDEX, 0, ASSIGN_E_FOREIGN, false},
		{"192.0.2.10/32", UPLINK_INDEX, 3, ASSIGN_E_FOREIGN, false},
		/* Neither one nor the other is what we put */
		{"192.0.2.10/24", UPLINK_INDEX, PLAN_ROUTE_PROTOCOL, 0, false},
		{"192.0.2.11/32", UPLINK_INDEX, PLAN_ROUTE_PROTOCOL, 0, false},
		/* Kernels without strict checking answer with all interfaces' */
		{"192.0.2.10/32", UPLINK_INDEX + 1, PLAN_ROUTE_PROTOCOL, 0, false},
	};
	struct address source = address("192.0.2.10");
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uplink();
		found("192.0.2.1/24", UPLINK_INDEX, 0);
		found(cases[i].there, cases[i].interface, cases[i].protocol);
		found("2001:db8::10/128", UPLINK_INDEX, PLAN_ROUTE_PROTOCOL);
		assert_int_equal(assign_remove(fake_host_port(), UPLINK, &source, &err), cases[i].result);
		assert_int_equal(fake_find("host: delete address 192.0.2.10/32") >= 0, cases[i].deleted);
	}
}

/** Somebody was faster */
static void gone_meanwhile(void **state)
{
	struct address source = address("192.0.2.10");
	struct error err;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		uplink();
		found("192.0.2.10/32", UPLINK_INDEX, PLAN_ROUTE_PROTOCOL);
		fake.fail_message = 3;
		fake.fail_errnum = i ? ENODEV : EADDRNOTAVAIL;
		assert_int_equal(assign_remove(fake_host_port(), UPLINK, &source, &err), 0);
	}
}

static void usable_is_what_is_local(void **state)
{
	static const struct {
		uint8_t type;
		bool usable;
	} cases[] = {{RTN_LOCAL, true}, {RTN_UNICAST, false}, {RTN_BROADCAST, false}, {RTN_ANYCAST, false}};
	struct address source = address("192.0.2.10");
	struct error err;
	bool usable;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uplink();
		has("192.0.2.10/32", cases[i].type, UPLINK_INDEX);
		usable = !cases[i].usable;
		assert_int_equal(assign_usable(fake_host_port(), &source, &usable, &err), 0);
		assert_int_equal(usable, cases[i].usable);
	}
	uplink();
	fake.lookup_errnum = ENETUNREACH;
	usable = true;
	assert_int_equal(assign_usable(fake_host_port(), &source, &usable, &err), 0);
	assert_false(usable);
}

/** Each call and each message fails once: REFUSED with our code, or it did not matter */
static void failures(void **state)
{
	struct address source = address("192.0.2.10");
	unsigned refusals = 0;
	bool usable;

	(void)state;
	for (unsigned i = 1; i <= 4; i++) {
		for (unsigned function = 0; function < 3; function++) {
			struct error err = {0};
			int r;

			uplink();
			found("192.0.2.10/32", UPLINK_INDEX, PLAN_ROUTE_PROTOCOL);
			fake.fail_call = i <= 3 ? i : 0;
			if (function == 0)
				r = assign_put(fake_host_port(), UPLINK, &source, &err);
			else if (function == 1)
				r = assign_remove(fake_host_port(), UPLINK, &source, &err);
			else
				r = assign_usable(fake_host_port(), &source, &usable, &err);
			assert_int_equal(err.code, r ? ERROR_SNAT : ERROR_NONE);
			refusals += r == REFUSED;
		}
	}
	/* put: link, address (a lookup that fails says nothing); remove: link, dump, deletion; usable: its lookup */
	assert_int_equal(refusals, 6);
}

/** The interface has another name now: which one has the address is not known when the kernel does not tell */
static void renamed_interface_that_is_not_told(void **state)
{
	struct address source = address("192.0.2.10");
	struct error err = {0};

	(void)state;
	uplink();
	found("192.0.2.10/32", UPLINK_INDEX, PLAN_ROUTE_PROTOCOL);
	(void)snprintf(fake.host_end.name, IFNAMSIZ, "renamed0");
	fake.fail_call = 2;
	fake.fail_errnum = ENOBUFS;
	assert_int_equal(assign_remove(fake_host_port(), UPLINK, &source, &err), REFUSED);
	assert_int_equal(err.code, ERROR_SNAT);
	assert_non_null(strstr(err.msg, "192.0.2.10"));
	/* A kernel without that family has no such address. */
	err = (struct error){0};
	fake.lookup_errnum = EAFNOSUPPORT;
	assert_int_equal(assign_remove(fake_host_port(), UPLINK, &source, &err), 0);
}

static void refused_by_the_kernel(void **state)
{
	struct address source = address("192.0.2.10");
	struct error err = {0};

	(void)state;
	uplink();
	fake.fail_message = 3;
	fake.fail_errnum = EPERM;
	fake.fail_text = "the kernel's own words";
	assert_int_equal(assign_put(fake_host_port(), UPLINK, &source, &err), REFUSED);
	assert_int_equal(err.code, ERROR_SNAT);
	assert_string_equal(err.msg, "cannot add address 192.0.2.10/32 on the host: Operation not permitted");
	assert_string_equal(err.details, "the kernel's own words");
	assert_int_equal(announced, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_put_and_announced_once),
		cmocka_unit_test(it_is_put_where_it_is_wanted),
		cmocka_unit_test(what_cannot_be_announced_is_there),
		cmocka_unit_test(a_neighbour_has_it),
		cmocka_unit_test(neighbours_that_cannot_be_asked),
		cmocka_unit_test(missing_interfaces),
		cmocka_unit_test(only_ours_is_removed),
		cmocka_unit_test(gone_meanwhile),
		cmocka_unit_test(usable_is_what_is_local),
		cmocka_unit_test(failures),
		cmocka_unit_test(renamed_interface_that_is_not_told),
		cmocka_unit_test(refused_by_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
