/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pools as a whole: which one, since when unused, what has rested long enough. */

#include "ipam/lease/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ipam/lease/extent.h"
#include "ipam/lease/resting.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** A pool counts as used this many seconds after it was: most ADDs need not write that down */
#define USED_FOR_S 3600U

/** chain_address() - Have an address make a difference to a pool's digest */
static void chain_address(struct pool_id *id, const struct address *address)
{
	uint8_t link[sizeof(id->bytes) + ROW_ADDRESS_BYTES];
	XXH128_canonical_t digest;

	(void)row_write_address(row_write_pool(link, id), address);
	XXH128_canonicalFromHash(&digest, XXH3_128bits(link, sizeof(link)));
	memcpy(id->bytes, digest.digest, sizeof(id->bytes));
}

/**
 * pool_id() - Digest of spans, excluded addresses and guard: another policy makes another pool
 * @set:	Range set
 * @guard:	Sealed guard
 *
 * Return: the digest
 */
struct pool_id pool_id(const struct range_set *set, const struct guard *guard)
{
	struct pool_id id;

	_Static_assert(sizeof(id.bytes) == GUARD_DIGEST_BYTES, "a chain of digests of one size");
	guard_fingerprint(guard, id.bytes);
	for (size_t i = 0; i < set->n_ranges; i++) {
		const struct span *span = &set->ranges[i].span;
		struct address first = {.family = span->family, .value = span->first};
		struct address last = {.family = span->family, .value = span->last};
		uint8_t link[sizeof(id.bytes) + 3 * ROW_ADDRESS_BYTES], *at = link;
		XXH128_canonical_t digest;

		at = row_write_pool(at, &id);
		at = row_write_address(at, &first);
		at = row_write_address(at, &last);
		(void)row_write_address(at, &set->ranges[i].gateway);
		XXH128_canonicalFromHash(&digest, XXH3_128bits(link, sizeof(link)));
		memcpy(id.bytes, digest.digest, sizeof(id.bytes));
	}
	for (size_t i = 0; i < set->n_excluded; i++)
		if (range_set_find(set, &set->excluded[i]))
			chain_address(&id, &set->excluded[i]);
	return id;
}

/**
 * refresh() - Note that a pool is used
 * @store:	Store
 * @pool:	Pool
 * @row:	Its row in STORE_POOLS: when last used, then its spans
 * @now:	Seconds since the epoch
 *
 * Return: 0, negative errno
 */
static int refresh(struct store *store, const struct pool_id *pool, struct bytes row, uint64_t now)
{
	CLEANUP_FREE uint8_t *copy = NULL;
	struct bytes rest = row;
	uint64_t used;

	if (row_read_number(&rest, &used) < 0)
		return -EUCLEAN;
	if (now - used < USED_FOR_S)
		return 0;
	copy = malloc(row.size);
	if (!copy)
		return -ENOMEM;
	memcpy(row_write_number(copy, now), rest.data, rest.size);
	return store->ops->put(store, STORE_POOLS, bytes_of(pool->bytes, sizeof(pool->bytes)),
			       bytes_of(copy, row.size));
}

/**
 * remove_rows() - Remove all rows of a pool from a table
 * @store:	Store
 * @table:	Table whose keys begin with a pool
 * @pool:	Pool
 *
 * Return: 0, negative errno
 */
static int remove_rows(struct store *store, enum store_table table, const struct pool_id *pool)
{
	for (;;) {
		struct bytes found, rest, value;
		struct row_key key;
		int r;

		r = store->ops->seek(store, table, bytes_of(pool->bytes, sizeof(pool->bytes)), false, &found, &value);
		rest = found;
		if (r == 0)
			r = row_read_pool(&rest, pool);
		if (r)
			return r < 0 ? r : 0;
		if (found.size > sizeof(key.data))
			return -EUCLEAN;
		key.size = found.size;
		memcpy(key.data, found.data, found.size);
		r = store->ops->remove(store, table, row_key_bytes(&key));
		if (r)
			return r < 0 ? r : -EUCLEAN;
	}
}

/**
 * find_unused() - The pool that has not been used for the longest time
 * @store:	Store
 * @keep:	Pool that is not asked about
 * @ret_pool:	Pool
 * @ret_n:	How many pools there are beside @keep
 *
 * Return: 0, negative errno
 */
static int find_unused(struct store *store, const struct pool_id *keep, struct pool_id *ret_pool, size_t *ret_n)
{
	struct bytes key = bytes_of("", 0), row;
	uint64_t oldest = UINT64_MAX, used;
	struct pool_id pool;
	size_t n = 0;
	int r;

	while ((r = store->ops->seek(store, STORE_POOLS, key, true, &key, &row)) == 0) {
		struct bytes rest = key;

		if (row_read(&rest, pool.bytes, sizeof(pool.bytes)) < 0 || rest.size ||
		    row_read_number(&row, &used) < 0)
			return -EUCLEAN;
		if (memcmp(pool.bytes, keep->bytes, sizeof(pool.bytes)) == 0)
			continue;
		n++;
		if (used < oldest) {
			oldest = used;
			*ret_pool = pool;
		}
	}
	*ret_n = n;
	return r < 0 ? r : 0;
}

