/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_LEASE_EXTENT_H
#define IPAM_LEASE_EXTENT_H

/*
 * The free addresses of one pool as extents in the store (STORE_FREE): disjoint, so that each step below is a few
 * descents of the store's tree, however large, full or fragmented the pool is. -EUCLEAN: a row can't be read.
 */

#include "ipam/store/row.h"

int extent_find(struct store *store, const struct pool_id *pool, const struct span *within,
		struct address *ret_address);
int extent_add(struct store *store, const struct pool_id *pool, const struct span *extent);
int extent_free(struct store *store, const struct pool_id *pool, const struct address *address);
int extent_check(struct store *store, const struct pool_id *pool, struct bytes key, struct bytes value);
int extent_take(struct store *store, const struct pool_id *pool, const struct address *address);

#endif
