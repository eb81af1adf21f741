/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipam.c: what one attachment asks for by name, gets as a whole or not at all, gets again, exchanges and gives back. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdlib.h>

#include "ipam/store/row.h"
#include "network_scene.h"
#include "rangeguard/array.h"
#include "store_fake.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_order_per_set),
		cmocka_unit_test(test_two_of_one_range),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_failed_exchange),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_digest_collision),
		cmocka_unit_test(test_release_leaves_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
