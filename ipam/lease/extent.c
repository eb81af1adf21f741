/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Free extents of a pool. A row: pool, first address -> last address. */

#include "ipam/lease/extent.h"

#include <errno.h>

/** key_of() - Key of the extent of @pool that begins at @first */
static struct row_key key_of(const struct pool_id *pool, const struct address *first)
{
	struct row_key key;
	uint8_t *at;

	at = row_write_pool(key.data, pool);
	at = row_write_address(at, first);
	key.size = (size_t)(at - key.data);
	return key;
}

/**
 * read_extent() - Read a row
 * @pool:	Pool expected
 * @key:	Key of the row
 * @value:	Value of the row
 * @ret_extent:	Extent
 *
 * Return: 0, STORE_E_NOT_FOUND when it is another pool's, -EUCLEAN
 */
static int read_extent(const struct pool_id *pool, struct bytes key, struct bytes value, struct span *ret_extent)
{
	struct address first, last;
	int r;

	r = row_read_pool(&key, pool);
	if (r)
		return r;
	if (row_read_address(&key, &first) < 0 || key.size || row_read_address(&value, &last) < 0 || value.size)
		return -EUCLEAN;
	if (first.family != last.family || first.value > last.value)
		return -EUCLEAN;
	*ret_extent = (struct span){.family = first.family, .first = first.value, .last = last.value};
	return 0;
}

/**
 * extent_add() - Write an extent: the building stone of a new pool
 * @store:	Store
 * @pool:	Pool
 * @extent:	Addresses none of which is free; an extent that begins at the same address is replaced
 *
 * Return: 0, negative errno
 */
int extent_add(struct store *store, const struct pool_id *pool, const struct span *extent)
{
	struct address first = {.family = extent->family, .value = extent->first};
	struct address last = {.family = extent->family, .value = extent->last};
	struct row_key key = key_of(pool, &first);
	uint8_t value[ROW_ADDRESS_BYTES];

	(void)row_write_address(value, &last);
	return store->ops->put(store, STORE_FREE, row_key_bytes(&key), bytes_of(value, sizeof(value)));
}

/**
 * remove_extent() - Remove an extent
 * @store:	Store
 * @pool:	Pool
 * @first:	Where it begins
 *
 * Return: 0, -EUCLEAN when there is none, negative errno
 */
static int remove_extent(struct store *store, const struct pool_id *pool, const struct address *first)
{
	struct row_key key = key_of(pool, first);
	int r = store->ops->remove(store, STORE_FREE, row_key_bytes(&key));

	return r == STORE_E_NOT_FOUND ? -EUCLEAN : r;
}

/**
 * find_before() - The last extent that begins at or before an address
 * @store:	Store
 * @pool:	Pool
 * @address:	Address
 * @ret_extent:	Extent
 *
 * Return: 0, STORE_E_NOT_FOUND, negative errno
 */
static int find_before(struct store *store, const struct pool_id *pool, const struct address *address,
		       struct span *ret_extent)
{
	struct row_key key = key_of(pool, address);
	struct bytes found, value;
	int r;

	r = store->ops->seek_back(store, STORE_FREE, row_key_bytes(&key), &found, &value);
	if (r)
		return r;
	return read_extent(pool, found, value, ret_extent);
}

/**
 * find_behind() - The first extent that begins behind an address
 * @store:	Store
 * @pool:	Pool
 * @address:	Address
 * @ret_extent:	Extent
 *
 * Return: 0, STORE_E_NOT_FOUND, negative errno
 */
static int find_behind(struct store *store, const struct pool_id *pool, const struct address *address,
		       struct span *ret_extent)
{
	struct row_key key = key_of(pool, address);
	struct bytes found, value;
	int r;

	r = store->ops->seek(store, STORE_FREE, row_key_bytes(&key), true, &found, &value);
	if (r)
		return r;
	return read_extent(pool, found, value, ret_extent);
}

/**
 * extent_find() - The first free address in a span
 * @store:		Store
 * @pool:		Pool
 * @within:		Span to look in
 * @ret_address:	Address
 *
 * Return: 0, STORE_E_NOT_FOUND, negative errno
 */