/**
 * pool_remove() - Remove a pool, which may be there in part only
 * @store:	Store, in a writing transaction
 * @pool:	Pool
 *
 * Return: 0, negative errno
 */
int pool_remove(struct store *store, const struct pool_id *pool)
{
	static const enum store_table tables[] = {STORE_FREE, STORE_RESTING, STORE_RESTING_AT, STORE_POOLS};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(tables) && r == 0; i++)
		r = remove_rows(store, tables[i], pool);
	return r;
}

/**
 * make_room() - Drop the least recently used pool when there are more than LIMIT_POOLS
 * @store:	Store
 * @keep:	Pool just built
 *
 * Return: 0, negative errno
 */
static int make_room(struct store *store, const struct pool_id *keep)
{
	struct pool_id unused;
	size_t n_others;
	int r;

	r = find_unused(store, keep, &unused, &n_others);
	return r < 0 || n_others < LIMIT_POOLS ? r : pool_remove(store, &unused);
}

/**
 * pool_open() - Find the pool of a range set under a guard, or build it
 * @store:	Store, in a writing transaction
 * @set:	Range set
 * @guard:	Sealed guard
 * @now:	Seconds since the epoch
 * @ret_pool:	Pool
 *
 * Return: 0, negative errno
 */
int pool_open(struct store *store, const struct range_set *set, const struct guard *guard, uint64_t now,
	      struct pool_id *ret_pool)
{
	struct pool_id pool = pool_id(set, guard);
	struct bytes row;
	int r;

	r = store->ops->get(store, STORE_POOLS, bytes_of(pool.bytes, sizeof(pool.bytes)), &row);
	if (r == 0)
		r = refresh(store, &pool, row, now);
	else if (r == STORE_E_NOT_FOUND) {
		r = pool_build(store, &pool, set, guard, now);
		if (r == 0)
			r = make_room(store, &pool);
	}
	if (r == 0)
		*ret_pool = pool;
	return r;
}

/**
 * pool_mature() - Make addresses free again that have rested long enough, at most LIMIT_MATURED_PER_ADD of them
 * @store:		Store, in a writing transaction
 * @pool:		Pool
 * @now:		Seconds since the epoch
 * @reuse_delay:	Seconds to rest
 *
 * An address released in the future rests no longer: the clock has been set back.
 *
 * Return: 0, negative errno
 */
int pool_mature(struct store *store, const struct pool_id *pool, uint64_t now, uint32_t reuse_delay)
{
	for (unsigned i = 0; i < LIMIT_MATURED_PER_ADD; i++) {
		struct resting resting;
		int r;

		r = resting_next(store, pool, NULL, &resting);
		if (r)
			return r < 0 ? r : 0;
		if (resting.since <= now && now - resting.since < reuse_delay)
			return 0;
		r = resting_remove(store, pool, &resting.address);
		if (r == 0)
			r = extent_free(store, pool, &resting.address);
		if (r)
			return r < 0 ? r : -EUCLEAN;
	}
	return 0;
}

/**
 * pool_is_full() - Whether a pool has neither free nor resting addresses
 * @store:	Store, in a transaction
 * @pool:	Pool
 *
 * Return: 0, also for a pool that was never built; 1 when it is full, negative errno
 */
int pool_is_full(struct store *store, const struct pool_id *pool)
{
	static const enum store_table tables[] = {STORE_FREE, STORE_RESTING};
	struct bytes prefix = bytes_of(pool->bytes, sizeof(pool->bytes)), found, value;
	int r;

	r = store->ops->get(store, STORE_POOLS, prefix, &value);
	if (r)
		return r < 0 ? r : 0;
	for (size_t i = 0; i < ARRAY_LENGTH(tables); i++) {
		r = store->ops->seek(store, tables[i], prefix, false, &found, &value);
		if (r == 0)
			r = row_read_pool(&found, pool);
		if (r != STORE_E_NOT_FOUND)
			return r;
	}
	return 1;
}

/**
 * pool_withdraw() - Give an address of one pool no longer
 * @store:	Store, in a writing transaction
 * @pool:	Pool
 * @address:	Address
 *
 * Return: 0, STORE_E_NOT_FOUND when it was neither free nor resting, negative errno
 */
int pool_withdraw(struct store *store, const struct pool_id *pool, const struct address *address)
{
	int r;

	r = extent_take(store, pool, address);
	if (r == STORE_E_NOT_FOUND)
		r = resting_remove(store, pool, address);
	return r;
}
