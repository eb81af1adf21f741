/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attach.c, wire.c, attach_check.c, attach_mtu.c, stage.c against a kernel in memory. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>

#include "plugin/network/attach.h"
#include "port_fake.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct attachment pod = {.network = "pods", .container_id = "0123abcd", .ifname = "eth0"};
/** nowhere() - A container's namespace that nobody has looked at */
static struct netns *nowhere(void)
{
	static struct netns netns = NETNS_INIT;

	netns_done(&netns);
	return &netns;
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

/** make_plan() - A plan with default routes; @second NULL: one address only */
static struct plan make_plan(const char *first, const char *second)
{
	struct address addresses[] = {address(first), address(second ? second : first)};
	struct plan_input input = {.attachment = &pod,
				   .addresses = addresses,
				   .n_addresses = second ? 2 : 1,
				   .default_routes = true,
				   .mtu = 1500};
	struct plan plan = {0};

	assert_int_equal(plan_make(&input, &plan), 0);
	return plan;
}

/** nothing_is_left() - Neither interface nor open port */
static bool nothing_is_left(void)
{
	return !fake.host_end.index && !fake.container_end.index && !fake.open_ports;
}

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
	assert_int_equal(fake.n_log, COUNT(expected));
	for (unsigned i = 0; i < COUNT(expected); i++)
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
	struct route routes[COUNT(gateways)];
	struct plan_input input = {.attachment = &pod,
				   .addresses = addresses,
				   .n_addresses = 1,
				   .routes = routes,
				   .n_routes = COUNT(routes),
				   .mtu = 1500};
	struct plan plan PLAN_CLEANUP = {0};
	struct error err = {0};
	unsigned neighbours = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(routes); i++)
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
				   .n_addresses = COUNT(addresses),
				   .routes = routes,
				   .n_routes = COUNT(routes),
				   .mtu = 1500};
	struct plan plan PLAN_CLEANUP = {0};
	struct error err = {0};
	unsigned n_routes = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++)
		addresses[i] = (struct address){.family = FAMILY_IPV4, .value = 0x0a000002U + i};
	for (size_t i = 0; i < COUNT(routes); i++)
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
	assert_int_equal(n_routes, COUNT(routes));
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

static void delete_removes_and_is_repeatable(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};
	struct link_info link;

	(void)state;
	fake_reset();
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	assert_int_equal(attach_find(fake_host_port(), &pod, &link, &err), 0);
	assert_int_equal(link.index, 40);
	assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), 0);
	assert_true(nothing_is_left());
	assert_int_equal(attach_find(fake_host_port(), &pod, &link, &err), ATTACH_E_ABSENT);
	assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), 0);
}

/* Somebody renamed the host end: it is found by its route. When the kernel does not tell, it is not taken for gone. */
static void renamed_host_end_is_removed_or_told_of(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct route_info route = {.destination = prefix("10.0.0.2/32"),
				   .type = RTN_UNICAST,
				   .interface = 40,
				   .protocol = PLAN_ROUTE_PROTOCOL};
	struct attach_step step = {.addresses = plan.addresses, .n_addresses = 1};
	unsigned call = 0;
	int r;

	(void)state;
	do {
		struct error err = {0};

		fake_reset();
		assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
		assert_false(fake.in_container);
		(void)snprintf(fake.host_end.name, IFNAMSIZ, "renamed0");
		fake_add_route(&fake.lookup, &route);
		fake.fail_call = fake.calls + ++call;
		fake.fail_errnum = ENOBUFS;
		r = attach_delete(fake_host_port(), &pod, &step, &err);
		assert_true(r ? r == REFUSED && err.code == ERROR_KERNEL && fake.host_end.index == 40
			      : fake.host_end.index == 0);
	} while (r && call < 100);
	/* link by name, route, link by index, deletion */
	assert_int_equal(call, 4 + 1);
}

/* It was taken down by a DEL that ended there, so that no route leads to it any more. */
static void renamed_host_end_without_a_route_is_removed(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct attach_step step = {.addresses = plan.addresses, .n_addresses = 1};
	struct error err = {0};

	(void)state;
	fake_reset();
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	assert_false(fake.in_container);
	(void)snprintf(fake.host_end.name, IFNAMSIZ, "renamed0");
	fake.lookup_errnum = ENETUNREACH;
	assert_int_equal(attach_delete(fake_host_port(), &pod, &step, &err), 0);
	assert_int_equal(fake.host_end.index, 0);
}