int extent_find(struct store *store, const struct pool_id *pool, const struct span *within, struct address *ret_address)
{
	struct address from = {.family = within->family, .value = within->first};
	struct span extent;
	int r;

	r = find_before(store, pool, &from, &extent);
	if (r == 0 && span_contains(&extent, &from)) {
		*ret_address = from;
		return 0;
	}
	if (r < 0)
		return r;
	r = find_behind(store, pool, &from, &extent);
	if (r)
		return r;
	if (!span_overlaps(within, &extent))
		return STORE_E_NOT_FOUND;
	*ret_address = (struct address){.family = extent.family, .value = extent.first};
	return 0;
}

/**
 * join_before() - Let an extent begin where the one that ends just before it begins
 * @store:	Store
 * @pool:	Pool
 * @extent:	Extent
 *
 * Return: 0, negative errno
 */
static int join_before(struct store *store, const struct pool_id *pool, struct span *extent)
{
	struct address neighbour = {.family = extent->family, .value = extent->first - 1};
	struct span before;
	int r;

	if (extent->first == 0)
		return 0;
	r = find_before(store, pool, &neighbour, &before);
	if (r == 0 && span_contains(&before, &neighbour))
		extent->first = before.first;
	return r < 0 ? r : 0;
}

/**
 * join_behind() - Let an extent swallow the one that begins just behind it
 * @store:	Store
 * @pool:	Pool
 * @extent:	Extent
 *
 * Return: 0, negative errno
 */
static int join_behind(struct store *store, const struct pool_id *pool, struct span *extent)
{
	struct address last = {.family = extent->family, .value = extent->last};
	struct address neighbour = {.family = extent->family, .value = extent->last + 1};
	struct span behind;
	int r;

	r = find_behind(store, pool, &last, &behind);
	if (r)
		return r < 0 ? r : 0;
	if (behind.family != extent->family || behind.first != neighbour.value)
		return 0;
	extent->last = behind.last;
	return remove_extent(store, pool, &neighbour);
}

/**
 * extent_free() - Make one address free, and one extent of it and its neighbours
 * @store:	Store
 * @pool:	Pool
 * @address:	Address that is not free
 *
 * Return: 0, negative errno
 */
int extent_free(struct store *store, const struct pool_id *pool, const struct address *address)
{
	struct span extent = span_of_address(address);
	int r;

	r = join_before(store, pool, &extent);
	if (r == 0)
		r = join_behind(store, pool, &extent);
	if (r < 0)
		return r;
	return extent_add(store, pool, &extent);
}

/**
 * extent_take() - Make one address no longer free
 * @store:	Store
 * @pool:	Pool
 * @address:	Address
 *
 * Return: 0, STORE_E_NOT_FOUND when it is not free, negative errno
 */
int extent_take(struct store *store, const struct pool_id *pool, const struct address *address)
{
	struct span extent, before, behind;
	struct address first;
	int r;

	r = find_before(store, pool, address, &extent);
	if (r)
		return r;
	if (!span_contains(&extent, address))
		return STORE_E_NOT_FOUND;
	before = behind = extent;
	before.last = address->value - 1;
	behind.first = address->value + 1;
	first = (struct address){.family = extent.family, .value = extent.first};

	if (extent.first < address->value)
		r = extent_add(store, pool, &before);
	else
		r = remove_extent(store, pool, &first);
	if (r == 0 && address->value < extent.last)
		r = extent_add(store, pool, &behind);
	return r;
}

/**
 * extent_check() - Whether a row can be read, and has nothing in common with the one behind it
 * @store:	Store
 * @pool:	Pool
 * @key:	Key of the row
 * @value:	Value of the row
 *
 * Return: 0, -EUCLEAN, negative errno
 */
int extent_check(struct store *store, const struct pool_id *pool, struct bytes key, struct bytes value)
{
	struct span extent, behind;
	struct address first;
	int r = read_extent(pool, key, value, &extent);

	if (r)
		return r < 0 ? r : -EUCLEAN;
	first = (struct address){.family = extent.family, .value = extent.first};
	r = find_behind(store, pool, &first, &behind);
	/* That row is looked at in its turn. */
	if (r == STORE_E_NOT_FOUND || r == -EUCLEAN)
		return 0;
	return r == 0 && span_overlaps(&extent, &behind) ? -EUCLEAN : r;
}
