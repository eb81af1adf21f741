/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of the store that can't be read, in each table, in each place, in each way: whoever writes next repairs them, every
 * lease that can be read stays to the byte, no address is given twice, none is lost, and what rests goes on resting.
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

#define NOW 1000
#define DELAY 120U
#define N_HOSTS 14U
/** What rests from the beginning, see scene_new() */
#define RESTING "10.0.0.4"

/** struct scene - A store that two networks of one range share */
struct scene {
	struct store *store;
	struct guard *guard;
	struct ip_range range;
	struct range_set set;
	struct ipam_request request;
	struct ipam_grant grant;
	struct ipam_refusal refusal;
};

static int take(struct scene *scene, const char *network, const char *id)
{
	scene->request.lease.attachment.network = network;
	scene->request.lease.attachment.container_id = id;
	return ipam_take(scene->store, &scene->request, &scene->grant, &scene->refusal);
}

static int release(struct scene *scene, const char *id)
{
	struct attachment attachment = {.network = "net", .container_id = id, .ifname = "eth0"};

	return ipam_release(scene->store, &attachment, NOW);
}

/** scene_new() - a, b and c hold leases with a pin, what d held rests, and there are two pools */
static struct scene *scene_new(void)
{
	static const char *const ids[] = {"a", "b", "c", "d"};
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->store = store_fake_new();
	scene->guard = GUARD_EMPTY();
	scene->range = range_of("10.0.0.0/28", NULL, NULL);
	scene->set = (struct range_set){.ranges = &scene->range, .n_ranges = 1};
	scene->request = (struct ipam_request){
		.lease = lease_of("net", "id", "eth0", NOW),
		.egress = bytes_of("how it leaves", 13),
		.sets = &scene->set,
		.n_sets = 1,
		.reuse_delay = DELAY,
		.guard = scene->guard,
	};
	scene->request.lease.egress = 77;
	scene->request.lease.pins = "mainframe";
	for (size_t i = 0; i < ARRAY_LENGTH(ids); i++)
		assert_int_equal(take(scene, "net", ids[i]), 0);
	assert_int_equal(release(scene, "d"), 0);
	/* Another pool of the same addresses, less one. */
	scene->range.gateway = address_of("10.0.0.14");
	assert_int_equal(take(scene, "other", "e"), 0);
	scene->range.gateway = (struct address){.family = FAMILY_NONE};
	return scene;
}

static void scene_free(struct scene *scene)
{
	guard_free(scene->guard);
	store_close(scene->store);
	free(scene);
}

/** find_row() - Row @index of a table: whether there is one */
static bool find_row(struct scene *scene, enum store_table table, size_t index, struct row_key *ret_key)
{
	struct store *store = scene->store;
	struct bytes key = bytes_of("", 0), value;
	int r;

	assert_int_equal(store->ops->begin(store, false), 0);
	r = store->ops->seek(store, table, key, false, &key, &value);
	for (size_t i = 0; i < index && r == 0; i++)
		r = store->ops->seek(store, table, key, true, &key, &value);
	if (r == 0)
		assert_int_equal(row_key_read(key, ret_key), 0);
	store->ops->abort(store);
	return r == 0;
}

/** enum damage - In which way a row can't be read */
enum damage {
	DAMAGE_VALUE,	  /* its value is another one */
	DAMAGE_EMPTY,	  /* it has none */
	DAMAGE_KEY_LONG,  /* its key has grown */
	DAMAGE_KEY_SHORT, /* or become shorter than any pool's */
	DAMAGE_ADDRESS,	  /* the last part of its key is another one */
	DAMAGE_N,
};