/* A kernel without IPv6 routes no IPv6 address, which is no failure. */
static void renamed_host_end_is_found_by_the_other_family(void **state)
{
	struct address addresses[] = {address("2001:db8::2")};
	struct attach_step step = {.addresses = addresses, .n_addresses = 1};
	struct error err = {0};

	(void)state;
	fake_reset();
	fake.lookup_errnum = EAFNOSUPPORT;
	assert_int_equal(attach_delete(fake_host_port(), &pod, &step, &err), 0);
	fake.lookup_errnum = ENOMEM;
	assert_int_equal(attach_delete(fake_host_port(), &pod, &step, &err), REFUSED);
	assert_non_null(strstr(err.msg, "2001:db8::2"));
}

static void group_are_removed_together(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct attach_group group = {.n = 0};
	struct error err = {0};

	(void)state;
	fake_reset();
	assert_int_equal(attach_group_add(fake_host_port(), &pod, &group, &err), 0);
	assert_int_equal(group.n, 0);
	assert_int_equal(attach_group_delete(fake_host_port(), &group, &err), 0);
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	assert_int_equal(attach_group_add(fake_host_port(), &pod, &group, &err), 0);
	assert_int_equal(group.n, 1);
	assert_int_equal(group.indices[0], 40);
	assert_int_equal(attach_group_delete(fake_host_port(), &group, &err), 0);
	assert_int_equal(group.n, 0);
	assert_true(fake_find("host: configure the interface with index 40") >= 0);
	assert_true(fake_find("host: delete a group of interfaces") >= 0);
	assert_true(nothing_is_left());
}

/* Somebody else's interface is never put into the group. */
static void foreign_interface_is_not_group(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct attach_group group = {.n = 0};
	struct error err = {0};

	(void)state;
	fake_reset();
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	memcpy(fake.host_end.alias, "other", sizeof("other"));
	assert_int_equal(attach_group_add(fake_host_port(), &pod, &group, &err), 0);
	assert_int_equal(group.n, 0);
}

static void refused_doom_is_told(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);

	(void)state;
	for (unsigned message = 1; message <= 2; message++) {
		struct attach_group group = {.n = 0};
		struct error err = {0};

		fake_reset();
		assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
		assert_int_equal(attach_group_add(fake_host_port(), &pod, &group, &err), 0);
		fake.fail_message = fake.messages + message;
		fake.fail_errnum = EPERM;
		assert_int_equal(attach_group_delete(fake_host_port(), &group, &err), REFUSED);
		assert_int_equal(err.code, ERROR_KERNEL);
	}
}

/* Killed between the pair's birth and its alias: its MAC address says that it is ours. */
static void pair_without_alias_is_found_by_its_mac(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};

	(void)state;
	fake_reset();
	fake.host_end = (struct link_info){.index = 7, .kind = "veth"};
	memcpy(fake.host_end.name, plan.host_name, IFNAMSIZ);
	memcpy(fake.host_end.mac, plan.host_mac, ETH_ALEN);
	assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), 0);
	assert_true(nothing_is_left());
}

static void delete_tells_what_the_kernel_refuses(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);

	(void)state;
	for (unsigned message = 1; message <= 2; message++) {
		struct error err = {0};

		fake_reset();
		assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
		fake.fail_message = fake.messages + message;
		fake.fail_errnum = EPERM;
		assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), REFUSED);
		assert_int_equal(err.code, ERROR_KERNEL);

		fake.fail_message = 0;
		fake.fail_call = fake.calls + message;
		assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), REFUSED);
	}
}

/* Gone between the question and the deletion: no error. */
static void delete_of_what_just_went_is_fine(void **state)
{
	struct plan plan PLAN_CLEANUP = make_plan("10.0.0.2", NULL);
	struct error err = {0};

	(void)state;
	fake_reset();
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	fake.fail_message = fake.messages + 2;
	fake.fail_errnum = ENODEV;
	assert_int_equal(attach_delete(fake_host_port(), &pod, &(struct attach_step){0}, &err), 0);
}

/** struct scene - An attachment as it should be */
struct scene {
	struct prefix addresses[2];
	struct route routes[2];
	struct attach_expectation expected;
};

static char mac_text[MAC_TEXT_MAX];

