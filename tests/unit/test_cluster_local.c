/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cluster_blocks.c and cluster_routes.c with the kernel and the store in memory: what could not be looked at costs no
 * block its addresses, and no container its route.
 */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipam/lease/ipam.h"
#include "plugin/agent/cluster_internal.h"
#include "plugin/host/lease_store.h"
#include "plugin/network/plan.h"
#include "port_fake.h"

#define BLOCK "10.128.5.0/24"
#define KEY "block/" BLOCK

static struct seen host_row = {.record = {.key = "host/b",
					  .kind = RECORD_HOST,
					  .text = (char[]){"x"},
					  .readable = true,
					  .host = {.addresses = {"192.0.2.2"}}}},
		   block_row = {.record = {.key = KEY,
					   .kind = RECORD_BLOCK,
					   .text = (char[]){"x"},
					   .readable = true,
					   .block = {.host = "b"}}};
static struct seen *rows[] = {&block_row, &host_row};
static struct cache cache = {.rows = rows, .n = 2};

const struct cache *__wrap_machine_cache(const struct machine *machine);
bool __wrap_machine_is_registered(const struct machine *machine);
int __wrap_machine_pool_of(const struct machine *machine, const char *key);
int64_t __wrap_cluster_now(void);

const struct cache *__wrap_machine_cache(const struct machine *machine)
{
	(void)machine;
	return &cache;
}

bool __wrap_machine_is_registered(const struct machine *machine)
{
	(void)machine;
	return true;
}

int __wrap_machine_pool_of(const struct machine *machine, const char *key)
{
	(void)machine;
	(void)key;
	return 0;
}

int64_t __wrap_cluster_now(void)
{
	return 100 * MACHINE_SECOND;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

/** scene() - A host with a route to a block of host b, which is on-link */
static void scene(struct cluster *cluster, struct held_pool *pool)
{
	struct route_info to_block = {
		.destination = prefix_of(BLOCK), .type = RTN_UNICAST, .interface = 40, .protocol = PLAN_ROUTE_PROTOCOL};
	struct route_info on_link = {.destination = prefix_of("192.0.2.0/24"), .type = RTN_UNICAST, .interface = 40};

	*pool = (struct held_pool){.prefix = prefix_of("10.128.0.0/16"), .block_length = 24};
	*cluster = (struct cluster){.pools = pool, .n_pools = 1, .config = {.host = "a", .routes = true}};
	fake_reset();
	fake.host_end.index = 40;
	assert_int_equal(address_parse("192.0.2.2", &to_block.gateway), 0);
	fake_add_route(&fake.routes, &to_block);
	fake_add_route(&fake.lookup, &on_link);
	cluster->host.rtnetlink = fake_host_port();
	cluster->changed = true;
	assert_int_equal(routes_start(cluster), 0);
}

/** is_changed() - Whether a route was added or deleted */
static bool is_changed(void)
{
	for (unsigned i = 0; i < fake.n_log; i++)
		if (strstr(fake.log[i], "add") || strstr(fake.log[i], "delete") || strstr(fake.log[i], "replace"))
			return true;
	return false;
}

static void routes_stay_when_the_kernel_does_not_tell(void **state)
{
	struct cluster cluster;
	struct held_pool pool;
	unsigned n = 0;

	(void)state;
	for (unsigned refused = 0; refused < 2; refused++) {
		for (n = 0; n < 20; n++) {
			scene(&cluster, &pool);
			fake.fail_call = refused ? 0 : n;
			fake.fail_message = refused ? n : 0;
			fake.fail_errnum = ENOBUFS;
			routes_tick(&cluster);
			assert_false(is_changed());
			routes_stop(&cluster);
			if (n > (refused ? fake.messages : fake.calls))
				break;
		}
		/* two dumps and a lookup */
		assert_int_equal(n, 3 + 1);
	}
}

static void a_host_that_is_not_on_link_gets_no_route(void **state)
{
	struct cluster cluster;
	struct held_pool pool;

	(void)state;
	scene(&cluster, &pool);
	fake.lookup_errnum = ENETUNREACH;
	routes_tick(&cluster);
	assert_true(is_changed());
	routes_stop(&cluster);
}

/** What the store says of addresses in use */
static struct {
	int outcome;
	size_t held;
	uint64_t since;
	bool written;
} store;

int __wrap_ipam_count(struct store *s, const struct span *span, uint64_t since, size_t *ret_held, size_t *ret_resting);
int __wrap_state_open(const char *path, enum state_access access, struct state *ret_state);
int __wrap_lease_store_open(const char *data_dir, const struct state *state, enum state_access access, int wait_ms,
			    struct store **ret_store, struct error *reterr);
int __wrap_block_file_read(int dir_fd, struct block_file *ret_file);
int __wrap_block_file_write(int dir_fd, const struct block_file *file);

int __wrap_ipam_count(struct store *s, const struct span *span, uint64_t since, size_t *ret_held, size_t *ret_resting)
{
	(void)s;
	(void)span;
	store.since = since;
	*ret_held = store.held;
	*ret_resting = 0;
	return store.outcome;
}

int __wrap_state_open(const char *path, enum state_access access, struct state *ret_state)
{
	(void)path;
	(void)access;
	*ret_state = (struct state)STATE_INIT;
	return 0;
}

static void close_store(struct store *self)
{
	(void)self;
}

int __wrap_lease_store_open(const char *data_dir, const struct state *state, enum state_access access, int wait_ms,
			    struct store **ret_store, struct error *reterr)
{
	static const struct store_ops ops = {.close = close_store};
	static struct store opened = {.ops = &ops};

	(void)data_dir;
	(void)state;
	(void)access;
	(void)wait_ms;
	(void)reterr;
	*ret_store = &opened;
	return 0;
}

int __wrap_block_file_read(int dir_fd, struct block_file *ret_file)
{
	struct held_block block = {.prefix = prefix_of(BLOCK)};

	(void)dir_fd;
	*ret_file = (struct block_file){0};
	return block_file_put(ret_file, &block);
}

int __wrap_block_file_write(int dir_fd, const struct block_file *file)
{
	(void)dir_fd;
	(void)file;
	store.written = true;
	return 0;
}

static void a_block_stays_when_its_addresses_are_not_known(void **state)
{
	static const struct {
		int outcome;
		size_t held;
		enum done done;
	} cases[] = {
		{0, 0, DONE_OK},
		{0, 1, DONE_REFUSED},
		{-EIO, 0, DONE_FAILED},
		{-ENOMEM, 0, DONE_FAILED},
		{IPAM_E_DAMAGED, 0, DONE_FAILED},
	};
	struct agent_config config = {.data_dir = "/nowhere"};
	struct agent agent = {.config = &config};
	struct cluster cluster = {.agent = &agent};
	struct action action = {.kind = ACTION_BLOCK_LEAVE, .key = KEY};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		store.outcome = cases[i].outcome;
		store.held = cases[i].held;
		store.written = false;
		assert_int_equal(blocks_do(&cluster, &action), cases[i].done);
		assert_int_equal(store.written, cases[i].done == DONE_OK);
	}
}

