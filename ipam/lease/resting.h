/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_LEASE_RESTING_H
#define IPAM_LEASE_RESTING_H

/*
 * The addresses of one pool that were released and are not given again yet, in the store: by time of release
 * (STORE_RESTING), and by address (STORE_RESTING_AT). -EUCLEAN: a row can't be read.
 */

#include "ipam/store/row.h"

/** struct resting - An address and when it was released, in seconds since the epoch */
struct resting {
	uint64_t since;
	struct address address;
};

int resting_put(struct store *store, const struct pool_id *pool, const struct resting *resting);
int resting_remove(struct store *store, const struct pool_id *pool, const struct address *address);
int resting_read(enum store_table table, struct bytes key, struct bytes value, struct resting *ret_resting);
int resting_check(struct store *store, const struct pool_id *pool, enum store_table table, struct bytes key,
		  struct bytes value);
int resting_next(struct store *store, const struct pool_id *pool, const struct resting *after,
		 struct resting *ret_resting);
int resting_find(struct store *store, const struct pool_id *pool, const struct span *within,
		 struct resting *ret_resting);

#endif
