/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address manager against a model that knows nothing of pools: who holds an address, and since when it rests,
 * stands in two plain arrays. Networks that overlap, both families, policies that come and go, in random order.
 * RANGEGUARD_LONG_TESTS in the environment: twenty times as many steps.
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
#include "store_fake.h"

#define N_STEPS 20000U
#define N_STEPS_LONG 400000U
#define DELAY 50U
#define N_NETWORKS 3U
#define N_IDS 24U
#define N_SETS 2U
#define N_GUARDS 3U
/** Addresses in play: 10.0.0.0/26, then 2001:db8::/123 */
#define N_IPV4 64U
#define N_ADDRESSES (N_IPV4 + 32U)
#define NOBODY (-1)

/** struct held - What the model knows of an address: who has it, or when it was released (0: never) */
struct held {
	int by;
	int64_t released;
};

/** struct world - Store and model side by side */
struct world {
	struct store *store;
	struct guard *guards[N_GUARDS];
	struct ip_range ranges[N_NETWORKS][N_SETS][2];
	struct range_set sets[N_NETWORKS][N_SETS];
	struct held model[N_ADDRESSES];
	bool has_lease[N_NETWORKS * N_IDS];
	uint64_t random;
	int64_t now;
};

/** draw() - A number below @n (xorshift64*) */
static unsigned draw(struct world *world, unsigned n)
{
	world->random ^= world->random >> 12;
	world->random ^= world->random << 25;
	world->random ^= world->random >> 27;
	return (unsigned)((world->random * 0x2545F4914F6CDD1DULL) >> 33) % n;
}

static struct address address_at(unsigned index)
{
	struct address address = address_of(index < N_IPV4 ? "10.0.0.0" : "2001:db8::");

	address.value += index < N_IPV4 ? index : index - N_IPV4;
	return address;
}

static unsigned index_of(const struct address *address)
{
	unsigned low = (unsigned)(address->value & 0x3f);

	return address->family == FAMILY_IPV4 ? low : N_IPV4 + low;
}

/** may_give() - Whether the contract lets a network give an address from a set, held or not */
static bool may_give(const struct world *world, unsigned network, size_t set, const struct guard *guard, unsigned index)
{
	struct address address = address_at(index);

	for (size_t i = 0; i < N_SETS; i++)
		if (range_set_excludes(&world->sets[network][i], &address))
			return false;
	return range_set_find(&world->sets[network][set], &address) && guard_decide(guard, &address, NULL) == 0;
}

static bool rests(const struct world *world, unsigned index)
{
	return world->model[index].released && world->now - world->model[index].released < DELAY;
}

/** check_rest() - A resting address is given only when nothing else is free, and then the one released first */
static void check_rest(const struct world *world, unsigned network, size_t set, const struct guard *guard,
		       unsigned given)
{
	if (!rests(world, given))
		return;
	for (unsigned i = 0; i < N_ADDRESSES; i++) {
		if (i == given || world->model[i].by != NOBODY || !may_give(world, network, set, guard, i))
			continue;
		assert_true(rests(world, i));
		assert_true(world->model[i].released >= world->model[given].released);
	}
}

/** is_full() - Whether a set has nothing to give */
static bool is_full(const struct world *world, unsigned network, size_t set, const struct guard *guard)
{
	for (unsigned i = 0; i < N_ADDRESSES; i++)
		if (world->model[i].by == NOBODY && may_give(world, network, set, guard, i))
			return false;
	return true;
}

static void forget(struct world *world, int owner, int64_t released)
{
	for (unsigned i = 0; i < N_ADDRESSES; i++)
		if (world->model[i].by == owner)
			world->model[i] = (struct held){.by = NOBODY, .released = released};
	world->has_lease[owner] = false;
}

/** has_all() - Whether @owner holds one address of each set, each of which it may still be given */
static bool has_all(const struct world *world, unsigned network, const struct guard *guard, int owner)
{
	for (size_t set = 0; set < N_SETS; set++) {
		bool found = false;

		for (unsigned i = 0; i < N_ADDRESSES && !found; i++)
			found = world->model[i].by == owner && may_give(world, network, set, guard, i);
		if (!found)
			return false;
	}
	return world->has_lease[owner];
}

static const char *const networks[N_NETWORKS] = {"red", "green", "blue"};

static struct lease lease_for(int owner, int64_t now, char id[static 16])
{
	(void)snprintf(id, 16, "id-%u", (unsigned)owner % N_IDS);
	return lease_of(networks[(unsigned)owner / N_IDS], id, "eth0", now);
}

static void check_grant(struct world *world, unsigned network, const struct guard *guard, int owner,
			const struct ipam_grant *grant)
{
	assert_int_equal(grant->n_addresses, N_SETS);
	if (!grant->existed)
		forget(world, owner, 0);
	for (size_t set = 0; set < N_SETS; set++) {
		unsigned index = index_of(&grant->addresses[set]);

		assert_true(may_give(world, network, set, guard, index));
		if (grant->existed) {
			assert_int_equal(world->model[index].by, owner);
			continue;
		}
		assert_int_equal(world->model[index].by, NOBODY);
		check_rest(world, network, set, guard, index);
		world->model[index] = (struct held){.by = owner};
	}
	world->has_lease[owner] = true;
}

