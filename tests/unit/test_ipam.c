/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address manager against DESIGN section 4: order, rest, all or nothing, one truth for all networks, and a cost
 * that does not grow. On a store in memory; test_ipam_model.c holds it against a naive model.
 */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/lease/ipam.h"
#include "ipam/store/row.h"
#include "ipam_scene.h"
#include "rangeguard/array.h"
#include "store_fake.h"

#define DELAY 120U

/** struct scene - One store, one network of up to four range sets of up to four ranges */
struct scene {
	struct store *store;
	struct guard *guard;
	struct ip_range ranges[4][4];
	struct range_set sets[4];
	struct address requested[4];
	struct ipam_request request;
	struct ipam_grant grant;
	struct ipam_refusal refusal;
};

/** scene_new() - A network of one set with @n ranges "SUBNET[,GATEWAY]" and nothing reserved */
static struct scene *scene_new(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->store = store_fake_new();
	scene->guard = GUARD_EMPTY();
	scene->request = (struct ipam_request){
		.lease = lease_of("net", "id", "eth0", 1000),
		.sets = scene->sets,
		.requested = scene->requested,
		.reuse_delay = DELAY,
		.guard = scene->guard,
	};
	return scene;
}

static void scene_free(struct scene *scene)
{
	guard_free(scene->guard);
	store_close(scene->store);
	free(scene);
}

/** add_range() - Add a range to set @set, which is made when it is the next one */
static void add_range(struct scene *scene, size_t set, struct ip_range range)
{
	struct range_set *at = &scene->sets[set];

	at->ranges = scene->ranges[set];
	at->ranges[at->n_ranges++] = range;
	if (set >= scene->request.n_sets)
		scene->request.n_sets = set + 1;
}

static void reserve(struct scene *scene, const char *span)
{
	guard_free(scene->guard);
	scene->guard = GUARD_OF(span);
	scene->request.guard = scene->guard;
}

static int take(struct scene *scene, const char *id, int64_t now)
{
	scene->request.lease.attachment.container_id = id;
	scene->request.lease.since = now;
	return ipam_take(scene->store, &scene->request, &scene->grant, &scene->refusal);
}

static int take_named(struct scene *scene, const char *id, const char *first, const char *second)
{
	int r;

	scene->requested[0] = address_of(first);
	scene->request.n_requested = 1;
	if (second)
		scene->requested[scene->request.n_requested++] = address_of(second);
	r = take(scene, id, 1000);
	scene->request.n_requested = 0;
	return r;
}

static int release(struct scene *scene, const char *id, int64_t now)
{
	struct attachment attachment = scene->request.lease.attachment;

	attachment.container_id = id;
	return ipam_release(scene->store, &attachment, now);
}

static void assert_address(const struct address *address, const char *expected)
{
	char text[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format(address, text), expected);
}

/** assert_taken() - Have @id take one address, which must be @expected */
static void assert_taken(struct scene *scene, const char *id, int64_t now, const char *expected)
{
	assert_int_equal(take(scene, id, now), 0);
	assert_address(&scene->grant.addresses[0], expected);
}

/** struct step - At @now, @id takes @address, or releases what it has when that is NULL */
struct step {
	int64_t now;
	const char *id;
	const char *address;
};

static void run(struct scene *scene, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (steps[i].address)
			assert_taken(scene, steps[i].id, steps[i].now, steps[i].address);
		else
			assert_int_equal(release(scene, steps[i].id, steps[i].now), 0);
	}
}

/* "next address after the last one given; after the range's end from its start again; never one that is resting" */
static void test_order(void **state)
{
	static const struct step steps[] = {
		{1000, "a", "10.0.0.1"},
		{1000, "b", "10.0.0.2"},
		{1000, "c", "10.0.0.3"},
		{1010, "b", NULL},
		{1010, "d", "10.0.0.4"},
		{1010, "e", "10.0.0.5"},
		{1011, "a", NULL},
		{1012, "f", "10.0.0.6"},
		/* Around the end at 1130: b's has rested for 120 s, a's for 119. */
		{1130, "g", "10.0.0.2"},
		{1131, "c", NULL},
		{1132, "h", "10.0.0.1"},
		/* Nothing is free, and c's rests: then it is given all the same. */
		{1133, "i", "10.0.0.3"},
	};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/29", NULL, NULL));
	run(scene, steps, ARRAY_LENGTH(steps));
	assert_int_equal(take(scene, "j", 1134), IPAM_E_FULL);
	assert_int_equal(scene->refusal.set, 0);
	scene_free(scene);
}

