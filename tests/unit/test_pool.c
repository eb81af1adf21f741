/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pools in the store: what they are built from, how extents split and join, what rests, how many are kept. */

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

#include "ipam/lease/extent.h"
#include "ipam/lease/lease_table.h"
#include "ipam/lease/pool.h"
#include "ipam/lease/resting.h"
#include "ipam_scene.h"
#include "rangeguard/array.h"
#include "store_fake.h"

#define NOW 100000U
#define N_GUARDS 3U

/** struct scene - A store in a writing transaction, a range set, a guard */
struct scene {
	struct store *store;
	struct guard *guard;
	struct ip_range ranges[3];
	struct range_set set;
	struct pool_id pool;
};

static struct scene *scene_new(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->store = store_fake_new();
	scene->guard = GUARD_EMPTY();
	scene->set.ranges = scene->ranges;
	assert_int_equal(scene->store->ops->begin(scene->store, true), 0);
	return scene;
}

static void scene_free(struct scene *scene)
{
	scene->store->ops->abort(scene->store);
	store_close(scene->store);
	guard_free(scene->guard);
	free(scene);
}

static void use_guard(struct scene *scene, struct guard *guard)
{
	guard_free(scene->guard);
	scene->guard = guard;
}

static void open_pool(struct scene *scene)
{
	assert_int_equal(pool_open(scene->store, &scene->set, scene->guard, NOW, &scene->pool), 0);
}

/** assert_free() - The extents of the pool, as "FIRST-LAST FIRST-LAST …" in the notation of span_format() */
static void assert_free(struct scene *scene, const char *expected)
{
	struct bytes key = bytes_of("", 0), value;
	char text[1000] = "";
	size_t used = 0;

	while (scene->store->ops->seek(scene->store, STORE_FREE, key, true, &key, &value) == 0) {
		struct bytes rest = key;
		struct address first, last;
		struct span extent;
		char span_text[SPAN_TEXT_MAX];

		if (row_read_pool(&rest, &scene->pool) != 0)
			continue;
		assert_int_equal(row_read_address(&rest, &first), 0);
		assert_int_equal(row_read_address(&value, &last), 0);
		extent = (struct span){.family = first.family, .first = first.value, .last = last.value};
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "",
					 span_format(&extent, span_text));
	}
	assert_string_equal(text, expected);
}

/** assert_resting() - The resting addresses of the pool, the one released first first */
static void assert_resting(struct scene *scene, const char *expected)
{
	const struct resting *after = NULL;
	struct resting resting;
	char text[1000] = "";
	size_t used = 0;

	while (resting_next(scene->store, &scene->pool, after, &resting) == 0) {
		char address[ADDRESS_TEXT_MAX];

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "",
					 address_format(&resting.address, address));
		after = &resting;
	}
	assert_string_equal(text, expected);
}

static void take(struct scene *scene, const char *text)
{
	static const struct attachment_key key = {.bytes = {1}};
	struct address address = address_of(text);

	assert_int_equal(lease_table_take(scene->store, &key, &address), 0);
}

static void test_build(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	use_guard(scene, GUARD_OF("9.0.0.0/8", "10.0.0.0/30", "10.0.0.8-10.0.0.9", "10.0.1.255", "10.0.2.0/24"));
	take(scene, "10.0.0.5");
	take(scene, "10.0.0.10");
	take(scene, "10.0.1.0");
	take(scene, "2001:db8::1");
	scene->ranges[0] = range_of("10.0.0.0/28", "10.0.0.0-10.0.0.15", "10.0.0.15");
	scene->ranges[1] = range_of("10.0.1.0/24", "10.0.1.0-10.0.1.255", "10.0.1.7");
	scene->ranges[2] = range_of("10.0.2.0/24", NULL, NULL);
	scene->set.n_ranges = 3;
	open_pool(scene);
	assert_free(scene, "10.0.0.4 10.0.0.6/31 10.0.0.11-10.0.0.14 10.0.1.1-10.0.1.6 10.0.1.8-10.0.1.254");
	assert_resting(scene, "");
	scene_free(scene);
}