static void step_take(struct world *world, int owner)
{
	unsigned network = (unsigned)owner / N_IDS;
	const struct guard *guard = world->guards[draw(world, 40) < N_GUARDS ? draw(world, N_GUARDS) : 0];
	struct ipam_refusal refusal;
	struct ipam_grant grant;
	char id[16];
	struct ipam_request request = {
		.lease = lease_for(owner, world->now, id),
		.sets = world->sets[network],
		.n_sets = N_SETS,
		.reuse_delay = DELAY,
		.guard = guard,
	};
	bool existed = has_all(world, network, guard, owner);
	struct held before[N_ADDRESSES];
	bool had_lease = world->has_lease[owner];
	int r;

	r = ipam_take(world->store, &request, &grant, &refusal);
	if (r == 0) {
		assert_int_equal(grant.existed, existed);
		check_grant(world, network, guard, owner, &grant);
		return;
	}
	assert_int_equal(r, IPAM_E_FULL);
	assert_false(existed);
	/* What it had counts as free while it chooses again. */
	memcpy(before, world->model, sizeof(before));
	forget(world, owner, 0);
	assert_true(is_full(world, network, refusal.set, guard));
	memcpy(world->model, before, sizeof(before));
	world->has_lease[owner] = had_lease;
}

static void step_release(struct world *world, int owner)
{
	char id[16];
	struct lease lease = lease_for(owner, world->now, id);
	int r = ipam_release(world->store, &lease.attachment, world->now);

	assert_int_equal(r, world->has_lease[owner] ? 0 : IPAM_E_NOT_FOUND);
	forget(world, owner, world->now);
}

/** owner_of() - The one that lease_for() makes such a lease for */
static int owner_of(const struct attachment *attachment)
{
	int owner = 0;

	for (; owner < (int)(N_NETWORKS * N_IDS); owner++) {
		char id[16];
		struct lease lease = lease_for(owner, 0, id);

		if (attachment_equal(&lease.attachment, attachment))
			break;
	}
	assert_true(owner < (int)(N_NETWORKS * N_IDS));
	return owner;
}

/** check_lease() - The model agrees with a lease; counts the addresses */
static int check_lease(void *userdata, const struct lease *lease)
{
	struct world *world = userdata;
	int owner = owner_of(&lease->attachment);

	assert_true(world->has_lease[owner]);
	for (size_t i = 0; i < lease->n_addresses; i++)
		assert_int_equal(world->model[index_of(&lease->addresses[i])].by, owner);
	return 0;
}

/* Three networks whose ranges overlap; /26 is smaller than what all of them want. */
static struct world *world_new(void)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->store = store_fake_new();
	world->random = 0x9E3779B97F4A7C15ULL;
	world->now = 1000;
	world->guards[0] = GUARD_OF("10.0.0.7", "10.0.0.30-10.0.0.33", "2001:db8::8/126");
	world->guards[1] = GUARD_EMPTY();
	world->guards[2] = GUARD_OF("10.0.0.0/28", "2001:db8::10");
	world->ranges[0][0][0] = range_of("10.0.0.0/26", NULL, "10.0.0.1");
	world->ranges[1][0][0] = range_of("10.0.0.32/27", NULL, NULL);
	world->ranges[1][0][1] = range_of("10.0.0.0/27", "10.0.0.16-10.0.0.31", "10.0.0.16");
	world->ranges[2][0][0] = range_of("10.0.0.0/26", "10.0.0.0-10.0.0.40", NULL);
	world->ranges[0][1][0] = range_of("2001:db8::/124", NULL, NULL);
	world->ranges[1][1][0] = range_of("2001:db8::/123", NULL, "2001:db8::1");
	world->ranges[2][1][0] = range_of("2001:db8::8/125", NULL, NULL);
	world->ranges[2][1][1] = range_of("2001:db8::10/126", NULL, NULL);
	for (unsigned network = 0; network < N_NETWORKS; network++) {
		for (size_t set = 0; set < N_SETS; set++) {
			struct ip_range *ranges = world->ranges[network][set];

			world->sets[network][set] = (struct range_set){
				.ranges = ranges,
				.n_ranges = ranges[1].span.family == FAMILY_NONE ? 1 : 2,
			};
		}
	}
	for (unsigned i = 0; i < N_ADDRESSES; i++)
		world->model[i].by = NOBODY;
	return world;
}

static void world_free(struct world *world)
{
	for (size_t i = 0; i < N_GUARDS; i++)
		guard_free(world->guards[i]);
	store_close(world->store);
	free(world);
}

static void test_against_model(void **state)
{
	unsigned n_steps = getenv("RANGEGUARD_LONG_TESTS") ? N_STEPS_LONG : N_STEPS;
	struct world *world = world_new();

	(void)state;
	for (unsigned i = 0; i < n_steps; i++) {
		int owner = (int)draw(world, N_NETWORKS * N_IDS);
		/* Now almost all take, now almost all release: full and empty pools. */
		unsigned takes = i / 500 % 2 ? 2 : 8;

		world->now += draw(world, 4) ? 0 : draw(world, 10);
		if (draw(world, 10) < takes)
			step_take(world, owner);
		else
			step_release(world, owner);
		if (i % 100 == 0)
			assert_int_equal(ipam_each(world->store, NULL, check_lease, world), 0);
	}
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
