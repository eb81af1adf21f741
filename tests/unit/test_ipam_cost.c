/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "Cost of ADD and DEL does not grow with the number of leases, the size of the pool or how full it is": counted in
 * calls of the store, each of which is one descent of a tree.
 */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/lease/ipam.h"
#include "ipam_scene.h"
#include "rangeguard/array.h"
#include "store_fake.h"

/** An ADD splits an extent or shortens it, a DEL joins none, one or two: that is all that may differ */
#define SLACK 6UL
#define ID_MAX 24

/** struct load - A pool and how many of its addresses are held when ADD and DEL are counted */
struct load {
	const char *what;
	const char *subnet;
	const char *span;
	unsigned n_leases;
	bool half_reserved;
};

static const struct load loads[] = {
	{"1,000 leases", "10.0.0.0/16", NULL, 1000, false},
	{"20,000 leases", "10.0.0.0/16", NULL, 20000, false},
	{"20,000 leases, IPv6 /64", "2001:db8::/64", NULL, 20000, false},
	{"20,000 leases and one address left", "10.0.0.0/16", "10.0.0.1-10.0.78.33", 20000, false},
	{"each other address reserved", "10.0.0.0/16", NULL, 0, true},
	{"each other address reserved, 10,000 leases", "10.0.0.0/16", NULL, 10000, true},
	{"each other address reserved, one left", "10.0.0.0/16", "10.0.0.0-10.0.39.17", 5000, true},
};

/** reserve_even() - A guard that reserves the even addresses of 10.0.0.0/16 */
static struct guard *reserve_even(void)
{
	struct guard_entry entry = {.kind = GUARD_RESERVED};
	struct address address = address_of("10.0.0.0");
	struct guard *guard;

	assert_int_equal(guard_new(&guard), 0);
	for (unsigned i = 0; i < 65536; i += 2, address.value += 2) {
		entry.span = span_of_address(&address);
		assert_int_equal(guard_add(guard, &entry), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	return guard;
}

static void take(struct store *store, struct ipam_request *request, const char *id)
{
	struct ipam_refusal refusal;
	struct ipam_grant grant;

	request->lease.attachment.container_id = id;
	assert_int_equal(ipam_take(store, request, &grant, &refusal), 0);
}

static void release(struct store *store, struct ipam_request *request, const char *id)
{
	request->lease.attachment.container_id = id;
	assert_int_equal(ipam_release(store, &request->lease.attachment, 1000), 0);
}

/**
 * measure() - Calls of the store for one ADD and one DEL
 * @load:	With what is in the pool
 * @ret_add:	For ADD
 * @ret_del:	For DEL
 */
static void measure(const struct load *load, unsigned long *ret_add, unsigned long *ret_del)
{
	struct guard *guard = load->half_reserved ? reserve_even() : GUARD_EMPTY();
	struct ip_range range = range_of(load->subnet, load->span, NULL);
	struct range_set set = {.ranges = &range, .n_ranges = 1};
	struct store *store = store_fake_new();
	struct ipam_request request = {
		.lease = lease_of("net", "", "eth0", 1000),
		.sets = &set,
		.n_sets = 1,
		.reuse_delay = 120,
		.guard = guard,
	};
	char id[ID_MAX];

	/* The pool is built by the first ADD. */
	take(store, &request, "first");
	release(store, &request, "first");
	request.lease.since += 1000;
	for (unsigned i = 0; i < load->n_leases; i++) {
		(void)snprintf(id, sizeof(id), "%u", i);
		take(store, &request, id);
	}
	store_fake_fail_at(store, 0);
	take(store, &request, "counted");
	*ret_add = store_fake_calls(store);
	store_fake_fail_at(store, 0);
	release(store, &request, "counted");
	*ret_del = store_fake_calls(store);
	store_close(store);
	guard_free(guard);
}

static void test_cost(void **state)
{
	static const struct load empty = {"empty", "10.0.0.0/16", NULL, 0, false};
	unsigned long add, del, first_add, first_del;

	(void)state;
	measure(&empty, &first_add, &first_del);
	for (size_t i = 0; i < ARRAY_LENGTH(loads); i++) {
		measure(&loads[i], &add, &del);
		print_message("%s: ADD %lu calls (empty: %lu), DEL %lu (%lu)\n", loads[i].what, add, first_add, del,
			      first_del);
		assert_in_range(add, 1, first_add + SLACK);
		assert_in_range(del, 1, first_del + SLACK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
