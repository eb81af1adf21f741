/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostroute.c: what a route of the host means for an address. DESIGN.md section 5, key `hostRoutes`. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>

#include "plugin/network/hostroute.h"
#include "port_fake.h"
#include "rangeguard/array.h"

static struct prefix prefix(const char *text)
{
	struct prefix parsed = {0};

	assert_int_equal(prefix_parse(text, &parsed), 0);
	return parsed;
}

static struct address address(const char *text)
{
	struct address parsed = {0};

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

static struct route_info route(uint8_t type, const char *destination, const char *gateway)
{
	struct route_info made = {.destination = prefix(destination), .type = type, .interface = 3};

	if (gateway)
		made.gateway = address(gateway);
	return made;
}

static const struct {
	uint8_t type;
	const char *destination, *gateway, *subnet;
	enum hostroute_verdict verdict;
} judged_matches[] = {
	/* Default routes, and what amounts to one: also into a tunnel, which has no gateway */
	{RTN_UNICAST, "0.0.0.0/0", "192.0.2.1", "10.1.0.0/16", HOSTROUTE_FREE},
	{RTN_UNICAST, "0.0.0.0/0", NULL, "10.1.0.0/16", HOSTROUTE_FREE},
	{RTN_UNICAST, "0.0.0.0/1", "192.0.2.1", "10.1.0.0/16", HOSTROUTE_FREE},
	{RTN_UNICAST, "128.0.0.0/1", NULL, "172.16.0.0/16", HOSTROUTE_FREE},
	{RTN_UNICAST, "::/0", "fe80::9", "fd00::/64", HOSTROUTE_FREE},
	{RTN_UNICAST, "::/0", NULL, "fd00::/64", HOSTROUTE_FREE},
	{RTN_UNICAST, "2000::/3", NULL, "2001:db8::/64", HOSTROUTE_FREE},
	/* Aggregates through a gateway: less specific is free, as specific as the subnet or more is not */
	{RTN_UNICAST, "10.0.0.0/8", "192.0.2.1", "10.1.0.0/16", HOSTROUTE_FREE},
	{RTN_UNICAST, "10.0.0.0/15", "192.0.2.1", "10.1.0.0/16", HOSTROUTE_FREE},
	{RTN_UNICAST, "10.1.0.0/16", "192.0.2.1", "10.1.0.0/16", HOSTROUTE_CLASH},
	{RTN_UNICAST, "10.1.2.0/24", "192.0.2.1", "10.1.0.0/16", HOSTROUTE_CLASH},
	{RTN_UNICAST, "10.1.2.2/31", "192.0.2.1", "10.1.0.0/16", HOSTROUTE_CLASH},
	{RTN_UNICAST, "fd00::/48", "fe80::9", "fd00::/64", HOSTROUTE_FREE},
	{RTN_UNICAST, "fd00::/64", "fe80::9", "fd00::/64", HOSTROUTE_CLASH},
	{RTN_UNICAST, "10.0.0.0/8", "fe80::9", "10.1.0.0/16", HOSTROUTE_FREE},
	/* On-link elsewhere, however wide */
	{RTN_UNICAST, "10.1.0.0/24", NULL, "10.1.0.0/16", HOSTROUTE_CLASH},
	{RTN_UNICAST, "10.0.0.0/8", NULL, "10.1.0.0/16", HOSTROUTE_CLASH},
	{RTN_UNICAST, "0.0.0.0/2", NULL, "10.1.0.0/16", HOSTROUTE_CLASH},
	{RTN_UNICAST, "fd00::/8", NULL, "fd00::/64", HOSTROUTE_CLASH},
	{RTN_UNICAST, "fc00::/7", NULL, "fd00::/64", HOSTROUTE_CLASH},
	/* One exact address: somebody's, another plugin's container's or ours */
	{RTN_UNICAST, "10.1.0.5/32", NULL, "10.1.0.0/16", HOSTROUTE_TAKEN},
	{RTN_UNICAST, "10.1.0.5/32", "192.0.2.1", "10.1.0.0/16", HOSTROUTE_TAKEN},
	{RTN_UNICAST, "10.1.0.5/32", NULL, "10.1.0.5/32", HOSTROUTE_TAKEN},
	{RTN_UNICAST, "fd00::5/128", NULL, "fd00::/64", HOSTROUTE_TAKEN},
	/* The host's own */
	{RTN_LOCAL, "10.1.0.1/32", NULL, "10.1.0.0/16", HOSTROUTE_TAKEN},
	{RTN_LOCAL, "fd00::1/128", NULL, "fd00::/64", HOSTROUTE_TAKEN},
	{RTN_BROADCAST, "10.1.0.255/32", NULL, "10.1.0.0/16", HOSTROUTE_TAKEN},
	{RTN_ANYCAST, "fd00::/128", NULL, "fd00::/64", HOSTROUTE_TAKEN},
	{RTN_LOCAL, "10.0.0.0/8", NULL, "10.1.0.0/16", HOSTROUTE_CLASH},
	{RTN_LOCAL, "127.0.0.0/8", NULL, "127.9.0.0/16", HOSTROUTE_CLASH},
	/* What discards */
	{RTN_BLACKHOLE, "10.1.2.0/24", NULL, "10.1.0.0/16", HOSTROUTE_FREE},
	{RTN_UNREACHABLE, "10.1.0.0/16", NULL, "10.1.0.0/16", HOSTROUTE_FREE},
	{RTN_PROHIBIT, "10.1.0.4/31", NULL, "10.1.0.4/31", HOSTROUTE_FREE},
	{RTN_PROHIBIT, "10.1.0.5/32", NULL, "10.1.0.0/16", HOSTROUTE_TAKEN},
	{RTN_BLACKHOLE, "10.1.0.5/32", NULL, "10.1.0.5/32", HOSTROUTE_TAKEN},
	{RTN_UNREACHABLE, "fd00::5/128", NULL, "fd00::/64", HOSTROUTE_TAKEN},
	{RTN_BLACKHOLE, "fd00::/64", NULL, "fd00::/64", HOSTROUTE_FREE},
	{RTN_BLACKHOLE, "10.0.0.0/8", NULL, "10.1.0.0/16", HOSTROUTE_FREE},
	{RTN_UNREACHABLE, "::/0", NULL, "fd00::/64", HOSTROUTE_FREE},
	{RTN_THROW, "10.1.2.0/24", NULL, "10.1.0.0/16", HOSTROUTE_FREE},
};

static void judgement(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(judged_matches); i++) {
		struct route_info match =
			route(judged_matches[i].type, judged_matches[i].destination, judged_matches[i].gateway);
		struct prefix subnet = prefix(judged_matches[i].subnet);

		if (hostroute_judge(&match, &subnet) != judged_matches[i].verdict)
			fail_msg("case %zu: %s for a pool of %s", i, judged_matches[i].destination,
				 judged_matches[i].subnet);
	}
}