/** Addresses of a block rest as long as the network says that has the pool; that of a pool nobody knows, 120 s */
static void addresses_rest_as_long_as_their_network_says(void **state)
{
	struct agent_config config = {.data_dir = "/nowhere"};
	struct agent agent = {.config = &config};
	struct held_pool pools[] = {
		{.prefix = prefix_of("10.127.0.0/16"), .block_length = 24, .reuse_delay = 9},
		{.prefix = prefix_of("10.128.0.0/16"), .block_length = 24, .reuse_delay = 3600},
	};
	struct cluster cluster = {.agent = &agent, .pools = pools, .n_pools = 2};
	struct action action = {.kind = ACTION_BLOCK_LEAVE, .key = KEY};
	uint64_t now = (uint64_t)time(NULL);

	(void)state;
	store.outcome = 0;
	store.held = 0;
	assert_int_equal(blocks_do(&cluster, &action), DONE_OK);
	assert_in_range(store.since, now - 3600, (uint64_t)time(NULL) - 3600);
	cluster.n_pools = 1;
	assert_int_equal(blocks_do(&cluster, &action), DONE_OK);
	assert_in_range(store.since, now - 120, (uint64_t)time(NULL) - 120);
}

/** A network whose reuseDelay was changed is known already, and counts as it is now */
static void another_reuse_delay_is_kept(void **state)
{
	struct agent_config config = {.data_dir = "/nowhere"};
	struct agent agent = {.config = &config};
	struct held_pool pool = {.prefix = prefix_of("10.128.0.0/16"), .block_length = 24, .reuse_delay = 9};
	struct held_pool asked = pool;
	struct cluster cluster = {.agent = &agent, .pools = &pool, .n_pools = 1};

	(void)state;
	store.written = false;
	assert_int_equal(blocks_add_pool(&cluster, &asked), 0);
	assert_false(store.written);
	asked.reuse_delay = 3600;
	assert_int_equal(blocks_add_pool(&cluster, &asked), 0);
	assert_true(store.written);
	assert_int_equal(pool.reuse_delay, 3600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_stay_when_the_kernel_does_not_tell),
		cmocka_unit_test(a_host_that_is_not_on_link_gets_no_route),
		cmocka_unit_test(a_block_stays_when_its_addresses_are_not_known),
		cmocka_unit_test(addresses_rest_as_long_as_their_network_says),
		cmocka_unit_test(another_reuse_delay_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