/** damage() - Damage a row, whose value is lost */
static void damage(struct scene *scene, enum store_table table, struct row_key key, enum damage way)
{
	struct store *store = scene->store;
	struct row_key before = key;
	struct bytes value = bytes_of(way == DAMAGE_EMPTY ? "" : "xyz", way == DAMAGE_EMPTY ? 0 : 3);

	assert_int_equal(store->ops->begin(store, true), 0);
	assert_int_equal(store->ops->remove(store, table, row_key_bytes(&before)), 0);
	if (way == DAMAGE_KEY_LONG && key.size < sizeof(key.data))
		key.data[key.size++] = 'x';
	if (way == DAMAGE_KEY_SHORT)
		key.size = 5;
	if (way == DAMAGE_ADDRESS && key.size > ROW_ADDRESS_BYTES)
		key.data[key.size - ROW_ADDRESS_BYTES] = 0x7f;
	assert_int_equal(store->ops->put(store, table, row_key_bytes(&key), value), 0);
	assert_int_equal(store->ops->commit(store), 0);
}

/** struct held - Addresses that are held, by their last byte */
struct held {
	unsigned times[N_HOSTS + 2];
	unsigned n;
};

/** note_held() - ipam_each_fn */
static int note_held(void *userdata, const struct lease *lease)
{
	struct held *held = userdata;

	assert_string_equal(lease->pins, "mainframe");
	assert_int_equal(lease->egress, 77);
	for (size_t i = 0; i < lease->n_addresses; i++, held->n++)
		assert_int_equal(held->times[(unsigned)lease->addresses[i].value & 0xf]++, 0);
	return 0;
}

static struct held held_by_leases(struct scene *scene)
{
	struct held held = {.n = 0};

	assert_int_equal(ipam_each(scene->store, NULL, note_held, &held), 0);
	return held;
}

/** assert_not_given() - What was given last is not @text */
static void assert_not_given(const struct scene *scene, const char *text)
{
	struct address address = address_of(text);

	assert_false(address_equal(&scene->grant.addresses[0], &address));
}

/** exhaust() - Take what is left: each address of the range is held once in the end, and what rested was given last */
static void exhaust(struct scene *scene)
{
	struct address last = {.family = FAMILY_NONE}, resting = address_of(RESTING);
	char id[16];
	unsigned n = 0, n_full = 0;
	int r = 0;

	/* A row that has another key now is missed by nobody who takes: it is found when all rows are looked at. */
	while (n_full < 2 && n++ < 2 * N_HOSTS) {
		(void)snprintf(id, sizeof(id), "more %u", n);
		r = take(scene, "net", id);
		if (r == 0)
			last = scene->grant.addresses[0];
		else if (n_full++ == 0)
			assert_int_equal(ipam_mend(scene->store), 0);
	}
	assert_int_equal(r, IPAM_E_FULL);
	assert_int_equal(held_by_leases(scene).n, N_HOSTS);
	assert_true(address_equal(&last, &resting));
}

/* Whatever row it is, and whatever is wrong with it. */
static void test_each_row(void **state)
{
	static const enum store_table tables[] = {STORE_META,	 STORE_ADDRESSES, STORE_POOLS,	   STORE_FREE,
						  STORE_RESTING, STORE_EGRESS,	  STORE_RESTING_AT};
	unsigned n = 0, n_repaired = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(tables) * DAMAGE_N; i++) {
		enum store_table table = tables[i / DAMAGE_N];
		struct row_key key;

		for (size_t row = 0;; row++) {
			struct scene *scene = scene_new();
			bool found = find_row(scene, table, row, &key);

			if (found) {
				damage(scene, table, key, i % DAMAGE_N);
				assert_int_equal(take(scene, "net", "new"), 0);
				assert_not_given(scene, RESTING);
				assert_int_equal(held_by_leases(scene).n, 5);
				exhaust(scene);
				n_repaired += scene->store->n_repaired > 0;
				n++;
			}
			scene_free(scene);
			if (!found)
				break;
		}
	}
	assert_true(n > 60);
	assert_true(n_repaired > 20);
}