/* In a table that a rule puts before main a route wins over a more specific one to a container. */
static void discarding_routes_before_main(void **state)
{
	static const struct {
		const char *destination;
		enum hostroute_verdict verdict;
	} cases[] = {
		{"10.1.2.0/24", HOSTROUTE_CLASH}, {"10.1.0.0/16", HOSTROUTE_CLASH}, {"10.1.0.5/32", HOSTROUTE_CLASH},
		{"10.0.0.0/8", HOSTROUTE_FREE},	  {"0.0.0.0/0", HOSTROUTE_FREE},
	};
	static const uint8_t types[] = {RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT};
	struct prefix subnet = prefix("10.1.0.0/16");

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct route_info match = route(types[i % ARRAY_LENGTH(types)], cases[i].destination, NULL);

		match.table = 100;
		if (hostroute_judge(&match, &subnet) != cases[i].verdict)
			fail_msg("%s in table 100", cases[i].destination);
	}
}

static void matching_route_is_judged(void **state)
{
	struct route_info connected = route(RTN_UNICAST, "10.1.0.0/24", NULL);
	struct address asked = address("10.1.0.7");
	struct prefix subnet = prefix("10.1.0.0/16");
	struct route_info match = {0};

	(void)state;
	fake_reset();
	fake_add_route(&fake.lookup, &connected);
	assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), HOSTROUTE_CLASH);
	assert_int_equal(match.interface, 3);
	assert_int_equal(match.destination.length, 24);
	assert_int_equal(fake.messages, 1);
}

