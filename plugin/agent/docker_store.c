/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's networks in the lease store. */

#include "plugin/agent/docker_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipam/store/store_lmdb.h"
#include "plugin/agent/log.h"
#include "plugin/host/adopt.h"
#include "plugin/host/lease_store.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** fill() - store_seed.fill: what the kernel tells of leases */
static int fill(void *userdata, struct store *store)
{
	return adopt_from_kernel(userdata, store);
}

/**
 * docker_store_open() - Open the store alone, made where there is none
 * @data_dir:	State directory; borrowed
 * @memory:	What is known beside it; borrowed
 * @rtnetlink:	Port that is asked what a new store should know
 * @ret_store:	Store, released with docker_store_close(); must stay where it is
 * @reterr:	Codes 11, 106
 *
 * Return: 0, REFUSED
 */
int docker_store_open(const char *data_dir, struct docker_memory *memory, struct port *rtnetlink,
		      struct docker_store *ret_store, struct error *reterr)
{
	struct host host = {.data_dir = data_dir, .rtnetlink = rtnetlink};
	struct store_seed seed = {.fill = fill, .userdata = &host};
	int r = state_open(data_dir, STATE_WRITE, &ret_store->state);

	ret_store->data_dir = data_dir;
	ret_store->memory = memory;
	if (!r)
		r = store_lmdb_open(&ret_store->state, STATE_WRITE, LIMIT_LOCK_WAIT_MS, memory->boot_id, &seed,
				    &ret_store->store);
	if (seed.replaced)
		agent_log(
			LOG_LEVEL_WARNING,
			"the lease store in %s was damaged: it is set aside as leases.mdb.damaged and rebuilt from the "
			"kernel's interfaces and routes",
			data_dir);
	return r ? docker_store_error(ret_store, r, reterr) : 0;
}

/** docker_store_close() - Release what is open */
void docker_store_close(struct docker_store *store)
{
	store->store = store_close(store->store);
	state_done(&store->state);
}

/** docker_store_error() - What is wrong with the store, in words: REFUSED */
int docker_store_error(const struct docker_store *store, int outcome, struct error *reterr)
{
	return lease_store_error(store->data_dir, outcome == IPAM_E_DAMAGED ? STORE_LMDB_E_DAMAGED : outcome, reterr);
}

/** keep_pool() - ipam_each_fn: collect pools; one that can't be read is told of and passed over */
static int keep_pool(void *userdata, const struct lease *lease)
{
	struct docker_pool pool;

	if (docker_lease_kind(lease) != DOCKER_LEASE_POOL)
		return 0;
	if (docker_pool_of_lease(lease, &pool) == 0)
		return docker_pools_add(userdata, &pool);
	agent_log(LOG_LEVEL_WARNING, "the record of %s can't be read", lease->attachment.network);
	return 0;
}

/** add_mirrored() - What only the mirror knows of: 0, -ENOMEM */
static int add_mirrored(const struct docker_store *store, struct docker_pools *pools)
{
	const struct docker_pools *mirror = &store->memory->mirror;
	int r = 0;

	for (size_t i = 0; i < mirror->n && !r; i++)
		if (!docker_pools_find(pools, &mirror->all[i].subnet))
			r = docker_pools_add(pools, &mirror->all[i]);
	return r;
}

/**
 * docker_store_pools() - All subnets that Docker has
 * @store:	Store
 * @ret_pools:	Always to be released with docker_pools_done()
 * @reterr:	Code 106
 *
 * Return: 0, REFUSED
 */
int docker_store_pools(struct docker_store *store, struct docker_pools *ret_pools, struct error *reterr)
{
	int r;

	*ret_pools = (struct docker_pools){0};
	r = ipam_each(store->store, NULL, keep_pool, ret_pools);
	if (!r || r == IPAM_E_DAMAGED)
		r = add_mirrored(store, ret_pools);
	return r ? docker_store_error(store, r, reterr) : 0;
}

/** take_pool() - ipam_each_fn */
static int take_pool(void *userdata, const struct lease *lease)
{
	return docker_pool_of_lease(lease, userdata);
}

