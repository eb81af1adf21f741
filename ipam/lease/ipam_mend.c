/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows that can't be read are repaired from those that can. Leases and what packets leave by are the truth and stay as
 * they are; who holds an address is written again from the leases; pools only say where to look next, and one of which a
 * row can't be read is dropped, to be built again by whoever needs it. Its addresses that rest go on resting: they move
 * to a pool that gives nothing, from which a pool that is built takes them over.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/lease/ipam.h"
#include "ipam/lease/lease_table.h"
#include "ipam/lease/pool.h"
#include "ipam/lease/resting.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** Where addresses rest whose pool was dropped: no digest is this one */
static const struct pool_id remnant = {{0}};

/**
 * struct mending - Rows that are being repaired
 * @store:	Store, in a writing transaction
 * @table:	Which is being looked through
 * @pools:	Those of which a row can't be read
 * @all:	Each one may lack a row
 * @resting:	Their addresses that rest
 * @n_repaired:	Rows that could not be read, or were missing
 */
struct mending {
	struct store *store;
	enum store_table table;
	struct pool_id *pools;
	size_t n_pools, pools_room;
	bool all;
	struct resting *resting;
	size_t n_resting, resting_room;
	size_t n_repaired;
};

static void mending_done(struct mending *mending)
{
	free(mending->pools);
	free(mending->resting);
}

/** row_fn - Look at a row, which it may change or remove: 0, negative errno */
typedef int (*row_fn)(struct mending *mending, struct bytes key, struct bytes value);

/** each_row() - Look at all rows of a table: 0, negative errno */
static int each_row(struct mending *mending, enum store_table table, row_fn look)
{
	struct store *store = mending->store;
	struct row_key at = {.size = 0};
	struct bytes key, value;
	bool begun = false;
	int r;

	mending->table = table;
	while ((r = store->ops->seek(store, table, row_key_bytes(&at), begun, &key, &value)) == 0) {
		r = row_key_read(key, &at);
		if (r == 0)
			r = look(mending, key, value);
		if (r < 0)
			return r;
		begun = true;
	}
	return r < 0 ? r : 0;
}

/** drop() - Remove a row of the table that is being looked through: 0, negative errno */
static int drop(struct mending *mending, struct bytes key)
{
	struct row_key copy;
	int r = row_key_read(key, &copy);

	if (r == 0)
		r = mending->store->ops->remove(mending->store, mending->table, row_key_bytes(&copy));
	mending->n_repaired++;
	return r < 0 ? r : 0;
}

/** note_pool() - Note that the pool which a key begins with is to be dropped: 0, -ENOMEM */
static int note_pool(struct mending *mending, struct bytes key, struct bytes value)
{
	struct pool_id pool, *pools;

	(void)value;
	if (row_read(&key, pool.bytes, sizeof(pool.bytes)) < 0)
		return 0;
	for (size_t i = 0; i < mending->n_pools; i++)
		if (memcmp(&mending->pools[i], &pool, sizeof(pool)) == 0)
			return 0;
	pools = array_room(mending->pools, mending->n_pools, &mending->pools_room, sizeof(*pools));
	if (!pools)
		return -ENOMEM;
	mending->pools = pools;
	pools[mending->n_pools++] = pool;
	return 0;
}

/** look_at_address() - Remove what is under no address. Whoever holds one that can't be told goes on holding it */
static int look_at_address(struct mending *mending, struct bytes key, struct bytes value)
{
	struct bytes rest = key;
	struct address address;

	(void)value;
	return row_read_address(&rest, &address) < 0 || rest.size ? drop(mending, key) : 0;
}

/** hold() - Have a lease hold an address that it lists, unless another one does: 0, negative errno */
static int hold(struct mending *mending, const struct row_key *lease, const struct address *address)
{
	struct row_key row = row_key_of_address(address);
	struct bytes holder;
	int r = lease_table_find(mending->store, address, &holder);

	if (r < 0 || (r == 0 && holder.size == sizeof(struct attachment_key)))
		return r;
	mending->n_repaired++;
	return mending->store->ops->put(mending->store, STORE_ADDRESSES, row_key_bytes(&row), row_key_bytes(lease));
}

/** look_at_lease() - Have a lease that can be read hold what it lists */
static int look_at_lease(struct mending *mending, struct bytes key, struct bytes value)
{
	struct row_key copy;
	struct lease lease;
	int r = 0;

	if (key.size != sizeof(struct attachment_key) || lease_decode(value, &lease))
		return 0;
	(void)row_key_read(key, &copy);
	for (size_t i = 0; i < lease.n_addresses && r == 0; i++)
		r = hold(mending, &copy, &lease.addresses[i]);
	return r;
}

