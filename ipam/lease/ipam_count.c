/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many addresses of a span are in use. */

#include <errno.h>

#include "ipam/lease/ipam.h"
#include "ipam/lease/lease_table.h"
#include "ipam/lease/pool.h"
#include "ipam/lease/resting.h"

/** behind() - What is left of @rest behind an address; false: nothing */
static bool behind(struct span *rest, const struct address *address)
{
	if (address->value == rest->last)
		return false;
	rest->first = address->value + 1;
	return true;
}

/** count_held() - Addresses of a span that are held; 0, negative errno */
static int count_held(struct store *store, const struct span *span, size_t *ret_held)
{
	struct span rest = *span;
	struct address address;
	struct bytes key;
	int r;

	*ret_held = 0;
	while ((r = lease_table_next(store, &rest, &address, &key)) == 0) {
		++*ret_held;
		if (!behind(&rest, &address))
			break;
	}
	return r < 0 ? r : 0;
}

/** count_pool() - Addresses of a span that have rested in a pool since @after or later; 0, negative errno */
static int count_pool(struct store *store, const struct pool_id *pool, const struct span *span, uint64_t after,
		      size_t *resting)
{
	struct span rest = *span;
	struct resting found;
	int r;

	while ((r = resting_find(store, pool, &rest, &found)) == 0) {
		*resting += found.since >= after;
		if (!behind(&rest, &found.address))
			break;
	}
	return r < 0 ? r : 0;
}

/**
 * ipam_count() - Addresses of a span that are in use
 * @store:	Store
 * @span:	Not many addresses: each is looked at
 * @after:	Addresses released before this time, in seconds since the epoch, do not rest any more
 * @ret_held:	Held
 * @ret_resting: Resting; an address that rests in several pools counts in each
 *
 * Return: 0, IPAM_E_DAMAGED, negative errno
 */
int ipam_count(struct store *store, const struct span *span, uint64_t after, size_t *ret_held, size_t *ret_resting)
{
	struct pool_id pool;
	int r = store->ops->begin(store, false);

	*ret_resting = 0;
	if (r < 0)
		return lease_table_outcome(r);
	r = count_held(store, span, ret_held);
	if (r == 0) {
		r = pool_next(store, NULL, &pool);
		while (r == 0) {
			r = count_pool(store, &pool, span, after, ret_resting);
			if (r == 0)
				r = pool_next(store, &pool, &pool);
		}
	}
	store->ops->abort(store);
	return r < 0 ? lease_table_outcome(r) : 0;
}
