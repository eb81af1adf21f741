/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipam.c: walks over all leases, rows that are damaged, and a store that fails at any call. */

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

#include "ipam/store/row.h"
#include "network_scene.h"
#include "rangeguard/array.h"
#include "store_fake.h"

static int count(void *userdata, const struct lease *lease)
{
	size_t *n = userdata;

	(void)lease;
	return ++*n == 4 ? 77 : 0;
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
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_parts_with_damage),
		cmocka_unit_test(test_walk_ends_early),
		cmocka_unit_test(test_damaged_lease),
		cmocka_unit_test(test_pool_is_no_truth),
		cmocka_unit_test(test_failing_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