static void free_address_leaves_the_match_alone(void **state)
{
	struct route_info by_default = route(RTN_UNICAST, "0.0.0.0/0", "192.0.2.1");
	struct address asked = address("10.1.0.7");
	struct prefix subnet = prefix("10.1.0.0/16");
	struct route_info match = {.interface = 99};

	(void)state;
	fake_reset();
	fake_add_route(&fake.lookup, &by_default);
	assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), HOSTROUTE_FREE);
	assert_int_equal(match.interface, 99);
}

static void no_route_is_free(void **state)
{
	struct address asked = address("10.1.0.7");
	struct prefix subnet = prefix("10.1.0.0/16");
	struct route_info match;

	(void)state;
	fake_reset();
	fake.lookup_errnum = ENETUNREACH;
	assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), HOSTROUTE_FREE);
	assert_int_equal(hostroute_lookup(fake_host_port(), &asked, &match), HOSTROUTE_E_NONE);
}

/* The lookup fails with the errno of the route's type; the table of that type then says how specific it was. */
static void discarding_routes_are_looked_for(void **state)
{
	static const struct {
		int errnum;
		uint8_t type;
	} cases[] = {{EINVAL, RTN_BLACKHOLE}, {EHOSTUNREACH, RTN_UNREACHABLE}, {EACCES, RTN_PROHIBIT}};
	struct address asked = address("10.1.0.7");
	struct prefix subnet = prefix("10.1.0.0/16");

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_LENGTH(cases); i++) {
		uint8_t type = cases[i / 2].type;
		struct route_info rows[] = {
			route(type, "10.0.0.0/8", NULL),
			route(type, "10.1.0.0/24", NULL),
			route(type, "10.1.0.0/20", NULL),
			route(type, "10.1.1.0/26", NULL),		/* does not hold it */
			route(RTN_UNICAST, "10.1.0.4/30", "192.0.2.1"), /* a kernel that filters not by type */
		};
		struct route_info match;

		fake_reset();
		fake.interruptions = i % 2;
		fake.lookup_errnum = cases[i / 2].errnum;
		for (size_t j = 0; j < ARRAY_LENGTH(rows); j++)
			fake_add_route(&fake.routes, &rows[j]);
		assert_int_equal(hostroute_lookup(fake_host_port(), &asked, &match), 0);
		assert_int_equal(match.type, type);
		assert_int_equal(match.destination.length, 24);
		assert_int_equal(fake.messages, 2);
		assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), HOSTROUTE_FREE);

		fake.routes.count = 0;
		assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), HOSTROUTE_FREE);
	}
}

/* What no rule may lead to is not taken for the answer as long as main has one. */
static void discarding_route_of_main_is_the_answer(void **state)
{
	struct address asked = address("10.1.0.7");
	struct prefix subnet = prefix("10.1.0.0/16");
	struct route_info other = route(RTN_BLACKHOLE, "10.1.0.0/24", NULL), in_main = other, match;

	(void)state;
	other.table = 100;
	in_main.destination = prefix("10.1.0.0/16");
	in_main.table = RT_TABLE_MAIN;
	for (unsigned i = 0; i < 2; i++) {
		fake_reset();
		fake.lookup_errnum = EINVAL;
		fake_add_route(&fake.routes, i ? &in_main : &other);
		fake_add_route(&fake.routes, i ? &other : &in_main);
		assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), HOSTROUTE_FREE);
		fake.routes.count = 0;
		fake_add_route(&fake.routes, &other);
		assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), HOSTROUTE_CLASH);
		assert_int_equal(match.table, 100);
	}
}

