/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_LEASE_LEASE_TABLE_H
#define IPAM_LEASE_LEASE_TABLE_H

/*
 * What an attachment holds, in the store: a lease (STORE_LEASES) that lists its addresses, and for each of these who
 * has it (STORE_ADDRESSES). Both always change together, and the pools with them.
 */

#include "ipam/lease/ipam.h"

int lease_table_outcome(int r);
int lease_table_get(struct store *store, const struct attachment *attachment, const struct attachment_key *key,
		    struct lease *ret_lease);
int lease_table_find(struct store *store, const struct address *address, struct bytes *ret_key);
int lease_table_next(struct store *store, const struct span *within, struct address *ret_address,
		     struct bytes *ret_key);
int lease_table_take(struct store *store, const struct attachment_key *key, const struct address *address);
int lease_table_put(struct store *store, const struct attachment_key *key, const struct lease *lease);
int lease_table_give_back(struct store *store, const struct attachment_key *key, const struct lease *lease,
			  const uint64_t *released);

#endif
