/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How packets leave, in the lease store: kept as long as a lease names it, counted rightly whatever happens. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/lease/ipam.h"
#include "ipam/store/row.h"
#include "ipam_scene.h"
#include "store_fake.h"

/** struct scene - One store, one network with one range */
struct scene {
	struct store *store;
	struct guard *guard;
	struct ip_range range;
	struct range_set set;
};

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->store = store_fake_new();
	scene->guard = GUARD_EMPTY();
	scene->range = range_of("10.0.0.0/24", NULL, NULL);
	scene->set = (struct range_set){.ranges = &scene->range, .n_ranges = 1};
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	guard_free(scene->guard);
	store_close(scene->store);
	free(scene);
	return 0;
}

/** definition() - Bytes that stand for a digest */
static struct bytes definition(uint64_t digest)
{
	static const char *const texts[] = {"", "one", "another", "third"};

	return bytes_of(texts[digest], strlen(texts[digest]));
}

/** take() - ipam_take() of a container whose packets leave as @digest says */
static int take(struct scene *scene, const char *id, uint64_t digest)
{
	struct ipam_request request = {
		.lease = lease_of("net", id, "eth0", 1000),
		.egress = definition(digest),
		.sets = &scene->set,
		.n_sets = 1,
		.guard = scene->guard,
	};
	struct ipam_refusal refusal;
	struct ipam_grant grant;

	request.lease.egress = digest;
	return ipam_take(scene->store, &request, &grant, &refusal);
}

/** release() - ipam_release() of it */
static int release(struct scene *scene, const char *id)
{
	struct attachment attachment = {.network = "net", .container_id = id, .ifname = "eth0"};

	return ipam_release(scene->store, &attachment, 1000);
}

/** check_egress() - ipam_egress_fn: the definition is whole; hand out the number of its leases */
static int check_egress(void *userdata, const struct ipam_egress *egress)
{
	struct bytes expected = definition(egress->digest);

	assert_int_equal(egress->definition.size, expected.size);
	assert_memory_equal(egress->definition.data, expected.data, expected.size);
	*(uint64_t *)userdata = egress->users;
	return 0;
}

/** users() - How many leases name a digest, -1 when it is unknown */
static int users(struct scene *scene, uint64_t digest)
{
	uint64_t n = 0;
	int r = ipam_find_egress(scene->store, digest, check_egress, &n);

	assert_true(r == 0 || r == IPAM_E_NOT_FOUND);
	return r ? -1 : (int)n;
}

static void leases_are_counted(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(users(scene, 1), -1);
	assert_int_equal(take(scene, "a", 1), 0);
	assert_int_equal(take(scene, "b", 1), 0);
	assert_int_equal(take(scene, "c", 2), 0);
	assert_int_equal(take(scene, "d", 0), 0);
	assert_int_equal(users(scene, 1), 2);
	assert_int_equal(users(scene, 2), 1);
	assert_int_equal(release(scene, "d"), 0);
	assert_int_equal(release(scene, "a"), 0);
	assert_int_equal(users(scene, 1), 1);
	/* It is still known when nobody names it any more, until what it stands for has been undone. */
	assert_int_equal(ipam_forget_egress(scene->store, 1), 0);
	assert_int_equal(users(scene, 1), 1);
	assert_int_equal(release(scene, "b"), 0);
	assert_int_equal(users(scene, 1), 0);
	assert_int_equal(ipam_forget_egress(scene->store, 1), 0);
	assert_int_equal(users(scene, 1), -1);
	assert_int_equal(ipam_forget_egress(scene->store, 1), 0);
	assert_int_equal(users(scene, 2), 1);
}

/* ADD again, with the same addresses or new ones: the lease before counts no more. */
static void a_lease_that_is_replaced_counts_once(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(take(scene, "a", 1), 0);
	assert_int_equal(take(scene, "a", 1), 0);
	assert_int_equal(users(scene, 1), 1);
	assert_int_equal(take(scene, "a", 2), 0);
	assert_int_equal(users(scene, 1), 0);
	assert_int_equal(users(scene, 2), 1);
	scene->range = range_of("10.0.1.0/24", NULL, NULL);
	assert_int_equal(take(scene, "a", 3), 0);
	assert_int_equal(users(scene, 2), 0);
	assert_int_equal(users(scene, 3), 1);
}

