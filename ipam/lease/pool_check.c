/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the rows of a pool can be read, and go together. */

#include <errno.h>

#include "ipam/lease/extent.h"
#include "ipam/lease/pool.h"
#include "ipam/lease/resting.h"

/** is_own_row() - Whether a pool's own row can be read: when it was last used, then its spans */
static bool is_own_row(struct bytes key, struct bytes row)
{
	struct address first, last;
	uint64_t used;

	if (key.size || row_read_number(&row, &used) < 0)
		return false;
	while (row.size)
		if (row_read_address(&row, &first) < 0 || row_read_address(&row, &last) < 0)
			return false;
	return true;
}

/** pool_is_known() - Whether the pool that a key begins with is there: 1, 0, negative errno */
int pool_is_known(struct store *store, struct bytes key)
{
	struct bytes row;
	int r;

	if (key.size < sizeof(struct pool_id))
		return 0;
	r = store->ops->get(store, STORE_POOLS, bytes_of(key.data, sizeof(struct pool_id)), &row);
	return r < 0 ? r : r == 0;
}

/**
 * pool_row_is_sound() - Whether a row of a pool can be read, and agrees with the pool's others
 * @store:	Store, in a transaction
 * @table:	STORE_POOLS, STORE_FREE, STORE_RESTING or STORE_RESTING_AT
 * @key:	Its key, borrowed
 * @value:	Its value, borrowed
 *
 * Return: 1, 0, negative errno
 */
int pool_row_is_sound(struct store *store, enum store_table table, struct bytes key, struct bytes value)
{
	struct bytes rest = key;
	struct pool_id pool;
	int r;

	if (row_read(&rest, pool.bytes, sizeof(pool.bytes)) < 0)
		return 0;
	if (table == STORE_POOLS)
		return is_own_row(rest, value);
	r = pool_is_known(store, key);
	if (r <= 0)
		return r;
	r = table == STORE_FREE ? extent_check(store, &pool, key, value)
				: resting_check(store, &pool, table, key, value);
	return r == -EUCLEAN ? 0 : r < 0 ? r : 1;
}