/* "resting (unless nothing else is left: then the one that has rested longest)" */
static void test_longest_rest(void **state)
{
	static const struct step steps[] = {
		{1000, "a", "10.0.0.1"}, {1000, "b", "10.0.0.2"}, {1000, "c", "10.0.0.3"}, {1000, "d", "10.0.0.4"},
		{1000, "e", "10.0.0.5"}, {1000, "f", "10.0.0.6"}, {1003, "d", NULL},	   {1001, "e", NULL},
		{1002, "a", NULL},	 {1010, "g", "10.0.0.5"}, {1010, "h", "10.0.0.1"}, {1010, "i", "10.0.0.4"},
	};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/29", NULL, NULL));
	run(scene, steps, ARRAY_LENGTH(steps));
	scene_free(scene);
}

/* A clock that was set back must not make an address rest for years. */
static void test_clock_set_back(void **state)
{
	static const struct step steps[] = {
		{90000, "a", "10.0.0.1"},
		{90001, "a", NULL},
		{1000, "b", "10.0.0.2"},
		{1000, "c", "10.0.0.1"},
	};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/30", NULL, NULL));
	run(scene, steps, ARRAY_LENGTH(steps));
	scene_free(scene);
}

static void test_no_delay(void **state)
{
	static const struct step steps[] = {
		{1000, "a", "10.0.0.1"},
		{1000, "a", NULL},
		{1000, "b", "10.0.0.2"},
		{1000, "c", "10.0.0.1"},
	};
	struct scene *scene = scene_new();

	(void)state;
	scene->request.reuse_delay = 0;
	add_range(scene, 0, range_of("10.0.0.0/30", NULL, NULL));
	run(scene, steps, ARRAY_LENGTH(steps));
	scene_free(scene);
}

/** struct edge - All addresses that a subnet gives, in order */
struct edge {
	const char *subnet;
	const char *span;
	const char *addresses[5];
};

static const struct edge edges[] = {
	{"10.0.0.0/30", NULL, {"10.0.0.1", "10.0.0.2"}},
	{"10.0.0.0/31", NULL, {"10.0.0.0", "10.0.0.1"}},
	{"10.0.0.9/32", NULL, {"10.0.0.9"}},
	/* At the edges of what no host can have */
	{"255.255.255.254/31", NULL, {"255.255.255.254"}},
	{"224.0.0.0/3", "239.255.255.254-240.0.0.1", {"240.0.0.0", "240.0.0.1"}},
	{"126.0.0.0/7", "126.255.255.254-127.0.0.1", {"126.255.255.254", "126.255.255.255"}},
	{"0.0.0.0/7", "0.255.255.255-1.0.0.1", {"1.0.0.0", "1.0.0.1"}},
	{"2001:db8::/126", NULL, {"2001:db8::1", "2001:db8::2", "2001:db8::3"}},
	{"2001:db8::/127", NULL, {"2001:db8::", "2001:db8::1"}},
	{"2001:db8::5/128", NULL, {"2001:db8::5"}},
	{"::/126", NULL, {"::2", "::3"}},
	{"fe00::/8", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff-fec0::1", {"fec0::", "fec0::1"}},
	/* Named, network and broadcast are given. */
	{"10.0.0.0/30", "10.0.0.0-10.0.0.3", {"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"}},
};

static void test_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(edges); i++) {
		struct scene *scene = scene_new();
		char id[2] = "a";

		add_range(scene, 0, range_of(edges[i].subnet, edges[i].span, NULL));
		/* Twice: given back at either end of the address space, they become extents again. */
		for (int64_t now = 1000; now < 3000; now += 1000) {
			for (id[0] = 'a'; edges[i].addresses[id[0] - 'a']; id[0]++)
				assert_taken(scene, id, now, edges[i].addresses[id[0] - 'a']);
			assert_int_equal(take(scene, "one too many", now), IPAM_E_FULL);
			for (id[0] = 'a'; edges[i].addresses[id[0] - 'a']; id[0]++)
				assert_int_equal(release(scene, id, now), 0);
		}
		scene_free(scene);
	}
}

/* Ranges of a set in the order in which they are configured, as in host-local. */
static void test_ranges_in_order(void **state)
{
	static const struct step steps[] = {
		{1000, "a", "10.0.0.0"}, {1000, "b", "10.0.0.1"}, {1000, "c", "10.0.1.0"},
		{1000, "d", "10.0.1.1"}, {1000, "e", "10.0.0.2"}, {1000, "f", "10.0.0.3"},
		{1000, "a", NULL},	 {1000, "c", NULL},	  {2000, "g", "10.0.0.0"},
	};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/31", NULL, NULL));
	add_range(scene, 0, range_of("10.0.1.0/31", NULL, NULL));
	add_range(scene, 0, range_of("10.0.0.2/31", NULL, NULL));
	run(scene, steps, ARRAY_LENGTH(steps));
	scene_free(scene);
}

