/* SPDX-License-Identifier: GPL-2.0-or-later */
/* liveness.c: only what was looked at and is not there is gone. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "host_scene.h"
#include "plugin/host/liveness.h"
#include "plugin/network/identity.h"
#include "plugin/network/netns.h"
#include "plugin/network/plan.h"
#include "rangeguard/array.h"

/** What netns_open() returns, the namespace that it opens, and its cookie */
static struct {
	int outcome;
	struct netns netns;
	int cookie_outcome;
	uint64_t cookie;
} opened;

/** What in_use_read() returns, and whether some namespace was closed to it */
static struct {
	int outcome;
	bool closed;
	unsigned calls;
} used;

int __wrap_netns_open(const char *path, struct netns *ret_netns);
int __wrap_netns_open(const char *path, struct netns *ret_netns)
{
	(void)path;
	if (!opened.outcome)
		*ret_netns = opened.netns;
	return opened.outcome;
}

int __wrap_netns_read_cookie(struct netns *netns);
int __wrap_netns_read_cookie(struct netns *netns)
{
	netns->cookie = opened.cookie;
	return opened.cookie_outcome;
}

int __wrap_in_use_read(struct port *own, struct in_use *ret_in_use);
int __wrap_in_use_read(struct port *own, struct in_use *ret_in_use)
{
	static struct used_address item;

	(void)own;
	used.calls++;
	item.address = address_of("10.0.0.5");
	if (!used.outcome)
		*ret_in_use = (struct in_use){.items = &item, .n_items = 1, .n_closed = used.closed};
	return used.outcome;
}

/* The items above are no heap object. */
void __wrap_in_use_done(struct in_use *in_use);
void __wrap_in_use_done(struct in_use *in_use)
{
	(void)in_use;
}

/** lease_in() - A lease whose namespace was at a path, with device 4, inode 7 and cookie 9 */
static struct lease lease_in(const char *netns)
{
	struct lease lease = lease_of("net", "linked", "eth0", NOW);

	lease.netns = netns;
	lease.netns_device = 4;
	lease.netns_inode = 7;
	lease.netns_cookie = 9;
	lease.addresses[0] = address_of("10.0.0.5");
	lease.n_addresses = 1;
	return lease;
}

static int setup(void **state)
{
	(void)state;
	memset(&opened, 0, sizeof(opened));
	memset(&used, 0, sizeof(used));
	opened.netns = (struct netns){.fd = -1, .device = 4, .inode = 7};
	opened.cookie = 9;
	return 0;
}

/* Nothing at the path, and a plain file there, which is what some leave: gone. Whatever else open(2) can fail with: not. */
static void only_an_absent_namespace_is_gone(void **state)
{
	static const int absent[] = {-ENOENT, -ENOTDIR, NETNS_E_NOT_NETNS};
	struct lease lease = lease_in("/run/netns/x");

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(absent); i++) {
		opened.outcome = absent[i];
		assert_int_equal(liveness_netns(&lease), LIVENESS_GONE);
	}
	for (int errnum = 1; errnum < 134; errnum++) {
		opened.outcome = -errnum;
		if (errnum != ENOENT && errnum != ENOTDIR)
			assert_int_equal(liveness_netns(&lease), LIVENESS_THERE);
	}
}

static void a_namespace_is_known_by_what_it_was(void **state)
{
	struct lease lease = lease_in("/run/netns/x");

	(void)state;
	assert_int_equal(liveness_netns(&lease), LIVENESS_THERE);
	opened.netns.inode++;
	assert_int_equal(liveness_netns(&lease), LIVENESS_GONE);
	opened.netns.inode--;
	opened.netns.device++;
	assert_int_equal(liveness_netns(&lease), LIVENESS_GONE);
	opened.netns.device--;
	opened.cookie++;
	assert_int_equal(liveness_netns(&lease), LIVENESS_GONE);
	/* A cookie that can't be read, or that the kernel does not have, says nothing. */
	opened.cookie_outcome = -EMFILE;
	assert_int_equal(liveness_netns(&lease), LIVENESS_THERE);
	opened.cookie_outcome = 0;
	opened.cookie = 0;
	assert_int_equal(liveness_netns(&lease), LIVENESS_THERE);
	opened.cookie = 1;
	lease.netns_cookie = 0;
	assert_int_equal(liveness_netns(&lease), LIVENESS_THERE);
}