/* Who gives back needs the pools as well. */
static void test_release(void **state)
{
	static const enum store_table tables[] = {STORE_POOLS, STORE_FREE, STORE_RESTING, STORE_RESTING_AT};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(tables) * DAMAGE_N; i++) {
		struct scene *scene = scene_new();
		struct row_key key;

		assert_true(find_row(scene, tables[i / DAMAGE_N], 0, &key));
		damage(scene, tables[i / DAMAGE_N], key, i % DAMAGE_N);
		assert_int_equal(release(scene, "b"), 0);
		assert_int_equal(held_by_leases(scene).n, 3);
		scene_free(scene);
	}
}

/* And so does who holds what others gave, or notes a lease without addresses. */
static void test_hold_and_note(void **state)
{
	struct adopted adopted = {.lease = lease_of("net", "found", "eth0", NOW)};
	struct lease noted = lease_of("net", "chained", "eth0", NOW);
	struct scene *scene = scene_new();
	struct row_key key;

	(void)state;
	adopted.key = attachment_key(&adopted.lease.attachment);
	adopted.lease.addresses[0] = address_of("10.0.0.9");
	adopted.lease.n_addresses = 1;
	adopted.lease.egress = noted.egress = 77;
	adopted.lease.pins = noted.pins = "mainframe";
	assert_true(find_row(scene, STORE_POOLS, 0, &key));
	damage(scene, STORE_POOLS, key, DAMAGE_VALUE);
	assert_int_equal(ipam_hold(scene->store, &adopted), 0);
	assert_true(scene->store->n_repaired > 0);
	assert_int_equal(ipam_note(scene->store, &noted, scene->request.egress), 0);
	assert_int_equal(held_by_leases(scene).n, 5);
	exhaust(scene);
	scene_free(scene);
}

/* Who holds an address can't be told, and a lease lists it: that one does, and can give it back. */
static void test_holder_is_found_again(void **state)
{
	struct scene *scene = scene_new();
	struct address address = address_of("10.0.0.2");

	(void)state;
	damage(scene, STORE_ADDRESSES, row_key_of_address(&address), DAMAGE_VALUE);
	assert_int_equal(ipam_mend(scene->store), 0);
	assert_int_equal(scene->store->n_repaired, 1);
	assert_int_equal(release(scene, "b"), 0);
	assert_int_equal(held_by_leases(scene).n, 3);
	scene_free(scene);
}

/* Nothing is wrong: nothing is changed. */
static void test_sound(void **state)
{
	struct scene *scene = scene_new();
	char *before = store_fake_dump(scene->store), *after;

	(void)state;
	assert_int_equal(ipam_mend(scene->store), 0);
	assert_int_equal(scene->store->n_repaired, 0);
	after = store_fake_dump(scene->store);
	assert_string_equal(before, after);
	free(before);
	free(after);
	scene_free(scene);
}

/* Whichever call of the store fails, no lease is lost, and the next one repairs what this one did not. */
static void test_failing_store(void **state)
{
	unsigned long n = 0;
	bool failed;

	(void)state;
	do {
		struct scene *scene = scene_new();
		struct row_key key;
		int r;

		assert_true(find_row(scene, STORE_FREE, 0, &key));
		damage(scene, STORE_FREE, key, DAMAGE_VALUE);
		store_fake_fail_at(scene->store, ++n);
		r = take(scene, "net", "new");
		failed = store_fake_has_failed(scene->store);
		assert_int_equal(r, failed ? -EIO : 0);
		store_fake_fail_at(scene->store, 0);
		assert_int_equal(held_by_leases(scene).n, failed ? 4 : 5);
		exhaust(scene);
		scene_free(scene);
	} while (failed);
	assert_true(n > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row),      cmocka_unit_test(test_release),
		cmocka_unit_test(test_hold_and_note), cmocka_unit_test(test_holder_is_found_again),
		cmocka_unit_test(test_sound),	      cmocka_unit_test(test_failing_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