static void test_gateway_and_reserved(void **state)
{
	static const struct step steps[] = {{1000, "a", "10.0.0.2"}, {1000, "b", "10.0.0.5"}, {1000, "c", "10.0.0.6"}};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/29", NULL, "10.0.0.1"));
	reserve(scene, "10.0.0.3-10.0.0.4");
	run(scene, steps, ARRAY_LENGTH(steps));
	assert_int_equal(take(scene, "d", 1000), IPAM_E_FULL);
	scene_free(scene);
}

/* Another network, without that gateway and that policy, gives such addresses back: they must not come our way. */
static void test_released_by_another_network(void **state)
{
	struct scene *scene = scene_new();
	struct guard *strict = GUARD_OF("10.0.0.2");

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/29", "10.0.0.1-10.0.0.3", "10.0.0.1"));
	scene->request.guard = strict;
	assert_taken(scene, "a", 1000, "10.0.0.3");

	scene->ranges[0][0].gateway = (struct address){0};
	scene->request.guard = scene->guard;
	assert_taken(scene, "b", 1000, "10.0.0.1");
	assert_taken(scene, "c", 1000, "10.0.0.2");
	assert_int_equal(release(scene, "b", 1000), 0);
	assert_int_equal(release(scene, "c", 1000), 0);

	scene->ranges[0][0].gateway = address_of("10.0.0.1");
	scene->request.guard = strict;
	assert_int_equal(take(scene, "d", 1001), IPAM_E_FULL);
	assert_int_equal(take(scene, "d", 5000), IPAM_E_FULL);
	guard_free(strict);
	scene_free(scene);
}

/* What belongs to one attachment goes to nobody else, also when it was given back; and it does not make a pool look
 * as if it could give something. */
static void test_own_addresses(void **state)
{
	struct scene *scene = scene_new();
	const struct address own[] = {address_of("10.0.0.2"), address_of("10.0.0.1")};
	size_t set = 99;

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/30", NULL, NULL));
	scene->sets[0].excluded = own;
	scene->sets[0].n_excluded = 2;
	assert_int_equal(take(scene, "stranger", 1000), IPAM_E_FULL);
	scene->request.own = own;
	scene->request.n_own = 2;
	scene->request.own_first = 3;
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_taken(scene, "b", 1000, "10.0.0.2");
	assert_int_equal(take(scene, "c", 1000), IPAM_E_HELD);
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_int_equal(release(scene, "a", 1000), 0);
	scene->request.n_own = 0;
	assert_int_equal(take(scene, "stranger", 5000), IPAM_E_FULL);
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 1, scene->guard, &set), 1);
	scene_free(scene);
}

/** struct name_case - Two requested addresses (the second may be NULL) and what comes of them */
struct name_case {
	const char *first;
	const char *second;
	int outcome;
	const char *address; /* given from the first set, or refused */
};

static const struct name_case name_cases[] = {
	{"10.0.0.9", NULL, 0, "10.0.0.9"},
	{"10.0.0.9", "2001:db8::9", 0, "10.0.0.9"},
	{"2001:db8::9", "10.0.0.9", 0, "10.0.0.9"},
	{"2001:db8::9", NULL, 0, "10.0.0.2"},
	{"::ffff:10.0.0.9", NULL, 0, "10.0.0.9"},
	{"10.0.0.9", "10.0.0.9", 0, "10.0.0.9"},
	/* The host's, in another set or in none */
	{"10.0.0.9", "10.0.0.10", IPAM_E_OUTSIDE, "10.0.0.10"},
	{"10.0.9.9", NULL, IPAM_E_OUTSIDE, "10.0.9.9"},
	{"10.0.0.255", NULL, IPAM_E_OUTSIDE, "10.0.0.255"},
	{"10.0.0.1", NULL, IPAM_E_EXCLUDED, "10.0.0.1"},
	{"10.0.0.100", NULL, IPAM_E_RESERVED, "10.0.0.100"},
	/* Reserved comes before outside: the range's owner is to be named. */
	{"10.9.0.1", NULL, IPAM_E_RESERVED, "10.9.0.1"},
	{"10.0.0.7", NULL, IPAM_E_HELD, "10.0.0.7"},
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(name_cases); i++) {
		const struct name_case *test = &name_cases[i];
		struct scene *scene = scene_new();
		struct guard *guard = GUARD_OF("10.0.0.100", "10.9.0.0/16");

		add_range(scene, 0, range_of("10.0.0.0/24", NULL, "10.0.0.1"));
		add_range(scene, 1, range_of("2001:db8::/64", NULL, NULL));
		scene->request.guard = guard;
		assert_int_equal(take_named(scene, "holder", "10.0.0.7", NULL), 0);
		assert_int_equal(release(scene, "holder", 1000), 0);
		/* Resting: given when asked for by name. */
		assert_int_equal(take_named(scene, "holder", "10.0.0.7", NULL), 0);
		assert_int_equal(take_named(scene, "cursor", "10.0.0.254", NULL), 0);

		assert_int_equal(take_named(scene, "a", test->first, test->second), test->outcome);
		if (test->outcome == 0)
			assert_address(&scene->grant.addresses[0], test->address);
		else
			assert_address(&scene->refusal.address, test->address);
		if (test->outcome == IPAM_E_HELD)
			assert_string_equal(scene->refusal.holder, "net holder eth0");
		if (test->outcome == IPAM_E_RESERVED)
			assert_true(span_contains(&scene->refusal.entry.span, &scene->refusal.address));
		guard_free(guard);
		scene_free(scene);
	}
}