/* An ADD that could not look at the namespace noted its path alone: whatever is there may be it. */
static void a_namespace_that_was_not_looked_at_may_be_any(void **state)
{
	struct lease lease = lease_in("/run/netns/x");

	(void)state;
	lease.netns_device = lease.netns_inode = lease.netns_cookie = 0;
	assert_int_equal(liveness_netns(&lease), LIVENESS_THERE);
	opened.outcome = -ENOENT;
	assert_int_equal(liveness_netns(&lease), LIVENESS_GONE);
}

static void paths_of_the_caller_alone_say_nothing(void **state)
{
	static const char *const paths[] = {"/proc/self/ns/net", "/proc/thread-self/ns/net", "/dev/fd/3", "netns",
					    "./x"};

	(void)state;
	opened.outcome = -ENOENT;
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		struct lease lease = lease_in(paths[i]);

		assert_int_equal(liveness_netns(&lease), LIVENESS_THERE);
	}
}

/* An adopted lease lives as long as some namespace has its address, or can't be asked. */
static void an_adopted_lease_lives_with_its_address(void **state)
{
	struct liveness_scan scan = {.read = false};
	struct lease lease = lease_in("");

	(void)state;
	assert_int_equal(liveness_netns(&lease), LIVENESS_UNKNOWN);
	used.outcome = -EMFILE;
	assert_true(liveness_of(&scan, &lease));
	used.outcome = 0;
	assert_true(liveness_of(&scan, &lease));
	lease.addresses[0] = address_of("10.0.0.6");
	assert_false(liveness_of(&scan, &lease));
	/* Once for all leases of a walk, when it succeeded */
	assert_int_equal(used.calls, 2);
	scan = (struct liveness_scan){.read = false};
	used.closed = true;
	assert_true(liveness_of(&scan, &lease));
}

/** leave_link() - A host end that has its name */
static void leave_link(struct host_scene *scene)
{
	(void)scene;
	host_scene_put_link("linked");
}

/** rename_link() - One that lost it, to which the route to the container's address leads */
static void rename_link(struct host_scene *scene)
{
	struct route_info route = {.type = RTN_UNICAST, .protocol = PLAN_ROUTE_PROTOCOL, .interface = 40};

	(void)scene;
	host_scene_put_link("linked");
	(void)snprintf(fake.host_end.name, sizeof(fake.host_end.name), "renamed0");
	assert_int_equal(prefix_parse("10.0.0.5/32", &route.destination), 0);
	fake_add_route(&fake.lookup, &route);
}

/** no_link() - None */
static void no_link(struct host_scene *scene)
{
	(void)scene;
}

/** other_link() - One of that name that somebody else made */
static void other_link(struct host_scene *scene)
{
	(void)scene;
	host_scene_put_link("linked");
	memset(fake.host_end.mac, 2, sizeof(fake.host_end.mac));
	fake.host_end.alias[0] = '\0';
}

static int act(struct host_scene *scene)
{
	struct lease lease = lease_in("/run/netns/x");

	return liveness_interface(scene->host.rtnetlink, &lease);
}

static void judge_there(struct host_scene *scene, int outcome, bool failed)
{
	(void)scene;
	(void)failed;
	holds(outcome);
}

static void judge_absent(struct host_scene *scene, int outcome, bool failed)
{
	(void)scene;
	holds(outcome == failed);
}

static void a_host_end_is_gone_when_the_kernel_says_so(void **state)
{
	static const struct host_sweep there = {leave_link, act, judge_there},
				       renamed = {rename_link, act, judge_there}, absent = {no_link, act, judge_absent},
				       other = {other_link, act, judge_absent};

	(void)state;
	assert_true(host_scene_sweep(&there) >= 3);
	assert_true(host_scene_sweep(&renamed) >= 9);
	assert_true(host_scene_sweep(&other) >= 5);
	/* That there is none of the name is what a refused message says as well: not one of these. */
	assert_true(host_scene_sweep(&absent) >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_an_absent_namespace_is_gone, setup),
		cmocka_unit_test_setup(a_namespace_is_known_by_what_it_was, setup),
		cmocka_unit_test_setup(a_namespace_that_was_not_looked_at_may_be_any, setup),
		cmocka_unit_test_setup(paths_of_the_caller_alone_say_nothing, setup),
		cmocka_unit_test_setup(an_adopted_lease_lives_with_its_address, setup),
		cmocka_unit_test_setup(a_host_end_is_gone_when_the_kernel_says_so, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