static void a_chained_lease_holds_no_addresses(void **state)
{
	struct lease chained = lease_of("net", "a", "eth0", 1000);
	struct scene *scene = *state;

	chained.attachment.chained = true;
	chained.egress = 2;
	chained.addresses[chained.n_addresses++] = address_of("10.0.0.1");
	assert_int_equal(ipam_note(scene->store, &chained, definition(2)), 0);
	assert_int_equal(ipam_note(scene->store, &chained, definition(2)), 0);
	assert_int_equal(users(scene, 2), 1);
	/* The same container's own lease gets that very address, and outlives the chained one. */
	assert_int_equal(take(scene, "a", 1), 0);
	assert_int_equal(ipam_release(scene->store, &chained.attachment, 1000), 0);
	assert_int_equal(users(scene, 2), 0);
	assert_int_equal(users(scene, 1), 1);
	assert_int_equal(release(scene, "a"), 0);
	assert_int_equal(release(scene, "a"), IPAM_E_NOT_FOUND);
}

/** count() - ipam_egress_fn: count them */
static int count(void *userdata, const struct ipam_egress *egress)
{
	uint64_t users_of_it;

	++*(unsigned *)userdata;
	return check_egress(&users_of_it, egress);
}

static void all_are_walked_through(void **state)
{
	struct scene *scene = *state;
	unsigned n = 0;

	assert_int_equal(ipam_each_egress(scene->store, count, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(take(scene, "a", 1), 0);
	assert_int_equal(take(scene, "b", 3), 0);
	assert_int_equal(take(scene, "c", 2), 0);
	assert_int_equal(release(scene, "c"), 0);
	assert_int_equal(ipam_each_egress(scene->store, count, &n), 0);
	assert_int_equal(n, 3);
}

static void adopting_is_remembered(void **state)
{
	struct adopted adopted = {.lease = lease_of("net", "x", "eth0", 500)};
	struct scene *scene = *state;

	assert_int_equal(ipam_adopt(scene->store, &adopted, 0), 0);
	assert_int_equal(ipam_has_adopted(scene->store), 0);
	adopted.key = attachment_key(&adopted.lease.attachment);
	adopted.lease.addresses[adopted.lease.n_addresses++] = address_of("10.0.0.9");
	assert_int_equal(ipam_adopt(scene->store, &adopted, 1), 0);
	assert_int_equal(ipam_has_adopted(scene->store), 1);
}

/** put_row() - Put a row that nothing here has written */
static void put_row(struct scene *scene, enum store_table table, struct bytes key, struct bytes value)
{
	assert_int_equal(scene->store->ops->begin(scene->store, true), 0);
	assert_int_equal(scene->store->ops->put(scene->store, table, key, value), 0);
	assert_int_equal(scene->store->ops->commit(scene->store), 0);
}

/** spoil_egress() - Cut the row of a digest */
static void spoil_egress(struct scene *scene, uint64_t digest)
{
	uint8_t key[ROW_NUMBER_BYTES];

	(void)row_write_number(key, digest);
	put_row(scene, STORE_EGRESS, bytes_of(key, sizeof(key)), bytes_of("xyz", 3));
}

/** spoil_lease() - Cut the lease of a container */
static void spoil_lease(struct scene *scene, const char *id)
{
	struct attachment attachment = {.network = "net", .container_id = id, .ifname = "eth0"};
	struct attachment_key key = attachment_key(&attachment);

	put_row(scene, STORE_LEASES, bytes_of(key.bytes, sizeof(key.bytes)), bytes_of("xyz", 3));
}

/* Wherever it stands, a row that can't be read keeps no other from being found. */
static void a_damaged_row_hides_no_other(void **state)
{
	struct scene *scene = *state;

	for (uint64_t damaged = 1; damaged <= 3; damaged++) {
		unsigned n = 0;

		for (uint64_t digest = 1; digest <= 3; digest++)
			assert_int_equal(take(scene, "a", digest), 0);
		spoil_egress(scene, damaged);
		assert_int_equal(ipam_each_egress(scene->store, count, &n), IPAM_E_DAMAGED);
		assert_int_equal(n, 2);
	}
	for (size_t size = 1; size <= ROW_KEY_MAX; size++) {
		unsigned n = 0;

		if (size == ROW_NUMBER_BYTES)
			continue;
		put_row(scene, STORE_EGRESS, bytes_of((uint8_t[ROW_KEY_MAX]){0}, size), bytes_of("0123456789", 10));
		assert_int_equal(ipam_each_egress(scene->store, count, &n), IPAM_E_DAMAGED);
		assert_int_equal(n, 2);
	}
}

/* A walk that does not come to its end never says the same as one that does. */
static void a_walk_that_ends_early_says_so(void **state)
{
	static const int errors[] = {EIO, EUCLEAN, ENOMEM};
	struct scene *scene = *state;

	for (uint64_t digest = 1; digest <= 3; digest++)
		assert_int_equal(take(scene, "a", digest), 0);
	spoil_egress(scene, 1);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		for (unsigned long n = 1;; n++) {
			unsigned visited = 0;
			int r;

			store_fake_fail_at(scene->store, n);
			store_fake_fail_with(scene->store, errors[i]);
			r = ipam_each_egress(scene->store, count, &visited);
			if (!store_fake_has_failed(scene->store))
				break;
			assert_int_equal(r, -errors[i]);
		}
		store_fake_fail_at(scene->store, 0);
	}
}

/* What a damaged lease named is nobody's once that lease is gone, and others' numbers stay what they are. */
static void a_damaged_lease_counts_no_more(void **state)
{
	struct lease chained = lease_of("net", "a", "eth0", 1000);
	struct scene *scene = *state;

	assert_int_equal(take(scene, "a", 1), 0);
	assert_int_equal(take(scene, "b", 1), 0);
	assert_int_equal(take(scene, "c", 2), 0);
	spoil_lease(scene, "a");
	assert_int_equal(release(scene, "a"), 0);
	assert_int_equal(users(scene, 1), 1);
	spoil_lease(scene, "b");
	spoil_lease(scene, "c");
	/* One of them may still name it. */
	assert_int_equal(take(scene, "b", 3), 0);
	assert_int_equal(users(scene, 1), 1);
	assert_int_equal(users(scene, 2), 1);
	assert_int_equal(release(scene, "c"), 0);
	assert_int_equal(users(scene, 1), 0);
	assert_int_equal(users(scene, 2), 0);
	assert_int_equal(users(scene, 3), 1);

	chained.attachment.chained = true;
	chained.egress = 2;
	assert_int_equal(ipam_note(scene->store, &chained, definition(2)), 0);
	{
		struct attachment_key key = attachment_key(&chained.attachment);

		put_row(scene, STORE_LEASES, bytes_of(key.bytes, sizeof(key.bytes)), bytes_of("xyz", 3));
	}
	assert_int_equal(ipam_note(scene->store, &chained, definition(2)), 0);
	assert_int_equal(users(scene, 2), 1);
}

/* The next ADD that has the same definition mends a damaged row; until then it is in nobody's way. */
static void a_damaged_row_is_mended(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(take(scene, "a", 1), 0);
	assert_int_equal(take(scene, "b", 1), 0);
	assert_int_equal(take(scene, "c", 1), 0);
	spoil_egress(scene, 1);
	assert_int_equal(release(scene, "a"), 0);
	assert_int_equal(take(scene, "d", 1), 0);
	assert_int_equal(users(scene, 1), 3);
	spoil_egress(scene, 1);
	assert_int_equal(take(scene, "d", 1), 0);
	assert_int_equal(users(scene, 1), 3);
}

/* Each call of the store fails once: counts and leases change together or not at all. */
static void each_call_fails_once(void **state)
{
	struct scene *scene = *state;
	unsigned long n = 0;
	int r;

	assert_int_equal(take(scene, "a", 1), 0);
	assert_int_equal(take(scene, "b", 1), 0);
	do {
		store_fake_fail_at(scene->store, ++n);
		r = take(scene, "a", 2);
		store_fake_fail_at(scene->store, 0);
		assert_int_equal(users(scene, 1), r ? 2 : 1);
		assert_int_equal(users(scene, 2), r ? -1 : 1);
	} while (r);
	n = 0;
	do {
		store_fake_fail_at(scene->store, ++n);
		r = release(scene, "b");
		store_fake_fail_at(scene->store, 0);
		assert_int_equal(users(scene, 1), r ? 1 : 0);
	} while (r);
	n = 0;
	do {
		store_fake_fail_at(scene->store, ++n);
		r = ipam_forget_egress(scene->store, 1);
		store_fake_fail_at(scene->store, 0);
		assert_int_equal(users(scene, 1), r ? 0 : -1);
	} while (r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(leases_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lease_that_is_replaced_counts_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_chained_lease_holds_no_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(all_are_walked_through, setup, teardown),
		cmocka_unit_test_setup_teardown(adopting_is_remembered, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_row_hides_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(a_walk_that_ends_early_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_lease_counts_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_row_is_mended, setup, teardown),
		cmocka_unit_test_setup_teardown(each_call_fails_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