/* "One ADD takes all its addresses (both families) or none." */
static void test_all_or_nothing(void **state)
{
	struct scene *scene = scene_new();
	char *before, *after;

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	add_range(scene, 1, range_of("2001:db8::/127", NULL, NULL));
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_taken(scene, "b", 1000, "10.0.0.2");
	assert_address(&scene->grant.addresses[1], "2001:db8::1");
	assert_int_equal(scene->grant.n_addresses, 2);
	assert_ptr_equal(scene->grant.ranges[1], &scene->ranges[1][0]);

	before = store_fake_dump(scene->store);
	assert_int_equal(take(scene, "c", 1000), IPAM_E_FULL);
	assert_int_equal(scene->refusal.set, 1);
	after = store_fake_dump(scene->store);
	assert_string_equal(before, after);
	free(before);
	free(after);

	assert_int_equal(release(scene, "a", 1000), 0);
	assert_taken(scene, "c", 1000, "10.0.0.3");
	assert_address(&scene->grant.addresses[1], "2001:db8::");
	scene_free(scene);
}

/* Each range set has an order of its own. */
static void test_order_per_set(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->request.reuse_delay = 0;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	add_range(scene, 1, range_of("2001:db8::/64", NULL, NULL));
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_int_equal(release(scene, "a", 1000), 0);
	assert_taken(scene, "b", 1000, "10.0.0.2");
	assert_address(&scene->grant.addresses[1], "2001:db8::2");
	scene_free(scene);
}

/* Two sets of one range: two different addresses. */
static void test_two_of_one_range(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/30", NULL, NULL));
	add_range(scene, 1, range_of("10.0.0.0/30", NULL, NULL));
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_address(&scene->grant.addresses[1], "10.0.0.2");
	assert_int_equal(take(scene, "b", 1000), IPAM_E_FULL);
	assert_int_equal(release(scene, "a", 1000), 0);
	assert_int_equal(take_named(scene, "b", "10.0.0.2", "10.0.0.1"), 0);
	assert_address(&scene->grant.addresses[0], "10.0.0.2");
	assert_address(&scene->grant.addresses[1], "10.0.0.1");
	scene_free(scene);
}

static int copy_lease(void *userdata, const struct lease *lease)
{
	char *text = userdata, address[ADDRESS_TEXT_MAX];

	(void)snprintf(text, 200, "%s %s %s %lld %s %zu", lease->attachment.network, lease->attachment.container_id,
		       lease->netns, (long long)lease->since, address_format(&lease->addresses[0], address),
		       lease->n_addresses);
	return 0;
}

static int find(struct scene *scene, const char *id, char text[static 200])
{
	struct attachment attachment = scene->request.lease.attachment;

	attachment.container_id = id;
	return ipam_find(scene->store, &attachment, copy_lease, text);
}