/** look_at_pool_row() - Note the pool of a row that can't be read; where nobody can tell which one it is, all of them */
static int look_at_pool_row(struct mending *mending, struct bytes key, struct bytes value)
{
	int r = pool_row_is_sound(mending->store, mending->table, key, value);

	if (r)
		return r < 0 ? r : 0;
	r = pool_is_known(mending->store, key);
	if (r < 0)
		return r;
	mending->all |= !r;
	if (key.size < sizeof(struct pool_id))
		return drop(mending, key);
	mending->n_repaired++;
	return note_pool(mending, key, value);
}

/** note_resting() - Keep an address that rests: 0, -ENOMEM */
static int note_resting(struct mending *mending, const struct resting *resting)
{
	struct resting *all = array_room(mending->resting, mending->n_resting, &mending->resting_room, sizeof(*all));

	if (!all)
		return -ENOMEM;
	mending->resting = all;
	all[mending->n_resting++] = *resting;
	return 0;
}

/** keep_resting() - Of a pool that is dropped keep what rests: rows of one of the two tables */
static int keep_resting(struct mending *mending, struct bytes key, struct bytes value)
{
	struct resting resting;
	bool is_dropped = false;

	for (size_t i = 0; i < mending->n_pools && !is_dropped; i++)
		is_dropped = row_read_pool(&(struct bytes){key.data, key.size}, &mending->pools[i]) == 0;
	if (!is_dropped || resting_read(mending->table, key, value, &resting) < 0)
		return 0;
	return note_resting(mending, &resting);
}

/** put_remnant() - Have addresses rest of whose pools nothing else is left: 0, negative errno */
static int put_remnant(struct mending *mending)
{
	struct store *store = mending->store;
	uint8_t unused[ROW_NUMBER_BYTES];
	int r;

	if (!mending->n_resting)
		return 0;
	(void)row_write_number(unused, 0);
	r = store->ops->put(store, STORE_POOLS, bytes_of(remnant.bytes, sizeof(remnant.bytes)),
			    bytes_of(unused, sizeof(unused)));
	for (size_t i = 0; i < mending->n_resting && r == 0; i++) {
		struct span span = span_of_address(&mending->resting[i].address);
		struct resting before;

		/* Each was found by its time, and again by its address. */
		r = resting_find(store, &remnant, &span, &before);
		if (r == STORE_E_NOT_FOUND)
			r = resting_put(store, &remnant, &mending->resting[i]);
	}
	return r;
}

/** drop_pools() - Remove the pools of which a row can't be read, but for what rests: 0, negative errno */
static int drop_pools(struct mending *mending)
{
	int r = mending->all ? each_row(mending, STORE_POOLS, note_pool) : 0;

	if (r == 0)
		r = each_row(mending, STORE_RESTING, keep_resting);
	if (r == 0)
		r = each_row(mending, STORE_RESTING_AT, keep_resting);
	for (size_t i = 0; i < mending->n_pools && r == 0; i++)
		r = pool_remove(mending->store, &mending->pools[i]);
	return r < 0 ? r : put_remnant(mending);
}

/** mend() - ipam_mend() within a transaction */
static int mend(struct mending *mending)
{
	static const struct {
		enum store_table table;
		row_fn look;
	} steps[] = {
		{STORE_ADDRESSES, look_at_address}, {STORE_LEASES, look_at_lease},
		{STORE_POOLS, look_at_pool_row},    {STORE_FREE, look_at_pool_row},
		{STORE_RESTING, look_at_pool_row},  {STORE_RESTING_AT, look_at_pool_row},
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(steps) && r == 0; i++)
		r = each_row(mending, steps[i].table, steps[i].look);
	return r < 0 ? r : drop_pools(mending);
}

/**
 * ipam_mend() - Repair rows that can't be read, and keep all others
 * @store:	Store opened for writing, in no transaction; its @n_repaired counts them
 *
 * A lease that can't be read stays as it is, and holds what it held: its own DEL gives that back, its own ADD writes it
 * again.
 *
 * Return: 0, negative errno when nothing was changed: -EUCLEAN when it is not rows but the file that is damaged
 */
int ipam_mend(struct store *store)
{
	CLEANUP(mending_done) struct mending mending = {.store = store};
	int r = store->ops->begin(store, true);

	if (r == 0)
		r = store_end(store, mend(&mending));
	if (r == 0)
		store->n_repaired += mending.n_repaired;
	return r;
}
