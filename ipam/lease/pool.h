/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_LEASE_POOL_H
#define IPAM_LEASE_POOL_H

/*
 * A pool is what one range set can still give under one guard, kept in the store, so that no ADD or DEL has to look
 * at leases, addresses or reservations one by one. It is built once, when a range set is first seen under a guard,
 * and follows each address taken and released from then on, whichever network that was for. STORE_ADDRESSES says
 * what is held; a pool says only where to look next. -EUCLEAN: a row can't be read.
 */

#include "ipam/address/range.h"
#include "ipam/guard/guard.h"
#include "ipam/store/row.h"

/* pool.c: pools as a whole */
struct pool_id pool_id(const struct range_set *set, const struct guard *guard);
int pool_open(struct store *store, const struct range_set *set, const struct guard *guard, uint64_t now,
	      struct pool_id *ret_pool);
int pool_mature(struct store *store, const struct pool_id *pool, uint64_t now, uint32_t reuse_delay);
int pool_is_full(struct store *store, const struct pool_id *pool);
int pool_remove(struct store *store, const struct pool_id *pool);
int pool_withdraw(struct store *store, const struct pool_id *pool, const struct address *address);

/* pool_build.c */
int pool_build(struct store *store, const struct pool_id *pool, const struct range_set *set, const struct guard *guard,
	       uint64_t now);

/* pool_check.c */
int pool_is_known(struct store *store, struct bytes key);
int pool_row_is_sound(struct store *store, enum store_table table, struct bytes key, struct bytes value);

/* pool_each.c: in every pool that has the address in its spans */
int pool_next(struct store *store, const struct pool_id *after, struct pool_id *ret_pool);
int pool_take(struct store *store, const struct address *address);
int pool_rest(struct store *store, const struct address *address, uint64_t now);
int pool_free(struct store *store, const struct address *address);

#endif