/* "ADD again for the same key ... the same addresses again": with the new namespace, and only while they fit. */
static void test_again(void **state)
{
	struct scene *scene = scene_new();
	char text[200];

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_false(scene->grant.existed);
	scene->request.lease.netns = "/run/netns/second";
	assert_taken(scene, "a", 2000, "10.0.0.1");
	assert_true(scene->grant.existed);
	assert_ptr_equal(scene->grant.ranges[0], &scene->ranges[0][0]);
	assert_int_equal(find(scene, "a", text), 0);
	assert_string_equal(text, "net a /run/netns/second 2000 10.0.0.1 1");

	/* By name: the same address is no conflict with oneself, another one is an exchange. */
	assert_int_equal(take_named(scene, "a", "10.0.0.1", NULL), 0);
	assert_true(scene->grant.existed);
	assert_int_equal(take_named(scene, "a", "10.0.0.9", NULL), 0);
	assert_false(scene->grant.existed);
	assert_int_equal(take_named(scene, "b", "10.0.0.1", NULL), 0);

	/* Reserved since: another one. */
	reserve(scene, "10.0.0.9");
	assert_taken(scene, "a", 2000, "10.0.0.2");
	assert_false(scene->grant.existed);
	/* A gateway since, a set more, a set less. */
	scene->ranges[0][0].gateway = address_of("10.0.0.2");
	assert_taken(scene, "a", 2000, "10.0.0.3");
	add_range(scene, 1, range_of("2001:db8::/64", NULL, NULL));
	assert_int_equal(take(scene, "a", 2000), 0);
	assert_int_equal(scene->grant.n_addresses, 2);
	scene->request.n_sets = 1;
	assert_int_equal(take(scene, "a", 2000), 0);
	assert_int_equal(scene->grant.n_addresses, 1);
	scene_free(scene);
}

/* An exchange that fails leaves the attachment what it had. */
static void test_failed_exchange(void **state)
{
	struct scene *scene = scene_new();
	char *before, *after;

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_taken(scene, "b", 1000, "10.0.0.2");
	before = store_fake_dump(scene->store);
	assert_int_equal(take_named(scene, "a", "10.0.0.2", NULL), IPAM_E_HELD);
	after = store_fake_dump(scene->store);
	assert_string_equal(before, after);
	free(before);
	free(after);
	scene_free(scene);
}

static void test_release(void **state)
{
	struct scene *scene = scene_new();
	char text[200];

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	assert_int_equal(release(scene, "a", 1000), IPAM_E_NOT_FOUND);
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_int_equal(release(scene, "b", 1000), IPAM_E_NOT_FOUND);
	assert_int_equal(find(scene, "a", text), 0);
	assert_int_equal(release(scene, "a", 1000), 0);
	assert_int_equal(release(scene, "a", 1000), IPAM_E_NOT_FOUND);
	assert_int_equal(find(scene, "a", text), IPAM_E_NOT_FOUND);
	scene_free(scene);
}

/** struct veto_case - Verdicts per last byte of an address, default FREE */
struct veto {
	int verdict[256];
	unsigned calls;
	bool requested;
	const struct ip_range *range;
};

static int veto(void *userdata, const struct ip_range *range, const struct address *address, bool requested)
{
	struct veto *self = userdata;

	self->calls++;
	self->range = range;
	self->requested = requested;
	return self->verdict[(uint8_t)address->value];
}

static void test_veto(void **state)
{
	struct veto self = {.verdict = {[1] = IPAM_VERDICT_SKIP, [2] = IPAM_VERDICT_SKIP, [5] = IPAM_VERDICT_STOP}};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/29", NULL, NULL));
	scene->request.veto = veto;
	scene->request.userdata = &self;
	assert_taken(scene, "a", 1000, "10.0.0.3");
	assert_int_equal(self.calls, 3);
	assert_ptr_equal(self.range, &scene->ranges[0][0]);
	assert_false(self.requested);
	assert_taken(scene, "b", 1000, "10.0.0.4");
	assert_int_equal(take(scene, "c", 1000), IPAM_E_VETOED);
	assert_address(&scene->refusal.address, "10.0.0.5");

	/* Asked for by name there is no next one. */
	assert_int_equal(take_named(scene, "c", "10.0.0.1", NULL), IPAM_E_VETOED);
	assert_true(self.requested);
	assert_address(&scene->refusal.address, "10.0.0.1");
	assert_int_equal(take_named(scene, "c", "10.0.0.6", NULL), 0);

	/* Passed over is not used up. */
	self.verdict[2] = IPAM_VERDICT_FREE;
	assert_taken(scene, "d", 1000, "10.0.0.2");
	self.verdict[5] = IPAM_VERDICT_SKIP;
	assert_int_equal(take(scene, "e", 1000), IPAM_E_FULL);
	/* A resting one is asked about as well. */
	assert_int_equal(release(scene, "d", 1000), 0);
	self.verdict[2] = IPAM_VERDICT_SKIP;
	assert_int_equal(take(scene, "e", 1000), IPAM_E_FULL);
	self.verdict[2] = -EPERM;
	assert_int_equal(take(scene, "e", 1000), -EPERM);

	/* What an attachment holds is asked about when it asks again. */
	self.verdict[3] = IPAM_VERDICT_STOP;
	assert_int_equal(take(scene, "a", 1000), IPAM_E_VETOED);
	self.verdict[3] = IPAM_VERDICT_SKIP;
	self.verdict[5] = IPAM_VERDICT_FREE;
	assert_taken(scene, "a", 1000, "10.0.0.5");
	scene_free(scene);
}

