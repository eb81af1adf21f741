/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_INTERVALS_H
#define IPAM_GUARD_INTERVALS_H

/*
 * Reserved addresses as a sorted array of disjoint intervals, each with the entry that reserves it. Flat: it can be
 * written to a file and mapped. Pure.
 */

#include "ipam/address/address.h"
#include "rangeguard/outcome.h"

/**
 * struct interval - Addresses that are reserved, all by the same entry
 * @first:	First address
 * @last:	Last address
 * @row:	Index of the entry that won
 * @run_end:	Index of the last interval of the run, in which one interval begins where the one before ends
 * @zero:	Always 0
 */
struct interval {
	u128 first;
	u128 last;
	uint32_t row;
	uint32_t run_end;
	uint64_t zero;
};

/** intervals_fetch_fn - Get interval @index from where it is kept: 0, negative errno */
typedef int (*intervals_fetch_fn)(void *userdata, size_t index, struct interval *ret_interval);

/**
 * struct intervals - The intervals of both families
 * @all:	Those of IPv4, then those of IPv6, each by address; NULL when they are not in memory
 * @n:		How many
 * @n_ipv4:	How many of them are IPv4
 * @fetch:	Gets one of those that are not in memory
 * @userdata:	For it
 */
struct intervals {
	struct interval *all;
	size_t n;
	size_t n_ipv4;
	intervals_fetch_fn fetch;
	void *userdata;
};

/** Named outcomes beside 0 and negative errno */
enum intervals_outcome {
	INTERVALS_E_NONE = OUTCOMES_INTERVALS,
};

/** Size of intervals_digest() */
#define INTERVALS_DIGEST_BYTES 16

int intervals_init(struct intervals *intervals, size_t capacity);
void intervals_done(struct intervals *intervals);
void intervals_append(struct intervals *intervals, const struct span *span, uint32_t row);
void intervals_finish(struct intervals *intervals);
int intervals_find(const struct intervals *intervals, const struct span *span, struct interval *ret_interval);
int intervals_run_last(const struct intervals *intervals, const struct interval *interval, u128 *ret_last);
int intervals_digest(const struct intervals *intervals, uint8_t ret_digest[static INTERVALS_DIGEST_BYTES]);

#endif