/** put_row() - Write a pool into the store, in the place of what was there: 0, negative errno */
static int put_row(struct docker_store *store, const struct docker_pool *pool)
{
	DOCKER_ROW_CLEANUP struct docker_row row;
	int r = docker_row_of_pool(pool, &row);

	return r ? r : ipam_note(store->store, &row.lease, bytes_of("", 0));
}

/** find_mirrored() - A pool that the store has lost: 0 with the store knowing it, DOCKER_STORE_E_NONE, negative errno */
static int find_mirrored(struct docker_store *store, const struct prefix *subnet, struct docker_pool *ret_pool)
{
	const struct docker_pool *pool = docker_pools_find(&store->memory->mirror, subnet);
	int r;

	if (!pool)
		return DOCKER_STORE_E_NONE;
	r = put_row(store, pool);
	if (!r)
		*ret_pool = *pool;
	return r;
}

/**
 * docker_store_find_pool() - The pool of a subnet
 * @store:	Store
 * @subnet:	Subnet, exactly
 * @ret_pool:	Pool
 * @reterr:	Code 106
 *
 * Return: 0, DOCKER_STORE_E_NONE, REFUSED
 */
int docker_store_find_pool(struct docker_store *store, const struct prefix *subnet, struct docker_pool *ret_pool,
			   struct error *reterr)
{
	struct docker_pool key = {.subnet = *subnet};
	DOCKER_ROW_CLEANUP struct docker_row row;
	int r = docker_row_of_pool(&key, &row);

	if (!r)
		r = ipam_find(store->store, &row.lease.attachment, take_pool, ret_pool);
	if (r == IPAM_E_NOT_FOUND)
		r = find_mirrored(store, subnet, ret_pool);
	return r && r != DOCKER_STORE_E_NONE ? docker_store_error(store, r, reterr) : r;
}

/** write_mirror() - What survives a boot; that it can't be written is told, and matters only then */
static void write_mirror(const struct docker_memory *memory)
{
	int r = docker_mirror_write(memory->path, memory->boot_id, &memory->mirror);

	if (r < 0)
		agent_log(
			LOG_LEVEL_WARNING,
			"%s can't be written: %s; after a boot rangeguard will not know Docker's networks before Docker "
			"asks for them",
			memory->path, strerror(-r));
}

/**
 * docker_store_put_pool() - Write a pool, in the place of what was there
 *
 * The mirror counts when the store is lost; by then Docker has heard of the pool, or will not ask for it.
 *
 * Return: 0, REFUSED
 */
int docker_store_put_pool(struct docker_store *store, const struct docker_pool *pool, struct error *reterr)
{
	struct docker_pool mirrored = *pool;
	int r = put_row(store, pool);

	mirrored.claim.pending = false;
	if (!r)
		r = docker_pools_add(&store->memory->mirror, &mirrored);
	if (r)
		return docker_store_error(store, r, reterr);
	write_mirror(store->memory);
	return 0;
}

/** docker_store_confirm_pool() - Docker has heard of a pool: 0, REFUSED */
int docker_store_confirm_pool(struct docker_store *store, struct docker_pool *pool, struct error *reterr)
{
	int r;

	pool->claim.pending = false;
	r = put_row(store, pool);
	return r ? docker_store_error(store, r, reterr) : 0;
}

/**
 * struct docker_walk - A walk over the addresses that a network of Docker's holds
 * @network:	Its leases' network
 * @within:	What has not been looked at
 * @ended:	Nothing is left of it
 * @container_id, @kind:	Of the address met last, if it is @ours
 */
struct docker_walk {
	const char *network;
	struct span within;
	bool ended;
	bool ours;
	char container_id[DOCKER_TOKEN_MAX];
	char kind[sizeof(DOCKER_ENDPOINT)];
};