/* In the same three ranges: past the end of one comes the next one, and each address is asked about once. */
static void test_veto_at_the_end(void **state)
{
	struct veto self = {.verdict = {[1] = IPAM_VERDICT_SKIP}};
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/31", NULL, NULL));
	add_range(scene, 0, range_of("10.0.1.4/31", NULL, NULL));
	add_range(scene, 0, range_of("10.0.0.2/31", NULL, NULL));
	scene->request.veto = veto;
	scene->request.userdata = &self;
	assert_taken(scene, "a", 1000, "10.0.0.0");
	assert_taken(scene, "b", 1000, "10.0.1.4");
	for (size_t i = 0; i < ARRAY_LENGTH(self.verdict); i++)
		self.verdict[i] = IPAM_VERDICT_SKIP;
	self.calls = 0;
	assert_int_equal(take(scene, "c", 1000), IPAM_E_FULL);
	assert_int_equal(self.calls, 4);
	scene_free(scene);
}

/* "two networks never hand out the same address, whatever their names" */
static void test_shared_space(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/30", NULL, NULL));
	assert_taken(scene, "a", 1000, "10.0.0.1");
	scene->request.lease.attachment.network = "other";
	scene->ranges[0][0] = range_of("10.0.0.0/29", NULL, NULL);
	assert_taken(scene, "a", 1000, "10.0.0.2");
	scene->request.lease.attachment.network = "net";
	scene->ranges[0][0] = range_of("10.0.0.0/30", NULL, NULL);
	assert_int_equal(take(scene, "b", 1000), IPAM_E_FULL);
	assert_int_equal(take_named(scene, "b", "10.0.0.2", NULL), IPAM_E_HELD);
	assert_string_equal(scene->refusal.holder, "other a eth0");
	scene_free(scene);
}

static void test_is_full(void **state)
{
	struct scene *scene = scene_new();
	size_t set = 99;

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	add_range(scene, 1, range_of("2001:db8::1/128", NULL, NULL));
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 2, scene->guard, &set), 0);
	assert_int_equal(take(scene, "a", 1000), 0);
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 2, scene->guard, &set), 1);
	assert_int_equal(set, 1);
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 1, scene->guard, &set), 0);
	assert_int_equal(release(scene, "a", 1000), 0);
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 2, scene->guard, &set), 0);
	scene_free(scene);
}

static int count(void *userdata, const struct lease *lease)
{
	size_t *n = userdata;

	(void)lease;
	return ++*n == 4 ? 77 : 0;
}

/** spoil() - Damage the first row of @table */
static void spoil(struct store *store, enum store_table table)
{
	struct bytes key, value;
	struct row_key copy;

	assert_int_equal(store->ops->begin(store, true), 0);
	assert_int_equal(store->ops->seek(store, table, bytes_of("", 0), false, &key, &value), 0);
	memcpy(copy.data, key.data, key.size);
	copy.size = key.size;
	assert_int_equal(store->ops->put(store, table, row_key_bytes(&copy), bytes_of("xyz", 3)), 0);
	assert_int_equal(store->ops->commit(store), 0);
}

