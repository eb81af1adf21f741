/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_LEASE_CHOICE_H
#define IPAM_LEASE_CHOICE_H

/*
 * Choosing one address for one range set of a request: the one asked for by name, or the next one that may be given.
 * Chooses only; taking it is ipam.c's.
 */

#include "ipam/lease/ipam.h"
#include "ipam/store/row.h"

/**
 * struct choice - An address to be chosen
 * @store:	Store, in a writing transaction
 * @request:	Request
 * @set:	Index of the range set
 * @pool:	Pool of that set
 * @skips_left:	Addresses that may still be passed over; choice_next()'s own
 */
struct choice {
	struct store *store;
	const struct ipam_request *request;
	size_t set;
	struct pool_id pool;
	unsigned skips_left;
};

int choice_assign_names(const struct ipam_request *request, const struct address *ret_names[static LIMIT_RANGE_SETS],
			struct ipam_refusal *reterr_refusal);
int choice_named(const struct choice *choice, const struct address *address, struct ipam_refusal *reterr_refusal);
int choice_next(struct choice *choice, struct address *ret_address, struct ipam_refusal *reterr_refusal);
int choice_ask_veto(const struct ipam_request *request, size_t set, const struct address *address, bool requested);
bool choice_is_excluded(const struct ipam_request *request, const struct address *address);
bool choice_may_have(const struct ipam_request *request, const struct address *address);
int choice_own(const struct choice *choice, struct address *ret_address, struct ipam_refusal *reterr_refusal);
int choice_set_cursor(const struct choice *choice, const struct address *address);

#endif