/* Prohibiting routes of our own are for marked packets: the lookup met another one, or a rule. */
static void our_own_prohibiting_routes_do_not_count(void **state)
{
	struct address asked = address("10.1.0.7");
	struct prefix subnet = prefix("10.1.0.0/16");
	struct route_info fence = route(RTN_PROHIBIT, "10.1.0.7/32", NULL),
			  other = route(RTN_PROHIBIT, "10.1.0.7/32", NULL);
	struct route_info match;

	(void)state;
	fence.protocol = PLAN_ROUTE_PROTOCOL;
	fake_reset();
	fake.lookup_errnum = EACCES;
	fake_add_route(&fake.routes, &fence);
	assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), HOSTROUTE_FREE);
	fake_add_route(&fake.routes, &other);
	assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), HOSTROUTE_TAKEN);
}

/* EINVAL with the kernel's words is about the question: not to be taken for a blackhole that is nowhere. */
static void refused_question_is_an_error(void **state)
{
	struct address asked = address("10.1.0.7");
	struct prefix subnet = prefix("10.1.0.0/16");
	struct route_info match;

	(void)state;
	fake_reset();
	fake.lookup_errnum = EINVAL;
	fake.lookup_text = "ipv4: Invalid values in header for route get request";
	assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), -EINVAL);
	fake.lookup_text = NULL;
	fake.lookup_errnum = EPERM;
	assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), -EPERM);
}

/* What a dump said before it was interrupted does not count. */
static void vanished_route_does_not_count(void **state)
{
	struct route_info vanished = route(RTN_BLACKHOLE, "10.1.0.7/32", NULL);
	struct route_info stays = route(RTN_BLACKHOLE, "10.0.0.0/8", NULL);
	struct address asked = address("10.1.0.7");
	struct prefix subnet = prefix("10.1.0.0/16");
	struct route_info match;

	(void)state;
	fake_reset();
	fake.lookup_errnum = EINVAL;
	fake.interruptions = 1;
	fake.vanished = 1;
	fake_add_route(&fake.routes, &vanished);
	fake_add_route(&fake.routes, &stays);
	assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), HOSTROUTE_FREE);
}

static void failing_port_is_an_error(void **state)
{
	struct address asked = address("10.1.0.7");
	struct prefix subnet = prefix("10.1.0.0/16");
	struct route_info match;

	(void)state;
	for (unsigned call = 1; call <= 2; call++) {
		fake_reset();
		fake.lookup_errnum = EINVAL;
		fake.fail_call = call;
		fake.fail_errnum = ETIMEDOUT;
		assert_int_equal(hostroute_ask(fake_host_port(), &asked, &subnet, &match), -ETIMEDOUT);
	}
}

/** pool() - A range whose addresses the host discards by a route of ours; what surrounds it is answered with @lookup */
static struct ip_range pool(const char *subnet)
{
	struct ip_range range = {.subnet = prefix(subnet)};

	fake_reset();
	range.span = range_default_span(&range.subnet);
	fake.discarded = prefix_span(&range.subnet);
	return range;
}