static void test_each(void **state)
{
	struct scene *scene = scene_new();
	size_t n = 0;

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	assert_int_equal(ipam_each(scene->store, NULL, count, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(take(scene, "a", 1000), 0);
	assert_int_equal(take(scene, "b", 1000), 0);
	scene->request.lease.attachment.network = "other";
	assert_int_equal(take(scene, "a", 1000), 0);
	assert_int_equal(ipam_each(scene->store, "net", count, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(ipam_each(scene->store, NULL, count, &n), 77);
	assert_int_equal(n, 4);

	spoil(scene->store, STORE_LEASES);
	n = 10;
	assert_int_equal(ipam_each(scene->store, NULL, count, &n), IPAM_E_DAMAGED);
	assert_int_equal(n, 12);
	scene_free(scene);
}

/* In parts, of whatever size and with a key of any length among them: each lease is met, and the walk ends. */
static void test_parts_with_damage(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	assert_int_equal(take(scene, "a", 1000), 0);
	assert_int_equal(take(scene, "b", 1000), 0);
	assert_int_equal(take(scene, "c", 1000), 0);
	spoil(scene->store, STORE_LEASES);
	for (size_t size = 1; size <= ROW_KEY_MAX; size++) {
		struct bytes key = bytes_of((uint8_t[ROW_KEY_MAX]){0x80}, size);

		if (size == sizeof(struct attachment_key))
			continue;
		assert_int_equal(scene->store->ops->begin(scene->store, true), 0);
		assert_int_equal(scene->store->ops->put(scene->store, STORE_LEASES, key, bytes_of("", 0)), 0);
		assert_int_equal(scene->store->ops->commit(scene->store), 0);
	}
	for (size_t limit = 1; limit < 60; limit++) {
		struct ipam_part part = {.limit = limit};
		size_t n = 10, parts = 0;

		while (!part.ended && parts++ < 100) {
			int r = ipam_each_part(scene->store, &part, count, &n);

			assert_true(r == 0 || r == IPAM_E_DAMAGED);
		}
		assert_true(part.ended);
		assert_int_equal(n, 12);
	}
	scene_free(scene);
}

/* A store that fails in the middle of a walk: an errno, never the outcome of a whole walk. */
static void test_walk_ends_early(void **state)
{
	struct scene *scene = scene_new();
	unsigned long n = 0;
	int r;

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	assert_int_equal(take(scene, "a", 1000), 0);
	assert_int_equal(take(scene, "b", 1000), 0);
	for (;;) {
		size_t visited = 10;

		store_fake_fail_at(scene->store, ++n);
		store_fake_fail_with(scene->store, EUCLEAN);
		r = ipam_each(scene->store, NULL, count, &visited);
		if (!store_fake_has_failed(scene->store))
			break;
		assert_int_equal(r, -EUCLEAN);
	}
	store_fake_fail_at(scene->store, 0);
	assert_int_equal(r, 0);
	assert_true(n > 3);
	scene_free(scene);
}

/* A lease that can't be read: DEL gives back what it held, ADD starts again. */
static void test_damaged_lease(void **state)
{
	struct scene *scene = scene_new();
	char text[200];

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/31", NULL, NULL));
	add_range(scene, 1, range_of("2001:db8::/127", NULL, NULL));
	assert_int_equal(take(scene, "a", 1000), 0);
	spoil(scene->store, STORE_LEASES);
	assert_int_equal(find(scene, "a", text), IPAM_E_DAMAGED);
	assert_int_equal(release(scene, "a", 1000), 0);
	assert_int_equal(release(scene, "a", 1000), IPAM_E_NOT_FOUND);
	assert_int_equal(take_named(scene, "b", "10.0.0.0", "2001:db8::"), 0);
	spoil(scene->store, STORE_LEASES);
	assert_int_equal(take_named(scene, "b", "10.0.0.0", "2001:db8::"), 0);
	assert_int_equal(find(scene, "b", text), 0);
	scene_free(scene);
}

/* A pool that wrongly has an address which is held can't give it. */
static void test_pool_is_no_truth(void **state)
{
	struct scene *scene = scene_new();
	struct row_key key = {.size = 0};
	struct bytes found, value;

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/30", NULL, NULL));
	assert_taken(scene, "a", 1000, "10.0.0.1");
	assert_taken(scene, "b", 1000, "10.0.0.2");

	/* Make "10.0.0.1-10.0.0.2" free in the only pool. */
	assert_int_equal(scene->store->ops->begin(scene->store, true), 0);
	assert_int_equal(scene->store->ops->seek(scene->store, STORE_POOLS, row_key_bytes(&key), false, &found, &value),
			 0);
	memcpy(key.data, found.data, found.size);
	key.size = (size_t)(row_write_address(key.data + found.size, &scene->grant.addresses[0]) - key.data);
	key.data[key.size - 1] = 1;
	assert_int_equal(scene->store->ops->put(
				 scene->store, STORE_FREE, row_key_bytes(&key),
				 bytes_of(row_key_of_address(&scene->grant.addresses[0]).data, ROW_ADDRESS_BYTES)),
			 0);
	assert_int_equal(scene->store->ops->commit(scene->store), 0);
	assert_int_equal(take(scene, "c", 1000), IPAM_E_FULL);
	scene_free(scene);
}

/* Two attachments of one digest: neither gets the other's addresses. */
static void test_digest_collision(void **state)
{
	struct scene *scene = scene_new();
	struct attachment_key key;
	struct lease lease = lease_of("net", "somebody else", "eth0", 1000);
	void *data;
	size_t size;
	char text[200];

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	scene->request.lease.attachment.container_id = "a";
	key = attachment_key(&scene->request.lease.attachment);
	assert_int_equal(lease_encode(&lease, &data, &size), 0);
	assert_int_equal(scene->store->ops->begin(scene->store, true), 0);
	assert_int_equal(scene->store->ops->put(scene->store, STORE_LEASES, bytes_of(key.bytes, sizeof(key.bytes)),
						bytes_of(data, size)),
			 0);
	assert_int_equal(scene->store->ops->commit(scene->store), 0);
	free(data);
	assert_int_equal(take(scene, "a", 1000), -EEXIST);
	assert_int_equal(release(scene, "a", 1000), IPAM_E_NOT_FOUND);
	assert_int_equal(find(scene, "a", text), IPAM_E_NOT_FOUND);
	scene_free(scene);
}

/* A lease that lists what another attachment holds: that stays the other's. */
static void test_release_leaves_others(void **state)
{
	struct scene *scene = scene_new();
	struct lease lease = lease_of("net", "b", "eth0", 1000);
	struct attachment_key key = attachment_key(&lease.attachment);
	void *data;
	size_t size;

	(void)state;
	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	assert_taken(scene, "a", 1000, "10.0.0.1");
	lease.addresses[0] = scene->grant.addresses[0];
	lease.n_addresses = 1;
	assert_int_equal(lease_encode(&lease, &data, &size), 0);
	assert_int_equal(scene->store->ops->begin(scene->store, true), 0);
	assert_int_equal(scene->store->ops->put(scene->store, STORE_LEASES, bytes_of(key.bytes, sizeof(key.bytes)),
						bytes_of(data, size)),
			 0);
	assert_int_equal(scene->store->ops->commit(scene->store), 0);
	free(data);
	assert_int_equal(release(scene, "b", 1000), 0);
	assert_int_equal(take_named(scene, "c", "10.0.0.1", NULL), IPAM_E_HELD);
	assert_string_equal(scene->refusal.holder, "net a eth0");
	scene_free(scene);
}

/** failing_fn - A call that succeeds when the store does; returns its outcome */
typedef int (*failing_fn)(struct scene *scene);

static int fail_take(struct scene *scene)
{
	return take(scene, "new", 5000);
}

static int fail_take_elsewhere(struct scene *scene)
{
	int r;

	add_range(scene, 1, range_of("10.0.0.0/25", NULL, "10.0.0.3"));
	r = take(scene, "new", 5000);
	memset(&scene->sets[1], 0, sizeof(scene->sets[1]));
	scene->request.n_sets = 1;
	return r;
}

static int fail_take_again(struct scene *scene)
{
	return take(scene, "b", 5000);
}

static int fail_exchange(struct scene *scene)
{
	return take_named(scene, "b", "10.0.0.9", NULL);
}

static int fail_release(struct scene *scene)
{
	return release(scene, "b", 5000);
}

/* Whichever call of the store fails: an error, and nothing has changed. */
static void test_failing_store(void **state)
{
	static const failing_fn calls[] = {fail_take, fail_take_elsewhere, fail_take_again, fail_exchange,
					   fail_release};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
		struct scene *scene = scene_new();
		unsigned long n = 0;
		char *before;
		int r;

		add_range(scene, 0, range_of("10.0.0.0/24", NULL, "10.0.0.2"));
		assert_int_equal(take(scene, "a", 1000), 0);
		assert_int_equal(take(scene, "b", 1000), 0);
		assert_int_equal(take(scene, "c", 1000), 0);
		assert_int_equal(release(scene, "a", 1000), 0);
		before = store_fake_dump(scene->store);
		do {
			char *after;

			store_fake_fail_at(scene->store, ++n);
			r = calls[i](scene);
			after = store_fake_dump(scene->store);
			if (store_fake_has_failed(scene->store)) {
				assert_int_equal(r, -EIO);
				assert_string_equal(before, after);
			} else {
				assert_int_equal(r, 0);
				assert_string_not_equal(before, after);
			}
			free(after);
		} while (store_fake_has_failed(scene->store));
		assert_true(n > 4);
		free(before);
		scene_free(scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_longest_rest),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_no_delay),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_ranges_in_order),
		cmocka_unit_test(test_gateway_and_reserved),
		cmocka_unit_test(test_own_addresses),
		cmocka_unit_test(test_released_by_another_network),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_order_per_set),
		cmocka_unit_test(test_two_of_one_range),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_failed_exchange),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_veto),
		cmocka_unit_test(test_veto_at_the_end),
		cmocka_unit_test(test_shared_space),
		cmocka_unit_test(test_is_full),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_parts_with_damage),
		cmocka_unit_test(test_walk_ends_early),
		cmocka_unit_test(test_damaged_lease),
		cmocka_unit_test(test_pool_is_no_truth),
		cmocka_unit_test(test_digest_collision),
		cmocka_unit_test(test_release_leaves_others),
		cmocka_unit_test(test_failing_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
