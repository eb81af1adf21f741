/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is taken or released in one network is so in every pool that has the address in its spans. */

#include <errno.h>

#include "ipam/lease/extent.h"
#include "ipam/lease/pool.h"
#include "ipam/lease/resting.h"

/**
 * next_row() - Walk through the pools
 * @store:	Store, in a transaction
 * @after:	NULL: the first; else the one behind it
 * @ret_pool:	Pool, may be @after
 * @ret_row:	Its row in STORE_POOLS
 *
 * Return: 0, STORE_E_NOT_FOUND at the end, negative errno
 */
static int next_row(struct store *store, const struct pool_id *after, struct pool_id *ret_pool, struct bytes *ret_row)
{
	struct bytes key = bytes_of("", 0);
	int r;

	if (after)
		key = bytes_of(after->bytes, sizeof(after->bytes));
	r = store->ops->seek(store, STORE_POOLS, key, true, &key, ret_row);
	if (r)
		return r;
	/* Of a longer one no walk would get past the pool that it begins with. */
	return key.size == sizeof(ret_pool->bytes) ? row_read(&key, ret_pool->bytes, sizeof(ret_pool->bytes))
						   : -EUCLEAN;
}

/**
 * pool_next() - Walk through the pools
 * @store:	Store, in a transaction
 * @after:	NULL: the first; else the one behind it
 * @ret_pool:	Pool, may be @after
 *
 * Return: 0, STORE_E_NOT_FOUND at the end, negative errno
 */
int pool_next(struct store *store, const struct pool_id *after, struct pool_id *ret_pool)
{
	struct bytes row;

	return next_row(store, after, ret_pool, &row);
}

/**
 * row_holds() - Whether an address lies in a pool's spans
 * @row:	Row in STORE_POOLS
 * @address:	Address
 *
 * Return: 1, 0, -EUCLEAN
 */
static int row_holds(struct bytes row, const struct address *address)
{
	uint64_t used;

	if (row_read_number(&row, &used) < 0)
		return -EUCLEAN;
	while (row.size) {
		struct address first, last;

		if (row_read_address(&row, &first) < 0 || row_read_address(&row, &last) < 0)
			return -EUCLEAN;
		if (first.family == address->family && first.value <= address->value && address->value <= last.value)
			return 1;
	}
	return 0;
}

/**
 * next_holding() - Walk through the pools that have an address in their spans
 * @store:	Store, in a transaction
 * @address:	Address
 * @after:	NULL: the first; else the one behind it
 * @ret_pool:	Pool, may be @after
 *
 * Return: 0, STORE_E_NOT_FOUND at the end, negative errno
 */
static int next_holding(struct store *store, const struct address *address, const struct pool_id *after,
			struct pool_id *ret_pool)
{
	struct bytes row;
	int r;

	for (r = next_row(store, after, ret_pool, &row); r == 0; r = next_row(store, ret_pool, ret_pool, &row)) {
		r = row_holds(row, address);
		if (r)
			return r < 0 ? r : 0;
	}
	return r;
}

/**
 * pool_take() - Have no pool give an address any more
 * @store:	Store, in a writing transaction
 * @address:	Address
 *
 * Return: 0, negative errno
 */
int pool_take(struct store *store, const struct address *address)
{
	struct pool_id pool;
	int r;

	for (r = next_holding(store, address, NULL, &pool); r == 0; r = next_holding(store, address, &pool, &pool)) {
		r = pool_withdraw(store, &pool, address);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

/**
 * pool_rest() - Have an address that is no longer held rest in all pools
 * @store:	Store, in a writing transaction
 * @address:	Address
 * @now:	Seconds since the epoch
 *
 * Return: 0, negative errno
 */
int pool_rest(struct store *store, const struct address *address, uint64_t now)
{
	struct resting resting = {.since = now, .address = *address};
	struct pool_id pool;
	int r;

	for (r = next_holding(store, address, NULL, &pool); r == 0; r = next_holding(store, address, &pool, &pool)) {
		r = resting_put(store, &pool, &resting);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

/**
 * pool_free() - Have all pools give an address at once that is no longer held
 * @store:	Store, in a writing transaction
 * @address:	Address
 *
 * Return: 0, negative errno
 */
int pool_free(struct store *store, const struct address *address)
{
	struct pool_id pool;
	int r;

	for (r = next_holding(store, address, NULL, &pool); r == 0; r = next_holding(store, address, &pool, &pool)) {
		r = extent_free(store, &pool, address);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}