/** hear_holder() - ipam_each_fn */
static int hear_holder(void *userdata, const struct lease *lease)
{
	struct docker_walk *walk = userdata;

	walk->ours = !strcmp(lease->attachment.network, walk->network) &&
		     strlen(lease->attachment.container_id) < sizeof(walk->container_id) &&
		     strlen(lease->attachment.ifname) < sizeof(walk->kind);
	if (!walk->ours)
		return 0;
	(void)snprintf(walk->container_id, sizeof(walk->container_id), "%s", lease->attachment.container_id);
	(void)snprintf(walk->kind, sizeof(walk->kind), "%s", lease->attachment.ifname);
	return 0;
}

/** next_address() - Go on: 0, IPAM_E_NOT_FOUND, IPAM_E_DAMAGED, negative errno */
static int next_address(struct store *store, struct docker_walk *walk)
{
	struct address address;

	do {
		int r;

		walk->ours = false;
		r = walk->ended ? IPAM_E_NOT_FOUND : ipam_next_held(store, &walk->within, &address, hear_holder, walk);
		if (r)
			return r;
		walk->ended = address.value == walk->within.last;
		walk->within.first = address.value + 1;
	} while (!walk->ours);
	return 0;
}

/** docker_store_has_address() - Whether a network of Docker's holds any address of a subnet: 0, REFUSED */
int docker_store_has_address(struct docker_store *store, const struct prefix *subnet, bool *ret_has,
			     struct error *reterr)
{
	char network[DOCKER_NETWORK_MAX];
	struct docker_walk walk = {.network = docker_network_format(subnet, network), .within = prefix_span(subnet)};
	int r = next_address(store->store, &walk);

	*ret_has = r == 0;
	return r && r != IPAM_E_NOT_FOUND ? docker_store_error(store, r, reterr) : 0;
}

/** release_addresses() - All addresses that the pool holds: 0, an outcome of the IPAM, negative errno */
static int release_addresses(struct store *store, const struct docker_pool *pool)
{
	char network[DOCKER_NETWORK_MAX];
	struct docker_walk walk = {.network = docker_network_format(&pool->subnet, network),
				   .within = prefix_span(&pool->subnet)};
	int r;

	while ((r = next_address(store, &walk)) == 0) {
		struct attachment attachment = {
			.network = network, .container_id = walk.container_id, .ifname = walk.kind};

		r = ipam_release(store, &attachment, time(NULL));
		if (r && r != IPAM_E_NOT_FOUND)
			return r;
	}
	return r == IPAM_E_NOT_FOUND ? 0 : r;
}

/**
 * docker_store_remove_pool() - Give back a pool and all addresses in it
 * @store:	Store
 * @pool:	Pool
 * @reterr:	Code 106
 *
 * The pool goes last: who is killed in between finds it again and goes on.
 *
 * Return: 0, REFUSED
 */
int docker_store_remove_pool(struct docker_store *store, const struct docker_pool *pool, struct error *reterr)
{
	DOCKER_ROW_CLEANUP struct docker_row row;
	int r = docker_row_of_pool(pool, &row);

	docker_pools_drop(&store->memory->mirror, &pool->subnet);
	write_mirror(store->memory);
	if (!r)
		r = release_addresses(store->store, pool);
	if (!r)
		r = ipam_release(store->store, &row.lease.attachment, time(NULL));
	return r && r != IPAM_E_NOT_FOUND ? docker_store_error(store, r, reterr) : 0;
}

/**
 * docker_store_release_address() - Give back an address, if the pool holds it
 * @store:	Store
 * @pool:	Pool
 * @address:	Address
 * @reterr:	Code 106
 *
 * Return: 0, also when the pool does not hold it; REFUSED
 */
int docker_store_release_address(struct docker_store *store, const struct docker_pool *pool,
				 const struct address *address, struct error *reterr)
{
	char network[DOCKER_NETWORK_MAX];
	struct docker_walk walk = {.network = docker_network_format(&pool->subnet, network),
				   .within = span_of_address(address)};
	int r = next_address(store->store, &walk);

	if (!r) {
		struct attachment attachment = {
			.network = network, .container_id = walk.container_id, .ifname = walk.kind};

		r = ipam_release(store->store, &attachment, time(NULL));
	}
	return r && r != IPAM_E_NOT_FOUND ? docker_store_error(store, r, reterr) : 0;
}