/* The whole of either address space, and the ends of it taken and freed. */
static void test_ends(void **state)
{
	static const struct {
		const char *subnet, *span, *first, *last, *all;
	} cases[] = {
		{"0.0.0.0/0", "0.0.0.0-255.255.255.255", "0.0.0.0", "255.255.255.255",
		 "1.0.0.0-126.255.255.255 128.0.0.0-223.255.255.255 240.0.0.0-255.255.255.254"},
		{"::/0", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "::2-::fffe:ffff:ffff ::1:0:0:0-fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff fec0::/10"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct scene *scene = scene_new();
		struct address first = address_of(cases[i].first), last = address_of(cases[i].last);

		scene->ranges[0] = range_of(cases[i].subnet, cases[i].span, NULL);
		scene->set.n_ranges = 1;
		open_pool(scene);
		assert_free(scene, cases[i].all);
		assert_int_equal(extent_take(scene->store, &scene->pool, &last), STORE_E_NOT_FOUND);
		assert_int_equal(extent_free(scene->store, &scene->pool, &last), 0);
		assert_int_equal(extent_free(scene->store, &scene->pool, &first), 0);
		assert_int_equal(extent_take(scene->store, &scene->pool, &first), 0);
		assert_int_equal(extent_take(scene->store, &scene->pool, &last), 0);
		assert_free(scene, cases[i].all);
		scene_free(scene);
	}
}

/* However they are taken and freed, neighbours end in one extent. */
static void test_split_and_join(void **state)
{
	static const struct {
		char step; /* - take, + free */
		const char *address, *free;
	} steps[] = {
		{'-', "10.0.0.3", "10.0.0.0-10.0.0.2 10.0.0.4/30"},
		{'-', "10.0.0.4", "10.0.0.0-10.0.0.2 10.0.0.5-10.0.0.7"},
		{'-', "10.0.0.0", "10.0.0.1-10.0.0.2 10.0.0.5-10.0.0.7"},
		{'-', "10.0.0.7", "10.0.0.1-10.0.0.2 10.0.0.5-10.0.0.6"},
		{'+', "10.0.0.4", "10.0.0.1-10.0.0.2 10.0.0.4-10.0.0.6"},
		{'+', "10.0.0.0", "10.0.0.0-10.0.0.2 10.0.0.4-10.0.0.6"},
		{'-', "10.0.0.5", "10.0.0.0-10.0.0.2 10.0.0.4 10.0.0.6"},
		{'-', "10.0.0.6", "10.0.0.0-10.0.0.2 10.0.0.4"},
		{'+', "10.0.0.3", "10.0.0.0-10.0.0.4"},
		{'+', "10.0.0.6", "10.0.0.0-10.0.0.4 10.0.0.6"},
		{'+', "10.0.0.5", "10.0.0.0-10.0.0.6"},
		{'+', "10.0.0.7", "10.0.0.0/29"},
	};
	struct scene *scene = scene_new();

	(void)state;
	scene->ranges[0] = range_of("10.0.0.0/29", "10.0.0.0-10.0.0.7", NULL);
	scene->set.n_ranges = 1;
	open_pool(scene);
	for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
		struct address address = address_of(steps[i].address);

		if (steps[i].step == '-')
			assert_int_equal(extent_take(scene->store, &scene->pool, &address), 0);
		else
			assert_int_equal(extent_free(scene->store, &scene->pool, &address), 0);
		assert_free(scene, steps[i].free);
	}
	scene_free(scene);
}