/** set_scene() - All is well with 10.0.0.2 */
static void set_scene(struct scene *scene)
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
	struct error err = {0};

	fake_reset();
	assert_int_equal(attach_create(fake_host_port(), nowhere(), &plan, &(struct attach_step){0}, &err), 0);
	assert_false(fake.in_container);
	memcpy(fake.container_end.mac, plan.container_mac, ETH_ALEN);
	(void)mac_format(plan.container_mac, mac_text);
	fake_add_route(&fake.lookup, &host_route);
	fake_add_route(&fake.routes, &default_route);
	fake_add_address(&fake.addresses, &held);

	*scene = (struct scene){
		.addresses = {prefix("10.0.0.2/32")},
		.routes = {{.destination = prefix("0.0.0.0/0"), .gateway = address("169.254.1.1")}},
	};
	scene->expected = (struct attach_expectation){.mac = mac_text,
						      .addresses = scene->addresses,
						      .n_addresses = 1,
						      .routes = scene->routes,
						      .n_routes = 1};
}

static void check(struct scene *scene, const char *complaint)
{
	struct error err = {0};
	int r = attach_check(fake_host_port(), nowhere(), &pod, &scene->expected, &err);

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
	struct scene scene;

	(void)state;
	set_scene(&scene);
	check(&scene, NULL);
	assert_false(fake.in_container);
	fake.interruptions = 1;
	check(&scene, NULL);
	assert_false(fake.in_container);
	scene.routes[0].gateway = (struct address){0}; /* results of other versions name none */
	check(&scene, NULL);
}

/** struct breakage - What somebody does to an attachment, and what CHECK says then */
struct breakage {
	void (*make)(void);
	const char *complaint;
};

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

static void forget_host_neighbours(void)
{
	fake.host_neighbours.count = 0;
}

static void forget_container_neighbours(void)
{
	fake.container_neighbours.count = 0;
}

