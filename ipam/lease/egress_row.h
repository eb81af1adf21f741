/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_LEASE_EGRESS_ROW_H
#define IPAM_LEASE_EGRESS_ROW_H

/*
 * How packets leave, as many leases have it in common: bytes that mean something to others, stored once under their
 * digest with the number of leases that name it. A row whose number is 0 stays until somebody has undone what was made
 * from it.
 */

#include "ipam/lease/ipam.h"

int egress_row_take(struct store *store, uint64_t digest, struct bytes definition);
int egress_row_set_users(struct store *store, const struct ipam_egress *egress, uint64_t users);
int egress_row_release(struct store *store, uint64_t digest);
int egress_row_get(struct store *store, uint64_t digest, struct ipam_egress *ret_egress);
int egress_row_remove(struct store *store, uint64_t digest);
int egress_row_next(struct store *store, struct row_key *at, struct ipam_egress *ret_egress);

/* egress_recount.c */
int egress_row_recount(struct store *store);

#endif