/* The same number of messages whatever the host has: no dump. */
static void within_a_discarded_range(void **state)
{
	static const char *const subnets[] = {"10.1.0.0/16", "fd00:1::/64"}, *const addresses[] = {"10.1.0.7",
												   "fd00:1::7"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(subnets); i++) {
		struct ip_range range = pool(subnets[i]);
		struct address asked = address(addresses[i]);
		struct route_info match = {.interface = 99};
		bool discarded = false;

		assert_int_equal(hostroute_ask_within(fake_host_port(), &asked, &range, &discarded, &match), 0);
		assert_true(discarded);
		assert_int_equal(match.interface, 99);
		assert_int_equal(fake.messages, 4);
		/* Somebody shuts off just this one. */
		fake.host_route = true;
		assert_int_equal(hostroute_ask_within(fake_host_port(), &asked, &range, &discarded, &match),
				 HOSTROUTE_TAKEN);
		assert_string_equal(hostroute_type_text(&match), "unreachable ");
		assert_true(address_equal(&match.destination.address, &asked));
	}
}

/* A route that our own hides since it reaches further: the kernel tells it for the addresses beside the range. */
static void reaching_into_a_discarded_range(void **state)
{
	static const struct {
		const char *destination, *gateway;
		enum hostroute_verdict verdict;
	} cases[] = {
		{"10.0.0.0/8", NULL, HOSTROUTE_CLASH},
		{"10.0.0.0/8", "192.0.2.1", HOSTROUTE_FREE},
		{"0.0.0.0/0", "192.0.2.1", HOSTROUTE_FREE},
		{"10.2.0.0/16", NULL, HOSTROUTE_FREE}, /* beside it, and no further */
	};
	struct address asked = address("10.1.0.7");

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ip_range range = pool("10.1.0.0/16");
		struct route_info beside = route(RTN_UNICAST, cases[i].destination, cases[i].gateway), match;
		bool discarded = false;

		fake_add_route(&fake.lookup, &beside);
		if (hostroute_ask_within(fake_host_port(), &asked, &range, &discarded, &match) != (int)cases[i].verdict)
			fail_msg("%s", cases[i].destination);
		assert_true(discarded);
		if (cases[i].verdict)
			assert_true(address_equal(&match.destination.address, &beside.destination.address));
	}
}

/* Gone, or less specific than another: then it is as if there was none. */
static void a_range_that_is_not_discarded_after_all(void **state)
{
	struct ip_range range = pool("10.1.0.0/16");
	struct route_info connected = route(RTN_UNICAST, "10.1.0.0/24", NULL), match;
	struct address asked = address("10.1.0.7");
	bool discarded = true;

	(void)state;
	fake.discarded = (struct span){0};
	fake_add_route(&fake.lookup, &connected);
	assert_int_equal(hostroute_ask_within(fake_host_port(), &asked, &range, &discarded, &match), HOSTROUTE_CLASH);
	assert_false(discarded);
}

static void failing_within_a_discarded_range(void **state)
{
	struct address asked = address("10.1.0.7");
	struct route_info match;
	bool discarded;

	(void)state;
	for (unsigned call = 1; call <= 2; call++) {
		struct ip_range range = pool("10.1.0.0/16");

		fake.fail_call = call;
		fake.fail_errnum = ETIMEDOUT;
		assert_int_equal(hostroute_ask_within(fake_host_port(), &asked, &range, &discarded, &match),
				 -ETIMEDOUT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judgement),
		cmocka_unit_test(within_a_discarded_range),
		cmocka_unit_test(reaching_into_a_discarded_range),
		cmocka_unit_test(a_range_that_is_not_discarded_after_all),
		cmocka_unit_test(failing_within_a_discarded_range),
		cmocka_unit_test(discarding_routes_before_main),
		cmocka_unit_test(matching_route_is_judged),
		cmocka_unit_test(free_address_leaves_the_match_alone),
		cmocka_unit_test(no_route_is_free),
		cmocka_unit_test(discarding_routes_are_looked_for),
		cmocka_unit_test(discarding_route_of_main_is_the_answer),
		cmocka_unit_test(our_own_prohibiting_routes_do_not_count),
		cmocka_unit_test(refused_question_is_an_error),
		cmocka_unit_test(vanished_route_does_not_count),
		cmocka_unit_test(failing_port_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