/* Everything that wire.c sets is looked at: broken by itself, each is named. */
static void check_looks_at_all_of_the_wiring(void **state)
{
	static const struct breakage breakages[] = {
		{enslave, "a port of another interface"},
		{change_host_mac, "has another MAC address"},
		{shrink_host_end, "MTU of the pair"},
		{shrink_container_end, "MTU of the pair"},
		{stop_forwarding, "ipv4/ip_forward is not 1"},
		{accept_advertisements, "ipv6/conf/eth0/accept_ra is not 0"},
		{forget_host_neighbours, "neighbour 10.0.0.2"},
		{forget_container_neighbours, "neighbour 169.254.1.1"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(breakages); i++) {
		struct scene scene;

		set_scene(&scene);
		scene.expected.mtu = fake.container_end.mtu;
		breakages[i].make();
		check(&scene, breakages[i].complaint);
	}
}

/* tuning's mac: prevResult knows of it, the host does not; it is told */
static void check_mends_what_a_later_plugin_changed(void **state)
{
	struct scene scene;
	struct neighbour_info told;

	(void)state;
	set_scene(&scene);
	fake.container_end.mac[5] ^= 1;
	(void)mac_format(fake.container_end.mac, mac_text);
	check(&scene, NULL);
	assert_int_equal(fake.host_neighbours.count, 2);
	assert_int_equal(rtmessage_read_neighbour((const void *)fake.host_neighbours.messages[1], &told), 0);
	assert_memory_equal(told.mac, fake.container_end.mac, ETH_ALEN);
	/* Somebody else's work is not covered up */
	assert_false(fake.in_container);
	fake.host_neighbours.count = 0;
	check(&scene, "neighbour 10.0.0.2");
}

static void check_names_what_is_missing(void **state)
{
	static const char *const complaints[] = {
		"is missing",
		"is not the host end",
		"is down",
		"the host's route to 10.0.0.2",
		"the host's route to 10.0.0.2",
		"the host's route to 10.0.0.2",
		"the host's route to 10.0.0.2",
		"interface eth0 is missing in the container",
		"interface eth0 in the container is another one",
		"interface eth0 in the container is down",
		"MAC address other than",
		"address 10.0.0.2/32 is missing",
		"address 10.0.0.2/32 is missing",
		"address 10.0.0.2/24 is missing",
		"route 0.0.0.0/0 via 169.254.1.1 is missing",
		"route 0.0.0.0/0 via 169.254.1.2 is missing",
		"route 0.0.0.0/1 via 169.254.1.1 is missing",
	};
	struct route_info other = {.destination = prefix("10.0.0.2/32"), .type = RTN_UNICAST, .interface = 40};

	(void)state;
	for (size_t i = 0; i < COUNT(complaints); i++) {
		struct scene scene;

		set_scene(&scene);
		switch (i) {
		case 0:
			fake.host_end.index = 0;
			break;
		case 1:
			(void)snprintf(fake.host_end.alias, IDENTITY_ALIAS_MAX, "somebody else's");
			break;
		case 2:
			fake.host_end.up = false;
			break;
		case 3:
			fake.lookup_errnum = ENETUNREACH;
			break;
		case 4: /* exact, but nobody's with our protocol number */
			fake.lookup.count = 0;
			fake_add_route(&fake.lookup, &other);
			break;
		case 5: /* through another interface */
			fake.lookup.count = 0;
			other.protocol = PLAN_ROUTE_PROTOCOL;
			other.interface = 41;
			fake_add_route(&fake.lookup, &other);
			break;
		case 6: /* a less specific one */
			fake.lookup.count = 0;
			other.interface = 40;
			other.destination = prefix("10.0.0.0/24");
			fake_add_route(&fake.lookup, &other);
			break;
		case 7:
			fake.container_end.index = 0;
			break;
		case 8:
			fake.container_end.index = 3;
			break;
		case 9:
			fake.container_end.up = false;
			break;
		case 10:
			fake.container_end.mac[5] ^= 1;
			break;
		case 11:
			fake.addresses.count = 0;
			break;
		case 12: /* on another interface */
			fake.addresses.count = 0;
			fake_add_address(&fake.addresses,
					 &(struct address_info){.address = prefix("10.0.0.2/32"), .interface = 3});
			break;
		case 13:
			scene.addresses[0].length = 24;
			break;
		case 14:
			fake.routes.count = 0;
			break;
		case 15:
			scene.routes[0].gateway = address("169.254.1.2");
			break;
		default:
			scene.routes[0].destination.length = 1;
		}
		check(&scene, complaints[i]);
	}
}

/* Each address is looked for. */
static void check_names_the_second_address(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	scene.addresses[1] = prefix("192.0.2.9/24");
	scene.expected.n_addresses = 2;
	check(&scene, "192.0.2.9");
}

/* Results before 0.3.0 name no interfaces, and no MAC address. */
static void check_works_without_mac(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	scene.expected.mac = NULL;
	check(&scene, NULL);
	assert_false(fake.in_container);
	fake.addresses.count = 0;
	check(&scene, "address 10.0.0.2/32 is missing");
}

static void check_fails_when_a_call_does(void **state)
{
	struct scene scene;
	unsigned call = 0;
	int r;

	(void)state;
	do {
		struct error err = {0};

		set_scene(&scene);
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

static void mtu_is_that_of_the_default_interface(void **state)
{
	static const struct {
		uint32_t mtu;
		unsigned expected;
	} cases[] = {{1420, 1420}, {9000, 9000}, {65536, 65535}, {0, 1500}, {67, 1500}, {68, 68}};
	struct route_info by_default = {.destination = prefix("0.0.0.0/0"), .type = RTN_UNICAST, .interface = 7};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
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
	for (size_t i = 0; i < COUNT(errnums); i++) {
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
		cmocka_unit_test(renamed_host_end_is_removed_or_told_of),
		cmocka_unit_test(renamed_host_end_without_a_route_is_removed),
		cmocka_unit_test(renamed_host_end_is_found_by_the_other_family),
		cmocka_unit_test(group_are_removed_together),
		cmocka_unit_test(foreign_interface_is_not_group),
		cmocka_unit_test(refused_doom_is_told),
		cmocka_unit_test(delete_removes_and_is_repeatable),
		cmocka_unit_test(pair_without_alias_is_found_by_its_mac),
		cmocka_unit_test(delete_tells_what_the_kernel_refuses),
		cmocka_unit_test(delete_of_what_just_went_is_fine),
		cmocka_unit_test(check_is_content_with_what_was_made),
		cmocka_unit_test(check_looks_at_all_of_the_wiring),
		cmocka_unit_test(check_mends_what_a_later_plugin_changed),
		cmocka_unit_test(check_names_what_is_missing),
		cmocka_unit_test(check_names_the_second_address),
		cmocka_unit_test(check_works_without_mac),
		cmocka_unit_test(check_fails_when_a_call_does),
		cmocka_unit_test(mtu_is_that_of_the_default_interface),
		cmocka_unit_test(mtu_without_a_default_route_is_ethernets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