/* Pools of two families, or of neighbouring ids, do not see each other's rows. */
static void test_find_stays_inside(void **state)
{
	static const struct {
		const char *within, *found;
	} cases[] = {
		{"10.0.0.0-10.0.0.9", "10.0.0.4"}, {"10.0.0.5-10.0.0.9", "10.0.0.5"},
		{"10.0.0.0-10.0.0.3", NULL},	   {"10.0.0.6-10.0.0.9", NULL},
		{"10.0.0.0-10.0.0.4", "10.0.0.4"}, {"2001:db8::/64", NULL},
		{"0.0.0.0/0", "10.0.0.4"},	   {"::/0", NULL},
	};
	struct pool_id pools[] = {{.bytes = {1}}, {.bytes = {2}}, {.bytes = {3}}};
	struct span span = span_of("10.0.0.4-10.0.0.5"), all[] = {span_of("0.0.0.0/0"), span_of("::/0")};
	struct scene *scene = scene_new();

	(void)state;
	assert_int_equal(extent_add(scene->store, &pools[1], &span), 0);
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		assert_int_equal(extent_add(scene->store, &pools[0], &all[i]), 0);
		assert_int_equal(extent_add(scene->store, &pools[2], &all[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct span within = span_of(cases[i].within);
		struct address expected, found;

		if (!cases[i].found) {
			assert_int_equal(extent_find(scene->store, &pools[1], &within, &found), STORE_E_NOT_FOUND);
			continue;
		}
		expected = address_of(cases[i].found);
		assert_int_equal(extent_find(scene->store, &pools[1], &within, &found), 0);
		assert_true(address_equal(&found, &expected));
	}
	scene_free(scene);
}

/* What rests in one pool rests in a pool that is built later; what is reserved there is not given. */
static void test_rest_is_adopted(void **state)
{
	static const char *const released[] = {"10.0.0.2", "10.0.0.5", "10.0.0.1", "10.0.0.7"};
	struct scene *scene = scene_new();

	(void)state;
	scene->ranges[0] = range_of("10.0.0.0/24", NULL, NULL);
	scene->set.n_ranges = 1;
	open_pool(scene);
	for (size_t i = 0; i < ARRAY_LENGTH(released); i++) {
		struct address address = address_of(released[i]);
		struct row_key key;

		take(scene, released[i]);
		assert_int_equal(pool_rest(scene->store, &address, NOW + i), 0);
		key = row_key_of_address(&address);
		assert_int_equal(scene->store->ops->remove(scene->store, STORE_ADDRESSES, row_key_bytes(&key)), 0);
	}
	assert_resting(scene, "10.0.0.2 10.0.0.5 10.0.0.1 10.0.0.7");
	assert_free(scene, "10.0.0.3-10.0.0.4 10.0.0.6 10.0.0.8-10.0.0.254");

	use_guard(scene, GUARD_OF("10.0.0.5"));
	scene->ranges[0] = range_of("10.0.0.0/29", NULL, "10.0.0.1");
	open_pool(scene);
	assert_resting(scene, "10.0.0.2");
	assert_free(scene, "10.0.0.3-10.0.0.4 10.0.0.6");
	scene_free(scene);
}

/* Taken or released in one pool is taken or released in each that has the address. */
static void test_all_pools_follow(void **state)
{
	struct scene *scene = scene_new();
	struct address address = address_of("10.0.0.9");
	struct pool_id wide, narrow;

	(void)state;
	scene->set.n_ranges = 1;
	scene->ranges[0] = range_of("10.0.1.0/24", NULL, NULL);
	open_pool(scene);
	assert_free(scene, "10.0.1.1-10.0.1.254");
	scene->ranges[0] = range_of("10.0.0.8/29", NULL, NULL);
	open_pool(scene);
	narrow = scene->pool;
	scene->ranges[0] = range_of("10.0.0.0/24", NULL, NULL);
	open_pool(scene);
	wide = scene->pool;

	take(scene, "10.0.0.9");
	assert_free(scene, "10.0.0.1-10.0.0.8 10.0.0.10-10.0.0.254");
	scene->pool = narrow;
	assert_free(scene, "10.0.0.10-10.0.0.14");
	assert_int_equal(pool_rest(scene->store, &address, NOW), 0);
	assert_resting(scene, "10.0.0.9");
	scene->pool = wide;
	assert_resting(scene, "10.0.0.9");

	take(scene, "10.0.0.9");
	assert_resting(scene, "");
	assert_int_equal(pool_free(scene->store, &address), 0);
	assert_free(scene, "10.0.0.1-10.0.0.254");
	scene->pool = narrow;
	assert_resting(scene, "");
	assert_free(scene, "10.0.0.9-10.0.0.14");
	scene_free(scene);
}

static void test_mature(void **state)
{
	struct scene *scene = scene_new();
	struct span within = span_of("10.0.0.1-10.0.0.254");
	struct resting resting;

	(void)state;
	scene->ranges[0] = range_of("10.0.0.0/24", NULL, NULL);
	scene->set.n_ranges = 1;
	open_pool(scene);
	for (unsigned i = 0; i < 2 * LIMIT_MATURED_PER_ADD; i++) {
		struct address address = {.family = FAMILY_IPV4, .value = within.first + i};

		assert_int_equal(pool_take(scene->store, &address), 0);
		assert_int_equal(pool_rest(scene->store, &address, NOW), 0);
	}
	assert_int_equal(pool_mature(scene->store, &scene->pool, NOW + 9, 10), 0);
	assert_int_equal(resting_find(scene->store, &scene->pool, &within, &resting), 0);
	assert_true(resting.address.value == within.first);
	/* So many and no more at a time: an ADD after a thousand DELs costs what any other does. */
	assert_int_equal(pool_mature(scene->store, &scene->pool, NOW + 10, 10), 0);
	assert_int_equal(resting_find(scene->store, &scene->pool, &within, &resting), 0);
	assert_true(resting.address.value == within.first + LIMIT_MATURED_PER_ADD);
	assert_int_equal(pool_mature(scene->store, &scene->pool, NOW + 10, 10), 0);
	assert_resting(scene, "");
	assert_free(scene, "10.0.0.1-10.0.0.254");
	scene_free(scene);
}

/* One policy more makes one pool more; the least recently used goes, with its rows. */
static void test_limit(void **state)
{
	struct scene *scene = scene_new();
	struct bytes key = bytes_of("", 0), value;
	struct pool_id first, second;
	size_t n = 0;

	(void)state;
	scene->ranges[0] = range_of("10.0.0.0/24", NULL, NULL);
	scene->set.n_ranges = 1;
	for (unsigned i = 0; i <= LIMIT_POOLS; i++) {
		struct address gateway = {.family = FAMILY_IPV4, .value = scene->ranges[0].span.first + i};

		scene->ranges[0].gateway = gateway;
		assert_int_equal(pool_open(scene->store, &scene->set, scene->guard, NOW + i, &scene->pool), 0);
		if (i == 0)
			first = scene->pool;
		if (i == 1)
			second = scene->pool;
		if (i == LIMIT_POOLS - 1) {
			/* The first one is used again, a day later. */
			scene->ranges[0].gateway.value = scene->ranges[0].span.first;
			assert_int_equal(pool_open(scene->store, &scene->set, scene->guard, NOW + 86400, &scene->pool),
					 0);
			assert_memory_equal(&scene->pool, &first, sizeof(first));
		}
	}
	scene->pool = second;
	assert_free(scene, "");
	scene->pool = first;
	assert_free(scene, "10.0.0.2-10.0.0.254");
	while (scene->store->ops->seek(scene->store, STORE_POOLS, key, true, &key, &value) == 0) {
		assert_memory_not_equal(key.data, second.bytes, sizeof(second.bytes));
		n++;
	}
	assert_int_equal(n, LIMIT_POOLS);
	scene_free(scene);
}

/* Another span, gateway, order or policy is another pool; who wrote the policy is not. */
static void test_id(void **state)
{
	struct ip_range ranges[2] = {range_of("10.0.0.0/24", NULL, NULL), range_of("10.0.1.0/24", NULL, NULL)};
	struct range_set set = {.ranges = ranges, .n_ranges = 2};
	struct guard *guards[N_GUARDS] = {GUARD_EMPTY(), GUARD_OF("10.0.0.0/31"), GUARD_OF("10.0.0.0", "10.0.0.1")};
	struct pool_id ids[6];

	(void)state;
	ids[0] = pool_id(&set, guards[0]);
	ids[1] = pool_id(&set, guards[1]);
	set.n_ranges = 1;
	ids[2] = pool_id(&set, guards[0]);
	ranges[0].gateway = address_of("10.0.0.9");
	ids[3] = pool_id(&set, guards[0]);
	ranges[0] = range_of("10.0.0.0/24", "10.0.0.1-10.0.0.253", NULL);
	ids[4] = pool_id(&set, guards[0]);
	ranges[0] = ranges[1];
	ids[5] = pool_id(&set, guards[0]);
	for (size_t i = 0; i < ARRAY_LENGTH(ids); i++)
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(&ids[i], &ids[k], sizeof(ids[i]));
	ids[0] = pool_id(&set, guards[1]);
	ids[1] = pool_id(&set, guards[2]);
	assert_memory_equal(&ids[0], &ids[1], sizeof(ids[0]));
	for (size_t i = 0; i < N_GUARDS; i++)
		guard_free(guards[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_split_and_join),
		cmocka_unit_test(test_find_stays_inside),
		cmocka_unit_test(test_rest_is_adopted),
		cmocka_unit_test(test_all_pools_follow),
		cmocka_unit_test(test_mature),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
