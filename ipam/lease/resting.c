/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resting addresses of a pool. Rows: pool, since, address -> nothing; pool, address -> since. */

#include "ipam/lease/resting.h"

#include <errno.h>

/** time_key() - Key of @resting in STORE_RESTING */
static struct row_key time_key(const struct pool_id *pool, const struct resting *resting)
{
	struct row_key key;
	uint8_t *at;

	at = row_write_pool(key.data, pool);
	at = row_write_number(at, resting->since);
	at = row_write_address(at, &resting->address);
	key.size = (size_t)(at - key.data);
	return key;
}

/** address_key() - Key of @address in STORE_RESTING_AT */
static struct row_key address_key(const struct pool_id *pool, const struct address *address)
{
	struct row_key key;
	uint8_t *at;

	at = row_write_pool(key.data, pool);
	at = row_write_address(at, address);
	key.size = (size_t)(at - key.data);
	return key;
}

/**
 * resting_put() - Have an address rest
 * @store:	Store
 * @pool:	Pool
 * @resting:	Address that does not rest in this pool yet
 *
 * Return: 0, negative errno
 */
int resting_put(struct store *store, const struct pool_id *pool, const struct resting *resting)
{
	struct row_key by_time = time_key(pool, resting), by_address = address_key(pool, &resting->address);
	uint8_t since[ROW_NUMBER_BYTES];
	int r;

	(void)row_write_number(since, resting->since);
	r = store->ops->put(store, STORE_RESTING, row_key_bytes(&by_time), bytes_of("", 0));
	if (r == 0)
		r = store->ops->put(store, STORE_RESTING_AT, row_key_bytes(&by_address),
				    bytes_of(since, sizeof(since)));
	return r;
}

/**
 * resting_remove() - End an address's rest
 * @store:	Store
 * @pool:	Pool
 * @address:	Address
 *
 * Return: 0, STORE_E_NOT_FOUND when it does not rest, negative errno
 */
int resting_remove(struct store *store, const struct pool_id *pool, const struct address *address)
{
	struct row_key by_address = address_key(pool, address), by_time;
	struct resting resting = {.address = *address};
	struct bytes value;
	int r;

	r = store->ops->get(store, STORE_RESTING_AT, row_key_bytes(&by_address), &value);
	if (r)
		return r;
	if (row_read_number(&value, &resting.since) < 0 || value.size)
		return -EUCLEAN;
	by_time = time_key(pool, &resting);
	r = store->ops->remove(store, STORE_RESTING, row_key_bytes(&by_time));
	if (r == 0)
		r = store->ops->remove(store, STORE_RESTING_AT, row_key_bytes(&by_address));
	return r == STORE_E_NOT_FOUND ? -EUCLEAN : r;
}

/**
 * resting_next() - Walk through resting addresses, the one released first first
 * @store:		Store
 * @pool:		Pool
 * @after:		NULL: the first of all; else the one behind it, which need not be there any more
 * @ret_resting:	Address, may be @after
 *
 * Return: 0, STORE_E_NOT_FOUND at the end, negative errno
 */
int resting_next(struct store *store, const struct pool_id *pool, const struct resting *after,
		 struct resting *ret_resting)
{
	struct row_key key = {.size = sizeof(pool->bytes)};
	struct bytes found, value;
	struct resting resting;
	int r;

	(void)row_write_pool(key.data, pool);
	if (after)
		key = time_key(pool, after);
	r = store->ops->seek(store, STORE_RESTING, row_key_bytes(&key), true, &found, &value);
	if (r == 0)
		r = row_read_pool(&found, pool);
	if (r)
		return r;
	if (row_read_number(&found, &resting.since) < 0 || row_read_address(&found, &resting.address) < 0 || found.size)
		return -EUCLEAN;
	*ret_resting = resting;
	return 0;
}

/**
 * resting_find() - The first resting address in a span
 * @store:		Store
 * @pool:		Pool
 * @within:		Span to look in
 * @ret_resting:	Address
 *
 * Return: 0, STORE_E_NOT_FOUND, negative errno
 */
int resting_find(struct store *store, const struct pool_id *pool, const struct span *within,
		 struct resting *ret_resting)
{
	struct address first = {.family = within->family, .value = within->first};
	struct row_key key = address_key(pool, &first);
	struct bytes found, value;
	struct resting resting;
	int r;

	r = store->ops->seek(store, STORE_RESTING_AT, row_key_bytes(&key), false, &found, &value);
	if (r == 0)
		r = row_read_pool(&found, pool);
	if (r)
		return r;
	if (row_read_address(&found, &resting.address) < 0 || found.size ||
	    row_read_number(&value, &resting.since) < 0 || value.size)
		return -EUCLEAN;
	if (!span_contains(within, &resting.address))
		return STORE_E_NOT_FOUND;
	*ret_resting = resting;
	return 0;
}

/**
 * resting_read() - Read a row of whatever pool
 * @table:		STORE_RESTING or STORE_RESTING_AT
 * @key:		Its key
 * @value:		Its value
 * @ret_resting:	Address
 *
 * Return: 0, -EUCLEAN
 */
int resting_read(enum store_table table, struct bytes key, struct bytes value, struct resting *ret_resting)
{
	struct bytes *since = table == STORE_RESTING ? &key : &value;
	struct pool_id pool;

	if (row_read(&key, pool.bytes, sizeof(pool.bytes)) < 0 || row_read_number(since, &ret_resting->since) < 0 ||
	    row_read_address(&key, &ret_resting->address) < 0 || key.size || value.size)
		return -EUCLEAN;
	return 0;
}

/**
 * resting_check() - Whether a row can be read, and the other table says the same
 * @store:	Store
 * @pool:	Pool
 * @table:	STORE_RESTING or STORE_RESTING_AT
 * @key:	Its key
 * @value:	Its value
 *
 * Return: 0, -EUCLEAN, negative errno
 */
int resting_check(struct store *store, const struct pool_id *pool, enum store_table table, struct bytes key,
		  struct bytes value)
{
	struct row_key by_address, by_time;
	struct resting resting, other;
	int r = resting_read(table, key, value, &resting);

	if (r < 0)
		return r;
	by_address = address_key(pool, &resting.address);
	by_time = time_key(pool, &resting);
	if (table == STORE_RESTING_AT) {
		r = store->ops->get(store, STORE_RESTING, row_key_bytes(&by_time), &value);
		return r == STORE_E_NOT_FOUND ? -EUCLEAN : r;
	}
	r = store->ops->get(store, STORE_RESTING_AT, row_key_bytes(&by_address), &value);
	if (r == 0)
		r = resting_read(STORE_RESTING_AT, row_key_bytes(&by_address), value, &other);
	return r == STORE_E_NOT_FOUND || (r == 0 && other.since != resting.since) ? -EUCLEAN : r;
}
